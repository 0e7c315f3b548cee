//! The one thread that gives events their place: duplicates dropped, rooms and persons declared, then `Seq`, `place_seq`
//! and `place_prev`. Its queue is bounded, so that pressure reaches whoever offers events.
//!
//! It does not wait for the disk: a batch is handed to the archive and the next one is prepared while that one is synced.
//! Whoever holds the [`Ticket`] waits, and gets receipts only then. A failed append stops the sequencer for good; a batch
//! that the archive refuses (a full disk, say) leaves it as it was before.

mod accept;
mod budget;
mod desk;
mod judge;
mod lookup;
mod offer;
mod quarantine;
mod ticket;

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use archive::{Archive, Promise};
use chat::{Act, EventKind};
use parking_lot::Mutex;

use self::budget::{Budget, Share};
use self::desk::{Desk, Prepared};
use crate::error::{Error, Result};
use crate::register::Register;
use crate::settings::Settings;
use crate::source::Identities;

pub(crate) use self::offer::{Input, Offer};
pub(crate) use self::ticket::Ticket;

/// What is asked of the sequencer.
#[derive(Debug)]
pub(crate) enum Work {
    /// Record these, which come from one input.
    Offers(Vec<Offer>, Arc<Mutex<Input>>),
    /// Record what an officer or a job did.
    Act { kind: EventKind, officer: Option<crate::draft::DraftPerson>, act: Act },
    /// Declare these persons and all their names, where they are not known.
    Identities(Identities),
    /// Declare the languages of rooms that have enough messages to tell.
    Languages,
    /// Answer a question about names.
    Ask(Question),
    /// Write what is only in memory and end.
    Close,
}

impl Work {
    /// Returns about how many bytes wait with it.
    fn bytes(&self) -> usize {
        match self {
            Self::Offers(offers, _) => offers.iter().map(Offer::bytes).sum(),
            Self::Act { .. }
            | Self::Identities(_)
            | Self::Languages
            | Self::Ask(_)
            | Self::Close => 0,
        }
    }
}

/// A question to the register; who asks takes the answer along.
pub(crate) struct Question(pub(crate) Box<dyn FnOnce(&Register) + Send>);

impl fmt::Debug for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Question")
    }
}

#[derive(Debug)]
struct Job {
    work: Work,
    reply: SyncSender<Result<Prepared>>,
    /// Kept by the log once what is added is durable.
    promise: Promise,
    /// What it takes of the queue's bytes, given back when it is done.
    share: Share,
}

/// The thread and the way to it.
#[derive(Debug)]
pub(crate) struct Sequencer {
    archive: Arc<Archive>,
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    stopped: Arc<OnceLock<String>>,
    budget: Arc<Budget>,
}

impl Sequencer {
    /// Opens the desk (folds the register, opens the origins) and starts the thread.
    pub(crate) fn start(archive: &Arc<Archive>, settings: &Settings) -> Result<Self> {
        let desk = Desk::open(archive, settings)?;
        let (jobs, queue) = sync_channel(settings.queue_batches_max.max(1));
        let stopped = Arc::new(OnceLock::new());
        let fuse = Arc::clone(&stopped);
        let thread = std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || run(desk, &queue, &fuse))
            .map_err(|fault| Error::SequencerStopped { reason: fault.to_string() })?;
        Ok(Self {
            archive: Arc::clone(archive),
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            stopped,
            budget: Budget::new(settings.queue_bytes_max),
        })
    }

    fn why_stopped(&self) -> Error {
        let reason = self.stopped.get().cloned();
        Error::SequencerStopped { reason: reason.unwrap_or_else(|| "it was closed".to_owned()) }
    }

    /// Hands work in, waiting while the queue is full by number or by bytes, and returns the claim to its outcome.
    pub(crate) fn submit(&self, work: Work) -> Result<Ticket> {
        let (reply, answer) = sync_channel(1);
        let (promise, pending) = self.archive.promise();
        let jobs = self.jobs.lock().clone();
        let share = Budget::take(&self.budget, work.bytes());
        let sent = jobs.and_then(|jobs| jobs.send(Job { work, reply, promise, share }).ok());
        match sent {
            Some(()) => {
                let stopped = Arc::clone(&self.stopped);
                Ok(Ticket::new((answer, pending), Arc::clone(&self.archive), stopped))
            }
            None => Err(self.why_stopped()),
        }
    }

    /// Lets what waits be done, writes what is only in memory and ends the thread. A second call does nothing.
    pub(crate) fn close(&self) -> Result<()> {
        let outcome = match self.submit(Work::Close) {
            Ok(ticket) => ticket.wait().map(drop),
            Err(_) => Ok(()),
        };
        drop(self.jobs.lock().take());
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            return Err(self.why_stopped());
        }
        outcome
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        // Whoever wants to know of a failure calls close; here nobody can be told.
        drop(self.close());
    }
}

fn run(mut desk: Desk, queue: &Receiver<Job>, stopped: &OnceLock<String>) {
    /// Says why, should the thread end by a fault of the program.
    struct Farewell<'a>(&'a OnceLock<String>);
    impl Drop for Farewell<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                drop(self.0.set("of a fault of the program".to_owned()));
            }
        }
    }
    let _farewell = Farewell(stopped);
    while let Ok(Job { work, reply, promise, share }) = queue.recv() {
        let ends = matches!(work, Work::Close);
        let outcome = desk.take(work, promise);
        drop(share);
        if let Err(error) = &outcome
            && !desk.is_intact()
        {
            tracing::error!(%error, "the sequencer stops");
            drop(stopped.set(chain(error)));
        }
        // Who asked waits for the disk first, so this wakes nobody, unless nothing was added. Nobody may be waiting any more; what
        // was recorded stays recorded.
        drop(reply.send(outcome));
        if ends || !desk.is_intact() {
            return;
        }
    }
}

/// Returns an error and what is behind it in one line.
fn chain(error: &Error) -> String {
    let mut words = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(inner) = next {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        next = inner.source();
    }
    words
}

#[cfg(test)]
mod failing;
#[cfg(test)]
mod tests;
