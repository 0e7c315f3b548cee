//! The hot paths by themselves, for callgrind: each does its work so many times on the same set-up, so that the difference
//! of two runs is the work alone.

use std::path::Path;
use std::time::Duration;

use archive::proof::commitment::commit;
use archive::proof::{SaltTree, Seed};
use archive::record::{fields, header};
use chat::{Lane, Recorded, Seq};
use index::Order;

use crate::corpus::{Corpus, Line};
use crate::product::{Log, Product};
use crate::{Fault, export};

/// Messages of a batch, as an import hands them in.
const BATCH: usize = 1_000;
/// Messages that lie in the log before what is measured of reading it.
pub(crate) const MESSAGES: usize = 10_000;
/// Events of a salt run.
const RUN: u64 = 256;
/// Rows between two that lie in different blocks.
const BLOCK: usize = 800;
/// Blocks that are read from.
pub(crate) const BLOCKS: usize = 12;
/// A word that about one message in a hundred has.
const WORD: &str = "\"should\"";
/// Long enough that nothing happens by itself while callgrind counts.
const NEVER: Duration = Duration::from_hours(24);

/// Does one kind of work so many times over the messages of a file.
pub(crate) fn run(what: &str, times: usize, file: &Path) -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let lines = Corpus::load(vec![file.to_owned()], folder.path())?.lines;
    let data = folder.path().join("data");
    match what {
        "append" => quiet(&data)?.append(lines.get(..times).ok_or("too few lines")?)?.close(),
        "leaf" => leaves(&lines, times),
        "seal" => {
            let log = quiet(&data)?.append(&lines)?;
            if times > 0 {
                log.archive().seal()?;
            }
            log.close()
        }
        "read" => {
            let log = quiet(&data)?.append(&lines)?;
            log.archive().seal()?;
            for step in 0..times {
                let place = 1 + step % BLOCKS * BLOCK + step / BLOCKS;
                let seq = Seq::new(u64::try_from(place)?).ok_or("events are numbered from 1")?;
                std::hint::black_box(log.archive().read(seq)?);
            }
            log.close()
        }
        "search" => search(&data, &lines, WORD, times),
        "corner" => {
            let (room, day) = lines.get(lines.len() / 2).map(corner).ok_or("too few lines")?;
            let query = format!("{WORD} room:\"{room}\" after:{day} before:{}", last(&lines)?);
            search(&data, &lines, &query, times)
        }
        "export" => {
            let log = quiet(&data)?.append(&lines)?;
            log.archive().seal()?;
            let set = export::first(log.archive(), times)?;
            export::package(log.archive(), &set, &folder.path().join("package"))?;
            log.close()
        }
        _ => Err(format!("no path is called {what}").into()),
    }
}

/// Makes an archive in which nothing happens by itself.
fn quiet(folder: &Path) -> Result<Log, Fault> {
    Log::create_with(
        folder,
        archive::Settings { runs_upkeep: false, ..archive::Settings::default() },
    )
}

impl Log {
    fn append(self, lines: &[Line]) -> Result<Self, Fault> {
        for (first, batch) in (0_u64..).step_by(BATCH).zip(lines.chunks(BATCH)) {
            self.post_all(first, batch)?;
        }
        Ok(self)
    }
}

/// Computes leaves of the same event over and over, each at its own place, without the disk.
fn leaves(lines: &[Line], times: usize) -> Result<(), Fault> {
    let line = lines.first().ok_or("the corpus is empty")?;
    let mut event = chat::testing::message(1, 1, 1, &line.text);
    if let Some(place) = &mut event.place {
        place.name.clone_from(&line.room);
    }
    if let Some(actor) = &mut event.actor {
        actor.name.clone_from(&line.sender);
    }
    let recorded = Recorded {
        seq: Seq::FIRST,
        place_seq: Some(chat::PlaceSeq::FIRST),
        place_prev: None,
        recorded_at: event.at,
        event,
    };
    let (header, fields) = (header(&recorded).encode(), fields(&recorded.event));
    let mut tree = SaltTree::new(&Seed::from_bytes([7; 16]), Lane::Talk, Seq::FIRST);
    for step in 0..u64::try_from(times)? {
        let seq = Seq::FIRST.plus(step);
        if step % RUN == 0 {
            tree = SaltTree::new(&Seed::from_bytes([7; 16]), Lane::Talk, seq);
        }
        let fields = fields.iter().map(|field| (field.tag, field.value.as_slice()));
        std::hint::black_box(commit(&header, seq, fields, &tree.salts(seq)).leaf());
    }
    Ok(())
}

/// Returns the room and the day of a line.
fn corner(line: &Line) -> (&str, &str) {
    (&line.room, line.time.get(..10).unwrap_or_default())
}

/// Returns the last day of the lines.
fn last(lines: &[Line]) -> Result<String, Fault> {
    let day = lines.iter().filter_map(|line| line.time.get(..10)).max();
    day.map(str::to_owned).ok_or_else(|| "the corpus is empty".into())
}

fn search(data: &Path, lines: &[Line], query: &str, times: usize) -> Result<(), Fault> {
    let settings =
        index::Settings { commit_wait: NEVER, join_wait: NEVER, ..index::Settings::default() };
    let product = Product::over(data, quiet(data)?.append(lines)?, settings)?;
    product.catch_up()?;
    for _ in 0..times {
        std::hint::black_box(product.search(query, Order::Newest)?);
    }
    product.close()
}
