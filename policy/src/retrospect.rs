//! A whole archive is judged from the end of its log to its beginning: by then all that refers to an event has been judged, and its
//! versions, reactions and late files have been seen. So no more is kept in memory than what refers to something that is still to come.
//!
//! What the ledger says of rooms, persons and sources is judged last of all: it goes only when nothing living refers to it.
//!
//! Comings and goings are events like others and may go. Who could read what is left is then told by their headers alone, where
//! those stay ([`Chronicle::apply_residue`]).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chat::{EventKind, Lane, PersonId, Recorded, RoomId, Seq, SourceId};
use query::Analysed;
use query::analysis::Reader;

use crate::chronicle::Chronicle;
use crate::error::{Error, Result};
use crate::evaluate::{Disposition, is_record_of_officers};
use crate::hold::HoldId;
use crate::item::{Item, Lineage, Words, is_never_read};
use crate::plan::{Drafting, Plan};
use crate::schedule::RuleVersion;

/// A plan that is being judged, so far down to some event.
#[derive(Debug)]
pub struct Retrospect<'c> {
    drafting: Drafting,
    around: &'c Chronicle,
    reads_words: bool,
    reader: Reader,
    last: Option<Seq>,
    /// What belongs to an event that comes yet, by that event.
    parts: HashMap<Seq, Vec<Bundle>>,
    /// What the ledger says of rooms, persons and sources.
    ledger: Vec<(Bundle, Subject)>,
    referred: Referred,
    tally: Tally,
}

/// How many events become what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Living events that were judged.
    pub events: u64,
    /// Those that rules let go, by rule.
    pub expired: BTreeMap<RuleVersion, u64>,
    /// Those that rules would let go and holds keep, by hold; an event that several keep counts for each.
    pub kept_by_holds: BTreeMap<HoldId, u64>,
    /// Those that holds cover, whatever the rules say.
    pub held: u64,
    /// Those that rules keep, or that no rule lets go yet.
    pub kept: u64,
    /// Those that are kept because something living needs them.
    pub needed: u64,
    /// Those that a person is asked about, by rule.
    pub review: BTreeMap<RuleVersion, u64>,
    /// Those that no rule is about.
    pub unclassified: u64,
}

/// An event with what belongs to it.
#[derive(Debug)]
struct Bundle {
    root: Kept,
    others: Vec<Kept>,
}

/// An event as it is kept until it is judged.
#[derive(Debug)]
struct Kept {
    item: Item<'static>,
    words: Option<Analysed>,
}

/// Of what an event of the ledger tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Room(RoomId),
    Person(PersonId),
    Source(SourceId),
    /// Of something else, or nobody knows of what: it is needed as long as anything is.
    Anything,
}

/// What living events refer to.
#[derive(Debug, Default)]
struct Referred {
    events: BTreeSet<Seq>,
    rooms: BTreeSet<RoomId>,
    persons: BTreeSet<PersonId>,
    sources: BTreeSet<SourceId>,
}

impl Drafting {
    /// Begins to judge the whole log, through the event that the plan is judged through. The chronicle has to have taken in the log
    /// up to that event, and nothing after it.
    pub fn look_back(self, around: &Chronicle) -> Result<Retrospect<'_>> {
        let through = self.through();
        if around.folded() != Some(through) {
            let docket = around.folded().unwrap_or(Seq::FIRST);
            return Err(Error::DocketElsewhere { docket, asked: through });
        }
        Ok(Retrospect {
            reads_words: self.asks_for_words(),
            drafting: self,
            around,
            reader: Reader::default(),
            last: None,
            parts: HashMap::new(),
            ledger: Vec::new(),
            referred: Referred::default(),
            tally: Tally::default(),
        })
    }
}

impl Retrospect<'_> {
    /// Judges the event before those that came so far. All living events have to come, each once, the last one first; what was
    /// destroyed is passed over.
    pub fn take(&mut self, recorded: &Recorded) -> Result<()> {
        let (event, through) = (recorded.seq, self.drafting.through());
        if event > through {
            return Err(Error::EventBeyondPlan { event, through });
        }
        if let Some(before) = self.last.filter(|last| *last <= event) {
            return Err(Error::OrderAscends { before, found: event });
        }
        self.last = Some(event);
        let root = self.keep(recorded);
        let belongs = root.item.target.filter(|to| root.item.belongs_to_target() && *to < event);
        let bundles = self.parts.remove(&event).unwrap_or_default();
        let bundle = Bundle { root, others: bundles.into_iter().flat_map(Bundle::all).collect() };
        if let Some(target) = belongs {
            self.parts.entry(target).or_default().push(bundle);
        } else if bundle.root.item.lane() == Lane::Ledger
            && !is_record_of_officers(event_kind(&bundle))
        {
            self.ledger.push((bundle, Subject::of(recorded)));
        } else {
            self.judge(&bundle, false);
        }
        Ok(())
    }

    /// Judges what is left and returns the plan, with how many events become what.
    pub fn finish(mut self) -> Result<(Plan, Tally)> {
        // What belongs to an event that is gone stands for itself.
        let mut orphans: Vec<Bundle> = self.parts.drain().flat_map(|(_, parts)| parts).collect();
        orphans.sort_unstable_by_key(|bundle| std::cmp::Reverse(bundle.root.item.seq));
        for bundle in &orphans {
            self.judge(bundle, false);
        }
        // What is said of a source is needed by what is said of its rooms and persons, so it comes after that.
        let ledger = std::mem::take(&mut self.ledger);
        let (sources, others): (Vec<_>, Vec<_>) =
            ledger.into_iter().partition(|(_, subject)| matches!(subject, Subject::Source(_)));
        for (bundle, subject) in others.iter().chain(&sources) {
            let is_needed = self.referred.needs(*subject);
            if self.judge(bundle, is_needed) {
                self.referred.sources.extend(self.source_of(*subject));
            }
        }
        Ok((self.drafting.finish()?, self.tally))
    }

    /// Returns the source at which a room or person is known.
    fn source_of(&self, subject: Subject) -> Option<SourceId> {
        let aliases = self.around.known().aliases();
        match subject {
            Subject::Room(room) => aliases.source_of_room(&room).copied(),
            Subject::Person(person) => aliases.source_of(&person).copied(),
            Subject::Source(_) | Subject::Anything => None,
        }
    }

    fn keep(&mut self, recorded: &Recorded) -> Kept {
        let words = (self.reads_words && !is_never_read(recorded)).then(|| {
            let language = self.around.known().room_then(recorded).language;
            Analysed::read(recorded, language, &mut self.reader)
        });
        Kept { item: Item::of(recorded, Words::Unread), words }
    }

    /// Judges an event with what belongs to it, and returns whether any of it is left.
    fn judge(&mut self, bundle: &Bundle, is_needed: bool) -> bool {
        let others = bundle.others.iter().map(Kept::item).collect();
        let lineage = Lineage { root: bundle.root.item(), others, is_referred_to: is_needed };
        let is_needed =
            is_needed || lineage.items().any(|item| self.referred.events.contains(&item.seq));
        let decision = self.drafting.judge_one(self.around, &lineage, is_needed);
        for item in lineage.items() {
            self.referred.events.remove(&item.seq);
        }
        let is_left = decision.is_left(is_needed);
        if is_left {
            lineage.items().for_each(|item| self.referred.note(item));
        }
        self.tally.count(decision.disposition(), decision.is_kept_by_holds_alone(), &lineage);
        is_left
    }
}

fn event_kind(bundle: &Bundle) -> EventKind {
    bundle.root.item.kind
}

impl Bundle {
    fn all(self) -> impl Iterator<Item = Kept> {
        std::iter::once(self.root).chain(self.others)
    }
}

impl Kept {
    fn item(&self) -> Item<'_> {
        let words = self.words.as_ref().map_or(Words::Unread, Words::Read);
        Item { words, ..self.item.clone() }
    }
}

impl Subject {
    fn of(recorded: &Recorded) -> Self {
        let event = &recorded.event;
        if let Some(place) = &event.place {
            return Self::Room(place.room);
        }
        let fact = |name| event.content.act.as_ref().and_then(|act| act.text(name));
        let verb = event.content.act.as_ref().map(|act| act.verb.as_str());
        if event.kind == EventKind::Identity {
            let person = fact("person").and_then(|id| id.parse().ok());
            return person.map_or(Self::Anything, Self::Person);
        }
        match (verb, fact("source").and_then(|id| id.parse().ok())) {
            (Some("source-declared"), Some(source)) => Self::Source(source),
            _ => Self::Anything,
        }
    }
}

impl Referred {
    fn note(&mut self, item: &Item<'_>) {
        self.events.extend(item.target);
        self.rooms.extend(item.room);
        self.persons.extend(item.author);
        self.sources.extend(item.source);
    }

    fn needs(&self, subject: Subject) -> bool {
        match subject {
            Subject::Room(room) => self.rooms.contains(&room),
            Subject::Person(person) => self.persons.contains(&person),
            Subject::Source(source) => self.sources.contains(&source),
            Subject::Anything => true,
        }
    }
}

impl Tally {
    fn count(&mut self, disposition: &Disposition, by_holds_alone: bool, lineage: &Lineage<'_>) {
        let events = u64::try_from(lineage.items().count()).unwrap_or(u64::MAX);
        self.events += events;
        match disposition {
            Disposition::Held(holds) => {
                self.held += events;
                for hold in holds.iter().filter(|_| by_holds_alone) {
                    *self.kept_by_holds.entry(*hold).or_default() += events;
                }
            }
            Disposition::Keep { .. } => self.kept += events,
            Disposition::Needed => self.needed += events,
            Disposition::Review { rule, .. } => {
                *self.review.entry(rule.clone()).or_default() += events;
            }
            Disposition::Unclassified => self.unclassified += events,
            Disposition::Expired { rule, .. } => {
                *self.expired.entry(rule.clone()).or_default() += events;
            }
        }
    }
}

#[cfg(test)]
mod tests;
