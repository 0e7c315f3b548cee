//! A loss of power under the real binary on a real file system: the disk is recorded while an archive is made, imports,
//! takes a feed, seals, indexes and exports; then images of what the disk may hold afterwards are mounted, and everything
//! that was acknowledged before the cut must be in them.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use chat::testing::{SeededRng, share_of};
use serde_json::Value;

use crate::failing_disk::{Fault, With, arm, shim};
use crate::images::{Images, below};
use crate::recorder::{EXT4, FileSystem, Recorder, Recording, XFS};
use crate::running::Running;
use crate::support::{Appliance, plain};
use crate::volume::Volume;

/// Lines that are imported, and lines that the feed posts after them.
const IMPORTED: usize = 1_200;
const POSTED: usize = 800;
/// Lines of one request of the feed.
const BATCH: usize = 100;
/// Images that are looked at where `MUNIMENT_IMAGES` does not say how many.
const IMAGES: usize = 60;
/// Small enough that the workload seals several times.
const SEAL_BYTES: &str = "65536";

/// Something that the appliance said was done, and how much the disk had been told by then.
struct Acknowledged {
    after: usize,
    what: What,
}

enum What {
    Made { public_key: String },
    Imported,
    Posted { batch: usize, receipts: Vec<Value> },
    Exported,
    Checkpoint { note: String },
}

/// A workload on a recorded disk.
struct Workload {
    recording: Recording,
    acknowledged: Vec<Acknowledged>,
}

fn line(number: usize) -> String {
    let (room, person) = (number % 7, number % 11);
    let (minute, second) = (number / 60 % 60, number % 60);
    format!(
        r##"{{"source":"desk","room":"#r{room}","sender":"P{person}","time":"2024-02-01T10:{minute:02}:{second:02}Z","id":"{number}","text":"{}"}}"##,
        text(number)
    )
}

/// Words that do not shrink to nothing, so that the journal reaches the size at which it is sealed.
fn text(number: usize) -> String {
    let rng = SeededRng::new(u64::try_from(number).unwrap());
    let mut text = format!("line {number} of the morning");
    for _ in 0..6 {
        write!(text, " {:012x}", rng.below(1 << 48)).unwrap();
    }
    text
}

fn lines(range: std::ops::Range<usize>) -> String {
    range.map(line).collect::<Vec<_>>().join("\n")
}

fn set(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Does everything once on a recorded disk. With a shim, no sync of the program reaches it once the archive is made.
fn work(test: &str, file_system: FileSystem, lies: Option<&Path>) -> Option<Workload> {
    let mut recorder = Recorder::start(test, file_system)?;
    settle(recorder.appliance());
    let mut acknowledged = Vec::new();
    let mut note = |recorder: &mut Recorder, what| {
        acknowledged.push(Acknowledged { after: recorder.records(), what });
    };
    let appliance = recorder.appliance();
    let made = appliance.json(&["init", "--officer", "Officer One"]);
    let token = appliance.json(&["token", "issue", "--name", "feed", "--scope", "append"]);
    note(&mut recorder, What::Made { public_key: made["public_key"].as_str()?.to_owned() });
    let appliance = recorder.appliance();
    if let Some(shim) = lies {
        let lie = Fault { class: "sync", at: 1, with: With::Lie };
        arm(appliance, shim, Some(&lie));
        settle(appliance);
    }
    let path = appliance.file("chat.jsonl", lines(0..IMPORTED));
    appliance.import(&path, &[], 0);
    note(&mut recorder, What::Imported);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str()?);
    let running = Running::start(recorder.appliance());
    for batch in 0..POSTED / BATCH {
        let first = IMPORTED + batch * BATCH;
        let body = lines(first..first + BATCH);
        let (status, _, body) = running.ask("POST", "/api/v1/events", &[&bearer], &body);
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let receipts = answer["receipts"].as_array()?.clone();
        note(&mut recorder, What::Posted { batch, receipts });
    }
    export(recorder.appliance());
    note(&mut recorder, What::Exported);
    running.stop();
    let checkpoint = recorder.appliance().run(&["checkpoint"]).expect(0).stdout;
    note(&mut recorder, What::Checkpoint { note: checkpoint });
    Some(Workload { recording: recorder.finish(), acknowledged })
}

/// A small disk needs no reserve, and a small archive is to be sealed all the same.
fn settle(appliance: &mut Appliance) {
    appliance.set("MUNIMENT__ARCHIVE__SEAL_BYTES", SEAL_BYTES);
    appliance.set("MUNIMENT__ARCHIVE__RESERVE_BYTES", "0");
}

/// Exports what was imported, onto the disk that is recorded.
fn export(appliance: &Appliance) {
    let out = appliance.volume().path().join("out");
    let arguments = ["export", "--query", "room:#r1", "--format", "csv", "--out"];
    appliance.run(&[&arguments[..], &[out.to_str().unwrap()]].concat()).expect(0);
}

/// Returns the messages of the whole workload as an archive has them that nothing ever happened to.
fn undisturbed() -> Vec<String> {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("chat.jsonl", lines(0..IMPORTED + POSTED)), &[], 0);
    appliance.messages()
}

/// Asserts that an image has all that was acknowledged before the cut, and nothing twice or out of order; and that the
/// same work, done again, completes.
fn audit(appliance: &Appliance, acknowledged: &[Acknowledged], due: &[String]) {
    let Some(public_key) = acknowledged.iter().find_map(Acknowledged::public_key) else {
        return audit_unmade(appliance);
    };
    appliance.run(&["verify"]).expect(0);
    let events = appliance.events();
    let found: Vec<_> = events.iter().cloned().map(plain).collect();
    assert!(due.starts_with(&found), "a gap, a duplicate or another order, {} found", found.len());
    for Acknowledged { what, .. } in acknowledged {
        what.is_kept(appliance, &events, public_key);
    }
    let out = appliance.volume().path().join("out");
    let is_there = appliance.volume().file("out").try_exists().unwrap();
    if is_there {
        let path = out.to_str().unwrap();
        appliance.run(&["verify", "--export", path, "--public-key", public_key]).expect(0);
    }
    let again = appliance.import(&appliance.file("all.jsonl", lines(0..due.len())), &[], 0);
    let number = |name: &str| usize::try_from(again[name].as_u64().unwrap()).unwrap();
    assert_eq!(number("duplicates"), found.len(), "{again:#}");
    assert_eq!(number("accepted"), due.len() - found.len(), "{again:#}");
    assert_eq!(number("revised") + number("quarantined"), 0, "{again:#}");
    if !is_there {
        export(appliance);
    }
    appliance.has_messages(due);
    let count = appliance.json(&["search", "morning", "--count"])["count"].clone();
    assert_eq!(count, due.len());
    appliance.run(&["verify"]).expect(0);
}

/// An archive that was not told to be made is not there, or is whole.
fn audit_unmade(appliance: &Appliance) {
    let opened = appliance.run(&["verify"]);
    if opened.code != Some(0) {
        assert!(!opened.stderr.is_empty(), "it says why");
        let init = appliance.run(&["init", "--officer", "Officer One"]);
        if init.code != Some(0) {
            // Keys that lie there may be the only ones of another archive: they are never replaced, and what to do is said.
            let folder = appliance.volume().file("data");
            assert!(!folder.join("archive.json").exists(), "an archive that is there opens");
            let told = init.expect(73).stderr;
            assert!(told.contains("name a new folder"), "{told}");
            std::fs::remove_dir_all(folder).unwrap();
            appliance.run(&["init", "--officer", "Officer One"]).expect(0);
        }
        appliance.run(&["verify"]).expect(0);
    }
}

impl Acknowledged {
    fn public_key(&self) -> Option<&str> {
        match &self.what {
            What::Made { public_key } => Some(public_key),
            What::Imported | What::Posted { .. } | What::Exported | What::Checkpoint { .. } => None,
        }
    }
}

impl What {
    fn is_kept(&self, appliance: &Appliance, events: &[Value], public_key: &str) {
        match self {
            Self::Made { .. } => {
                let tokens = appliance.run(&["--json", "token", "list"]).expect(0).stdout;
                assert!(tokens.contains("feed"), "a token that was issued is gone: {tokens}");
                assert_eq!(appliance.json(&["status"])["public_key"], public_key);
            }
            Self::Imported => assert!(events.len() >= IMPORTED, "{} imported", events.len()),
            Self::Posted { batch, receipts } => {
                for (number, receipt) in receipts.iter().enumerate() {
                    let text = text(IMPORTED + batch * BATCH + number);
                    let found = events.iter().find(|event| event["seq"] == receipt["seq"]);
                    let found = found.map(|event| &event["text"]);
                    assert_eq!(found, Some(&Value::from(text)), "acknowledged by {receipt}");
                }
            }
            Self::Exported => {
                assert!(appliance.volume().file("out").try_exists().unwrap(), "an export is gone");
            }
            Self::Checkpoint { note } => {
                let note = appliance.file("kept.note", note);
                appliance.run(&["verify", "--since", note.to_str().unwrap()]).expect(0);
            }
        }
    }
}

/// Looks at so many images, or at the share of them that is asked for, and returns in words what does not hold.
fn lose_power(test: &str, work: &Workload, many: usize, share: Option<String>) -> Vec<String> {
    let seed = set("MUNIMENT_SEED", 42);
    println!("{test}: seed {seed} (MUNIMENT_SEED), {many} images (MUNIMENT_IMAGES)");
    let rng = SeededRng::new(u64::try_from(seed).unwrap());
    let mut images = Images::of(&work.recording);
    let (due, records) = (undisturbed(), images.records());
    let mut cuts: Vec<_> = (0..many).map(|number| cut(number, work, records, &rng)).collect();
    cuts.sort_unstable();
    let cuts = share_of(cuts, share);
    let many = cuts.len();
    let place = tempfile::tempdir().unwrap();
    let image = place.path().join("disk.img");
    let (mut broken, mut repaired) = (Vec::new(), 0);
    for (number, cut) in cuts.into_iter().enumerate() {
        if number > 0 && number % 500 == 0 {
            println!("{test}: {number} of {many} images, {} violations", broken.len());
        }
        let drawn = images.draw(cut, &rng, &image);
        let kept = work.acknowledged.partition_point(|one| one.after <= cut);
        let held = catch_unwind(AssertUnwindSafe(|| {
            let (volume, is_repaired) =
                Volume::of_image(&image).unwrap_or_else(|why| panic!("{why}"));
            repaired += usize::from(is_repaired);
            let mut appliance = Appliance::on(volume);
            settle(&mut appliance);
            audit(&appliance, &work.acknowledged[..kept], &due);
        }));
        if let Err(cause) = held {
            let words = cause.downcast_ref::<String>().cloned();
            let words = words.or_else(|| cause.downcast_ref::<&str>().map(|&words| words.into()));
            broken.push(format!("{drawn}, {kept} acknowledged: {}", words.unwrap_or_default()));
        }
    }
    let (bytes, broke) = (work.recording.log.len(), broken.len());
    println!(
        "{test}: {records} writes and flushes ({bytes} bytes), {} acknowledgements, {many} images, {repaired} repaired before they were mounted, {broke} violations",
        work.acknowledged.len()
    );
    broken
}

/// Every second cut lies shortly after an acknowledgement, where what was not flushed is missed; the others lie anywhere.
fn cut(number: usize, work: &Workload, records: usize, rng: &SeededRng) -> usize {
    let anywhere = below(rng, records + 1);
    if number.is_multiple_of(2) {
        return anywhere;
    }
    let near = &work.acknowledged[below(rng, work.acknowledged.len())];
    (near.after + below(rng, 3)).min(records)
}

fn survives(test: &str, file_system: FileSystem) {
    let Some(work) = work(test, file_system, None) else { return };
    let broken = lose_power(
        test,
        &work,
        set("MUNIMENT_IMAGES", IMAGES),
        std::env::var("MUNIMENT_SHARE").ok(),
    );
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_loss_of_power_on_ext4_takes_nothing_that_was_acknowledged() {
    survives("a_loss_of_power_on_ext4_takes_nothing_that_was_acknowledged", EXT4);
}

#[test]
fn a_loss_of_power_on_xfs_takes_nothing_that_was_acknowledged() {
    survives("a_loss_of_power_on_xfs_takes_nothing_that_was_acknowledged", XFS);
}

#[test]
fn a_program_whose_syncs_never_reach_the_disk_is_caught_by_the_loss_of_power() {
    let test = "a_program_whose_syncs_never_reach_the_disk_is_caught_by_the_loss_of_power";
    let Some(shim) = shim(test) else { return };
    let Some(work) = work(test, EXT4, Some(shim)) else { return };
    let broken = lose_power(test, &work, 12, None);
    assert!(broken.len() >= 3, "{} of 12 images were found wanting: {broken:#?}", broken.len());
}
