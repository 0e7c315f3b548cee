//! No silent administrator: an officer's act is in the log before its answer leaves (house.md §5).

use std::sync::Arc;

use chat::{Act, EventKind};
use ingest::{Ingest, Receipt};

use crate::auth::Caller;
use crate::problem::{Problem, Result};

/// Writes officers' acts into the log.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    ingest: Arc<Ingest>,
}

impl Audit {
    /// Returns the audit of the archive that this ingest writes to.
    pub(crate) const fn new(ingest: Arc<Ingest>) -> Self {
        Self { ingest }
    }

    /// Records an act of a caller. On return it is on disk; without it there is no answer.
    pub(crate) async fn record(&self, caller: &Caller, act: Act) -> Result<Receipt> {
        let ingest = Arc::clone(&self.ingest);
        let act = signed(caller, act);
        crate::jobs::blocking(move || ingest.record_act(EventKind::Officer, None, act).map_err(Problem::from)).await
    }

    /// Records an act from a thread that may wait.
    pub(crate) fn record_now(&self, caller: &Caller, act: Act) -> Result<Receipt> {
        Ok(self.ingest.record_act(EventKind::Officer, None, signed(caller, act))?)
    }
}

/// Adds who acted and by which way they came in.
fn signed(caller: &Caller, act: Act) -> Act {
    act.with("by", caller.name.as_str())
        .with("way", caller.way_word())
        .with_some("credential_used", caller.credential())
}
