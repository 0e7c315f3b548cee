//! What waits to be written: bounded, in the order of the log, checked before it is taken.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chat::{PlaceSeq, Recorded, RoomId, Seq};

use super::frame::Records;
use super::promise::Promise;
use crate::error::{Error, Result};
use crate::fuse::Fuse;
use crate::sync::{Condvar, Mutex, Receiver, Sender, channel};

/// Bytes that may wait before an append blocks: two full frames.
const WAITING_BYTES_MAX: usize = 2 * chat::limits::BATCH_BYTES_MAX;
/// Appends that may wait before the next one blocks. The model has one, or it would never see a full queue.
const WAITING_WORKS_MAX: usize = if cfg!(feature = "loom") { 1 } else { 4_096 };

/// The newest event of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceHead {
    /// Its number in the room.
    pub place_seq: PlaceSeq,
    /// Its number in the log.
    pub seq: Seq,
}

/// What the writer takes off the queue.
#[derive(Debug)]
pub(crate) enum Work {
    /// Records for one frame, and who waits for which of their leaves.
    Batch(Batch),
    /// Complete the present file, then answer.
    Finish(Sender<()>),
}

/// Records that become one frame.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) first: Seq,
    pub(crate) records: Records,
    /// How many of the leaves each waiting append gets, in order.
    pub(crate) replies: Vec<(usize, Promise)>,
}

/// The bounded queue before the writer.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
    fuse: Arc<Fuse>,
}

#[derive(Debug)]
struct State {
    works: VecDeque<Work>,
    bytes: usize,
    due: Seq,
    places: HashMap<RoomId, PlaceHead>,
    /// Whether `places` has every room of the log. Else nobody can tell where an event of a room goes.
    are_places_known: bool,
    is_closed: bool,
}

impl Queue {
    /// Returns the queue of a log whose next event is `due`: the newest event of each room, and whether all of them are known.
    pub(crate) fn new(
        due: Seq,
        (places, are_places_known): (HashMap<RoomId, PlaceHead>, bool),
        fuse: Arc<Fuse>,
    ) -> Self {
        let works = VecDeque::new();
        let state = State { works, bytes: 0, due, places, are_places_known, is_closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), emptied: Condvar::new(), fuse }
    }

    /// Takes events and their records, or refuses them if they do not follow the log. Blocks while the queue is full.
    ///
    /// The promise is kept once all of them are durable.
    pub(crate) fn push(
        &self,
        events: &[Recorded],
        pieces: Vec<Records>,
        promise: Promise,
    ) -> Result<()> {
        let mut state = self.state.lock();
        loop {
            self.fuse.check()?;
            if state.is_closed {
                return Err(Error::Closed);
            }
            if state.bytes < WAITING_BYTES_MAX && state.works.len() < WAITING_WORKS_MAX {
                break;
            }
            self.emptied.wait(&mut state);
        }
        let heads = state.check(events)?;
        state.places.extend(heads);
        for records in pieces {
            state.bytes = state.bytes.saturating_add(records.bytes());
            let first = state.due;
            state.due = first.plus(u64::try_from(records.count()).unwrap_or(u64::MAX));
            let replies = vec![(records.count(), promise.another())];
            state.works.push_back(Work::Batch(Batch { first, records, replies }));
        }
        drop(state);
        self.filled.notify_one();
        promise.keep(Vec::new());
        Ok(())
    }

    /// Asks the writer to complete the present file; the answer comes once it has.
    pub(crate) fn ask_to_finish(&self) -> Result<Receiver<()>> {
        let (sender, receiver) = channel();
        let mut state = self.state.lock();
        self.fuse.check()?;
        if state.is_closed {
            return Err(Error::Closed);
        }
        state.works.push_back(Work::Finish(sender));
        drop(state);
        self.filled.notify_one();
        Ok(receiver)
    }

    /// Asks the writer to complete the present file, and waits until it has.
    pub(crate) fn finish_file(&self) -> Result<()> {
        let finished = self.ask_to_finish()?.recv();
        finished.map_err(|_| self.fuse.check().err().unwrap_or(Error::Closed))
    }

    /// Waits for work and returns it: one frame's worth of whatever waits. Nothing once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Work> {
        let mut state = self.state.lock();
        let mut work = loop {
            if let Some(work) = state.works.pop_front() {
                break work;
            }
            if state.is_closed {
                return None;
            }
            self.filled.wait(&mut state);
        };
        if let Work::Batch(batch) = &mut work {
            state.fill(batch);
            state.bytes = state.bytes.saturating_sub(batch.records.bytes());
        }
        drop(state);
        self.emptied.notify_all();
        Some(work)
    }

    /// Takes nothing more; what waits is still written.
    pub(crate) fn close(&self) {
        self.state.lock().is_closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    /// Drops what waits, so that everyone who waits for it learns that the log has stopped.
    pub(crate) fn abandon(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.works.clear();
        drop(state);
        self.emptied.notify_all();
    }

    /// Returns the newest event of each room, those that wait included.
    pub(crate) fn places(&self) -> HashMap<RoomId, PlaceHead> {
        self.state.lock().places.clone()
    }
}

impl State {
    /// Joins what waits behind a batch to it, as far as one frame takes it.
    fn fill(&mut self, batch: &mut Batch) {
        while let Some(Work::Batch(next)) = self.works.front() {
            if !batch.records.fits_with(&next.records) {
                return;
            }
            if let Some(Work::Batch(next)) = self.works.pop_front() {
                batch.records.join(&next.records);
                batch.replies.extend(next.replies);
            }
        }
    }

    /// Refuses events that do not follow the log or their rooms; returns the new heads of the rooms.
    fn check(&self, events: &[Recorded]) -> Result<HashMap<RoomId, PlaceHead>> {
        let mut heads = HashMap::new();
        let mut due = self.due;
        for event in events {
            if event.seq != due {
                return Err(Error::BatchOrder { expected: due.get(), found: event.seq.get() });
            }
            due = due.next();
            let found = (event.place_seq, event.place_prev);
            let Some(place) = &event.event.place else {
                check_place(event.seq, (None, None), found)?;
                continue;
            };
            if !self.are_places_known {
                return Err(Error::PlacesUnknown { seq: event.seq });
            }
            let head = heads.get(&place.room).or_else(|| self.places.get(&place.room));
            let place_seq = head.map_or(PlaceSeq::FIRST, |head: &PlaceHead| head.place_seq.next());
            check_place(event.seq, (Some(place_seq), head.map(|head| head.seq)), found)?;
            heads.insert(place.room, PlaceHead { place_seq, seq: event.seq });
        }
        Ok(heads)
    }
}

type Link = (Option<PlaceSeq>, Option<Seq>);

fn check_place(seq: Seq, expected: Link, found: Link) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let words = |(place_seq, place_prev): Link| match (place_seq, place_prev) {
        (None, None) => "no place".to_owned(),
        (place_seq, place_prev) => format!(
            "{} after event {}",
            place_seq.map_or(0, PlaceSeq::get),
            place_prev.map_or(0, Seq::get)
        ),
    };
    Err(Error::BatchPlace { seq, expected: words(expected), found: words(found) })
}
