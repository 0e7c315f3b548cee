//! What the sequencer knows, and how a batch becomes records.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, PlaceHead, Promise};
use chat::{
    Act, ChatEvent, Content, EventKind, Person, PlaceSeq, Recorded, RoomId, Seq, Timestamp,
};

use super::{Input, Offer, Work, chain};
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
    /// Whether anything was added, so that there are leaves to wait for.
    pub(super) is_added: bool,
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
    pub(super) seq: Seq,
    pub(super) print: Fingerprint,
}

/// All that the sequencer's thread owns.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) archive: Arc<Archive>,
    pub(super) prints: Fingerprints,
    pub(super) origins: Origins,
    pub(super) register: Register,
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

    /// Does one piece of work. The promise is kept once what it adds is durable, and broken where it adds nothing.
    pub(super) fn take(&mut self, work: Work, promise: Promise) -> Result<Prepared> {
        // The clock may run backwards; the order of recording never does.
        self.now = self.now.max(self.archive.ports().clock.now());
        let first = self.next;
        let written = match work {
            Work::Offers(offers, input) => {
                return self.take_batch((first, promise), offers, &mut input.lock());
            }
            Work::Act { kind, officer, act } => self.take_act(kind, officer.as_ref(), act),
            Work::Identities(listed) => self.declare(|register, new| {
                register.know(&listed, new)?;
                Ok(Vec::new())
            }),
            Work::Ask(question) => {
                (question.0)(&self.register);
                Ok(Vec::new())
            }
            Work::Languages => self.declare(|register, new| {
                register.settle_languages(new);
                Ok(Vec::new())
            }),
            Work::Close => self.take_close(),
        };
        self.finish((first, promise), written)
    }

    /// Records a batch of an input, unless one before it was refused.
    fn take_batch(
        &mut self,
        place: (Seq, Promise),
        offers: Vec<Offer>,
        input: &mut Input,
    ) -> Result<Prepared> {
        if let Some(reason) = input.refused.get() {
            return Err(Error::BatchBeforeRefused { reason: reason.clone() });
        }
        let written = self.take_offers(offers, input);
        let prepared = self.finish(place, written);
        if let Err(error) = &prepared {
            let _first_reason_stays = input.refused.set(chain(error));
        }
        prepared
    }

    fn finish(
        &mut self,
        (first, promise): (Seq, Promise),
        written: Result<Vec<Written>>,
    ) -> Result<Prepared> {
        match written {
            Ok(written) => self.hand_over((first, promise), written),
            Err(error) => {
                self.take_back(first)?;
                Err(error)
            }
        }
    }

    fn hand_over(
        &mut self,
        (first, promise): (Seq, Promise),
        written: Vec<Written>,
    ) -> Result<Prepared> {
        // The next batch is probably as large as this one.
        let next = Vec::with_capacity(self.batch.len());
        let batch = std::mem::replace(&mut self.batch, next);
        if batch.is_empty() {
            return Ok(Prepared { first, is_added: false, written });
        }
        match self.archive.append_as(batch, promise) {
            Ok(()) => Ok(Prepared { first, is_added: true, written }),
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
        if let Some(before) = Seq::new(first.leaf_index()) {
            self.wait_until_durable(before)?;
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
            Some(officer) => {
                let resolved = self.resolve(OWN_SOURCE, None, Some(officer))?;
                resolved.actor.map(|id| Person {
                    id,
                    name: officer.name.clone(),
                    foreign_id: officer.foreign_id.clone(),
                    email: officer.email.clone(),
                })
            }
            None => None,
        };
        self.register.note(&act, self.next);
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
            self.wait_until_durable(last)?;
        }
        self.origins.close(last)?;
        Ok(Vec::new())
    }

    /// Waits until an event that was handed over is on disk.
    pub(super) fn wait_until_durable(&self, seq: Seq) -> Result<()> {
        while self.archive.size() < seq.get() {
            let _is_there = self.archive.tail(seq).wait(LOOK);
            // Reading asks the archive whether its writer still lives.
            self.archive.read(Seq::FIRST).map_err(|source| Error::Archive { source })?;
        }
        Ok(())
    }

    /// Returns an event of the batch that is being prepared.
    pub(super) fn of_batch(&self, seq: Seq) -> Option<&Recorded> {
        let first = self.batch.first()?.seq;
        let place = seq.get().checked_sub(first.get())?;
        self.batch.get(usize::try_from(place).ok()?)
    }

    /// Returns an event that has its place, waiting until it can be read where that is needed.
    pub(super) fn record_of(&self, seq: Seq) -> Result<Option<Recorded>> {
        if let Some(record) = self.of_batch(seq) {
            return Ok(Some(record.clone()));
        }
        self.wait_until_durable(seq)?;
        self.archive.read(seq).map_err(|source| Error::Archive { source })
    }

    /// Lets the register resolve something, and records what it declares.
    pub(super) fn declare<T>(
        &mut self,
        act: impl FnOnce(&mut Register, &mut Declarations<'_>) -> Result<T>,
    ) -> Result<T> {
        let rng = self.archive.ports().rng.as_ref();
        let mut new = Declarations { at: self.now, rng, events: Vec::new() };
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
    /// An event with an origin comes with its fingerprint.
    #[inline]
    pub(super) fn record(
        &mut self,
        event: ChatEvent,
        print: Option<Fingerprint>,
    ) -> (Seq, Timestamp) {
        let seq = self.next;
        self.next = seq.next();
        let (place_seq, place_prev) = match event.place.as_ref().map(|place| place.room) {
            None => (None, None),
            Some(room) => match self.places.entry(room) {
                Entry::Vacant(slot) => {
                    slot.insert(PlaceHead { place_seq: PlaceSeq::FIRST, seq });
                    (Some(PlaceSeq::FIRST), None)
                }
                Entry::Occupied(mut slot) => {
                    let place_seq = slot.get().place_seq.next();
                    let before = slot.insert(PlaceHead { place_seq, seq });
                    (Some(place_seq), Some(before.seq))
                }
            },
        };
        let recorded_at = self.now;
        if let Some(print) = print {
            self.origins.insert(print, seq);
            self.in_flight.push_back(InFlight { seq, print });
        }
        self.batch.push(Recorded { seq, place_seq, place_prev, recorded_at, event });
        (seq, recorded_at)
    }

    /// Returns the present moment on the archive's clock, never before one that was recorded.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }
}
