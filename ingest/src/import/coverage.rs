//! Counts by room and day: as the source has them, and as the archive holds them.

use std::collections::{BTreeMap, HashMap};

use archive::Archive;
use archive::proof::Header;
use chat::{Seq, Timestamp};

use crate::error::{Error, Result};

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// The counts of one room on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The source's name.
    pub source: String,
    /// The room's name as given.
    pub room: String,
    /// The day in UTC, as `2024-03-04`.
    pub day: String,
    /// Records that the input has.
    pub source_count: u64,
    /// Different events that the archive holds for them, counted by reading them back.
    pub held_count: u64,
}

/// Counts in the making.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sources: Vec<String>,
    by_room: HashMap<String, RoomDays>,
    /// Equal ones come in rows: they are counted here until another comes.
    row: Option<Row>,
    /// Where the archive says that the records are.
    held: Vec<Stretch>,
}

/// Records that stand one after the other in the log, all of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    first: Seq,
    end: Seq,
    source: u32,
}

/// Records of one room and day that came one after the other.
#[derive(Debug)]
struct Row {
    source: u32,
    room: String,
    day: i64,
    side: Side,
    count: u64,
}

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Held,
}

/// Counts of one room name by source and day: those of the source, those held.
type RoomDays = HashMap<(u32, i64), (u64, u64)>;

fn day_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(DAY_MICROS)
}

fn day_word(day: i64) -> String {
    let start = Timestamp::from_micros(day.saturating_mul(DAY_MICROS));
    start.to_string().split('T').next().unwrap_or_default().to_owned()
}

impl Ledger {
    /// Returns the number of a source in this ledger.
    pub(super) fn source(&mut self, name: &str) -> u32 {
        let known = self.sources.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.sources.push(name.to_owned());
            self.sources.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Returns the names of all sources, in the order of their appearance.
    pub(super) fn sources(&self) -> &[String] {
        &self.sources
    }

    /// Counts a record of the source.
    pub(super) fn offered(&mut self, source: u32, room: &str, at: Timestamp) {
        self.count(source, room, at, Side::Source);
    }

    fn count(&mut self, source: u32, room: &str, at: Timestamp, side: Side) {
        let day = day_of(at);
        let of = |row: &&mut Row| {
            row.source == source && row.day == day && row.side == side && row.room == room
        };
        if let Some(row) = self.row.as_mut().filter(of) {
            row.count += 1;
            return;
        }
        self.end_row();
        self.row = Some(Row { source, room: room.to_owned(), day, side, count: 1 });
    }

    fn end_row(&mut self) {
        let Some(Row { source, room, day, side, count }) = self.row.take() else { return };
        let slot = self.by_room.entry(room).or_default().entry((source, day)).or_default();
        match side {
            Side::Source => slot.0 += count,
            Side::Held => slot.1 += count,
        }
    }

    /// Notes where a record is said to be held.
    pub(super) fn recorded(&mut self, source: u32, seq: Seq) {
        match self.held.last_mut() {
            Some(last) if last.source == source && last.end == seq => last.end = seq.next(),
            Some(_) | None => self.held.push(Stretch { first: seq, end: seq.next(), source }),
        }
    }

    /// Reads back the head of every event that was said to be held and counts what is there. Returns how many. Every byte
    /// of it is read back where it is sealed.
    pub(super) fn read_back(&mut self, archive: &Archive) -> Result<u64> {
        let mut held = std::mem::take(&mut self.held);
        held.sort_unstable();
        let mut count = 0;
        let mut next = Seq::FIRST;
        for stretch in held {
            // An event that several records stand for is counted once.
            next = next.max(stretch.first);
            if next < stretch.end {
                count += self.read_stretch(archive, Stretch { first: next, ..stretch })?;
                next = stretch.end;
            }
        }
        Ok(count)
    }

    fn read_stretch(&mut self, archive: &Archive, stretch: Stretch) -> Result<u64> {
        let Some(last) = Seq::new(stretch.end.leaf_index()) else { return Ok(0) };
        let mut count = 0;
        let mut take = |header: &Header, room: Option<&str>| {
            count += 1;
            if let Some(room) = room {
                self.count(stretch.source, room, Timestamp::from_micros(header.at), Side::Held);
            }
        };
        let read = archive.rooms_named(stretch.first, last, &mut take);
        read.map_err(|source| Error::Archive { source })?;
        Ok(count)
    }

    /// Returns the counts by source, room and day.
    pub(super) fn into_coverage(mut self) -> Vec<Coverage> {
        self.end_row();
        let name = |source: u32| {
            let place = usize::try_from(source).unwrap_or(usize::MAX);
            self.sources.get(place).cloned().unwrap_or_default()
        };
        let mut all = BTreeMap::new();
        for (room, days) in &self.by_room {
            for ((source, day), counts) in days {
                all.insert((name(*source), room.clone(), *day), *counts);
            }
        }
        let row = |((source, room, day), (source_count, held_count))| Coverage {
            source,
            room,
            day: day_word(day),
            source_count,
            held_count,
        };
        all.into_iter().map(row).collect()
    }
}
