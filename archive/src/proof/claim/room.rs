//! Room: nothing is missing from this room between the first event shown and the last, without showing another room.

use chat::{RoomId, Seq};
use serde_json::{Value, json};

use super::inclusion::Inclusion;
use crate::proof::hash::Digest;
use crate::proof::header::{Header, ROLE_PLACE};
use crate::proof::members::{Members, hex_list};
use crate::proof::opening::Opening;
use crate::proof::refusal::Refusal;

/// Proves that nothing is left out of one chain of events of a room. That a room has one chain only is not proven by it:
/// who sees every header checks that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The room.
    pub place: RoomId,
    /// Its events, ascending; the first and the last show their header.
    pub items: Vec<RoomItem>,
}

/// One event of a room.
pub type RoomItem = Inclusion;

/// What a room proof that holds says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomShown {
    /// The header of the first event.
    pub first: Header,
    /// The header of the last event.
    pub last: Header,
    /// Events between them that are there and not shown.
    pub not_shown: u64,
}

impl Room {
    /// Returns what is proven, if the claim holds for a log of this size and root.
    pub fn verify(&self, size: u64, root: &Digest) -> Result<RoomShown, Refusal> {
        let shown = self.check_chain(size)?;
        for item in &self.items {
            item.verify(size, root)?;
        }
        Ok(shown)
    }

    /// Refuses all that can be refused without a hash.
    fn check_chain(&self, size: u64) -> Result<RoomShown, Refusal> {
        let (Some(first), Some(last)) = (self.items.first(), self.items.last()) else {
            return Err(Refusal::RoomEnds);
        };
        if first.opening.header_bytes().is_none() || last.opening.header_bytes().is_none() {
            return Err(Refusal::RoomEnds);
        }
        if !self.items.is_sorted_by(|before, after| before.seq < after.seq) {
            return Err(Refusal::RoomOrder);
        }
        let mut chain = Chain::default();
        for item in &self.items {
            item.check_place(size)?;
            let seq = Seq::new(item.seq).ok_or(Refusal::Index)?;
            chain.follow(&self.place, seq, item.opening.check_form(seq)?)?;
        }
        let (first, last) = chain.ends.ok_or(Refusal::RoomEnds)?;
        Ok(RoomShown { first, last, not_shown: chain.not_shown })
    }

    /// Returns the JSON form, of kind `room`.
    pub fn to_json(&self) -> Value {
        let item = |item: &RoomItem| {
            let (opening, path) = (item.opening.to_json(), hex_list(&item.path));
            json!({ "seq": item.seq, "opening": opening, "path": path })
        };
        let items: Value = self.items.iter().map(item).collect();
        json!({ "kind": "room", "place": self.place.to_string(), "items": items })
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        let members = Members::of_claim(value, "room", &["place", "items"])?;
        Ok(Self {
            place: RoomId::from_bytes(members.array("place")?),
            items: members.list("items", |item| {
                let members = Members::exactly(item, &["seq", "opening", "path"])?;
                Ok(RoomItem {
                    seq: members.number("seq")?,
                    path: members.arrays("path")?,
                    opening: Opening::from_json(members.value("opening")?)?,
                })
            })?,
        })
    }
}

/// A room's chain as far as it has been followed.
#[derive(Default)]
struct Chain {
    ends: Option<(Header, Header)>,
    before: u64,
    gap: u64,
    not_shown: u64,
}

impl Chain {
    /// Takes the next item; a header must go on where the one before it ended.
    fn follow(&mut self, place: &RoomId, seq: Seq, header: Option<Header>) -> Result<(), Refusal> {
        let Some(header) = header else {
            self.gap = self.gap.saturating_add(1);
            self.not_shown = self.not_shown.saturating_add(1);
            self.before = seq.get();
            return Ok(());
        };
        if header.id(ROLE_PLACE) != Some(place.as_bytes()) {
            return Err(Refusal::RoomPlace);
        }
        self.ends = Some(match self.ends.take() {
            None => (header.clone(), header),
            Some((first, last)) => {
                let expected = last.place_seq.checked_add(self.gap).and_then(|n| n.checked_add(1));
                if expected != Some(header.place_seq) {
                    return Err(Refusal::RoomGap);
                }
                if header.place_prev != self.before {
                    return Err(Refusal::RoomPrev);
                }
                (first, header)
            }
        });
        (self.before, self.gap) = (seq.get(), 0);
        Ok(())
    }
}
