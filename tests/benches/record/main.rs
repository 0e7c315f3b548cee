//! The record, measured beside what people would use instead. Prints the tables of `docs/benchmarks.md`.
//!
//! `cargo bench -p tests --bench record`; `MUNIMENT_BENCH_RUNS` sets how often the import is repeated (5); with `MUNIMENT_BENCH_ONLY_SIZES`
//! it prints the archive's sizes alone.
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a benchmark prints figures"
)]

mod bare_tantivy;
mod clock;
mod compression;
mod corpus;
mod export;
mod fts5;
mod product;
mod words;

use std::path::Path;

use clock::{Cost, Spread, quantile, spread, timed};
use corpus::Corpus;
use fts5::Database;
use product::Product;

type Fault = Box<dyn std::error::Error>;

/// Names the variable that leaves everything out but one import and what the archive has on disk after it.
const ONLY_SIZES: &str = "MUNIMENT_BENCH_ONLY_SIZES";
/// Names the variable that turns this process into the one whose memory is measured.
const ONLY_IMPORT: &str = "MUNIMENT_BENCH_ONLY_IMPORT";

fn main() -> Result<(), Fault> {
    let Some(path) = Corpus::path() else {
        println!("skipped: bench record: no shared samples");
        return Ok(());
    };
    if std::env::var_os(ONLY_IMPORT).is_some() {
        return only_import(&path);
    }
    if std::env::var_os(ONLY_SIZES).is_some() {
        return only_sizes(&path);
    }
    let corpus = Corpus::load(path).ok_or("the corpus cannot be read")?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "messages {}, bytes of JSON {}, load average {}",
        corpus.lines.len(),
        corpus.bytes.len(),
        load.trim()
    );
    let kept = imports(&corpus)?;
    sizes(&corpus, &kept)?;
    searches(&corpus, &kept)?;
    exports(&kept)?;
    kept.product.close()
}

/// The last of the repeated runs, open for what follows.
struct Kept {
    folder: tempfile::TempDir,
    product: Product,
    bare: bare_tantivy::Searcher,
}

fn imports(corpus: &Corpus) -> Result<Kept, Fault> {
    let runs: usize =
        std::env::var("MUNIMENT_BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let (mut ours, mut bare_costs) = (Vec::new(), Vec::new());
    let mut kept = None;
    for _ in 0..runs.max(1) {
        let folder = tempfile::tempdir()?;
        let bare_folder = folder.path().join("bare");
        std::fs::create_dir(&bare_folder)?;
        let (index, cost) = timed(|| bare_tantivy::build(&bare_folder, &corpus.lines, 1));
        bare_costs.push(cost);
        let product = Product::create(&folder.path().join("data"))?;
        let (accepted, cost) = timed(|| product.import(&corpus.path));
        assert_eq!(accepted?, u64::try_from(corpus.lines.len())?);
        ours.push(cost);
        kept = Some(Kept { folder, product, bare: bare_tantivy::Searcher::open(&index?)? });
    }
    let count = corpus.lines.len();
    println!(
        "\n| import, {runs} runs | messages per processor-second, least / middle / greatest | messages per second |\n|---|---|---|"
    );
    rate_row("Muniment: parsed, synced, proven, searchable", &ours, count);
    rate_row("tantivy alone: indexed", &bare_costs, count);
    let ratio = |pick: fn(&Cost) -> f64| middle(&bare_costs, pick) / middle(&ours, pick);
    println!(
        "ratio of the middles: {:.2} by processor, {:.2} by the wall",
        ratio(processor),
        ratio(wall)
    );
    println!("peak memory of an import: {} MB", peak_memory_mb()?);
    kept.ok_or_else(|| "no run".into())
}

fn processor(cost: &Cost) -> f64 {
    cost.processor.as_secs_f64()
}

fn wall(cost: &Cost) -> f64 {
    cost.wall.as_secs_f64()
}

fn middle(costs: &[Cost], pick: fn(&Cost) -> f64) -> f64 {
    spread(costs.iter().map(pick).collect()).middle
}

fn rate_row(name: &str, costs: &[Cost], count: usize) {
    let rate = |pick: fn(&Cost) -> f64| {
        spread(costs.iter().map(|cost| count as f64 / pick(cost)).collect())
    };
    println!("| {name} | {} | {} |", words_of(rate(processor)), words_of(rate(wall)));
}

fn words_of(spread: Spread) -> String {
    format!("{:.0} / {:.0} / {:.0}", spread.least, spread.middle, spread.greatest)
}

/// Runs an import in a process of its own and returns the most memory it ever had resident.
fn peak_memory_mb() -> Result<u64, Fault> {
    let output =
        std::process::Command::new(std::env::current_exe()?).env(ONLY_IMPORT, "1").output()?;
    let said = String::from_utf8(output.stdout)?;
    let line = said.lines().find(|line| line.starts_with("VmHWM")).ok_or("no VmHWM")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kilobytes / 1024)
}

fn only_import(path: &Path) -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let product = Product::create(folder.path())?;
    product.import(path)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
    product.close()
}

/// Imports once, and prints what the archive has on disk before and after idle work, without the baselines.
fn only_sizes(path: &Path) -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let product = Product::create(folder.path())?;
    let count = product.import(path)? as f64;
    let sealed = product.seal()?.sealed_bytes as f64 / count;
    println!("sealed: {sealed:.2} bytes a message; one event read, µs: {}", reads(&product)?);
    let (state, cost) = timed(|| product.settle());
    let settled = state?.sealed_bytes as f64 / count;
    println!(
        "after idle work of {:.0} s: {settled:.2} bytes; one event read, µs: {}",
        processor(&cost),
        reads(&product)?
    );
    product.close()
}

fn sizes(corpus: &Corpus, kept: &Kept) -> Result<(), Fault> {
    let state = kept.product.seal()?;
    let count = corpus.lines.len() as f64;
    let whole = compression::whole_at_19(&corpus.bytes)? as f64 / count;
    let blocks = compression::blocks_at_3(&corpus.bytes)? as f64 / count;
    let sealed = state.sealed_bytes as f64 / count;
    let index = kept.product.index_bytes() as f64 / count;
    let bare = corpus::folder_bytes(&kept.folder.path().join("bare")) as f64 / count;
    let raw = corpus.bytes.len() as f64 / count;
    println!("\n| bytes a message | | beside |\n|---|---|---|");
    println!(
        "| sealed, proofs included | {sealed:.1} | {:.2} of zstd -19 over the whole stream ({whole:.1}); {:.2} of zstd -3 in blocks of 64 KiB ({blocks:.1}) |",
        sealed / whole,
        sealed / blocks
    );
    println!("| one event read, wall µs p50 / p99 | {} | |", reads(&kept.product)?);
    let (state, cost) = timed(|| kept.product.settle());
    let settled = state?.sealed_bytes as f64 / count;
    println!(
        "| sealed, after idle work ({:.0} s of the processor) | {settled:.1} | {:.2} of zstd -19 over the whole stream |",
        processor(&cost),
        settled / whole
    );
    println!("| one event read, wall µs p50 / p99 | {} | |", reads(&kept.product)?);
    println!("| index | {index:.1} | {:.2} of tantivy alone ({bare:.1}) |", index / bare);
    println!(
        "| both | {:.1} | {:.2} of the JSON ({raw:.1}) |",
        settled + index,
        (settled + index) / raw
    );
    Ok(())
}

/// Reads single events all over the log, so far apart that nearly every block is decoded for one of them.
fn reads(product: &Product) -> Result<String, Fault> {
    let events = product.events();
    let (mut series, mut busy) = (Vec::new(), 0.0);
    for step in 0..500_u64 {
        let (found, cost) = timed(|| product.read(1 + step * 7_919_993 % events));
        found?;
        series.push(micros(cost));
        busy += processor(&cost) * 1e6 / 500.0;
    }
    Ok(format!("{}, mean of the processor {busy:.0}", pair(&mut series)))
}

fn exports(kept: &Kept) -> Result<(), Fault> {
    let archive = kept.product.archive();
    let set = export::everything(archive)?;
    let (rows, floor) = timed(|| export::floor(archive, &kept.folder.path().join("floor.csv")));
    let (events, ours) =
        timed(|| export::package(archive, &set, &kept.folder.path().join("package")));
    let rate = |count: u64, cost: Cost| count as f64 / processor(&cost);
    let (floor_rate, our_rate) = (rate(rows?, floor), rate(events?, ours));
    println!("\n| export of everything as CSV | rows per processor-second | |\n|---|---|---|");
    println!(
        "| package: evidence, three tables, manifest, checked | {our_rate:.0} | {:.2} of the floor |",
        our_rate / floor_rate
    );
    println!("| floor: events decoded, one table written | {floor_rate:.0} | |");
    Ok(())
}

fn searches(corpus: &Corpus, kept: &Kept) -> Result<(), Fault> {
    let mut database = Database::build(&kept.folder.path().join("fts5.sqlite"), &corpus.lines)?;
    println!(
        "\n| newest 20 by a word, wall µs p50 / p99 | Muniment, counted exactly | tantivy alone, stock | SQLite FTS5 | FTS5 with its driver's empty round trip |\n|---|---|---|---|---|"
    );
    for class in words::classes(&corpus.lines, 100) {
        let (mut ours, mut bare, mut lite, mut empty) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for word in class.words.iter().cycle().take(class.words.len() * 3) {
            let (hits, cost) = timed(|| kept.product.newest(word));
            ours.push(micros(cost));
            let (stock, cost) = timed(|| kept.bare.newest(word));
            bare.push(micros(cost));
            let (rows, cost) = timed(|| database.newest(word));
            lite.push(micros(cost));
            empty.push(micros(timed(|| database.nothing()).1));
            assert_eq!(hits?.min(1), stock?.min(1), "{word}");
            rows?;
        }
        println!(
            "| {} | {} | {} | {} | {} |",
            class.name,
            pair(&mut ours),
            pair(&mut bare),
            pair(&mut lite),
            pair(&mut empty)
        );
    }
    Ok(())
}

fn micros(cost: Cost) -> f64 {
    cost.wall.as_secs_f64() * 1e6
}

fn pair(series: &mut [f64]) -> String {
    format!("{:.0} / {:.0}", quantile(series, 0.5), quantile(series, 0.99))
}
