//! The facade: one open index beside one open archive.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::Duration;

use archive::Archive;
use chat::limits::PAGE_HITS_MAX;
use chat::{Recorded, Seq};
use parking_lot::Mutex;
use query::analysis::Reader;
use query::{ANALYSIS_VERSION, Analysed, Query, Zone};

use crate::cursor::{Binding, Bookmark};
use crate::error::{Error, Result};
use crate::follower::Follower;
use crate::lower::Verify;
use crate::marks::{Marks, MarksAt};
use crate::not_searched::NotSearched;
use crate::page::{Answer, Found, Order, Page};
use crate::scope::Scope;
use crate::search::Search;
use crate::settings::Settings;
use crate::shared::{Shared, Sight};
use crate::snapshot::{Snapshot, SnapshotChoice};
use crate::state::StateAt;
use crate::time_limit::TimeLimit;

/// The query that everything matches: for a search of which only what stands beside its hits is asked for.
static EVERYTHING: LazyLock<Query> =
    LazyLock::new(|| Query::parse("", &Zone::Utc).expect("an empty query is one"));

/// How often progress of a rebuild is told.
const PROGRESS_WAIT: Duration = Duration::from_millis(250);

/// One open index. Any number of threads may search it at once.
#[derive(Debug)]
pub struct Index {
    pub(crate) shared: Arc<Shared>,
    settings: Settings,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The snapshot that was taken last.
    newest: Mutex<Option<Snapshot>>,
    /// Takes hits apart, and remembers the stems of words that it has met.
    pub(crate) reader: Mutex<Reader>,
    /// Held by whoever has something forgotten.
    pub(crate) forgetting: Mutex<()>,
}

/// How far the index is behind the log. What it has not committed is searched all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Events that are durable and not yet committed to the index.
    pub events: u64,
    /// Time since the oldest of them was recorded, on the archive's clock; 0 if there is none.
    pub micros: i64,
}

impl Index {
    /// Opens the index that lies in `folder` and begins to follow the log in a thread of its own.
    ///
    /// An index of another version, of another log, or with a damaged file is built again from the log; a search waits for
    /// that up to [`Settings::patience`]. Fails only if the log cannot be read or the folder cannot be used.
    pub fn open(folder: &Path, archive: Arc<Archive>, settings: Settings) -> Result<Arc<Self>> {
        let shared = Arc::new(Shared::over(archive)?);
        let follower = Follower::open(Arc::clone(&shared), folder.join("lists"), settings)?;
        let thread = std::thread::Builder::new()
            .name("index".to_owned())
            .spawn(move || follower.run())
            .map_err(|source| Error::FollowerNotStarted { source })?;
        let (thread, newest) = (Mutex::new(Some(thread)), Mutex::default());
        let reader = Mutex::new(Reader::remembering());
        let forgetting = Mutex::default();
        Ok(Arc::new(Self { shared, settings, thread, newest, reader, forgetting }))
    }

    /// Finds what matches within the scope, as of the snapshot: one page, and the exact number of all matches.
    ///
    /// Everything acknowledged before the call is found, committed to the index or not. A cursor carries its snapshot: with
    /// it, the choice must be the newest or that very snapshot. Order by score waits until the snapshot is committed. A search
    /// that takes longer than [`Settings::search_limit`] is an error, never a part of the answer.
    pub fn search(
        &self,
        query: &Query,
        scope: &Scope,
        choice: &SnapshotChoice,
        page: &Page,
    ) -> Result<Answer> {
        let (search, bookmark) = self.begin(query, scope, choice, page)?;
        search.page(page, bookmark.as_ref())
    }

    /// Finds as [`Index::search`] does, and returns besides what stands beside the hits and what was not searched: both of the
    /// very state that was searched.
    pub fn find(
        &self,
        query: &Query,
        scope: &Scope,
        choice: &SnapshotChoice,
        page: &Page,
    ) -> Result<Found> {
        let (search, bookmark) = self.begin(query, scope, choice, page)?;
        let answer = search.page(page, bookmark.as_ref())?;
        let not_searched = search.not_searched()?;
        Ok(Found { answer, not_searched, state: search.state })
    }

    /// Counts what no search looks into within the scope, as of the snapshot.
    pub fn not_searched(&self, scope: &Scope, snapshot: &Snapshot) -> Result<NotSearched> {
        let snapshot = self.snapshot(&SnapshotChoice::At(*snapshot))?;
        let sight = self.shared.see(snapshot.size, self.settings.patience)?;
        self.prepare(&EVERYTHING, scope, snapshot, sight)?.not_searched()
    }

    /// Finds the snapshot and what to look at, and reads the cursor.
    fn begin<'a>(
        &self,
        query: &'a Query,
        scope: &'a Scope,
        choice: &SnapshotChoice,
        page: &Page,
    ) -> Result<(Search<'a>, Option<Bookmark>)> {
        if page.limit > PAGE_HITS_MAX {
            return Err(Error::PageTooLarge { found: page.limit, expected: PAGE_HITS_MAX });
        }
        let open = |cursor| Bookmark::open(cursor, Binding::of(query, scope, page.order));
        let bookmark = page.cursor.as_ref().map(open).transpose()?;
        let snapshot = match (&bookmark, choice) {
            (None, choice) => self.snapshot(choice)?,
            (Some(bookmark), SnapshotChoice::At(at)) if bookmark.snapshot != *at => {
                return Err(Error::CursorForeign);
            }
            (Some(bookmark), _) => self.snapshot(&SnapshotChoice::At(bookmark.snapshot))?,
        };
        let sight = self.sight(snapshot.size, page.order, bookmark.as_ref())?;
        if page.order == Order::Score {
            self.shared.keep(&sight.view);
        }
        let clock = Arc::clone(&self.shared.sources.archive.ports().clock);
        let limit = TimeLimit::beginning(clock, self.settings.search_limit);
        Ok((self.prepare(query, scope, snapshot, sight)?.within(limit), bookmark))
    }

    /// Returns the sequence numbers of all matches within the scope as of the snapshot, ascending, however long it takes.
    pub fn seqs(&self, query: &Query, scope: &Scope, snapshot: &Snapshot) -> Result<Vec<Seq>> {
        let snapshot = self.snapshot(&SnapshotChoice::At(*snapshot))?;
        let sight = self.shared.see(snapshot.size, self.settings.patience)?;
        self.prepare(query, scope, snapshot, sight)?.seqs()
    }

    /// Returns a snapshot of everything acknowledged by now.
    pub fn newest(&self) -> Snapshot {
        // Between two events the root is the same, and it is a dozen hashes.
        let archive = &self.shared.sources.archive;
        let mut newest = self.newest.lock();
        match &*newest {
            Some(known) if known.size == archive.size() => *known,
            _ => {
                let (size, root) = archive.head();
                *newest.insert(Snapshot { size, root, analysis: ANALYSIS_VERSION })
            }
        }
    }

    /// Takes an event apart as the index does, with the language that its room had when it was recorded: what
    /// [`query::matches`] and [`query::explain`] need to agree with the search.
    pub fn analysed(&self, recorded: &Recorded) -> Analysed {
        let room = self.shared.sources.known.read().room_then(recorded);
        // Whoever else reads at this moment reads with a memory of his own, which is empty.
        match self.reader.try_lock() {
            Some(mut reader) => Analysed::read(recorded, room.language, &mut reader),
            None => Analysed::of(recorded, room.language),
        }
    }

    /// Returns what stands beside the events as of a snapshot: marks, categories, names of sources. It knows of no stay, so no
    /// `participant:` holds in it.
    pub fn state_at(&self, snapshot: &Snapshot) -> Result<StateAt> {
        self.state_of([], snapshot)
    }

    /// Returns what stands beside the events as of a snapshot, and where those were whom the query asks for as participants.
    /// For a `participant:` of another query it knows of no stay.
    pub fn state_for(&self, query: &Query, snapshot: &Snapshot) -> Result<StateAt> {
        self.state_of(query.participants(), snapshot)
    }

    /// Returns how many events the index has committed.
    pub fn watermark(&self) -> u64 {
        self.shared.watermark()
    }

    /// Returns how many segments the committed state consists of. Searches slow down with their number; joins keep it low.
    pub fn segments(&self) -> usize {
        self.shared.view().map_or(0, |view| view.columns.len())
    }

    /// Returns how far the index is behind the log.
    pub fn lag(&self) -> Lag {
        let archive = &self.shared.sources.archive;
        let watermark = self.shared.watermark();
        let events = archive.size().saturating_sub(watermark);
        let oldest = Seq::new(watermark.saturating_add(1)).filter(|_| events > 0);
        let recorded = oldest.and_then(|seq| archive.read(seq).ok().flatten());
        let since = |recorded: Recorded| {
            let now = archive.ports().clock.now();
            now.micros().saturating_sub(recorded.recorded_at.micros()).max(0)
        };
        Lag { events, micros: recorded.map_or(0, since) }
    }

    /// Returns why the index has stopped following the log, if it has. It then answers as long as the tail reaches.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure()
    }

    /// Waits until everything that is durable now is committed to the index.
    pub fn catch_up(&self) -> Result<()> {
        let size = self.shared.sources.archive.size();
        self.shared.ask(|wish| wish.commit_to = wish.commit_to.max(size));
        self.shared.wait_for(size, None)
    }

    /// Throws the index away and builds it again from the log. Returns the number of events followed. Searches wait
    /// meanwhile. `progress` is told events done and events to do.
    pub fn reindex(&self, progress: &dyn Fn(u64, u64)) -> Result<u64> {
        let size = self.shared.sources.archive.size();
        self.shared.begin_again(size);
        loop {
            match self.shared.wait_for_rebuild(size, PROGRESS_WAIT) {
                Err(Error::Behind { followed, .. }) => progress(followed.min(size), size),
                Err(fault) => return Err(fault),
                Ok(()) => {
                    progress(size, size);
                    return Ok(size);
                }
            }
        }
    }

    /// Commits what is followed and ends the thread. Searches are refused from now on.
    pub fn close(&self) -> Result<()> {
        self.shared.ask(|wish| wish.stop = true);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            self.shared.fail("a fault of the program in the follower".to_owned());
        }
        self.shared.close();
        match self.shared.failure() {
            Some(reason) => Err(Error::FollowerStopped { reason }),
            None => Ok(()),
        }
    }

    fn snapshot(&self, choice: &SnapshotChoice) -> Result<Snapshot> {
        let newest = self.newest();
        let SnapshotChoice::At(at) = choice else { return Ok(newest) };
        if *at == newest {
            return Ok(newest);
        }
        if at.analysis != newest.analysis {
            let (found, expected) = (at.analysis, newest.analysis);
            return Err(Error::SnapshotOfOtherAnalysis { found, expected });
        }
        if at.size > newest.size {
            return Err(Error::SnapshotAhead { found: at.size, expected: newest.size });
        }
        let archive = &self.shared.sources.archive;
        let root = archive.root(at.size).map_err(|source| Error::LogUnreadable { source })?;
        if at.root != root {
            return Err(Error::SnapshotOfOtherLog { size: at.size });
        }
        Ok(*at)
    }

    fn state_of<'n>(
        &self,
        participants: impl IntoIterator<Item = &'n str>,
        snapshot: &Snapshot,
    ) -> Result<StateAt> {
        let snapshot = self.snapshot(&SnapshotChoice::At(*snapshot))?;
        let sight = self.shared.see(snapshot.size, self.settings.patience)?;
        let marks = self.shared.sources.marks.read().at(snapshot.size);
        let mut state = self.state(snapshot.size, marks);
        state.attend(participants, &sight)?;
        Ok(state)
    }

    /// Returns what a search of everything would look at now, and what stands beside it but for marks.
    pub(crate) fn newest_sight(&self) -> Result<(Sight, StateAt)> {
        let size = self.newest().size;
        let sight = self.shared.see(size, self.settings.patience)?;
        Ok((sight, self.state(size, Marks::none())))
    }

    fn sight(&self, size: u64, order: Order, bookmark: Option<&Bookmark>) -> Result<Sight> {
        if order != Order::Score {
            return self.shared.see(size, self.settings.patience);
        }
        if let Some(bookmark) = bookmark {
            return Ok(Sight { view: self.shared.kept(bookmark.reader)?, recent: Vec::new() });
        }
        // Scores are comparable within one committed state alone, so the tail has to be in it.
        self.shared.ask(|wish| wish.commit_to = wish.commit_to.max(size));
        self.shared.wait_for(size, Some(self.settings.patience))?;
        self.shared.see(size, self.settings.patience)
    }

    fn state(&self, size: u64, marks: MarksAt) -> StateAt {
        let known = Arc::clone(&self.shared.sources.known);
        StateAt { size, marks, known, presence: HashMap::new() }
    }

    fn prepare<'a>(
        &self,
        asked: &'a Query,
        scope: &'a Scope,
        snapshot: Snapshot,
        sight: Sight,
    ) -> Result<Search<'a>> {
        let marks = if asked.uses_marks() {
            self.shared.sources.marks.read().at(snapshot.size)
        } else {
            Marks::none()
        };
        let mut state = self.state(snapshot.size, marks);
        state.attend(asked.participants(), &sight)?;
        let archive = Arc::clone(&self.shared.sources.archive);
        let verify = Verify { archive, faults: Arc::default(), limit: TimeLimit::none() };
        let reader = self.shared.name_of(&sight.view);
        Ok(Search { asked, scope, snapshot, sight, reader, state, verify })
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if let Err(fault) = self.close() {
            tracing::warn!(
                reason = crate::follower::chain(&fault),
                "the index was not closed clean"
            );
        }
    }
}
