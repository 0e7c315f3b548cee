//! T17: an appliance that is used and killed for a long time. A feed posts, people search and export, and at moments drawn
//! by a seed the process dies; after each death the archive is audited, and memory and open files must not grow.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use chat::testing::SeededRng;
use serde_json::Value;

use crate::running::{Running, Usage};
use crate::support::Appliance;

/// Lines of one request of the feed.
const BATCH: usize = 10;
/// The shortest and the longest life of a process.
const LIFE_SECONDS: (u64, u64) = (3, 20);
/// Events that are exported at once, about.
const EXPORTED: u64 = 500;
/// How much more the last third of the lives may take than the first third.
const GROWTH_BYTES_MAX: u64 = 64 << 20;
const GROWTH_FILES_MAX: usize = 16;

/// What goes on for the whole time.
struct Soak {
    appliance: Appliance,
    bearer: String,
    rng: SeededRng,
    /// Lines that the feed was told are recorded, and the sequence number of the last of them.
    acknowledged: AtomicUsize,
    newest: AtomicU64,
    is_dead: AtomicBool,
    searches: AtomicUsize,
    exports: AtomicUsize,
}

/// What the audits have seen: everything up to a sequence number is in order, with so many lines.
#[derive(Debug, Default)]
struct Audited {
    seq: u64,
    lines: usize,
}

fn set(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn text(number: usize) -> String {
    format!("line {number} of the morning t{number}")
}

fn line(number: usize) -> String {
    format!(
        r##"{{"source":"desk","room":"#r{}","sender":"P{}","time":"2024-02-01T10:00:00Z","id":"{number}","text":"{}"}}"##,
        number % 7,
        number % 11,
        text(number)
    )
}

impl Soak {
    fn begin(seed: u64) -> Self {
        let appliance = Appliance::create();
        appliance.settle_configuration("[archive]\nseal_bytes = 1048576\n");
        let token = appliance.json(&["token", "issue", "--name", "t", "--scope", "append,read"]);
        let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
        Self {
            appliance,
            bearer,
            rng: SeededRng::new(seed),
            acknowledged: AtomicUsize::new(0),
            newest: AtomicU64::new(0),
            is_dead: AtomicBool::new(false),
            searches: AtomicUsize::new(0),
            exports: AtomicUsize::new(0),
        }
    }

    /// Lets one process live and work until it is killed, and returns what it took before that.
    fn live(&self, life: Duration) -> Usage {
        let running = Running::start(&self.appliance);
        self.is_dead.store(false, Ordering::SeqCst);
        let (fault, faults) = channel();
        std::thread::scope(|scope| {
            for work in [Self::feed, Self::search, Self::export] {
                let (fault, running) = (fault.clone(), &running);
                scope.spawn(move || {
                    let what = work(self, running);
                    if !self.is_dead.load(Ordering::SeqCst) {
                        fault.send(what).ok();
                    }
                });
            }
            let ended = faults.recv_timeout(life);
            let usage = running.usage();
            self.is_dead.store(true, Ordering::SeqCst);
            running.kill();
            assert_eq!(ended, Err(RecvTimeoutError::Timeout), "before it was killed");
            usage.expect("it lives until it is killed")
        })
    }

    /// Posts as an ordered feed does; ends, in words, at the first answer that is none.
    fn feed(&self, running: &Running) -> String {
        loop {
            let first = self.acknowledged.load(Ordering::SeqCst);
            let body: Vec<_> = (first..first + BATCH).map(line).collect();
            let target = "/api/v1/events";
            let answer = running.try_ask("POST", target, &[&self.bearer], &body.join("\n"));
            let Ok((200, _, body)) = &answer else { return format!("a feed was told {answer:?}") };
            // Death may cut an answer short; then the feed was told nothing.
            let Ok(answer) = serde_json::from_str::<Value>(body) else { return body.clone() };
            let seqs = answer["receipts"].as_array().unwrap().iter();
            let seqs: Vec<_> = seqs.map(|receipt| receipt["seq"].as_u64().unwrap()).collect();
            let is_ordered = seqs.windows(2).all(|pair| pair[0] < pair[1]);
            if seqs.len() != BATCH || !is_ordered || seqs[0] <= self.newest.load(Ordering::SeqCst) {
                return format!("the receipts are {answer}");
            }
            self.newest.store(seqs[BATCH - 1], Ordering::SeqCst);
            self.acknowledged.store(first + BATCH, Ordering::SeqCst);
        }
    }

    /// Searches for everything and for one line by turns; ends, in words, at the first answer that lacks something.
    fn search(&self, running: &Running) -> String {
        loop {
            let held = self.acknowledged.load(Ordering::SeqCst);
            let all =
                running.try_ask("GET", "/api/v1/search?q=morning&limit=20", &[&self.bearer], "");
            let one = usize::try_from(self.rng.below(u64::try_from(held.max(1)).unwrap())).unwrap();
            let target = format!("/api/v1/search?q=t{one}&limit=20");
            let single = running.try_ask("GET", &target, &[&self.bearer], "");
            let (Ok((200, _, all)), Ok((200, _, single))) = (&all, &single) else {
                return format!("a search was answered {all:?}, {single:?}");
            };
            let parsed = (serde_json::from_str::<Value>(all), serde_json::from_str(single));
            let (Ok(all), Ok::<Value, _>(single)) = parsed else { return "cut short".to_owned() };
            if all["count"].as_u64() < u64::try_from(held).ok() {
                return format!("{held} are acknowledged and {} found", all["count"]);
            }
            if held > 0 && (single["count"] != 1 || single["hits"][0]["text"] != text(one)) {
                return format!("line {one} of {held}: {single}");
            }
            self.searches.fetch_add(2, Ordering::SeqCst);
        }
    }

    /// Exports what is newest and verifies it; ends, in words, where that fails.
    fn export(&self, _: &Running) -> String {
        let out = self.appliance.path("evidence");
        let path = out.to_str().unwrap();
        let key = self.key();
        // Without a server the export would open the archive itself.
        while !self.is_dead.load(Ordering::SeqCst) {
            let last = self.newest.load(Ordering::SeqCst);
            if last == 0 {
                std::thread::yield_now();
                continue;
            }
            let query = format!("seq:{}..{last}", last.saturating_sub(EXPORTED).max(1));
            let made = self
                .appliance
                .run(&["export", "--query", &query, "--format", "csv", "--out", path]);
            if made.code != Some(0) {
                return format!("{made:?}");
            }
            let proof = ["verify", "--export", path, "--public-key", &key];
            let proven = self.appliance.run(&proof);
            if proven.code != Some(0) {
                return format!("{proven:?}");
            }
            std::fs::remove_dir_all(&out).unwrap();
            self.exports.fetch_add(1, Ordering::SeqCst);
        }
        "it was killed".to_owned()
    }

    fn key(&self) -> String {
        let description = std::fs::read(self.appliance.data().join("archive.json")).unwrap();
        let description: Value = serde_json::from_slice(&description).unwrap();
        description["public_key"].as_str().unwrap().to_owned()
    }

    /// Asserts that the archive is sound, that the lines since the last audit are there once and in order, and that none
    /// is missing that was acknowledged; and that an export is absent or whole.
    fn audit(&self, audited: &mut Audited) {
        self.appliance.run(&["verify"]).expect(0);
        let size = self.appliance.json(&["status"])["events"].as_u64().unwrap();
        let query = format!("kind:message seq:{}..{size}", audited.seq + 1);
        for event in self.appliance.events_of(&query) {
            assert_eq!(event["text"], text(audited.lines), "after {audited:?}");
            audited.lines += 1;
        }
        audited.seq = size;
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        assert!(audited.lines >= acknowledged, "{acknowledged} were told, {audited:?} is there");
        assert!(audited.lines <= acknowledged + BATCH, "{acknowledged} were told: {audited:?}");
        let out = self.appliance.path("evidence");
        if out.try_exists().unwrap() {
            let proof = ["verify", "--export", out.to_str().unwrap(), "--public-key", &self.key()];
            self.appliance.run(&proof).expect(0);
            std::fs::remove_dir_all(out).unwrap();
        }
    }
}

/// Asserts that the last third of the lives took no more than the first third, but for what an archive that grows may: an
/// open file for each of its segments' own, and a bound of memory.
fn is_flat(usages: &[Usage]) {
    let third = usages.len().div_ceil(3);
    let (first, last) = (&usages[..third], &usages[usages.len() - third..]);
    let memory = |lives: &[Usage]| lives.iter().map(|usage| usage.resident_bytes).max().unwrap();
    let files = |lives: &[Usage]| lives.iter().map(|usage| usage.open_files).max().unwrap();
    println!(
        "resident bytes at most {} in the first third of the lives, {} in the last",
        memory(first),
        memory(last)
    );
    println!(
        "open files beside segments at most {} in the first third of the lives, {} in the last",
        files(first),
        files(last)
    );
    let segments = last.iter().map(|usage| usage.segment_files).max().unwrap();
    println!("open files of segments at most {segments} in the last");
    assert!(memory(last) <= memory(first) + GROWTH_BYTES_MAX, "{usages:?}");
    assert!(files(last) <= files(first) + GROWTH_FILES_MAX, "{usages:?}");
}

#[test]
#[ignore = "it takes half an hour, or as long as MUNIMENT_SOAK_MINUTES says"]
fn an_appliance_that_is_used_and_killed_for_a_long_time_loses_and_leaks_nothing() {
    let (seed, minutes) = (set("MUNIMENT_SEED", 42), set("MUNIMENT_SOAK_MINUTES", 30));
    println!("seed {seed} (MUNIMENT_SEED), {minutes} minutes (MUNIMENT_SOAK_MINUTES)");
    let (soak, began) = (Soak::begin(seed), Instant::now());
    let (mut audited, mut usages) = (Audited::default(), Vec::new());
    while began.elapsed() < Duration::from_mins(minutes) {
        let life =
            LIFE_SECONDS.0 * 1_000 + soak.rng.below((LIFE_SECONDS.1 - LIFE_SECONDS.0) * 1_000);
        let usage = soak.live(Duration::from_millis(life));
        soak.audit(&mut audited);
        println!("life {} of {life} ms: {usage:?}, {audited:?}", usages.len() + 1);
        usages.push(usage);
    }
    let (searches, exports) = (soak.searches.into_inner(), soak.exports.into_inner());
    println!(
        "{} lives, {} lines in {} events, {searches} searches, {exports} exports, none lost, doubled or moved",
        usages.len(),
        audited.lines,
        audited.seq
    );
    is_flat(&usages);
}
