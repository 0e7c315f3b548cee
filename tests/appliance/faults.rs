//! A disk that fails, and a process that dies, at the Nth call: during import, feed, export and indexing. After each fault
//! the archive is opened again and audited: nothing that was told is missing, nothing is there twice or out of order, and
//! the same command completes as if nothing had been.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use crate::failing_disk::{DEATHS, ERRORS, Fault, With, arm, chosen, counted, shim, struck};
use crate::running::Running;
use crate::support::{Appliance, Outcome};

/// Enough for several sealed segments at the threshold below.
const LINES: u64 = 2_000;
const SETTINGS: &str = "[archive]\nseal_bytes = 65536\nreserve_bytes = 0\n";
/// Lines of one request of the feed.
const POSTED: usize = 200;

fn lines() -> &'static str {
    static LINES_OF_ALL: OnceLock<String> = OnceLock::new();
    LINES_OF_ALL.get_or_init(|| {
        let mut lines = String::new();
        for number in 0..LINES {
            writeln!(
                lines,
                r##"{{"source":"desk","room":"#r{}","sender":"P{}","time":"2024-02-01T10:{:02}:{:02}Z","id":"{number}","text":"line {number} of the morning"}}"##,
                number % 7,
                number % 11,
                number / 60 % 60,
                number % 60,
            )
            .unwrap();
        }
        lines
    })
}

/// What is disturbed: from which archive it begins, what it does, and what must hold afterwards.
struct Scene {
    begin: fn() -> Appliance,
    act: fn(&Appliance) -> Outcome,
    audit: fn(&Appliance, &Outcome, &Ground),
}

/// What all runs of a scene begin from and are compared with.
struct Ground {
    start: Appliance,
    /// What the archive holds after an undisturbed run.
    messages: Vec<String>,
}

/// An archive of one officer without messages.
fn empty() -> Appliance {
    let appliance = Appliance::create();
    appliance.file("data/muniment.toml", SETTINGS);
    appliance
}

/// The same after an undisturbed import.
fn filled() -> Appliance {
    let appliance = empty();
    import(&appliance).expect(0);
    appliance
}

/// An archive with a token for a feed, which lies in the data directory so that a copy has it.
fn fed() -> Appliance {
    let appliance = empty();
    let token = appliance.json(&["token", "issue", "--name", "feed", "--scope", "append"]);
    appliance.file("data/feed.token", token["token"].as_str().unwrap());
    appliance
}

fn import(appliance: &Appliance) -> Outcome {
    let path = appliance.file("chat.jsonl", lines());
    appliance.run(&["--json", "import", path.to_str().unwrap()])
}

/// Counts what the archive holds, by a search that has nothing to do with the import.
fn held(appliance: &Appliance) -> u64 {
    appliance.json(&["search", "line", "--count"])["count"].as_u64().unwrap()
}

fn audit_import(appliance: &Appliance, outcome: &Outcome, ground: &Ground) {
    let held = held(appliance);
    let told = if outcome.code == Some(0) {
        outcome.json()["accepted"].as_u64().unwrap()
    } else {
        let before = outcome.stderr.split(" of them are new").next().unwrap_or_default();
        before.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    assert!(told <= held, "{told} were told to be in the archive, {held} are");
    let again = import(appliance).expect(0).json();
    let number = |name: &str| again[name].as_u64().unwrap();
    assert_eq!(number("accepted") + number("duplicates"), LINES, "{again:#}");
    assert!(number("duplicates") >= told, "{told} were told: {again:#}");
    assert_eq!(number("revised") + number("quarantined"), 0, "{again:#}");
    appliance.has_messages(&ground.messages);
}

/// Posts as an ordered feed does: the next lines only when those before are acknowledged. What was acknowledged is written
/// beside the archive, as the one who posts would keep it.
fn feed(appliance: &Appliance) -> Outcome {
    let token = std::fs::read_to_string(appliance.path("data/feed.token")).unwrap();
    let bearer = format!("Authorization: Bearer {token}");
    let running = match Running::try_start(appliance, &[]) {
        Ok(running) => running,
        Err(outcome) => return outcome,
    };
    let mut receipts = Vec::new();
    let mut said = String::new();
    let lines: Vec<_> = lines().lines().collect();
    for batch in lines.chunks(POSTED) {
        let answer = running.try_ask("POST", "/api/v1/events", &[&bearer], &batch.join("\n"));
        let Ok((200, _, body)) = answer else {
            said = format!("{answer:?}");
            break;
        };
        let answer: Value = serde_json::from_str(&body).unwrap();
        receipts.extend(answer["receipts"].as_array().unwrap().iter().cloned());
    }
    appliance.file("receipts.json", Value::from(receipts).to_string());
    let code = running.end();
    if code == Some(0) && !said.is_empty() {
        return Outcome { code: Some(74), stdout: String::new(), stderr: said };
    }
    Outcome { code, stdout: String::new(), stderr: said + "the log of the server" }
}

fn audit_feed(appliance: &Appliance, _: &Outcome, ground: &Ground) {
    let receipts = std::fs::read(appliance.path("receipts.json")).unwrap_or_else(|_| b"[]".into());
    let receipts: Vec<Value> = serde_json::from_slice(&receipts).unwrap();
    let events = appliance.events();
    let texts: std::collections::HashMap<_, _> =
        events.iter().map(|event| (event["seq"].as_u64(), event["text"].as_str())).collect();
    for (number, receipt) in receipts.iter().enumerate() {
        let text = format!("line {number} of the morning");
        let found = texts.get(&receipt["seq"].as_u64()).copied().flatten();
        assert_eq!(found, Some(text.as_str()), "acknowledged by {receipt}");
    }
    if let Some(last) = receipts.last() {
        let shown = appliance.json(&["show", &last["seq"].to_string()]);
        assert_eq!(shown["leaf"], last["leaf"], "{shown:#}");
    }
    assert_eq!(feed(appliance).code, Some(0));
    appliance.has_messages(&ground.messages);
}

fn export(appliance: &Appliance) -> Outcome {
    std::fs::create_dir_all(appliance.path("out")).unwrap();
    let out = appliance.path("out/evidence");
    let arguments = ["export", "--query", "line", "--format", "csv", "--format", "bundle", "--out"];
    appliance.run(&[&arguments[..], &[out.to_str().unwrap()]].concat())
}

fn audit_export(appliance: &Appliance, outcome: &Outcome, _: &Ground) {
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let out = appliance.path("out/evidence");
    let is_there = out.try_exists().unwrap();
    assert!(is_there || outcome.code != Some(0), "it was told to be there");
    if !is_there {
        export(appliance).expect(0);
    }
    let path = out.to_str().unwrap();
    appliance.run(&["verify", "--export", path, "--public-key", &key]).expect(0);
    assert_eq!(held(appliance), LINES);
}

fn reindex(appliance: &Appliance) -> Outcome {
    appliance.run(&["reindex"])
}

fn audit_reindex(appliance: &Appliance, _: &Outcome, ground: &Ground) {
    let page = appliance.json(&["search", "line morning", "--limit", "20"]);
    let expected =
        Appliance::copy_of(&ground.start).json(&["search", "line morning", "--limit", "20"]);
    assert_eq!(page["count"], expected["count"]);
    let texts = |page: &Value| -> Vec<Value> {
        page["hits"].as_array().unwrap().iter().map(|hit| hit["text"].clone()).collect()
    };
    assert_eq!(texts(&page), texts(&expected));
}

/// Disturbs a scene by one fault and audits what is left. Returns what does not hold, in words.
fn disturb(scene: &Scene, ground: &Ground, shim: &Path, fault: &Fault) -> Result<bool, String> {
    let mut appliance = Appliance::copy_of(&ground.start);
    arm(&mut appliance, shim, Some(fault));
    let mut outcome = None;
    let held = catch_unwind(AssertUnwindSafe(|| {
        let done = (scene.act)(&appliance);
        appliance.unset();
        let outcome = outcome.insert(done);
        let is_death = matches!(fault.with, With::Kill | With::Tear);
        let struck = struck(&appliance).is_some();
        assert!(outcome.code.is_some() || (is_death && struck), "it died of another cause");
        assert_ne!(outcome.code, Some(101), "it panicked");
        // The engine's own words for a worker that ended are "io::Error most likely) or panicked"; a panic says where.
        assert!(!outcome.stderr.contains("panicked at"), "a thread panicked");
        let is_told = matches!(outcome.code, None | Some(0)) || !outcome.stderr.trim().is_empty();
        assert!(is_told, "it failed without a word");
        appliance.run(&["verify"]).expect(0);
        (scene.audit)(&appliance, outcome, ground);
        appliance.run(&["verify"]).expect(0);
        struck
    }));
    held.map_err(|cause| {
        let words = cause.downcast_ref::<String>().cloned();
        let words = words.or_else(|| cause.downcast_ref::<&str>().map(|&words| words.to_owned()));
        let place = struck(&appliance);
        format!("{fault:?} at {place:?} ended with {outcome:?}: {}", words.unwrap_or_default())
    })
}

/// Disturbs a scene by every fault that is chosen, and shows all that does not hold.
fn disturb_all(test: &str, scene: &Scene, kinds: &[(&'static str, With)], many: usize) {
    let Some(shim) = shim(test) else { return };
    let ground = Ground { start: (scene.begin)(), messages: filled().messages() };
    let mut calm = Appliance::copy_of(&ground.start);
    arm(&mut calm, shim, None);
    (scene.act)(&calm).expect(0);
    let counts = counted(&calm);
    let faults = chosen(kinds, &counts, many);
    let (mut struck, mut broken) = (0, Vec::new());
    for fault in &faults {
        match disturb(scene, &ground, shim, fault) {
            Ok(did) => struck += usize::from(did),
            Err(words) => broken.push(words),
        }
    }
    println!("{test}: {} faults, {struck} struck, calls of a calm run {counts:?}", faults.len());
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), faults.len(), broken.join("\n\n"));
    assert!(struck * 2 >= faults.len(), "only {struck} of {} faults struck", faults.len());
}

const IMPORT: Scene = Scene { begin: empty, act: import, audit: audit_import };
const FEED: Scene = Scene { begin: fed, act: feed, audit: audit_feed };
const EXPORT: Scene = Scene { begin: filled, act: export, audit: audit_export };
const INDEX: Scene = Scene { begin: filled, act: reindex, audit: audit_reindex };

#[test]
fn an_import_that_dies_at_any_call_loses_nothing_and_completes() {
    disturb_all("an_import_that_dies_at_any_call_loses_nothing_and_completes", &IMPORT, DEATHS, 14);
}

#[test]
fn an_import_whose_disk_fails_at_any_call_tells_no_untruth_and_completes() {
    let test = "an_import_whose_disk_fails_at_any_call_tells_no_untruth_and_completes";
    disturb_all(test, &IMPORT, ERRORS, 90);
}

#[test]
fn a_feed_whose_server_dies_at_any_call_finds_every_receipt_again() {
    let test = "a_feed_whose_server_dies_at_any_call_finds_every_receipt_again";
    disturb_all(test, &FEED, DEATHS, 12);
}

#[test]
fn a_feed_whose_disk_fails_at_any_call_finds_every_receipt_again() {
    let test = "a_feed_whose_disk_fails_at_any_call_finds_every_receipt_again";
    disturb_all(test, &FEED, ERRORS, 60);
}

#[test]
fn an_export_that_dies_at_any_call_is_absent_or_whole() {
    disturb_all("an_export_that_dies_at_any_call_is_absent_or_whole", &EXPORT, DEATHS, 12);
}

#[test]
fn an_export_whose_disk_fails_at_any_call_is_absent_or_whole() {
    disturb_all("an_export_whose_disk_fails_at_any_call_is_absent_or_whole", &EXPORT, ERRORS, 75);
}

#[test]
fn an_index_whose_process_dies_at_any_call_finds_the_same_again() {
    disturb_all("an_index_whose_process_dies_at_any_call_finds_the_same_again", &INDEX, DEATHS, 12);
}

#[test]
fn an_index_whose_disk_fails_at_any_call_finds_the_same_again() {
    disturb_all("an_index_whose_disk_fails_at_any_call_finds_the_same_again", &INDEX, ERRORS, 75);
}

/// Serves, searches once, and returns what the search answered; nothing where the server did not come up.
fn look(appliance: &Appliance, asks: bool) -> Option<(u16, String)> {
    let token = std::fs::read_to_string(appliance.path("data/reader.token")).unwrap();
    let bearer = format!("Authorization: Bearer {token}");
    let running = Running::try_start(appliance, &[]).ok()?;
    let answer = asks.then(|| running.try_ask("GET", "/api/v1/search?q=morning", &[&bearer], ""));
    running.end();
    answer?.ok().map(|(status, _, body)| (status, body))
}

#[test]
fn a_look_that_cannot_be_recorded_shows_nothing_and_one_that_was_shown_is_on_record() {
    let test = "a_look_that_cannot_be_recorded_shows_nothing_and_one_that_was_shown_is_on_record";
    let Some(shim) = shim(test) else { return };
    let start = filled();
    let token = start.json(&["token", "issue", "--name", "reader", "--scope", "read"]);
    start.file("data/reader.token", token["token"].as_str().unwrap());
    let recorded = |appliance: &Appliance| {
        let acts = appliance.run(&["--json", "audit"]).expect(0).stdout;
        acts.lines().filter(|act| act.contains("search") && act.contains("morning")).count()
    };
    let unasked = Appliance::copy_of(&start);
    look(&unasked, false);
    let mut asked = Appliance::copy_of(&start);
    arm(&mut asked, shim, None);
    let shown = look(&asked, true).expect("a sound disk answers");
    asked.unset();
    assert!(shown.0 == 200 && shown.1.contains("morning"), "{shown:?}");
    let without = recorded(&unasked);
    assert_eq!(recorded(&asked), without + 1, "the look is an event of its own");
    let (mut answered, mut refused) = (0, 0);
    let kinds = [("sync", With::Lasting("EIO")), ("write", With::Lasting("ENOSPC"))];
    for fault in chosen(&kinds, &counted(&asked), 24) {
        let mut appliance = Appliance::copy_of(&start);
        arm(&mut appliance, shim, Some(&fault));
        let answer = look(&appliance, true);
        appliance.unset();
        match answer {
            Some((200, _)) => {
                answered += 1;
                assert!(recorded(&appliance) > without, "{fault:?}: shown and not on record");
            }
            other => {
                refused += 1;
                let words = other.map(|(_, body)| body).unwrap_or_default();
                assert!(!words.contains("of the morning"), "{fault:?}: {words}");
            }
        }
    }
    println!("{test}: {answered} shown and on record, {refused} refused");
}
