//! What the sequencer knows, and how a batch becomes records.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, Pending, PlaceHead};
use chat::{Act, ChatEvent, Content, EventKind, PlaceSeq, Recorded, RoomId, Seq, Timestamp};

use super::Work;
use super::judge::Known;
use crate::draft::DraftPerson;
use crate::error::{Error, Result};
use crate::origin::{Fingerprint, Fingerprints, Origins};
use crate::receipt::Verdict;
use crate::register::{Declarations, Register, Resolved};
use crate::settings::{Detector, Settings};

/// The name of the source whose persons are the officers.
const OWN_SOURCE: &str = "muniment";
/// How long one look at the archive waits for what is on its way.
const LOOK: Duration = Duration::from_millis(250);

/// A batch that is on its way to the disk.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The place of its first record.
    pub(super) first: Seq,
    /// Its promise; nothing where nothing was added.
    pub(super) pending: Option<Pending>,
    /// What became of each thing offered, in order.
    pub(super) written: Vec<Written>,
}

/// What became of one thing offered.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) verdict: Verdict,
    pub(super) seq: Seq,
    pub(super) recorded_at: Timestamp,
}

/// An event that has its place but may not be durable yet.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) print: Fingerprint,
    pub(super) known: Known,
}

/// All that the sequencer's thread owns.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) archive: Arc<Archive>,
    pub(super) prints: Fingerprints,
    pub(super) origins: Origins,
    pub(super) register: Register,
    pub(super) hasher: RandomState,
    /// Events with an origin that were not durable when they were last looked at, ascending.
    pub(super) in_flight: VecDeque<InFlight>,
    pub(super) detector: Option<Detector>,
    places: HashMap<RoomId, PlaceHead>,
    next: Seq,
    now: Timestamp,
    batch: Vec<Recorded>,
    is_intact: bool,
}

impl Desk {
    /// Learns from the archive where the log stands and what it knows.
    pub(super) fn open(archive: &Arc<Archive>, settings: &Settings) -> Result<Self> {
        let prints = Fingerprints::new(&archive.keys().origin_key());
        let origins = Origins::open(archive, &prints)?;
        let mut desk = Self {
            archive: Arc::clone(archive),
            prints,
            origins,
            register: Register::default(),
            hasher: RandomState::new(),
            in_flight: VecDeque::new(),
            detector: settings.language,
            places: HashMap::new(),
            next: Seq::FIRST,
            now: Timestamp::MIN,
            batch: Vec::new(),
            is_intact: true,
        };
        desk.learn()?;
        Ok(desk)
    }

    /// Takes heads, size and register from the archive, when everything before is durable.
    fn learn(&mut self) -> Result<()> {
        let size = self.archive.size();
        self.next = Seq::new(size).map_or(Seq::FIRST, Seq::next);
        self.places = self.archive.places();
        self.register = Register::open(&self.archive)?;
        self.in_flight.clear();
        self.batch.clear();
        if let Some(last) = Seq::new(size) {
            let newest = self.archive.read(last).map_err(|source| Error::Archive { source })?;
            let at = newest.map_or(Timestamp::MIN, |newest| newest.recorded_at);
            self.now = self.now.max(at);
        }
        Ok(())
    }

    /// Returns whether the desk agrees with the log; without that nothing may be recorded any more.
    pub(super) const fn is_intact(&self) -> bool {
        self.is_intact
    }

    /// Does one piece of work.
    pub(super) fn take(&mut self, work: Work) -> Result<Prepared> {
        // The clock may run backwards; the order of recording never does.
        self.now = self.now.max(self.archive.ports().clock.now());
        let first = self.next;
        let written = match work {
            Work::Offers(offers, input) => self.take_offers(offers, &mut input.lock()),
            Work::Act { kind, officer, act } => self.take_act(kind, officer.as_ref(), act),
            Work::Identities(listed) => self.declare(|register, new| {
                register.know(&listed, new)?;
                Ok(Vec::new())
            }),
            Work::Languages => self.declare(|register, new| {
                register.settle_languages(new);
                Ok(Vec::new())
            }),
            Work::Close => self.take_close(),
        };
        match written {
            Ok(written) => self.hand_over(first, written),
            Err(error) => {
                self.take_back(first)?;
                Err(error)
            }
        }
    }

    fn hand_over(&mut self, first: Seq, written: Vec<Written>) -> Result<Prepared> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(Prepared { first, pending: None, written });
        }
        match self.archive.append(batch) {
            Ok(pending) => Ok(Prepared { first, pending: Some(pending), written }),
            Err(source) => {
                let refused = matches!(
                    source,
                    archive::Error::DiskFull { .. } | archive::Error::EventTooLarge { .. }
                );
                if refused {
                    self.take_back(first)?;
                } else {
                    self.is_intact = false;
                }
                Err(Error::Archive { source })
            }
        }
    }

    /// Makes everything from this place on undone: the archive has none of it.
    fn take_back(&mut self, first: Seq) -> Result<()> {
        self.is_intact = false;
        while self.archive.size() < first.leaf_index() {
            let before = Seq::new(first.leaf_index()).unwrap_or(Seq::FIRST);
            let _is_there = self.archive.tail(before).wait(LOOK);
            self.archive.read(Seq::FIRST).map_err(|source| Error::Archive { source })?;
        }
        self.origins.forget_from(first);
        self.learn()?;
        self.is_intact = true;
        Ok(())
    }

    fn take_act(
        &mut self,
        kind: EventKind,
        officer: Option<&DraftPerson>,
        act: Act,
    ) -> Result<Vec<Written>> {
        let actor = match officer {
            Some(officer) => self.resolve(OWN_SOURCE, None, Some(officer))?.actor,
            None => None,
        };
        let event = ChatEvent {
            origin: None,
            at: self.now,
            kind,
            actor,
            place: None,
            target: None,
            other_ids: Vec::new(),
            content: Content { act: Some(act), ..Content::default() },
        };
        let (seq, recorded_at) = self.record(event, None);
        Ok(vec![Written { verdict: Verdict::Accepted, seq, recorded_at }])
    }

    fn take_close(&mut self) -> Result<Vec<Written>> {
        let last = self.next.leaf_index();
        if let Some(last) = Seq::new(last) {
            while self.archive.size() < last.get() {
                let _is_there = self.archive.tail(last).wait(LOOK);
                self.archive.read(Seq::FIRST).map_err(|source| Error::Archive { source })?;
            }
        }
        self.origins.close(last)?;
        Ok(Vec::new())
    }

    /// Lets the register resolve something, and records what it declares.
    pub(super) fn declare<T>(
        &mut self,
        act: impl FnOnce(&mut Register, &mut Declarations<'_>) -> Result<T>,
    ) -> Result<T> {
        let rng = Arc::clone(&self.archive.ports().rng);
        let mut new = Declarations { at: self.now, rng: rng.as_ref(), events: Vec::new() };
        let result = act(&mut self.register, &mut new);
        for event in new.events {
            self.record(event, None);
        }
        result
    }

    /// Returns the ids of names, declaring what is new.
    pub(super) fn resolve(
        &mut self,
        source: &str,
        place: Option<&crate::draft::DraftPlace>,
        actor: Option<&DraftPerson>,
    ) -> Result<Resolved> {
        self.declare(|register, new| register.resolve(source, place, actor, new))
    }

    /// Gives an event the next place in the log and in its room.
    ///
    /// Its fingerprint is handed in where it is known; an event without an origin has none.
    pub(super) fn record(
        &mut self,
        event: ChatEvent,
        print: Option<Fingerprint>,
    ) -> (Seq, Timestamp) {
        let seq = self.next;
        self.next = seq.next();
        let (place_seq, place_prev) = match event.place.as_ref().map(|place| place.room) {
            None => (None, None),
            Some(room) => {
                let before = self.places.get(&room).copied();
                let place_seq = before.map_or(PlaceSeq::FIRST, |head| head.place_seq.next());
                self.places.insert(room, PlaceHead { place_seq, seq });
                (Some(place_seq), before.map(|head| head.seq))
            }
        };
        let recorded_at = self.now;
        if let Some(print) = print {
            self.origins.insert(print, seq);
            let known = Known::of(seq, recorded_at, &event, &self.hasher);
            self.in_flight.push_back(InFlight { print, known });
        }
        self.batch.push(Recorded { seq, place_seq, place_prev, recorded_at, event });
        (seq, recorded_at)
    }

    /// Returns the present moment on the archive's clock, never before one that was recorded.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }
}
