//! The row `growth`: the corpus replayed with shifted clocks and own ids until the archive holds ten million messages. What must
//! not grow with it is read at the first and at the last million. Opt-in: it takes minutes and some 6 GB of the scratch disk.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use chat::Timestamp;

use crate::Fault;
use crate::child::Child;
use crate::clock::{Cost, spread, timed};
use crate::corpus::{Line, folder_bytes, put};
use crate::product::Product;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;
use crate::words::Vocabulary;

pub(crate) const ROW: Row = Row {
    name: "growth",
    about: "an archive of ten million messages beside one of a million",
    only_by_name: true,
    run,
};

/// Names the variable that says how many parts are imported, of a million messages each (10).
const MILLIONS: &str = "MUNIMENT_BENCH_MILLIONS";
const MILLIONS_DEFAULT: usize = 10;
/// Messages of a part.
const PART_MESSAGES: usize = 1_000_000;
/// By how much the clocks move from one replay to the next: the corpus covers three years, of 1,095 days.
const SHIFT_MICROS: i64 = 1_095 * 86_400 * 1_000_000;
/// What stands before the time of a line of the corpus, and how long that time is.
const BEFORE_TIME: &[u8] = br#""time": ""#;
const TIME_BYTES: usize = "2017-01-01T00:48:00Z".len();
/// Words of each class that are looked for.
const WORDS: usize = 60;
/// Starts that are timed.
const STARTS: usize = 5;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let parts = match std::env::var(MILLIONS) {
        Ok(text) => text.parse::<usize>()?.max(2),
        Err(_) => MILLIONS_DEFAULT,
    };
    let corpus = stage.corpus();
    let folder = stage.scratch().join("growth");
    std::fs::create_dir(&folder)?;
    let lines: Vec<_> = corpus.bytes.split(|byte| *byte == b'\n').collect();
    let inputs = replay(&lines, &corpus.lines, &folder, parts)?;
    let mut text = String::new();
    for class in Vocabulary::of(&corpus.lines).classes(WORDS) {
        for word in class.words {
            text.extend([class.name, " ", &word, "\n"]);
        }
    }
    let words = folder.join("words");
    put(&words, text.as_bytes())?;
    let home = folder.join("data");
    let mut said = String::new();
    // Each in a process of its own: what the allocator kept of one must not count for the next.
    let (first, rest) = inputs.split_at(1);
    let (middle, last) = rest.split_at(rest.len() - 1);
    for (inputs, looks) in [(first, true), (middle, false), (last, true)] {
        if !inputs.is_empty() {
            let (home, inputs) = (home.clone(), inputs.to_vec());
            let words = looks.then(|| words.clone());
            said.push_str(&Child::Growth { home, words, inputs }.output()?);
        }
    }
    std::fs::remove_dir_all(&folder)?;
    report(&said, parts, sheet);
    Ok(())
}

/// Writes the parts: the corpus over and over, each time three years later and under other ids.
fn replay(
    raw: &[&[u8]],
    lines: &[Line],
    folder: &Path,
    parts: usize,
) -> Result<Vec<PathBuf>, Fault> {
    let mut inputs = Vec::new();
    let round = |round| raw.iter().zip(lines).map(move |(raw, line)| (round, *raw, line));
    let mut next = (0_i64..).flat_map(round);
    for part in 0..parts {
        let path = folder.join(format!("{part:02}.jsonl"));
        let mut out = BufWriter::new(std::fs::File::create(&path)?);
        for number in 0..PART_MESSAGES {
            let (round, raw, line) = next.next().ok_or("the corpus is empty")?;
            let at = raw
                .windows(BEFORE_TIME.len())
                .position(|found| found == BEFORE_TIME)
                .ok_or("a line of the corpus has no time")?
                + BEFORE_TIME.len();
            let moment = Timestamp::from_micros(line.micros() + round * SHIFT_MICROS).to_string();
            let whole = moment.split_once('.').map_or(moment.as_str(), |(whole, _)| whole);
            write!(out, "{{\"id\": \"g{part}-{number}\", ")?;
            out.write_all(raw.get(1..at).unwrap_or_default())?;
            write!(out, "{whole}Z")?;
            out.write_all(raw.get(at + TIME_BYTES..).unwrap_or_default())?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        inputs.push(path);
    }
    Ok(inputs)
}

/// Imports parts one after the other in this process, into an archive that is made where there is none, and prints what it reads:
/// a name and figures a line. Where words are given, it looks at the whole afterwards.
pub(crate) fn child(home: &Path, words: Option<&Path>, inputs: &[PathBuf]) -> Result<(), Fault> {
    let mut product =
        if home.try_exists()? { Product::open(home)? } else { Product::create(home)? };
    for input in inputs {
        forget_peak();
        let own = OwnPeak::watch();
        let before = sequencer_seconds();
        let (accepted, cost) = timed(|| product.import(std::slice::from_ref(input)));
        let sequencer = sequencer_seconds() - before;
        println!(
            "import {} {} {} {sequencer} {} {}",
            accepted?,
            cost.wall(),
            cost.processor(),
            memory("VmHWM"),
            own.end(),
        );
    }
    if let Some(words) = words {
        product = look(product, home, &std::fs::read_to_string(words)?)?;
    }
    product.close()
}

/// Reads what must not grow, and starts the product anew several times.
fn look(product: Product, home: &Path, words: &str) -> Result<Product, Fault> {
    product.rest();
    println!("memory {} {}", memory("RssAnon"), memory("VmRSS"));
    println!("segments {}", product.segments());
    let events = product.archive().size() as f64;
    let bytes = |name| folder_bytes(&home.join(name)) as f64 / events;
    println!("bytes {} {} {}", bytes("origins"), bytes("index"), bytes("segments"));
    for line in words.lines() {
        let (class, word) = line.split_once(' ').ok_or("a line of words")?;
        for _ in 0..3 {
            let (hits, cost) = timed(|| product.newest(word));
            hits?;
            println!("newest {class} {} {}", cost.wall(), cost.processor());
        }
    }
    product.close()?;
    for start in 1..=STARTS {
        let (opened, cost) = timed(|| -> Result<Product, Fault> {
            let opened = Product::open(home)?;
            opened.newest("message")?;
            Ok(opened)
        });
        println!("start {} {}", cost.wall(), cost.processor());
        if start == STARTS {
            return opened;
        }
        opened?.close()?;
    }
    Err("no start".into())
}

/// Returns a figure of the system about this process, in megabytes; 0 where it does not tell.
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1_024.0
}

/// The most memory of its own that this process has while it is watched: without the files that are mapped, which the system
/// takes back when it needs the room. The system keeps no such figure, so it is read fifty times a second.
struct OwnPeak {
    is_over: Arc<AtomicBool>,
    watch: JoinHandle<f64>,
}

impl OwnPeak {
    fn watch() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let watch = std::thread::spawn(move || {
            let mut most = 0.0_f64;
            while !seen.load(Ordering::Relaxed) {
                most = most.max(memory("RssAnon"));
                std::thread::sleep(Duration::from_millis(20));
            }
            most
        });
        Self { is_over, watch }
    }

    /// Returns the peak in megabytes; 0 where the system does not tell.
    fn end(self) -> f64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.watch.join().unwrap_or(0.0)
    }
}

/// Lets the system begin anew with the most that this process ever had resident.
fn forget_peak() {
    // Where that is not possible, the peak is that of the whole run, which is told all the same.
    let file = std::fs::OpenOptions::new().write(true).open("/proc/self/clear_refs");
    file.and_then(|mut file| file.write_all(b"5")).ok();
}

/// Returns the seconds that the sequencer's threads of this process had a processor.
fn sequencer_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_task = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let time = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let nanoseconds = time.split_whitespace().next()?.parse::<f64>().ok()?;
        (name.trim() == "sequencer").then_some(nanoseconds * 1e-9)
    };
    tasks.filter_map(of_task).sum()
}

/// The figures that follow a name on each of its lines.
fn figures(said: &str, name: &str) -> Vec<Vec<f64>> {
    let of_line = |line: &str| {
        let rest = line.strip_prefix(name)?.strip_prefix(' ')?;
        rest.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>().ok()
    };
    said.lines().filter_map(of_line).collect()
}

fn costs(figures: &[Vec<f64>]) -> Vec<Cost> {
    let cost = |one: &Vec<f64>| {
        let seconds = |at: usize| Duration::from_secs_f64(one.get(at).copied().unwrap_or(0.0));
        Cost { wall: seconds(0), processor: seconds(1) }
    };
    figures.iter().map(cost).collect()
}

fn report(said: &str, parts: usize, sheet: &mut Sheet) {
    let at = |figures: &[Vec<f64>], place: usize, column: usize| {
        figures.get(place).and_then(|one| one.get(column)).copied().unwrap_or(f64::NAN)
    };
    let imports = figures(said, "import");
    let last = parts - 1;
    for (place, name) in [(0, "first"), (last, "last")] {
        let rate = |column| at(&imports, place, 0) / at(&imports, place, column);
        sheet.figure(&format!("import of the {name} million, wall"), rate(1), "messages/s");
        sheet.figure("the same by the processor", rate(2), "messages/s");
        let sequencer = at(&imports, place, 3) * 1e6 / at(&imports, place, 0);
        sheet.figure(&format!("the sequencer in the {name} million"), sequencer, "µs an event");
        sheet.figure(&format!("peak memory in the {name} million"), at(&imports, place, 4), "MB");
        sheet.figure("the same without mapped files", at(&imports, place, 5), "MB");
    }
    let ratio = |column| at(&imports, 0, column) / at(&imports, last, column);
    sheet.claim(
        "rate of the last million beside the first, processor",
        ratio(2),
        Goal::AtLeast(0.9),
    );
    sheet.claim("the same by the wall", ratio(1), Goal::AtLeast(0.9));
    let peak = at(&imports, last, 4) / at(&imports, 0, 4);
    sheet.claim("peak memory, last million beside the first", peak, Goal::AtMost(1.2));
    let own = at(&imports, last, 5) / at(&imports, 0, 5);
    sheet.claim("the same without mapped files", own, Goal::AtMost(1.2));
    let more = (at(&imports, last, 3) - at(&imports, 0, 3)) * 1e6 / at(&imports, last, 0);
    sheet.claim(
        "the sequencer in the last million less the first, µs an event",
        more,
        Goal::AtMost(0.3),
    );
    let memory = figures(said, "memory");
    sheet.figure("resident at rest, of its own, a million", at(&memory, 0, 0), "MB");
    sheet.figure("resident at rest, of its own, all", at(&memory, 1, 0), "MB");
    let bytes = figures(said, "bytes");
    sheet.figure("index, all", at(&bytes, 1, 1), "bytes an event");
    sheet.figure("segments, all", at(&bytes, 1, 2), "bytes an event");
    sheet.claim("origins, bytes an event", at(&bytes, 1, 0), Goal::AtMost(5.0));
    searches(said, sheet);
    let starts = costs(&figures(said, "start"));
    let (few, many) = starts.split_at(STARTS.min(starts.len()));
    sheet.costs("start and first search, a million", few);
    sheet.costs("start and first search, all", many);
    let greatest = spread(many.iter().map(Cost::wall).collect()).greatest;
    sheet.claim("seconds of a start after a clean stop, greatest", greatest, Goal::AtMost(2.0));
}

fn searches(said: &str, sheet: &mut Sheet) {
    let segments = figures(said, "segments");
    let count = |place: usize| segments.get(place).and_then(|one| one.first()).copied();
    let (few, many) = (count(0).unwrap_or(f64::NAN), count(1).unwrap_or(f64::NAN));
    sheet.figure("index segments, a million", few, "segments");
    sheet.figure("index segments, all", many, "segments");
    for class in ["rare", "middle", "frequent"] {
        let all = costs(&figures(said, &format!("newest {class}")));
        let (first, last) = all.split_at(all.len() / 2);
        let first = sheet.costs(&format!("newest 20, {class}, a million"), first);
        let last = sheet.costs(&format!("newest 20, {class}, all"), last);
        let claim = format!("{class}: latency's growth beside that of the segments");
        let growth = last.processor / first.processor / (many / few).max(1.0);
        sheet.claim(&claim, growth, Goal::AtMost(1.0));
    }
}
