//! The thread that follows the log: it pulls what is new, adds it to the index, and commits every second or every twenty
//! thousand events, whichever comes first. A commit says how far it reaches, so a restart goes on from there.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Archive, Tail};
use chat::{Recorded, Seq};
use query::{Known, RoomThen};
use rayon::prelude::*;

use crate::document::{Document, Scribe};
use crate::error::{Error, Result};
use crate::marks::Marks;
use crate::settings::Settings;
use crate::shared::{Shared, Wish};
use crate::store::{Store, Watermark};
use crate::view::View;

/// Events pulled at once.
const PULL_EVENTS: usize = 4_096;
/// Bytes of text after which a commit is made: what is not committed is kept in memory by the tail search.
const COMMIT_TEXT_BYTES_MAX: usize = 32 << 20;
/// Events without a document, such as officers' acts, after which a commit is made for the watermark alone.
const COMMIT_EMPTY_EVENTS_MAX: u64 = 4_096;
/// Events of a part that is worth a thread of its own.
const PART_EVENTS_MIN: usize = 64;
/// How long the thread waits at most while nothing is new, before it looks for wishes.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// The same while something waits to be committed.
const BUSY_WAIT: Duration = Duration::from_millis(10);

/// The follower and all it owns.
pub(crate) struct Follower {
    pub(crate) shared: Arc<Shared>,
    pub(crate) settings: Settings,
    pub(crate) folder: PathBuf,
    pub(crate) store: Store,
    scribes: Vec<Scribe>,
    pub(crate) tail: Tail,
    pending: Pending,
    /// Times that nothing was new since the last commit.
    rests: u32,
    /// Since when nothing has been new, until neighbours have been joined on that account.
    resting: Option<Instant>,
}

/// Why following was left off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Everything is committed, and the follower was told to stop.
    Stop,
    /// The index is to be built again.
    BeginAgain,
    /// Something is to be forgotten, and all of it has been followed.
    Forget,
}

/// What was followed since the last commit.
#[derive(Debug, Default)]
struct Pending {
    events: u64,
    documents: u64,
    text_bytes: usize,
    since: Option<Instant>,
}

impl Follower {
    /// Opens the files and shows what they hold, or makes them anew.
    pub(crate) fn open(shared: Arc<Shared>, folder: PathBuf, settings: Settings) -> Result<Self> {
        *shared.sources.known.write() = fold_ledger(&shared.sources.archive)?;
        let store = match reopen(&shared, &folder, &settings)? {
            Some(store) => store,
            None => begin(&shared, &folder, &settings)?,
        };
        let tail = shared.sources.archive.tail(after(shared.watermark()));
        Ok(Self::from_store(shared, settings, folder, store, tail))
    }

    pub(crate) fn from_store(
        shared: Arc<Shared>,
        settings: Settings,
        folder: PathBuf,
        store: Store,
        tail: Tail,
    ) -> Self {
        let scribes = (0..rayon::current_num_threads()).map(|_| Scribe::default()).collect();
        let (pending, resting) = (Pending::default(), None);
        Self { shared, settings, folder, store, scribes, tail, pending, rests: 0, resting }
    }

    /// Has neighbours joined after a while, as after a commit.
    pub(crate) fn resting(self) -> Self {
        Self { resting: Some(Instant::now()), ..self }
    }

    /// Follows until it is told to stop. A fault ends it, and is reported.
    pub(crate) fn run(self) {
        let shared = Arc::clone(&self.shared);
        if let Err(fault) = self.run_on() {
            let reason = chain(&fault);
            tracing::error!(reason, "the index has stopped following the log");
            shared.fail(reason);
        }
    }

    fn run_on(mut self) -> Result<()> {
        loop {
            match self.follow()? {
                Turn::Stop => return self.store.close(),
                Turn::BeginAgain => self = self.begin_again()?,
                Turn::Forget => {
                    let doomed = self.shared.doomed();
                    self = self.forget(&doomed)?;
                }
            }
        }
    }

    fn follow(&mut self) -> Result<Turn> {
        loop {
            let wish = self.shared.wish();
            if wish.reindex {
                return Ok(Turn::BeginAgain);
            }
            if wish.forget_through.is_some_and(|last| last <= self.position()) {
                return Ok(Turn::Forget);
            }
            let batch = self.tail.next_batch(PULL_EVENTS).map_err(log_unreadable)?;
            if !batch.is_empty() {
                self.add(&batch)?;
            }
            self.pending.events = self.position().saturating_sub(self.shared.watermark());
            if self.is_due(wish, batch.is_empty()) {
                self.commit()?;
            } else if batch.is_empty() {
                if wish.stop {
                    return Ok(Turn::Stop);
                }
                self.rest()?;
            }
        }
    }

    /// Returns how many events have been pulled.
    fn position(&self) -> u64 {
        self.tail.position().leaf_index()
    }

    fn is_due(&self, wish: Wish, is_idle: bool) -> bool {
        let Pending { events, documents, text_bytes, since } = &self.pending;
        let is_asked = is_idle && (wish.stop || wish.commit_to > self.shared.watermark());
        let is_old = since.is_some_and(|since| since.elapsed() >= self.settings.commit_wait);
        *documents >= self.settings.commit_events_max
            || *text_bytes >= COMMIT_TEXT_BYTES_MAX
            || (*documents > 0 && is_old)
            || (*documents == 0 && *events >= COMMIT_EMPTY_EVENTS_MAX)
            || (*events > 0 && is_asked)
    }

    fn add(&mut self, batch: &[Recorded]) -> Result<()> {
        {
            let mut known = self.shared.sources.known.write();
            let mut marks = self.shared.sources.marks.write();
            for recorded in batch {
                known.apply(recorded);
                marks.apply(recorded);
            }
        }
        for documents in self.documents(batch) {
            self.pending.documents += u64::try_from(documents.len()).unwrap_or(u64::MAX);
            self.store.add(documents)?;
        }
        let text_bytes =
            |recorded: &Recorded| recorded.event.content.text.as_ref().map_or(0, String::len);
        self.pending.text_bytes += batch.iter().map(text_bytes).sum::<usize>();
        self.pending.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Returns the documents of a batch in its order, in as many parts as there are scribes.
    fn documents(&mut self, batch: &[Recorded]) -> Vec<Vec<Document>> {
        // The lock is given back before the pool is waited for, whose threads may be waiting for that very lock.
        let rooms: Vec<_> = {
            let known = self.shared.sources.known.read();
            batch.iter().map(|recorded| known.room_then(recorded)).collect()
        };
        let part = batch.len().div_ceil(self.scribes.len().max(1)).max(PART_EVENTS_MIN);
        let parts = batch.par_chunks(part).zip(rooms.par_chunks(part));
        let write = |scribe: &mut Scribe, events: &[Recorded], rooms: &[RoomThen]| {
            let events = events.iter().zip(rooms);
            events.filter_map(|(recorded, room)| scribe.document(recorded, *room)).collect()
        };
        let parts = self.scribes.par_iter_mut().zip(parts);
        parts.map(|(scribe, (events, rooms))| write(scribe, events, rooms)).collect()
    }

    /// Returns what a commit says of what has been followed by now.
    pub(crate) fn watermark(&self) -> Watermark {
        let archive = self.shared.sources.archive.id().to_string();
        Watermark { archive, events: self.position() }
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        let watermark = self.watermark();
        self.store.commit(&watermark)?;
        self.show(watermark.events)?;
        self.pending = Pending::default();
        self.rests = 0;
        self.resting = Some(Instant::now());
        Ok(())
    }

    fn show(&self, events: u64) -> Result<()> {
        let before = self.shared.view();
        let view = View::open(&self.store.reader, self.store.fields, events, before.as_deref())?;
        self.shared.show(view);
        Ok(())
    }

    /// Nothing is new: takes over segments that were joined meanwhile, then waits.
    fn rest(&mut self) -> Result<()> {
        let is_time = self.rests < 20 || self.rests.is_multiple_of(50);
        self.rests = self.rests.wrapping_add(1);
        let view = self.shared.view().filter(|_| is_time);
        if let Some(view) = view.filter(|view| self.store.is_ahead_of(view.columns.len())) {
            self.show(view.watermark)?;
        }
        let is_busy = self.pending.documents > 0;
        let has_rested = |since: Instant| since.elapsed() >= self.settings.join_wait;
        if !is_busy && self.resting.is_some_and(has_rested) {
            // What is being joined now may be worth joining with others afterwards.
            let is_worth_it = self.store.is_worth_a_rest();
            self.resting = is_worth_it.then(Instant::now);
            if is_worth_it && self.store.rest() {
                return self.commit();
            }
        }
        self.tail.wait(if is_busy { BUSY_WAIT } else { IDLE_WAIT });
        Ok(())
    }

    fn begin_again(self) -> Result<Self> {
        let Self { shared, settings, folder, store, .. } = self;
        shared.hide();
        // Joins under way would write into the folder that is emptied. Their outcome does not matter any more.
        if let Err(fault) = store.close() {
            tracing::warn!(reason = chain(&fault), "the index that is thrown away had a fault");
        }
        let store = begin(&shared, &folder, &settings)?;
        let tail = shared.sources.archive.tail(Seq::FIRST);
        Ok(Self::from_store(shared, settings, folder, store, tail))
    }
}

/// Opens the files if they can be used as they are, and shows them.
fn reopen(shared: &Shared, folder: &std::path::Path, settings: &Settings) -> Result<Option<Store>> {
    let archive = &shared.sources.archive;
    let id = archive.id().to_string();
    let Some((mut store, watermark)) =
        Store::open(folder, settings.arena_bytes, &id, archive.size())?
    else {
        return Ok(None);
    };
    // Forgetting may have been cut short: no state with deletions is ever shown.
    if let Err(fault) = store.write_out_deletions(folder) {
        tracing::warn!(reason = chain(&fault), "the index is built again from the log");
        return Ok(None);
    }
    let opened = View::open(&store.reader, store.fields, watermark.events, None)
        .and_then(|view| Marks::read(&view).map(|marks| (view, marks)))
        .and_then(|(view, marks)| {
            crate::direct::read_back(&mut shared.sources.known.write(), &view)
                .map(|()| (view, marks))
        });
    match opened {
        Ok((view, marks)) => {
            *shared.sources.marks.write() = marks;
            shared.show(view);
            Ok(Some(store))
        }
        Err(fault) => {
            tracing::warn!(reason = chain(&fault), "the index is built again from the log");
            Ok(None)
        }
    }
}

/// Makes the files anew and shows that they hold nothing.
fn begin(shared: &Shared, folder: &std::path::Path, settings: &Settings) -> Result<Store> {
    let store = Store::create(folder, settings.arena_bytes)?;
    shared.show(View::open(&store.reader, store.fields, 0, None)?);
    Ok(store)
}

/// Reads the ledger, abridged where it can be: rooms' languages and categories, and names of sources.
pub(crate) fn fold_ledger(archive: &Arc<Archive>) -> Result<Known> {
    let mut known = Known::default();
    let mut ledger = archive.ledger_abridged();
    loop {
        let batch = ledger.next_batch(PULL_EVENTS).map_err(log_unreadable)?;
        if batch.is_empty() {
            return Ok(known);
        }
        for recorded in &batch {
            known.apply(recorded);
        }
    }
}

fn after(watermark: u64) -> Seq {
    Seq::new(watermark.saturating_add(1)).unwrap_or(Seq::FIRST)
}

fn log_unreadable(source: archive::Error) -> Error {
    Error::LogUnreadable { source }
}

/// Returns an error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
