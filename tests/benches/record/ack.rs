//! The row `ack`: how long who posts a message waits until it is synced, and how many a second that makes.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::clock::{Cost, timed, timed_by_thread};
use crate::corpus::Line;
use crate::group_commit::{BareLog, PreparedFile};
use crate::product::{Log, Product};
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;
use crate::{Fault, one_row};

pub(crate) const ROW: Row = Row {
    name: "ack",
    about: "a message acknowledged: synced and in the tree",
    only_by_name: false,
    run,
};

/// How many wait at once, and how many messages each of them posts in a round, one after the other.
const CLIENTS: [(usize, usize); 4] = [(1, 1_000), (16, 400), (256, 80), (1_024, 32)];
/// At how many of them SQLite is measured, and for how long.
const SQLITE_CLIENTS: usize = 256;
const SQLITE_TIME: Duration = Duration::from_secs(2);
/// Messages before the first figure.
const WARM: usize = 500;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let folder = stage.scratch().join("ack");
    std::fs::create_dir(&folder)?;
    let bench = Bench {
        lines: &stage.corpus().lines,
        log: Log::create(&folder.join("log"))?,
        followed: Product::create(&folder.join("followed"))?,
        bare: BareLog::start(PreparedFile::create(&folder.join("bare"))?),
        number: AtomicU64::new(0),
    };
    let mut disk = PreparedFile::create(&folder.join("disk"))?;
    drive(1, WARM, |_| bench.post(&bench.log))?;
    let mut at_256 = f64::NAN;
    for (clients, each) in CLIENTS {
        let rate = bench.at((clients, each), stage.runs(), &mut disk, sheet)?;
        at_256 = if clients == SQLITE_CLIENTS { rate } else { at_256 };
    }
    let (rows, elapsed) =
        one_row::insert(&folder.join("one.sqlite"), bench.lines, SQLITE_CLIENTS, SQLITE_TIME)?;
    let lite = rows as f64 / elapsed.as_secs_f64();
    sheet.figure("SQLite, a row a transaction, FULL, 256 waiting", lite, "rows/s");
    sheet.claim("256 waiting: beside SQLite's rows a second", at_256 / lite, Goal::AtLeast(100.0));
    sheet.note("A message passes the sequencer (is it known, whose is it, where does it stand) and the leaf computer before it is written; the bare log passes bytes. Without an index: the log and its way in alone. Followed: as in the server, the index takes its share of the same processors.");
    bench.log.close()?;
    bench.followed.close()?;
    bench.bare.close()?;
    Ok(std::fs::remove_dir_all(folder)?)
}

struct Bench<'a> {
    lines: &'a [Line],
    log: Log,
    followed: Product,
    bare: BareLog,
    /// Number of the next message, its key at its source.
    number: AtomicU64,
}

/// What some rounds of one contestant took.
#[derive(Default)]
struct Rounds {
    waits: Vec<f64>,
    costs: Vec<Cost>,
}

impl Rounds {
    fn add(&mut self, (waits, cost): (Vec<f64>, Cost)) {
        self.waits.extend(waits);
        self.costs.push(cost);
    }
}

impl Bench<'_> {
    /// Measures with so many waiting, prints it, and returns the log's messages a second.
    fn at(
        &self,
        (clients, each): (usize, usize),
        runs: usize,
        disk: &mut PreparedFile,
        sheet: &mut Sheet,
    ) -> Result<f64, Fault> {
        let count = u64::try_from(clients * each)?;
        let (mut ours, mut followed) = (Rounds::default(), Rounds::default());
        let (mut bare, mut alone, mut syncs) = (Rounds::default(), Vec::new(), Vec::new());
        for _ in 0..runs {
            let before = self.log.archive().state().journal_bytes;
            ours.add(drive(clients, each, |_| self.post(&self.log))?);
            let bytes = self.log.archive().state().journal_bytes.saturating_sub(before) / count;
            let record = vec![7; usize::try_from(bytes.max(1))?];
            bare.add(drive(clients, each, |_| Ok(self.bare.append(record.clone())?))?);
            followed.add(drive(clients, each, |_| self.post(self.followed.log()))?);
            for _ in 0..if clients == 1 { each } else { 0 } {
                // By turns, so that both find the disk in the same mood.
                let (posted, cost) = timed_by_thread(|| self.post(&self.log));
                alone.push(cost);
                let (synced, cost) = timed_by_thread(|| disk.append(&record));
                syncs.push(cost);
                posted.and(Ok(synced?))?;
            }
        }
        let goal = Goal::AtLeast(0.8);
        let name = |what: &str| format!("{clients} waiting: {what}");
        sheet.waits(&name("Muniment"), ours.waits);
        sheet.waits(&name("Muniment, followed by its index"), followed.waits);
        sheet.waits(&name("bare group commit"), bare.waits);
        let ours = sheet.rates(&name("Muniment"), "messages", count, &ours.costs);
        let followed = sheet.rates(
            &name("Muniment, followed by its index"),
            "messages",
            count,
            &followed.costs,
        );
        let bare = sheet.rates(&name("bare group commit"), "records", count, &bare.costs);
        if clients == 1 {
            let alone = sheet.costs("1 waiting: Muniment, by turns with fdatasync", &alone);
            let sync = sheet.costs("fdatasync of the same bytes, prepared file", &syncs);
            sheet.claim(
                "1 waiting: p50 beside fdatasync's",
                alone.wall / sync.wall,
                Goal::AtMost(1.5),
            );
        } else {
            sheet.claim(&name("rate beside the bare group commit"), ours.wall / bare.wall, goal);
            let claim = name("the same, followed by its index");
            sheet.claim(&claim, followed.wall / bare.wall, goal);
            let figure = name("rate beside the bare group commit, by the processor");
            sheet.figure(&figure, ours.processor / bare.processor, "");
        }
        Ok(ours.wall)
    }

    fn post(&self, log: &Log) -> Result<(), Fault> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let place = usize::try_from(number)? % self.lines.len();
        let line = self.lines.get(place).ok_or("the corpus is empty")?;
        Ok(log.post(number, line)?)
    }
}

/// Lets so many threads do something so often each, one after the other. Returns what each wait took, in microseconds, and the
/// cost of it all.
fn drive(
    clients: usize,
    each: usize,
    work: impl Fn(usize) -> Result<(), Fault> + Sync,
) -> Result<(Vec<f64>, Cost), Fault> {
    let gate = Barrier::new(clients + 1);
    let client = &|client: usize| {
        gate.wait();
        let mut waits = Vec::with_capacity(each);
        for _ in 0..each {
            let began = Instant::now();
            // What a thread failed for crosses to this one as words.
            work(client).map_err(|fault| fault.to_string())?;
            waits.push(began.elapsed().as_secs_f64() * 1e6);
        }
        Ok::<_, String>(waits)
    };
    let (waits, cost) = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..clients).map(|number| scope.spawn(move || client(number))).collect();
        timed(|| {
            gate.wait();
            let joined = threads.into_iter().map(ScopedJoinHandle::join);
            joined
                .map(|waits| waits.map_err(|_| "a client broke off".to_owned())?)
                .collect::<Result<Vec<_>, String>>()
        })
    });
    Ok((waits?.concat(), cost))
}
