//! The corpus and seeded mutations of it, fed to every body under the stable compiler, with the memory counted.
//!
//! `MUNIMENT_SEED` draws others, `MUNIMENT_MUTATIONS` says how many for each target.

#![cfg(test)]

#[path = "../bodies/mod.rs"]
mod bodies;
mod mutation;
mod seeds;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bodies::{TARGETS, Target};
use chat::testing::SeededRng;

/// Mutations for each target, unless `MUNIMENT_MUTATIONS` says how many.
const MUTATIONS: u64 = 20_000;
/// The same where every input costs files or decompression.
const MUTATIONS_OF_FILES: u64 = 2_000;
const OF_FILES: [&str; 4] = ["segment", "slack", "container", "package"];
/// Bytes of the whole corpus.
const CORPUS_BYTES_MAX: usize = 300 << 10;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Returns the files of a target's folder in the order of their names, and what this build makes itself.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = std::fs::read_dir(corpus().join(target)).expect("every target has a corpus");
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "the corpus of {target} is empty");
    let mut inputs: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    inputs.extend(seeds::of(target));
    inputs
}

/// Feeds one input. Where it breaks the body or its bound, says which one it was and keeps it.
fn feed(target: &Target, bytes: &[u8], origin: &str) -> Result<u64, String> {
    let mut ended = Ok(());
    let memory = allocation_counter::measure(|| {
        ended = catch_unwind(AssertUnwindSafe(|| (target.body)(bytes)));
    });
    let fault = match ended {
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            words.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
        }
        Ok(()) if memory.bytes_max > target.memory_bytes_max => {
            format!("{} bytes of memory, at most {}", memory.bytes_max, target.memory_bytes_max)
        }
        Ok(()) => return Ok(memory.bytes_max),
    };
    let (_, path) = tempfile::Builder::new()
        .prefix(target.name)
        .tempfile()
        .and_then(|mut file| std::io::Write::write_all(&mut file, bytes).map(|()| file))
        .unwrap()
        .keep()
        .unwrap();
    Err(format!("{}, {origin}: {fault}\nthe input lies in {}", target.name, path.display()))
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let inputs = inputs(name);
    let mut peak = 0;
    for (place, bytes) in inputs.iter().enumerate() {
        peak = peak.max(feed(target, bytes, &format!("input {place}")).unwrap());
    }
    let many = if OF_FILES.contains(&name) { MUTATIONS_OF_FILES } else { MUTATIONS };
    let many = number("MUNIMENT_MUTATIONS").unwrap_or(many);
    let seed = number("MUNIMENT_SEED").unwrap_or(42);
    for round in 0..many {
        let rng = SeededRng::new(seed.wrapping_mul(1 << 32).wrapping_add(round));
        let bytes = mutation::mutate(&rng, &inputs);
        let origin = format!("MUNIMENT_SEED={seed}, round {round}");
        peak = peak.max(feed(target, &bytes, &origin).unwrap());
    }
    let files = inputs.len();
    println!("{name}: seed {seed}, {files} inputs, {many} mutations, at most {peak} bytes");
}

macro_rules! replays {
    ($($test:ident: $target:literal,)*) => {
        $(#[test]
        fn $test() {
            replay($target);
        })*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$($target),*];
            assert!(TARGETS.iter().map(|target| target.name).eq(replayed));
        }
    };
}

replays! {
    journal_frames_keep_what_they_promise_for_any_bytes: "journal",
    records_keep_what_they_promise_for_any_bytes: "record",
    segments_keep_what_they_promise_for_any_bytes: "segment",
    queries_keep_what_they_promise_for_any_bytes: "query",
    lines_keep_what_they_promise_for_any_bytes: "jsonl",
    posted_events_keep_what_they_promise_for_any_bytes: "post",
    slack_exports_keep_what_they_promise_for_any_bytes: "slack",
    lync_exports_keep_what_they_promise_for_any_bytes: "lync",
    containers_keep_what_they_promise_for_any_bytes: "container",
    claims_keep_what_they_promise_for_any_bytes: "claim",
    notes_keep_what_they_promise_for_any_bytes: "note",
    event_lines_keep_what_they_promise_for_any_bytes: "event_line",
    export_sets_keep_what_they_promise_for_any_bytes: "export_set",
    packages_keep_what_they_promise_for_any_bytes: "package",
}

#[test]
fn the_corpus_is_small_and_belongs_to_targets() {
    let mut bytes = 0;
    for entry in std::fs::read_dir(corpus()).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == name), "no target {name}");
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().metadata());
        bytes += files.map(|file| usize::try_from(file.unwrap().len()).unwrap()).sum::<usize>();
    }
    assert!(bytes <= CORPUS_BYTES_MAX, "{bytes} bytes, at most {CORPUS_BYTES_MAX}");
}

/// The fuzzer reads files alone: `MUNIMENT_CORPUS=DIR` writes there what this build makes itself.
#[test]
fn what_this_build_makes_can_be_written_for_the_fuzzer() {
    let Some(folder) = std::env::var_os("MUNIMENT_CORPUS").map(PathBuf::from) else { return };
    for target in TARGETS {
        for (place, bytes) in seeds::of(target.name).iter().enumerate() {
            let path = folder.join(target.name).join(format!("made-{place}"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
        }
    }
}
