//! The claim to the outcome of a batch.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use archive::Archive;
use chat::Seq;

use super::desk::{Prepared, Written};
use crate::error::{Error, Result};
use crate::receipt::{Outcome, Receipt};

/// How long one look for durability waits before the archive is asked whether it has stopped.
const LOOK: Duration = Duration::from_millis(250);

/// A batch that is being recorded. Dropping it does not take the batch back.
#[derive(Debug)]
#[must_use = "events are recorded only when wait has returned"]
pub(crate) struct Ticket {
    answer: Receiver<Result<Prepared>>,
    archive: Arc<Archive>,
    stopped: Arc<OnceLock<String>>,
}

impl Ticket {
    pub(super) const fn new(
        answer: Receiver<Result<Prepared>>,
        archive: Arc<Archive>,
        stopped: Arc<OnceLock<String>>,
    ) -> Self {
        Self { answer, archive, stopped }
    }

    /// Waits until the batch, and every event that it was found to repeat, is on disk and synced.
    pub(crate) fn wait(self) -> Result<Vec<Outcome>> {
        let Ok(prepared) = self.answer.recv() else {
            let reason = self.stopped.get().cloned();
            let reason = reason.unwrap_or_else(|| "it was closed".to_owned());
            return Err(Error::SequencerStopped { reason });
        };
        let Prepared { first, pending, written } = prepared?;
        let leaves = match pending {
            Some(pending) => pending.wait().map_err(|source| Error::Archive { source })?,
            None => Vec::new(),
        };
        if let Some(last) = written.iter().map(|written| written.seq).max() {
            self.wait_for(last)?;
        }
        let own = |seq: Seq| {
            let place = seq.get().checked_sub(first.get())?;
            leaves.get(usize::try_from(place).ok()?).copied()
        };
        let outcome = |Written { verdict, seq, recorded_at }| Outcome {
            verdict,
            receipt: Receipt { seq, leaf: own(seq), recorded_at },
        };
        Ok(written.into_iter().map(outcome).collect())
    }

    /// Waits until an event is durable that another batch brought.
    fn wait_for(&self, seq: Seq) -> Result<()> {
        while self.archive.size() < seq.get() {
            let _is_there = self.archive.tail(seq).wait(LOOK);
            // Reading asks the archive whether its writer still lives.
            self.archive.read(Seq::FIRST).map_err(|source| Error::Archive { source })?;
        }
        Ok(())
    }
}
