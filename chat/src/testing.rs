//! Builders and generators for tests. Compiled only with the feature `testing`.
#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests alone use it, with numbers of their own"
)]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use proptest::prelude::*;

use crate::event::{ChatEvent, Content, Origin, OriginKey, Place};
use crate::id::{PersonId, RoomId, SourceId};
use crate::kind::EventKind;
use crate::person::Person;
use crate::ports::{Clock, Rng};
use crate::time::Timestamp;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Returns a clock that shows this moment.
    pub const fn at(moment: Timestamp) -> Self {
        Self(AtomicI64::new(moment.micros()))
    }

    /// Moves the clock by so many microseconds.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Numbers that look random and repeat with their seed (the `SplitMix64` sequence). For tests alone.
#[derive(Debug)]
pub struct SeededRng(AtomicU64);

impl SeededRng {
    /// Returns the sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Returns the next 64 bits.
    pub fn next(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let mut z = self.0.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below the bound, which must not be 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Returns the part of a long test that is asked for (the variable `MUNIMENT_SHARE`), and everything if none is: `3/8` is the third of eight parts,
/// each a run of neighbours, that together are everything. So what takes hours can be gone through in pieces.
///
/// Panics at a share that is none: a test that runs something else than was asked for shows nothing.
pub fn share_of<T>(mut items: Vec<T>, asked: Option<String>) -> Vec<T> {
    if let Some(asked) = asked {
        let (number, parts) = parsed_share(&asked)
            .unwrap_or_else(|| panic!("MUNIMENT_SHARE is like 3/8, not {asked:?}"));
        let place = |part: usize| items.len() * part / parts;
        let (start, end) = (place(number - 1), place(number));
        items.truncate(end);
        items.drain(..start);
    }
    items
}

/// Returns which of how many parts is meant.
fn parsed_share(asked: &str) -> Option<(usize, usize)> {
    let (number, parts) = asked.split_once('/')?;
    let (number, parts) = (number.parse().ok()?, parts.parse().ok()?);
    (1..=parts).contains(&number).then_some((number, parts))
}

/// Returns a plain message: source 1, the numbered room and person, and a text.
pub fn message(number: u64, room: u8, person: u8, text: &str) -> ChatEvent {
    ChatEvent {
        origin: Some(Origin {
            source: SourceId::from_bytes([1; 16]),
            key: OriginKey::Given(format!("m{number}")),
            revision: 0,
        }),
        at: Timestamp::from_micros(1_700_000_000_000_000)
            .plus_micros(i64::try_from(number).unwrap_or(0) * 1_000_000),
        kind: EventKind::Message,
        actor: Some(Person {
            id: PersonId::from_bytes([person; 16]),
            name: format!("Person {person}"),
            foreign_id: None,
            email: None,
        }),
        place: Some(Place { room: RoomId::from_bytes([room; 16]), name: format!("Room {room}") }),
        target: None,
        other_ids: Vec::new(),
        content: Content { text: Some(text.to_owned()), ..Content::default() },
    }
}

/// Generates texts of every script, emoji, controls and the empty one among them.
pub fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,8}( [a-z]{1,8}){0,12}",
        1 => "\\PC{0,40}",
        1 => proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter),
        1 => Just(String::new()),
    ]
}

#[cfg(test)]
mod tests {
    use super::parsed_share;

    #[test]
    fn a_share_is_one_of_so_many_parts_and_nothing_else() {
        assert_eq!(parsed_share("1/1"), Some((1, 1)));
        assert_eq!(parsed_share("3/8"), Some((3, 8)));
        for none in ["", "3", "0/8", "9/8", "1/0", "a/8", "3/8/1", "-1/8"] {
            assert_eq!(parsed_share(none), None, "{none:?}");
        }
    }
}
