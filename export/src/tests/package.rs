//! What is written, and that it holds.

use std::collections::BTreeSet;

use crate::{Error, ExportSet, Format, Package, Purpose, verify};
use archive::disk::LocalDisk;
use chat::testing::message;
use chat::{EventKind, Family, Seq};

use crate::tests::log::Log;
use crate::tests::sample::{event, files, held, log, post, write};

fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

fn column<'a>(rows: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let at = rows[0].iter().position(|column| column == name).unwrap();
    rows[1..].iter().map(|row| row[at].as_str()).collect()
}

#[test]
fn a_package_passes_its_check_as_a_folder_and_as_a_zip_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    for name in ["package", "package.zip"] {
        let out = folder.path().join(name);
        let report = write(&log.whole(), &log, &out).unwrap();
        assert_eq!((report.events, report.exceptions), (11, 1));
        let formats: Vec<_> =
            report.formats.iter().map(|format| (format.format, format.rows)).collect();
        assert_eq!(formats, [("bundle", 11), ("csv", 11)]);
        let checked = verify(&out, &log.verifier_key()).unwrap();
        assert_eq!(checked.findings, [], "{name}");
        assert!(checked.ok && checked.events == 11 && checked.size == 11);
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing else is left beside them");
}

#[test]
fn two_runs_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let set = log.whole();
    let again = ExportSet::from_bytes(&set.to_bytes()).unwrap();
    assert_eq!(again, set);
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    write(&set, &log, &one).unwrap();
    write(&again, &log, &two).unwrap();
    assert_eq!(files(&one), files(&two));
    let [one, two] = ["one.zip", "two.zip"].map(|name| folder.path().join(name));
    let reports = [write(&set, &log, &one).unwrap(), write(&again, &log, &two).unwrap()];
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn the_exact_table_says_what_the_events_say() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let out = folder.path().join("package");
    write(&log.whole(), &log, &out).unwrap();
    let files = files(&out);
    let rows = cells(&files["csv/exact/messages.csv"]);
    assert_eq!(rows[0], crate::format::csv::COLUMNS);
    assert_eq!(column(&rows, "body")[8], "long\r\n\"story\",\0 with \r alone");
    assert_eq!(column(&rows, "body_version")[..3], ["1", "1", "2"]);
    let id = format!("{}/3", crate::tests::log::ARCHIVE);
    assert_eq!(column(&rows, "prior_version_of")[1], id);
    assert_eq!(column(&rows, "edited_at")[1], column(&rows, "sent_at_utc")[2]);
    assert_eq!(column(&rows, "deleted_by")[..4], ["", "Person 3", "Person 3", ""]);
    assert_eq!(column(&rows, "source")[1], "house \"chat\"");
    assert_eq!(column(&rows, "category")[6..8], ["Trading", ""]);
    assert_eq!(column(&rows, "event_type")[10], "unknown-7abc");
    assert_eq!(column(&rows, "readers_at_time")[1], "at least 1");
    assert_eq!(column(&rows, "readers_at_time")[6..9], ["unknown", "unknown", "unknown"]);
    assert_eq!(column(&rows, "attachment_names")[3], "[\"../../evil\u{202e}.PDF\",\"gone.txt\"]");
    assert_eq!(column(&rows, "received_at_utc")[0], "2025-06-15T15:06:40.000001Z");
}

#[test]
fn the_reading_copy_guards_formulas_and_shows_what_hides() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let out = folder.path().join("package");
    write(&log.whole(), &log, &out).unwrap();
    let bytes = std::fs::read(out.join("csv/reading/messages.csv")).unwrap();
    assert!(bytes.starts_with("\u{feff}\"record_id\",".as_bytes()));
    let rows = cells(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap());
    assert_eq!(column(&rows, "body")[1..3], ["'=1+1 first words", "'@second words"]);
    assert_eq!(column(&rows, "guarded")[..4], ["0", "1", "1", "0"]);
    assert_eq!(column(&rows, "controls_shown")[3], "1");
    assert!(column(&rows, "body")[5].ends_with("[U+202E]backwards"));
}

#[test]
fn who_could_read_is_known_only_where_entries_are() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let out = folder.path().join("package");
    write(&log.whole(), &log, &out).unwrap();
    let rows = cells(&std::fs::read(out.join("csv/readers.csv")).unwrap());
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1][2..], ["unknown"; 8]);
    assert_eq!(column(&rows, "person_name")[1], "Person 3");
    assert_eq!([column(&rows, "from_seq")[1], column(&rows, "from_event")[1]], ["1", "join"]);
    assert_eq!([column(&rows, "until_seq")[1], column(&rows, "until_event")[1]], ["7", "leave"]);
}

#[test]
fn related_events_inform_the_rows_without_being_rows() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let mut selection = log.selection([2, 6]);
    selection.related = [1, 2, 3, 5, 7].map(|seq| Seq::new(seq).unwrap()).to_vec();
    selection.hits = Some(vec![Seq::new(6).unwrap()]);
    let set = ExportSet::freeze(selection).unwrap();
    assert_eq!(set.selection().related.len(), 4, "the row is not related to itself");
    let out = folder.path().join("package.zip");
    let report = write(&set, &log, &out).unwrap();
    assert_eq!(report.events, 2);
    let checked = verify(&out, &log.verifier_key()).unwrap();
    assert_eq!((checked.findings.as_slice(), checked.related), (&[][..], 4));
    let out = folder.path().join("package");
    write(&set, &log, &out).unwrap();
    let rows = cells(&std::fs::read(out.join("csv/exact/messages.csv")).unwrap());
    assert_eq!(column(&rows, "is_hit"), ["0", "1"]);
    assert_eq!(column(&rows, "deleted_by"), ["Person 3", ""]);
    assert_eq!(column(&rows, "readers_at_time"), ["at least 1", "at least 1"]);
}

#[test]
fn a_production_names_neither_query_nor_reason() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let mut selection = log.selection([2, 3]);
    selection.purpose = Purpose::Production;
    let out = folder.path().join("package");
    write(&ExportSet::freeze(selection).unwrap(), &log, &out).unwrap();
    for (name, bytes) in files(&out) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("secret query") && !text.contains("the reason"), "{name}");
    }
    let internal = folder.path().join("internal");
    write(&log.whole(), &log, &internal).unwrap();
    let manifest = std::fs::read_to_string(internal.join("manifest.json")).unwrap();
    assert!(manifest.contains("secret query") && manifest.contains("the reason"));
}

#[test]
fn a_file_that_is_missing_lost_or_broken_is_an_exception_never_a_silence() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::of(Vec::new());
    let [whole, lost, broken] = [&b"whole"[..], b"lost", b"broken"].map(|bytes| log.keep(bytes));
    let mut upload = event(1, EventKind::Upload, None, "three files");
    upload.content.attachments =
        vec![held("a.txt", lost, 4), held("b.txt", whole, 5), held("c.txt", broken, 6)];
    let mut log = Log::of(vec![upload]);
    log.keep(b"whole");
    log.keep(b"broken");
    log.broken.insert(broken);
    let out = folder.path().join("package");
    let report = write(&log.whole(), &log, &out).unwrap();
    assert_eq!(report.exceptions, 2);
    let found: BTreeSet<_> =
        files(&out).into_keys().filter(|name| name.starts_with("attachments/")).collect();
    assert_eq!(found, BTreeSet::from(["attachments/000002.txt".to_owned()]));
    let rows = cells(&std::fs::read(out.join("exceptions.csv")).unwrap());
    assert_eq!(column(&rows, "fault"), ["attachment-lost", "attachment-lost"]);
    assert_eq!(verify(&out, &log.verifier_key()).unwrap().findings, []);
}

#[test]
fn the_only_file_that_breaks_while_it_is_copied_leaves_no_empty_folder_that_costs_the_package_its_name()
 {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::of(Vec::new());
    let broken = log.keep(b"broken");
    let mut upload = event(1, EventKind::Upload, None, "one file");
    upload.content.attachments = vec![held("a.txt", broken, 6)];
    let mut log = Log::of(vec![upload]);
    log.keep(b"broken");
    log.broken.insert(broken);
    for name in ["package", "package.zip"] {
        let out = folder.path().join(name);
        assert_eq!(write(&log.whole(), &log, &out).unwrap().exceptions, 1, "{name}");
        assert_eq!(verify(&out, &log.verifier_key()).unwrap().findings, [], "{name}");
    }
}

#[test]
fn an_event_destroyed_since_the_set_was_frozen_is_an_exception() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = log();
    let set = log.whole();
    log.destroyed.insert(Seq::new(3).unwrap());
    let out = folder.path().join("package");
    let report = write(&set, &log, &out).unwrap();
    assert_eq!((report.events, report.exceptions), (10, 2));
    let rows = cells(&std::fs::read(out.join("exceptions.csv")).unwrap());
    assert_eq!(column(&rows, "fault")[0], "event-unavailable");
    assert_eq!(verify(&out, &log.verifier_key()).unwrap().findings, []);
}

#[test]
fn an_empty_set_is_a_package_too() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let out = folder.path().join("package.zip");
    let set = ExportSet::freeze(log.selection([])).unwrap();
    assert_eq!(write(&set, &log, &out).unwrap().events, 0);
    assert_eq!(verify(&out, &log.verifier_key()).unwrap().findings, []);
}

#[test]
fn without_the_tables_a_package_holds_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let out = folder.path().join("package");
    let report = Package::write(&log.whole(), &log, &[Format::Bundle], &out, &LocalDisk).unwrap();
    assert_eq!(report.formats.len(), 1);
    assert!(!out.join("csv").is_dir());
    assert_eq!(verify(&out, &log.verifier_key()).unwrap().findings, []);
}

#[test]
fn a_set_that_does_not_stand_is_refused() {
    let log = log();
    let refusal = |change: &dyn Fn(&mut crate::Selection)| {
        let mut selection = log.selection([2, 6]);
        change(&mut selection);
        let refusal = ExportSet::freeze(selection).unwrap_err();
        assert_eq!(refusal.family(), Family::Refused);
        refusal
    };
    let seqs = |numbers: &[u64]| numbers.iter().map(|n| Seq::new(*n).unwrap()).collect::<Vec<_>>();
    assert!(matches!(refusal(&|s| s.seqs = seqs(&[6, 2])), Error::SetOrder { .. }));
    assert!(matches!(refusal(&|s| s.seqs = seqs(&[2, 2])), Error::SetOrder { .. }));
    assert!(matches!(refusal(&|s| s.hits = Some(seqs(&[3]))), Error::SetHitMissing { .. }));
    assert!(matches!(refusal(&|s| s.seqs = seqs(&[12])), Error::SetBeyondCheckpoint { .. }));
    assert!(matches!(
        refusal(&|s| s.checkpoint = s.checkpoint.replace("11", "12")),
        Error::SetUnsigned { .. }
    ));
    assert!(matches!(refusal(&|s| s.public_key.push('x')), Error::SetUnsigned { .. }));
}

#[test]
fn a_set_file_that_was_changed_is_refused() {
    let bytes = log().whole().to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(ExportSet::from_bytes(&changed).is_err() || at + 1 == bytes.len(), "byte {at}");
    }
    assert!(ExportSet::from_bytes(b"{}").is_err());
}

/// Found by the replay of hostile bytes: such a set took its memory before its id was looked at.
#[test]
fn a_range_of_thousands_of_millions_is_refused_before_it_is_unfolded() {
    let set = log().whole();
    let text = String::from_utf8(set.to_bytes()).unwrap();
    let id = set.id().to_string();
    let at = text.find("\"seqs\":\"").unwrap();
    let digits = &text[at..at + text[at..].find(',').unwrap()];
    let widened = text.replacen(digits, "\"seqs\":\"1-4000000000\"", 1);
    let Err(Error::SetAltered { expected, found }) = ExportSet::from_bytes(widened.as_bytes())
    else {
        panic!("a set that was changed was not found out");
    };
    assert_eq!(found, id);
    let forged = widened.replacen(&found, &expected, 1);
    let refusal = ExportSet::from_bytes(forged.as_bytes()).unwrap_err().to_string();
    assert!(refusal.contains("event 4000000000 of a log of 11 events"), "{refusal}");
}

#[test]
fn an_officers_act_is_refused_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::of(vec![post(1, "x"), event(2, EventKind::Officer, None, "searched")]);
    let refusal = write(&log.whole(), &log, &folder.path().join("p")).unwrap_err();
    assert!(matches!(refusal, Error::OfficersAct { .. }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_name_that_is_taken_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let out = folder.path().join("p");
    write(&log.whole(), &log, &out).unwrap();
    let before = files(&out);
    let refusal = write(&log.whole(), &log, &out).unwrap_err();
    assert!(matches!(refusal, Error::OutputExists { .. }));
    assert_eq!(files(&out), before);
}

#[test]
fn many_events_of_many_rooms_hold() {
    let folder = tempfile::tempdir().unwrap();
    let events = (1..=700_u64).map(|n| {
        let room = u8::try_from(n % 5).unwrap();
        message(n, room, u8::try_from(n % 7).unwrap(), &format!("line {n}"))
    });
    let log = Log::of(events.collect());
    let out = folder.path().join("p.zip");
    let set = ExportSet::freeze(log.selection((1..=700).filter(|n| n % 3 != 0))).unwrap();
    assert_eq!(write(&set, &log, &out).unwrap().events, 467);
    assert_eq!(verify(&out, &log.verifier_key()).unwrap().findings, []);
}
