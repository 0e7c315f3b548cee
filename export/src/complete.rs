//! Packages that are complete: every event of a range of the log, or of a room within one, is a row or is accounted for.
//!
//! What is no row has a line of its own with a proof that it is there: officers' acts, whose header shows what they are;
//! destroyed events, of which a stub or a leaf is left; and the room's neighbours on both sides, to which its chain of
//! places is tied. Of the log every number is proven; of a room every place.

use std::collections::BTreeMap;
use std::iter::Peekable;

use archive::proof::commitment::{ContentHasher, field_commitment};
use archive::proof::header::ROLE_PLACE;
use archive::proof::opening::{Disclosure, OpenField, Opening};
use archive::proof::{Digest, Header, Inclusion};
use archive::record;
use chat::{EventKind, Recorded, RoomId, Seq};
use serde_json::{Value, json};

/// A range that a set holds whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    /// The room; nothing where it is the log itself.
    pub room: Option<RoomId>,
    /// The first number of the range.
    pub first: Seq,
    /// The last number of the range.
    pub last: Seq,
    /// The event of the room before the range, if there is one.
    pub before: Option<Seq>,
    /// The event of the room after the range, if there is one.
    pub after: Option<Seq>,
    /// Numbers that are accounted for and are no rows, ascending: officers' acts, and the room's neighbours.
    pub absent: Vec<Seq>,
}

impl Complete {
    /// Returns whether a number is that of a neighbour of the room.
    pub(crate) fn is_neighbour(&self, seq: Seq) -> bool {
        [self.before, self.after].contains(&Some(seq))
    }

    /// Returns what contradicts the rows that are said to be the range, if something does.
    pub(crate) fn fault(&self, rows: &[Seq]) -> Option<String> {
        let within = |seq: &Seq| (self.first..=self.last).contains(seq);
        let Self { first, last, absent, .. } = self;
        let is_apart = |seq: &Seq| rows.binary_search(seq).is_err();
        let beside = [self.before, self.after].into_iter().flatten();
        let is_beside = |seq: Seq| absent.binary_search(&seq).is_ok() && !within(&seq);
        if first > last {
            return Some(format!("the range {first}..{last} is empty"));
        }
        if !rows.iter().all(within)
            || !absent.iter().all(|seq| is_apart(seq) && (within(seq) || self.is_neighbour(*seq)))
            || !beside.into_iter().all(is_beside)
        {
            return Some(format!("events stand outside of the range {first}..{last}, or twice"));
        }
        let held = rows.len().saturating_add(absent.len());
        let count = last.get().saturating_sub(first.get()).saturating_add(1);
        if self.room.is_none() && u64::try_from(held).ok() != Some(count) {
            return Some(format!("{held} events are named of the {count} in {first}..{last}"));
        }
        None
    }
}

/// Why an event of a complete package is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// It is destroyed; on the archive's word.
    Destroyed,
    /// It stands beside the range and ties it to its room.
    Neighbour,
    /// It is an officer's act, which its header shows.
    Officer,
}

impl Reason {
    /// Returns the word used in lines and in the manifest.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Neighbour => "neighbour",
            Self::Officer => "officer",
        }
    }

    /// Returns the reason why an event of this header, or without one, is no row.
    fn of(header: Option<&Header>, is_neighbour: bool) -> Self {
        match header {
            Some(header) if header.kind == EventKind::Officer.code() => Self::Officer,
            Some(_) if is_neighbour => Self::Neighbour,
            _ => Self::Destroyed,
        }
    }
}

/// How many events are no rows, by reason.
pub(crate) type AbsentCounts = BTreeMap<String, u64>;

/// Returns the line of an event that is no row, without its line feed, and the word for the reason.
pub(crate) fn write(mut inclusion: Inclusion, complete: &Complete) -> (String, &'static str) {
    inclusion.opening = to_stub(inclusion.seq, inclusion.opening);
    let header = inclusion.opening.header_bytes().and_then(|bytes| Header::decode(bytes).ok());
    let is_neighbour = Seq::new(inclusion.seq).is_some_and(|seq| complete.is_neighbour(seq));
    let reason = Reason::of(header.as_ref(), is_neighbour).word();
    (json!({ "proof": inclusion.to_json(), "reason": reason }).to_string(), reason)
}

/// Closes the content of an opening: its header stays, and the commitment to all fields together.
fn to_stub(seq: u64, opening: Opening) -> Opening {
    let (Opening::Open { header, hs, ls, fields }, Some(seq)) = (&opening, Seq::new(seq)) else {
        return opening;
    };
    let mut content = ContentHasher::new(seq, ls);
    for OpenField { tag, disclosure } in fields {
        let commitment = match disclosure {
            Disclosure::Shown { salt, value } => field_commitment(seq, *tag, salt, value),
            Disclosure::Withheld { commitment } => *commitment,
        };
        content.add(*tag, &commitment);
    }
    Opening::Stub { header: header.clone(), hs: *hs, content: content.finish() }
}

/// Checks the line of an event that is no row; returns the reason and, where it is shown, its link in its room.
pub(crate) fn check(
    line: &[u8],
    due: Seq,
    complete: &Complete,
    (size, root): (u64, &Digest),
) -> Result<(&'static str, Option<Link>), String> {
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("no JSON: {error}"))?;
    let proof = value.get("proof").ok_or("it holds no proof")?;
    let inclusion = Inclusion::from_json(proof).map_err(|refusal| refusal.to_string())?;
    if inclusion.seq != due.get() {
        return Err(format!("it is of event {}", inclusion.seq));
    }
    if matches!(inclusion.opening, Opening::Open { .. } | Opening::Entry { .. }) {
        return Err("it is neither the header of an event nor its leaf alone".to_owned());
    }
    let header = inclusion.verify(size, root).map_err(|refusal| refusal.to_string())?;
    let reason = Reason::of(header.as_ref(), complete.is_neighbour(due));
    let is_stated =
        |reason: Reason| value.get("reason").and_then(Value::as_str) == Some(reason.word());
    if !is_stated(reason) {
        return Err(format!("the reason is not {}, as its header and place tell", reason.word()));
    }
    if json!({ "proof": inclusion.to_json(), "reason": reason.word() }).to_string().as_bytes()
        != line
    {
        return Err("not in its canonical form".to_owned());
    }
    Ok((reason.word(), header.as_ref().map(Link::of)))
}

/// Where an event stands in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    room: Option<RoomId>,
    place: u64,
    previous: u64,
}

impl Link {
    fn of(header: &Header) -> Self {
        Self {
            room: header.id(ROLE_PLACE).map(|id| RoomId::from_bytes(*id)),
            place: header.place_seq,
            previous: header.place_prev,
        }
    }
}

/// The chain of a room's places, followed from event to event (proof.md §8).
pub(crate) struct Chain<'a> {
    complete: &'a Complete,
    room: RoomId,
    absent: Peekable<std::vec::IntoIter<(Seq, Option<Link>)>>,
    place: u64,
    before: u64,
    hidden: u64,
    is_start: bool,
    fault: Option<(Option<Seq>, String)>,
}

impl<'a> Chain<'a> {
    /// Starts before the first event. `absent` are those that are no rows, ascending.
    pub(crate) fn new(
        complete: &'a Complete,
        room: RoomId,
        absent: Vec<(Seq, Option<Link>)>,
    ) -> Self {
        Self {
            complete,
            room,
            absent: absent.into_iter().peekable(),
            place: 0,
            before: 0,
            hidden: 0,
            is_start: complete.before.is_some(),
            fault: None,
        }
    }

    /// Takes the next row.
    pub(crate) fn row(&mut self, recorded: &Recorded) {
        while let Some((seq, link)) = self.absent.next_if(|(seq, _)| *seq < recorded.seq) {
            self.follow(seq, link);
        }
        self.follow(recorded.seq, Some(Link::of(&record::header(recorded))));
    }

    fn follow(&mut self, seq: Seq, link: Option<Link>) {
        let Some(link) = link else {
            self.hidden = self.hidden.saturating_add(1);
            self.before = seq.get();
            return;
        };
        let next = self.place.saturating_add(self.hidden).saturating_add(1);
        if link.room != Some(self.room) {
            self.find(Some(seq), "it is of another room".to_owned());
        } else if !self.is_start && (link.place, link.previous) != (next, self.before) {
            let what = format!(
                "it has place {} of its room after event {}, place {next} after event {} was due: an event of the room is \
                 missing before it",
                link.place, link.previous, self.before
            );
            self.find(Some(seq), what);
        }
        (self.place, self.before, self.hidden, self.is_start) = (link.place, seq.get(), 0, false);
    }

    fn find(&mut self, seq: Option<Seq>, what: String) {
        self.fault.get_or_insert((seq, what));
    }

    /// Returns what is wrong with the chain first, if something is.
    pub(crate) fn finish(mut self) -> Option<(Option<Seq>, String)> {
        while let Some((seq, link)) = self.absent.next() {
            self.follow(seq, link);
        }
        let is_tied = self.complete.after.is_none_or(|after| after.get() == self.before);
        if self.place == 0 || self.hidden > 0 || !is_tied {
            self.find(None, "the end of the room's chain is not shown".to_owned());
        }
        self.fault
    }
}
