//! Claims about the whole archive, on a real folder and on the simulated disk.

mod abridging;
mod catalog;
mod crashes;
mod damage;
mod destroying;
mod facade;
mod flips;
mod headers;
mod proving;
mod python;
mod recovery;
mod sealing;
mod settling;
pub(crate) mod simulated;
mod stamps;
mod upkeep;
mod verifying;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::testing::{FixedClock, SeededRng, message};
use chat::{Act, ChatEvent, EventKind, PlaceSeq, Recorded, RoomId, Seq, Timestamp};

use crate::{Archive, PlaceHead, Ports, Settings};

/// Numbers events the way a sequencer does.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    last: u64,
    places: HashMap<RoomId, PlaceHead>,
}

impl Numbers {
    /// Goes on where an archive stands.
    pub(crate) fn of(archive: &Archive) -> Self {
        Self { last: archive.size(), places: archive.places() }
    }

    /// Gives an event its place in the log and in its room.
    pub(crate) fn record(&mut self, event: ChatEvent) -> Recorded {
        self.last += 1;
        let seq = Seq::new(self.last).unwrap();
        let (mut place_seq, mut place_prev) = (None, None);
        if let Some(place) = &event.place {
            let head = self.places.get(&place.room);
            place_seq = Some(head.map_or(PlaceSeq::FIRST, |head| head.place_seq.next()));
            place_prev = head.map(|head| head.seq);
            let head = PlaceHead { place_seq: place_seq.unwrap(), seq };
            self.places.insert(place.room, head);
        }
        Recorded { seq, place_seq, place_prev, recorded_at: Timestamp::from_micros(7), event }
    }

    /// Returns so many messages of three rooms, every fifth event an officer's act.
    pub(crate) fn events(&mut self, count: u64) -> Vec<Recorded> {
        (0..count)
            .map(|_| {
                let number = self.last + 1;
                let room = u8::try_from(number % 3).unwrap();
                let mut event = message(number, room, 1, &format!("words of event {number}"));
                if number.is_multiple_of(5) {
                    event.kind = EventKind::Officer;
                    event.place = None;
                    event.content.act = Some(Act::new("search").with("query", "words"));
                }
                self.record(event)
            })
            .collect()
    }
}

/// Returns settings under which nothing happens by itself.
pub(crate) fn still() -> Settings {
    Settings { runs_upkeep: false, reserve_bytes: 0, ..Settings::default() }
}

/// Returns ports on the real disk with a fixed clock and a seeded random source.
pub(crate) fn ports(seed: u64) -> Ports {
    Ports {
        clock: Arc::new(FixedClock::at(Timestamp::from_micros(1_700_000_000_000_000))),
        rng: Arc::new(SeededRng::new(seed)),
        ..Ports::production()
    }
}

/// Reads the whole log with a tail.
pub(crate) fn read_all(archive: &Arc<Archive>) -> crate::Result<Vec<Recorded>> {
    let mut tail = archive.tail(Seq::FIRST);
    let mut all = Vec::new();
    loop {
        let batch = tail.next_batch(1000)?;
        if batch.is_empty() {
            return Ok(all);
        }
        all.extend(batch);
    }
}

/// Returns every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
