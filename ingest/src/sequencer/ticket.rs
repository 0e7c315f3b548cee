//! The claim to the outcome of a batch.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use archive::{Archive, Pending};
use chat::Seq;

use super::counter::Counter;
use super::desk::{Prepared, Written};
use crate::error::{Error, Result};
use crate::receipt::{Outcome, Receipt};

/// How long one look for durability waits before the archive is asked whether it has stopped.
const LOOK: Duration = Duration::from_millis(250);

/// A batch that is being recorded. Dropping it does not take the batch back.
#[derive(Debug)]
#[must_use = "events are recorded only when wait has returned"]
pub(crate) struct Ticket {
    answer: Answer,
    pending: Pending,
    archive: Arc<Archive>,
}

/// What the desk says of a batch.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was prepared, or refused, when it was handed in.
    Given(Result<Prepared>),
    /// The thread will say it.
    Awaited(Receiver<Result<Prepared>>, Arc<Counter>),
}

impl Ticket {
    pub(super) const fn new(answer: Answer, pending: Pending, archive: Arc<Archive>) -> Self {
        Self { answer, pending, archive }
    }

    /// Waits until the batch, and every event that it was found to repeat, is on disk and synced.
    pub(crate) fn wait(self) -> Result<Vec<Outcome>> {
        let Self { answer, pending, archive } = self;
        // First for the disk: by then the sequencer has long answered, and who waits is woken once.
        let leaves = pending.wait();
        let prepared = match answer {
            Answer::Given(prepared) => prepared,
            Answer::Awaited(answer, counter) => {
                answer.recv().unwrap_or_else(|_| Err(counter.why_stopped()))
            }
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
