//! No silent administrator: an officer's act is in the log before its answer leaves (house.md §5).

use std::sync::Arc;

use chat::{Act, EventKind};
use ingest::{Ingest, Officer, Receipt};

use crate::auth::Caller;
use crate::problem::Result;

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
        let (audit, caller) = (self.clone(), caller.clone());
        crate::jobs::blocking(move || audit.record_now(&caller, act)).await
    }

    /// Records an act from a thread that may wait.
    pub(crate) fn record_now(&self, caller: &Caller, act: Act) -> Result<Receipt> {
        let officer = Officer { name: caller.name.clone(), foreign_id: None };
        Ok(self.ingest.record_act(EventKind::Officer, Some(&officer), signed(caller, act))?)
    }
}

/// Adds by which way the officer came in. Who it was is the event's actor.
fn signed(caller: &Caller, act: Act) -> Act {
    act.with("way", caller.way_word()).with_some("credential_used", caller.credential())
}
