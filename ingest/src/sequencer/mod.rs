//! The one place where events get theirs: duplicates dropped, rooms and persons declared, then `Seq`, `place_seq`
//! and `place_prev`. One works there at a time: a thread, for whoever brings much, through a queue that is bounded, so that pressure
//! reaches whoever offers events; and whoever brings little himself, where nothing waits before him ([`counter`]).
//!
//! Nobody waits there for the disk: a batch is handed to the archive and the next one is prepared while that one is synced.
//! Whoever holds the [`Ticket`] waits, and gets receipts only then. A failed append stops the sequencer for good; a batch
//! that the archive refuses (a full disk, say) leaves it as it was before.

mod accept;
mod budget;
mod counter;
mod desk;
mod judge;
mod lookup;
mod offer;
mod quarantine;
mod ticket;

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use archive::{Archive, Promise};
use chat::{Act, EventKind};
use parking_lot::Mutex;

use self::budget::{Budget, Share};
use self::counter::Counter;
use self::desk::{Desk, Prepared};
use crate::error::{Error, Result};
use crate::register::Register;
use crate::settings::Settings;
use crate::source::Identities;

pub(crate) use self::offer::{Input, Offer};
pub(crate) use self::ticket::Ticket;

use self::ticket::Answer;

/// Offers that whoever brings them takes to the desk himself.
const LITTLE_OFFERS_MAX: usize = 16;
/// Bytes of such offers.
const LITTLE_BYTES_MAX: usize = 64 << 10;

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

    /// Returns whether it is done sooner than a thread is woken for it.
    fn is_little(&self) -> bool {
        match self {
            Self::Offers(offers, _) => {
                offers.len() <= LITTLE_OFFERS_MAX && self.bytes() <= LITTLE_BYTES_MAX
            }
            Self::Act { .. } | Self::Ask(_) => true,
            Self::Identities(_) | Self::Languages | Self::Close => false,
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
    counter: Arc<Counter>,
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    budget: Arc<Budget>,
}

impl Sequencer {
    /// Opens the desk (folds the register, opens the origins) and starts the thread.
    pub(crate) fn start(archive: &Arc<Archive>, settings: &Settings) -> Result<Self> {
        let desk = Desk::open(archive, settings)?;
        let counter = Arc::new(Counter::new(desk));
        let (jobs, queue) = sync_channel(settings.queue_batches_max.max(1));
        let theirs = Arc::clone(&counter);
        let thread = std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || run(&theirs, &queue))
            .map_err(|fault| Error::SequencerStopped { reason: fault.to_string() })?;
        Ok(Self {
            archive: Arc::clone(archive),
            counter,
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            budget: Budget::new(settings.queue_bytes_max),
        })
    }

    /// Does little work or hands work in, waiting while the queue is full by number or by bytes, and returns the claim to its outcome.
    pub(crate) fn submit(&self, work: Work) -> Result<Ticket> {
        let (promise, pending) = self.archive.promise();
        let archive = Arc::clone(&self.archive);
        if work.is_little()
            && let Some(desk) = self.counter.try_come()
        {
            let answer = Answer::Given(desk.serve(work, promise));
            return Ok(Ticket::new(answer, pending, archive));
        }
        let (reply, answer) = sync_channel(1);
        let jobs = self.jobs.lock().clone();
        let share = Budget::take(&self.budget, work.bytes());
        self.counter.expect_work()?;
        let sent = jobs.and_then(|jobs| jobs.send(Job { work, reply, promise, share }).ok());
        sent.ok_or_else(|| self.counter.why_stopped())?;
        let answer = Answer::Awaited(answer, Arc::clone(&self.counter));
        Ok(Ticket::new(answer, pending, archive))
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
            return Err(self.counter.why_stopped());
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

fn run(counter: &Counter, queue: &Receiver<Job>) {
    while let Ok(Job { work, reply, promise, share }) = queue.recv() {
        let Some(outcome) = counter.serve(work, promise) else { return };
        drop(share);
        // Who asked waits for the disk first, so this wakes nobody, unless nothing was added. Nobody may be waiting any more; what
        // was recorded stays recorded.
        drop(reply.send(outcome));
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
