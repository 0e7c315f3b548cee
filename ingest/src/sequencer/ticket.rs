//! The claim to the outcome of a batch.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use archive::{Archive, Pending};
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
    pending: Pending,
    archive: Arc<Archive>,
    stopped: Arc<OnceLock<String>>,
}

impl Ticket {
    pub(super) fn new(
        (answer, pending): (Receiver<Result<Prepared>>, Pending),
        archive: Arc<Archive>,
        stopped: Arc<OnceLock<String>>,
    ) -> Self {
        Self { answer, pending, archive, stopped }
    }

    /// Waits until the batch, and every event that it was found to repeat, is on disk and synced.
    pub(crate) fn wait(self) -> Result<Vec<Outcome>> {
        let Self { answer, pending, archive, stopped } = self;
        // First for the disk: by then the sequencer has long answered, and who waits is woken once.
        let leaves = pending.wait();
        let Ok(prepared) = answer.recv() else {
            let reason = stopped.get().cloned();
            let reason = reason.unwrap_or_else(|| "it was closed".to_owned());
            return Err(Error::SequencerStopped { reason });
        };
        let Prepared { first, is_added, written } = prepared?;
        let leaves =
            if is_added { leaves.map_err(|source| Error::Archive { source })? } else { Vec::new() };
        if let Some(last) = written.iter().map(|written| written.seq).max() {
            wait_for(&archive, last)?;
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
}

/// Waits until an event is durable that another batch brought.
fn wait_for(archive: &Arc<Archive>, seq: Seq) -> Result<()> {
    while archive.size() < seq.get() {
        let _is_there = archive.tail(seq).wait(LOOK);
        // Reading asks the archive whether its writer still lives.
        archive.read(Seq::FIRST).map_err(|source| Error::Archive { source })?;
    }
    Ok(())
}
