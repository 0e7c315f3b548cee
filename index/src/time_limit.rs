//! How long one search may take (reliability.md P12): looked at before each segment and before each batch of texts that is
//! read back, which is where all the time of a costly query goes.

use std::sync::Arc;
use std::time::Duration;

use chat::{Clock, Timestamp};

use crate::error::{Error, Result};

/// The end of the time that a search has, if it has one. A clock that is set back lengthens it.
#[derive(Debug, Clone)]
pub(crate) struct TimeLimit(Option<Ends>);

#[derive(Debug, Clone)]
struct Ends {
    clock: Arc<dyn Clock>,
    at: Timestamp,
    limit: Duration,
}

impl TimeLimit {
    /// Returns a limit that begins now.
    pub(crate) fn beginning(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        let micros = i64::try_from(limit.as_micros()).unwrap_or(i64::MAX);
        let at = Timestamp::from_micros(clock.now().micros().saturating_add(micros));
        Self(Some(Ends { clock, at, limit }))
    }

    /// Returns no limit: for what runs as a job.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Refuses to go on once the time is over.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.0 {
            Some(ends) if ends.clock.now() > ends.at => {
                Err(Error::TimeSpent { limit_seconds: ends.limit.as_secs() })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::testing::FixedClock;

    use super::*;

    #[test]
    fn a_limit_ends_with_its_last_microsecond() {
        let clock = Arc::new(FixedClock::at(Timestamp::from_micros(1_000)));
        let limit = TimeLimit::beginning(Arc::<FixedClock>::clone(&clock), Duration::from_secs(2));
        clock.advance_micros(2_000_000);
        assert!(limit.check().is_ok());
        clock.advance_micros(1);
        assert!(matches!(limit.check(), Err(Error::TimeSpent { limit_seconds: 2 })));
        assert!(TimeLimit::none().check().is_ok());
    }
}
