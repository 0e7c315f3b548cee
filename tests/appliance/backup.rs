//! T16: a backup taken under load, the archive destroyed, a restore on an empty place, and all of it as it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;

const WORDS: [&str; 12] = [
    "budget", "invoice", "trade", "desk", "london", "swap", "rate", "close", "hedge", "limit",
    "quote", "spread",
];
const ROOMS: [&str; 4] = ["#fx", "#rates", "#credit", "#desk"];
/// Searches that are compared before and after.
const SEARCHES: u64 = 1_000;

/// A small generator whose seed is in the claim's message (Lehmer, 2³¹ − 1).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0 * 48_271 % 0x7fff_ffff;
        usize::try_from(self.0).unwrap() % end
    }

    fn of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }
}

fn event(id: usize) -> String {
    let mut chance = Chance(1 + u64::try_from(id).unwrap());
    let text: Vec<_> = (0..8).map(|_| chance.of(&WORDS)).collect();
    let (room, text) = (chance.of(&ROOMS), text.join(" "));
    format!(
        r#"{{"source":"feed","room":"{room}","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"{id}","text":"{text} {id}"}}"#
    )
}

fn events(range: std::ops::Range<usize>) -> String {
    range.map(event).collect::<Vec<_>>().join("\n")
}

fn folders(appliance: &Appliance) -> (PathBuf, PathBuf) {
    (appliance.path("backup"), appliance.path("backup-keys"))
}

fn backup(appliance: &Appliance) -> Value {
    let (out, keys) = folders(appliance);
    appliance.json(&["backup", "--out", out.to_str().unwrap(), "--keys", keys.to_str().unwrap()])
}

/// Returns the restore of the backup as exit code and report.
fn restore(appliance: &Appliance, data: &Path, keys: &Path) -> crate::support::Outcome {
    let (out, _) = folders(appliance);
    let (out, keys) = (out.to_str().unwrap(), keys.to_str().unwrap());
    appliance.run_on(data, &["--json", "restore", "--from", out, "--keys", keys])
}

fn files_in(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files_in(&path)) } else { found.extend([path]) }
    }
    found
}

/// Asks the seeded searches in one state of the log and returns what each of them found.
fn searches(running: &Running, bearer: &str, snapshot: &str, seed: u64) -> Vec<Value> {
    let mut chance = Chance(seed);
    let one = |chance: &mut Chance| {
        let (word, other, room) = (chance.of(&WORDS), chance.of(&WORDS), &chance.of(&ROOMS)[1..]);
        let query = match chance.below(4) {
            0 => word.to_owned(),
            1 => format!("{word}%20{other}%20room:%23{room}"),
            2 => format!("%22{word}%20{other}%22"),
            _ => format!("{word}%20-{other}"),
        };
        let target = format!("/api/v1/search?q={query}&limit=50&snapshot={snapshot}");
        let (status, _, body) = running.ask("GET", &target, &[bearer], "");
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let hits = answer["hits"].as_array().unwrap().iter();
        let shown: Vec<_> = hits.map(|hit| (hit["seq"].clone(), hit["text"].clone())).collect();
        serde_json::json!([query, answer["count"], shown])
    };
    (0..SEARCHES).map(|_| one(&mut chance)).collect()
}

fn analysis(running: &Running, bearer: &str) -> String {
    let (_, _, body) = running.ask("GET", "/api/v1/search?q=budget&limit=0", &[bearer], "");
    let answer: Value = serde_json::from_str(&body).unwrap();
    answer["snapshot"]["id"].as_str().unwrap().split('-').nth(1).unwrap().to_owned()
}

#[test]
fn a_backup_under_load_restores_to_the_same_root_counts_and_searches() {
    let seed = 20_240_304;
    println!("seed {seed}");
    let appliance = Appliance::create();
    appliance.settle_configuration("[archive]\nseal_bytes = 131072\n");
    appliance.import(&appliance.file("first.jsonl", events(0..3_000)), &[], 0);
    let token = appliance.json(&["token", "issue", "--name", "t", "--scope", "append,read"]);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    let (enough, posted) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (first, second) = std::thread::scope(|scope| {
        let _ending = Ending(&enough);
        let feed = scope.spawn(|| {
            for start in (10_000..).step_by(20).take_while(|_| !enough.load(Ordering::SeqCst)) {
                let batch = events(start..start + 20);
                assert_eq!(running.ask("POST", "/api/v1/events", &[&bearer], &batch).0, 200);
                posted.fetch_add(20, Ordering::SeqCst);
            }
        });
        while !feed.is_finished() && posted.load(Ordering::SeqCst) < 200 {
            std::thread::yield_now();
        }
        (backup(&appliance), backup(&appliance))
    });
    assert!(first["size"].as_u64() < second["size"].as_u64(), "{first:#} {second:#}");
    // Not by bytes: what is sealed while it is copied is copied twice, as a journal file and as segments.
    assert!(
        second["copied_files"].as_u64() < second["files"].as_u64(),
        "only what is new: {second:#}"
    );
    let (size, root) = (second["size"].as_u64().unwrap(), second["root"].as_str().unwrap());
    let snapshot = format!("{size}-{}-{root}", analysis(&running, &bearer));
    let before = searches(&running, &bearer, &snapshot, seed);
    running.stop();
    std::fs::remove_dir_all(appliance.data()).unwrap();

    let (_, keys) = folders(&appliance);
    let report = restore(&appliance, &appliance.data(), &keys).expect(0).json();
    assert_eq!((&report["ok"], &report["root"]), (&true.into(), &second["root"]), "{report:#}");
    assert_eq!(report["rooms"], 4, "{report:#}");
    appliance.run(&["verify"]).expect(0);
    let running = Running::start(&appliance);
    let after = searches(&running, &bearer, &snapshot, seed);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after, "seed {seed}");
    }
    running.stop();
}

/// Moments that are tried where `MUNIMENT_MOMENTS` does not say how many.
const MOMENTS: usize = 2;

#[test]
fn a_backup_taken_at_any_moment_restores_to_what_was_acknowledged_by_then() {
    let set = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let moments = set("MUNIMENT_MOMENTS").unwrap_or(MOMENTS);
    let seed = set("MUNIMENT_SEED").unwrap_or(42);
    println!("seed {seed} (MUNIMENT_SEED), {moments} moments (MUNIMENT_MOMENTS)");
    let mut chance = Chance(1 + u64::try_from(seed).unwrap());
    let appliance = Appliance::create();
    appliance.settle_configuration("[archive]\nseal_bytes = 131072\n");
    let token = appliance.json(&["token", "issue", "--name", "t", "--scope", "append"]);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    let (enough, posted) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        // A claim that fails below ends the feed too: the scope waits for it.
        let _ending = Ending(&enough);
        let feed = scope.spawn(|| {
            for start in (0..).step_by(20).take_while(|_| !enough.load(Ordering::SeqCst)) {
                let batch = events(start..start + 20);
                assert_eq!(running.ask("POST", "/api/v1/events", &[&bearer], &batch).0, 200);
                posted.fetch_add(20, Ordering::SeqCst);
            }
        });
        for moment in 0..moments {
            let until = posted.load(Ordering::SeqCst) + 20 + chance.below(600);
            while !feed.is_finished() && posted.load(Ordering::SeqCst) < until {
                std::thread::yield_now();
            }
            let least = posted.load(Ordering::SeqCst);
            let made = backup(&appliance);
            // The feed may have one request more on the way.
            let most = posted.load(Ordering::SeqCst) + 20;
            let data = appliance.path(&format!("restored-{moment}"));
            let report = restore(&appliance, &data, &folders(&appliance).1).expect(0).json();
            assert_eq!((&report["ok"], &report["root"]), (&true.into(), &made["root"]));
            let arguments = ["--json", "search", "kind:message", "--count"];
            let found = appliance.run_on(&data, &arguments).expect(0).json()["count"].clone();
            let found = usize::try_from(found.as_u64().unwrap()).unwrap();
            assert!((least..=most).contains(&found), "{least} to {most}: {found}, {made:#}");
            std::fs::remove_dir_all(data).unwrap();
        }
    });
    running.stop();
}

/// Says that it is enough when it goes.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_backup_holds_no_key_and_no_message_in_clear() {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("one.jsonl", event(1)), &[], 0);
    backup(&appliance);
    let (out, keys) = folders(&appliance);
    let held = files_in(&appliance.data().join("keys"));
    let secrets: Vec<_> = held.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert_eq!(files_in(&keys).len(), held.len());
    for path in files_in(&out) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!secrets.contains(&bytes), "{} is a key", path.display());
        let is_there = bytes.windows(6).any(|window| window == b"09:15:" || window == b"Ada\0\0\0");
        assert!(!is_there, "{}", path.display());
        assert!(!String::from_utf8_lossy(&bytes).contains(WORDS[0]), "{}", path.display());
    }
    let mode = |path: &Path| {
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions())
    };
    assert_eq!((mode(&keys) & 0o777, mode(&keys.join("kek")) & 0o777), (0o700, 0o400));
}

#[test]
fn an_interrupted_backup_leaves_the_one_before_it_whole() {
    let appliance = Appliance::create();
    appliance.settle_configuration("[archive]\nseal_bytes = 65536\n");
    appliance.import(&appliance.file("first.jsonl", events(0..500)), &[], 0);
    let mut least = backup(&appliance)["size"].as_u64().unwrap();
    let (out, keys) = folders(&appliance);
    for round in 1..=4 {
        let more = events(round * 1_000..round * 1_000 + 700);
        appliance.import(&appliance.file("more.jsonl", more), &[], 0);
        let known = files_in(&out);
        let (folder, key_folder) = (out.to_str().unwrap(), keys.to_str().unwrap());
        let mut child = appliance.start(&["backup", "--out", folder, "--keys", key_folder]);
        // As soon as it has begun to write, at a point that differs from round to round.
        while child.try_wait().unwrap().is_none() {
            if files_in(&out).difference(&known).count() >= round {
                child.kill().unwrap();
            }
        }
        let data = appliance.path(&format!("restored-{round}"));
        let report = restore(&appliance, &data, &keys).expect(0).json();
        assert!(report["size"].as_u64().unwrap() >= least, "{report:#}");
        least = backup(&appliance)["size"].as_u64().unwrap();
    }
}

#[test]
fn a_restore_takes_the_right_keys_an_empty_place_and_an_undamaged_backup_alone() {
    let (appliance, other) = (Appliance::create(), Appliance::create());
    appliance.import(&appliance.file("one.jsonl", events(0..50)), &[], 0);
    backup(&appliance);
    backup(&other);
    let (out, keys) = folders(&appliance);
    let data = appliance.path("restored");
    restore(&appliance, &appliance.data(), &keys).expect(73);
    restore(&appliance, &data, &folders(&other).1).expect(65);
    let mixed =
        [out.to_str().unwrap(), "--keys", &format!("{}/keys", out.display())].map(str::to_owned);
    appliance.run(&["backup", "--out", &mixed[0], &mixed[1], &mixed[2]]).expect(2);
    let victim = files_in(&out.join("files/journal"))
        .into_iter()
        .chain(files_in(&out.join("files/segments")));
    let victim = victim.max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&victim).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&victim, &bytes).unwrap();
    let outcome = restore(&appliance, &data, &keys).expect(1);
    assert!(outcome.stderr.contains("is not what was backed up"), "{outcome:#?}");
    assert!(!data.exists(), "what is not proven gets no name");
}
