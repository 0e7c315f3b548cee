//! What time it is for retention. A clock may lie in both directions; what it must never do is destroy something early.

use chat::Timestamp;

/// How far the clock may run ahead of what the log has shown, in microseconds: 72 hours. More has to be approved.
pub const JUMP_MICROS_MAX: i64 = 72 * 3_600 * 1_000_000;

/// The time by which retention judges.
///
/// The log shows time as it goes on: each officer's act moves the accepted time forward, by at most [`JUMP_MICROS_MAX`]. A clock
/// that was set back leaves the accepted time where it was. One that was set forward, or a machine that stood still, leaves it
/// there too, until an approver has said that the new time is right. So nothing is ever due before its time has been shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AcceptedTime {
    accepted: Option<Timestamp>,
}

/// A jump of the clock that nobody has approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Jump {
    /// The accepted time.
    pub from: Timestamp,
    /// What the clock says.
    pub to: Timestamp,
}

impl AcceptedTime {
    /// Takes note of a time that the log shows.
    pub fn see(&mut self, shown: Timestamp) {
        self.accepted = self.judge(shown).ok().or(self.accepted);
    }

    /// Accepts a time that an approver says is right. It never goes back.
    pub fn approve(&mut self, moment: Timestamp) {
        self.accepted = self.accepted.max(Some(moment));
    }

    /// Returns the time for a decision, given what the clock says: never before what was accepted, and refused where it lies too far
    /// ahead of it.
    pub fn judge(&self, clock: Timestamp) -> Result<Timestamp, Jump> {
        match self.accepted {
            Some(from) if clock > from.plus_micros(JUMP_MICROS_MAX) => {
                Err(Jump { from, to: clock })
            }
            Some(from) => Ok(clock.max(from)),
            None => Ok(clock),
        }
    }

    /// Returns the time up to which nothing has to be approved.
    pub const fn accepted(&self) -> Option<Timestamp> {
        self.accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(count: i64) -> Timestamp {
        Timestamp::EPOCH.plus_micros(count * 3_600_000_000)
    }

    #[test]
    fn t8_a_clock_set_back_moves_nothing() {
        let mut time = AcceptedTime::default();
        time.see(hours(100));
        time.see(hours(1));
        assert_eq!(time.judge(hours(2)), Ok(hours(100)));
    }

    #[test]
    fn a_clock_set_forward_waits_for_an_approver_however_often_it_is_read() {
        let mut time = AcceptedTime::default();
        time.see(hours(100));
        for _ in 0..1_000 {
            time.see(hours(100_000));
        }
        let jump = Jump { from: hours(100), to: hours(100_000) };
        assert_eq!(time.judge(hours(100_000)), Err(jump));
        assert_eq!(time.judge(hours(172)), Ok(hours(172)));
        time.approve(hours(99_990));
        assert_eq!(time.judge(hours(100_000)), Ok(hours(100_000)));
        time.approve(hours(5));
        assert_eq!(time.accepted(), Some(hours(99_990)));
    }
}
