//! The process is killed in the middle of an import, and nothing that was acknowledged is lost.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use chat::testing::SeededRng;
use serde_json::Value;

use crate::support::Appliance;

const LINES: usize = 12_000;
const RUNS: u64 = 20;

fn lines() -> String {
    let mut lines = String::new();
    for number in 0..LINES {
        let minute = number / 60 % 60;
        let second = number % 60;
        writeln!(
            lines,
            r##"{{"source":"desk","room":"#r{}","sender":"P{}","time":"2024-02-01T10:{minute:02}:{second:02}Z","id":"{number}","text":"line {number}"}}"##,
            number % 7,
            number % 11,
        )
        .unwrap();
    }
    lines
}

fn journal_bytes(appliance: &Appliance) -> u64 {
    let entries = std::fs::read_dir(appliance.data().join("journal")).into_iter().flatten();
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

/// Kills an import once its journal has grown by so many bytes, or when it is done.
fn kill_in_the_middle(appliance: &Appliance, path: &str, grown: u64) {
    let before = journal_bytes(appliance);
    let mut child = appliance.start(&["import", path]);
    let started = Instant::now();
    while journal_bytes(appliance) < before + grown && child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_mins(2), "the import neither grew nor ended");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_without_gap_duplicate_or_reordering() {
    let rng = SeededRng::new(42);
    let appliance = Appliance::create();
    let path = appliance.file("chat.jsonl", lines());
    let path = path.to_str().unwrap();
    for run in 0..RUNS {
        let grown = 1 + rng.below(200 << 10);
        println!("seed 42, run {run}: killed after {grown} bytes");
        kill_in_the_middle(&appliance, path, grown);
    }
    let report = appliance.import(std::path::Path::new(path), &[], 0);
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(
        number("accepted") + number("duplicates"),
        u64::try_from(LINES).unwrap(),
        "{report:#}"
    );
    assert_eq!(number("quarantined") + number("revised"), 0, "{report:#}");
    appliance.run(&["verify"]).expect(0);
    assert_eq!(appliance.json(&["search", "line", "--count"])["count"], LINES);
    let out = appliance.path("all");
    let out_text = out.to_str().unwrap();
    appliance
        .run(&["export", "--query", "line", "--format", "bundle", "--out", out_text])
        .expect(0);
    let packed = std::fs::File::open(out.join("events.jsonl.zst")).unwrap();
    let events = zstd::decode_all(packed).unwrap();
    let texts: Vec<_> = String::from_utf8(events).unwrap().lines().map(text_of).collect();
    let expected: Vec<_> = (0..LINES).map(|number| format!("line {number}")).collect();
    assert_eq!(texts, expected);
}

fn text_of(line: &str) -> String {
    let event: Value = serde_json::from_str(line).unwrap();
    event["text"].as_str().expect("each event has its text").to_owned()
}
