//! A disk that runs full in the middle of each activity, and is freed again: nothing acknowledged is lost, what failed says
//! so, and the same command completes afterwards.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use chat::testing::SeededRng;
use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;
use crate::volume::Volume;

/// Bytes of the small disk.
const DISK_BYTES: u64 = 64 << 20;
/// Bytes of it that content may not use, where a test sets a reserve.
const RESERVE_BYTES: u64 = 12 << 20;
const LINES: u64 = 14_000;

/// About 5 MB of lines that do not compress.
fn lines() -> String {
    let rng = SeededRng::new(5);
    let mut lines = String::new();
    for number in 0..LINES {
        let mut text = format!("line {number}");
        for _ in 0..16 {
            write!(text, " {:015x}", rng.below(u64::MAX)).unwrap();
        }
        writeln!(
            lines,
            r##"{{"source":"desk","room":"#r{}","sender":"P{}","time":"2024-02-01T10:{:02}:{:02}Z","id":"{number}","text":"{text}"}}"##,
            number % 7,
            number % 11,
            number / 60 % 60,
            number % 60,
        )
        .unwrap();
    }
    lines
}

/// An archive on a small disk, with this reserve.
fn small(test: &str, reserve_bytes: u64) -> Option<Appliance> {
    let appliance = Appliance::on(Volume::mount(test, DISK_BYTES)?);
    appliance.run(&["init", "--officer", "Officer One"]).expect(0);
    let settings = format!("[archive]\nreserve_bytes = {reserve_bytes}\nseal_bytes = 1048576\n");
    std::fs::write(appliance.volume().file("data/muniment.toml"), settings).unwrap();
    Some(appliance)
}

fn undisturbed(lines: &str) -> Vec<String> {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("chat.jsonl", lines), &[], 0);
    appliance.messages()
}

/// Imports again after space was freed: what is missing comes in, and all of it is as it would have been.
fn completes(appliance: &Appliance, path: &Path, lines: &str) {
    let report = appliance.import(path, &[], 0);
    let number = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(number("accepted") + number("duplicates"), LINES, "{report:#}");
    assert_eq!(number("revised") + number("quarantined"), 0, "{report:#}");
    appliance.run(&["verify"]).expect(0);
    assert_eq!(appliance.json(&["search", "line", "--count"])["count"], LINES);
    appliance.has_messages(&undisturbed(lines));
}

#[test]
fn an_import_stops_at_the_reserve_and_search_and_export_go_on_from_it() {
    let test = "an_import_stops_at_the_reserve_and_search_and_export_go_on_from_it";
    let Some(appliance) = small(test, RESERVE_BYTES) else { return };
    let lines = lines();
    let path = appliance.file("chat.jsonl", &lines);
    appliance.volume().fill(RESERVE_BYTES + (3 << 20));
    let outcome = appliance.run(&["import", path.to_str().unwrap()]).expect(74);
    assert!(outcome.stderr.contains(&RESERVE_BYTES.to_string()), "{outcome:#?}");
    let held = appliance.json(&["search", "line", "--count"])["count"].as_u64().unwrap();
    assert!(held > 0 && held < LINES, "{held} came in");
    let told = told(&outcome.stderr);
    assert!(told <= held, "{told} were told, {held} are there");
    let out = appliance.volume().path().join("evidence.zip");
    let arguments = ["export", "--query", "seq:1..40", "--format", "csv", "--out"];
    appliance.run(&[&arguments[..], &[out.to_str().unwrap()]].concat()).expect(0);
    appliance.run(&["verify"]).expect(0);
    appliance.volume().free();
    completes(&appliance, &path, &lines);
}

/// Returns how many new records an import says are in the archive, where it ended early.
fn told(stderr: &str) -> u64 {
    let before = stderr.split(" of them are new").next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn journal_bytes(appliance: &Appliance) -> u64 {
    let entries = std::fs::read_dir(appliance.volume().file("data/journal")).into_iter().flatten();
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

#[test]
fn a_disk_that_fills_to_the_last_byte_during_an_import_loses_nothing_that_was_told() {
    let test = "a_disk_that_fills_to_the_last_byte_during_an_import_loses_nothing_that_was_told";
    let Some(appliance) = small(test, 0) else { return };
    let lines = lines();
    let path = appliance.file("chat.jsonl", &lines);
    let before = journal_bytes(&appliance);
    let mut child = appliance.start(&["import", path.to_str().unwrap()]);
    let started = Instant::now();
    while journal_bytes(&appliance) == before && child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_mins(2), "the import neither grew nor ended");
        std::thread::yield_now();
    }
    appliance.volume().fill(0);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(74), "{said}");
    appliance.volume().free();
    appliance.run(&["verify"]).expect(0);
    let held = appliance.json(&["search", "line", "--count"])["count"].as_u64().unwrap();
    assert!(told(&said) <= held, "{held} are there: {said}");
    completes(&appliance, &path, &lines);
}

#[test]
fn an_index_that_cannot_be_committed_on_a_full_disk_finds_everything_once_there_is_space() {
    let test =
        "an_index_that_cannot_be_committed_on_a_full_disk_finds_everything_once_there_is_space";
    let Some(appliance) = small(test, 0) else { return };
    let lines = lines();
    appliance.import(&appliance.file("chat.jsonl", &lines), &[], 0);
    let hits = |query: &str| {
        let page = appliance.json(&["search", query, "--limit", "50"]);
        let seqs = page["hits"].as_array().unwrap().iter().map(|hit| hit["seq"].clone());
        (page["count"].clone(), seqs.collect::<Vec<Value>>())
    };
    let before = hits("line");
    appliance.volume().fill(0);
    let outcome = appliance.run(&["reindex"]);
    assert!(matches!(outcome.code, Some(69 | 74)), "{outcome:#?}");
    assert!(!outcome.stderr.is_empty(), "it says why");
    appliance.volume().free();
    assert_eq!(hits("line"), before);
    appliance.run(&["reindex"]).expect(0);
    assert_eq!(hits("line"), before);
    appliance.run(&["verify"]).expect(0);
}

#[test]
fn an_export_onto_a_full_disk_is_absent_and_whole_once_there_is_space() {
    let test = "an_export_onto_a_full_disk_is_absent_and_whole_once_there_is_space";
    let Some(appliance) = small(test, 0) else { return };
    appliance.import(&appliance.file("chat.jsonl", lines()), &[], 0);
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let left = |name: &str| appliance.volume().file(name).try_exists().unwrap();
    for (name, leave_bytes) in [("evidence.zip", 1 << 20), ("evidence", 2 << 20)] {
        appliance.volume().fill(leave_bytes);
        let out = appliance.volume().path().join(name);
        let out = out.to_str().unwrap();
        // Two rooms of seven: what is made on the volume, and its copy, fit beside the archive once there is space.
        let query = "room:#r1 OR room:#r2";
        let arguments =
            ["export", "--query", query, "--format", "csv", "--format", "bundle", "--out", out];
        let outcome = appliance.run(&arguments);
        assert!(matches!(outcome.code, Some(73 | 74)), "{outcome:#?}");
        assert!(!left(name), "{name} is half there");
        appliance.volume().free();
        let beside = std::fs::read_dir(appliance.volume().file("")).unwrap().flatten();
        let names: Vec<_> = beside.map(|entry| entry.file_name()).collect();
        assert!(names.iter().all(|name| name == "data" || name == "evidence.zip"), "{names:?}");
        appliance.run(&arguments).expect(0);
        appliance.run(&["verify", "--export", out, "--public-key", &key]).expect(0);
    }
    appliance.run(&["verify"]).expect(0);
}

#[test]
fn a_checkpoint_on_a_full_disk_is_refused_or_holds_for_ever() {
    let test = "a_checkpoint_on_a_full_disk_is_refused_or_holds_for_ever";
    let Some(appliance) = small(test, 0) else { return };
    let lines = lines();
    let path = appliance.file("chat.jsonl", &lines);
    appliance.import(&path, &[], 0);
    let mut kept = vec![appliance.run(&["checkpoint"]).expect(0).stdout];
    for leave_bytes in [0, 4096, 8192, 65_536, 131_072, 1 << 20] {
        appliance.volume().fill(leave_bytes);
        let outcome = appliance.run(&["checkpoint"]);
        match outcome.code {
            Some(0) => kept.push(outcome.stdout),
            code => assert!(matches!(code, Some(69 | 74)), "{leave_bytes}: {outcome:#?}"),
        }
        appliance.volume().free();
        appliance.run(&["verify"]).expect(0);
    }
    for (number, note) in kept.iter().enumerate() {
        let note = appliance.file(&format!("kept-{number}.note"), note);
        appliance.run(&["verify", "--since", note.to_str().unwrap()]).expect(0);
    }
}

#[test]
fn a_feed_is_told_507_at_the_reserve_and_goes_on_without_a_restart() {
    let test = "a_feed_is_told_507_at_the_reserve_and_goes_on_without_a_restart";
    let Some(appliance) = small(test, RESERVE_BYTES) else { return };
    let token = appliance.json(&["token", "issue", "--name", "feed", "--scope", "append"]);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    let lines = lines();
    let batches: Vec<_> =
        lines.lines().collect::<Vec<_>>().chunks(700).map(|chunk| chunk.join("\n")).collect();
    let mut receipts = Vec::new();
    let mut post = |batch: &str| {
        let (status, _, body) = running.ask("POST", "/api/v1/events", &[&bearer], batch);
        let answer: Value = serde_json::from_str(&body).unwrap();
        if status == 200 {
            let seqs = answer["receipts"].as_array().unwrap();
            receipts.extend(seqs.iter().map(|receipt| receipt["seq"].as_u64().unwrap()));
        } else {
            assert_eq!(answer["type"], "urn:muniment:problem:full", "{answer:#}");
        }
        status
    };
    assert_eq!(post(&batches[0]), 200);
    appliance.volume().fill(RESERVE_BYTES - 1);
    assert_eq!(post(&batches[1]), 507);
    assert_eq!(running.ask("GET", "/livez", &[], "").0, 200);
    assert_eq!(running.ask("GET", "/readyz", &[], "").0, 503);
    assert_eq!(appliance.json(&["search", "line", "--count"])["count"], 700, "by the reserve");
    appliance.volume().free();
    assert_eq!(running.ask("GET", "/readyz", &[], "").0, 200);
    for batch in &batches[1..] {
        assert_eq!(post(batch), 200);
    }
    running.stop();
    assert_eq!(u64::try_from(receipts.len()).unwrap(), LINES);
    assert!(receipts.windows(2).all(|pair| pair[0] < pair[1]));
    appliance.run(&["verify"]).expect(0);
    appliance.has_messages(&undisturbed(&lines));
}
