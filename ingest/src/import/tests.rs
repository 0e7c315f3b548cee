//! Claims about imports, on a real archive.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use archive::{Archive, Creation, Ports, Settings as ArchiveSettings};
use chat::{EventKind, Recorded, Seq};

use super::*;
use crate::settings::Settings;
use crate::source::jsonl::JsonLines;
use crate::source::{EventSource as _, Sourced};

mod again;
mod foreign;
mod returning;

struct Bench {
    folder: tempfile::TempDir,
    archive: Arc<Archive>,
    ingest: Arc<Ingest>,
}

impl Bench {
    fn new() -> Self {
        Self::with_reserve(0)
    }

    fn with_reserve(reserve_bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            ArchiveSettings { runs_upkeep: false, reserve_bytes, ..ArchiveSettings::default() };
        let path = folder.path().join("archive");
        let archive =
            Archive::create(&path, &Creation::default(), settings, Ports::production()).unwrap();
        let ingest = Ingest::open(Arc::clone(&archive), &Settings::default()).unwrap();
        Self { folder, archive, ingest }
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(&path).unwrap().write_all(bytes.as_ref()).unwrap();
        path
    }

    fn try_import(&self, path: &Path) -> Result<ImportReport> {
        Import::run(&self.ingest, &input(path), &mut |_| {})
    }

    fn import(&self, path: &Path) -> ImportReport {
        let report = self.try_import(path).unwrap();
        let sum = report.accepted + report.revised + report.duplicates + report.quarantined;
        assert_eq!(report.read, sum, "{report:?}");
        report
    }

    fn log(&self) -> Vec<Recorded> {
        let mut tail = self.archive.tail(Seq::FIRST);
        let mut all = Vec::new();
        loop {
            let more = tail.next_batch(5_000).unwrap();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    fn texts(&self, kind: EventKind) -> Vec<String> {
        let text = |recorded: Recorded| {
            (recorded.event.kind == kind).then_some(recorded.event.content.text).flatten()
        };
        self.log().into_iter().filter_map(text).collect()
    }
}

fn input(path: &Path) -> ImportInput {
    ImportInput::new(path)
}

fn line(minute: u32, text: &str, more: &str) -> String {
    format!(
        "{{\"source\":\"s\",\"room\":\"r\",\"sender\":\"Ada\",\"time\":\"2024-03-04T09:{:02}:00Z\",\"text\":\"{text}\"{more}}}\n",
        minute % 60
    )
}

fn shared(test: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("MUNIMENT_SHARED").map_or_else(beside, PathBuf::from);
    let data = folder.join("data");
    if data.is_dir() {
        return Some(data);
    }
    println!("skipped: {test}: no shared samples");
    None
}

#[test]
fn a_second_import_adds_nothing_and_a_changed_line_becomes_a_revision() {
    let bench = Bench::new();
    let lines = [line(1, "one", ""), line(1, "one", ""), line(2, "two", ",\"id\":\"m2\"")].concat();
    let path = bench.file("in.jsonl", &lines);
    let first = bench.import(&path);
    assert_eq!((first.read, first.accepted, first.held), (3, 3, 3));
    assert_eq!((first.format, first.source.as_str()), ("jsonl", "s"));
    assert_eq!(first.first_seq.unwrap().get() + 2, first.last_seq.unwrap().get());
    let again = bench.import(&path);
    assert_eq!((again.accepted, again.duplicates, again.held), (0, 3, 3));
    assert_eq!((again.first_seq, &again.input_sha256), (None, &first.input_sha256));
    let changed = bench.import(&bench.file("in2.jsonl", lines.replace("two", "deux")));
    assert_eq!((changed.revised, changed.duplicates), (1, 2));
    assert_eq!(bench.texts(EventKind::Message), ["one", "one", "two"]);
    assert_eq!(bench.texts(EventKind::Edit), ["deux"]);
    let acts: Vec<_> = bench
        .log()
        .into_iter()
        .filter(|recorded| recorded.event.kind == EventKind::Officer)
        .map(|recorded| recorded.event.content.act.unwrap())
        .collect();
    let verbs: Vec<_> = acts.iter().map(|act| act.verb.as_str()).collect();
    assert_eq!(verbs, ["import-begun", "import-ended"].repeat(3));
    assert_eq!(acts[0].text("input_sha256"), Some(first.input_sha256.as_str()));
    assert_eq!(acts[1].number("accepted"), Some(3));
    assert_eq!(acts[0].text("import_id"), acts[1].text("import_id"));
}

#[test]
fn a_contradiction_in_one_file_is_quarantined_and_a_bad_line_has_its_place() {
    let bench = Bench::new();
    let id = ",\"id\":\"m1\"";
    let lines = [&line(1, "one", id), "{broken\n", &line(2, "other", id), "{broken\n"].concat();
    let path = bench.file("in.jsonl", lines);
    let first = bench.import(&path);
    assert_eq!((first.accepted, first.quarantined), (1, 3));
    let places: Vec<_> = first.quarantine.iter().map(|note| note.locator.as_str()).collect();
    assert_eq!(places, ["in.jsonl:2", "in.jsonl:3", "in.jsonl:4"]);
    let size = bench.archive.size();
    let again = bench.import(&path);
    assert_eq!((again.accepted, again.duplicates, again.quarantined), (0, 1, 3));
    assert_eq!(bench.archive.size(), size + 2, "only the acts of the run itself are added");
}

#[test]
fn counts_by_room_and_day_are_read_back_from_the_archive() {
    let bench = Bench::new();
    let lines = [
        line(1, "a", ""),
        line(2, "b", ",\"reactions\":[{\"value\":\"x\",\"senders\":[\"Bo\"]}]"),
        line(3, "c", "").replace("03-04", "03-05"),
        line(4, "d", ",\"id\":\"k\""),
        line(4, "d", ",\"id\":\"k\""),
    ];
    let report = bench.import(&bench.file("in.jsonl", lines.concat()));
    assert_eq!((report.read, report.accepted, report.unfolded), (5, 4, 1));
    let rows: Vec<_> = report
        .coverage
        .iter()
        .map(|row| (row.room.as_str(), row.day.as_str(), row.source_count, row.held_count))
        .collect();
    assert_eq!(rows, [("r", "2024-03-04", 4, 3), ("r", "2024-03-05", 1, 1)]);
}

#[test]
fn a_check_judges_everything_and_records_nothing() {
    let bench = Bench::new();
    let long = "x".repeat(chat::limits::TEXT_BYTES_MAX + 1);
    let lines = [
        line(1, "a", ""),
        line(2, "one", ",\"id\":\"m2\""),
        line(2, "one", ",\"id\":\"m2\""),
        line(2, "other", ",\"id\":\"m2\""),
        line(3, &long, ""),
        "broken\n".to_owned(),
    ];
    let path = bench.file("in.jsonl", lines.concat());
    let report = Import::check(&input(&path), &mut |_| {}).unwrap();
    assert_eq!((report.read, report.accepted, report.duplicates), (6, 2, 1));
    let faults: Vec<_> =
        report.quarantine.iter().map(|n| (n.seq, n.locator.as_str(), n.reason.as_str())).collect();
    assert_eq!(report.quarantined, 3);
    assert_eq!((faults[0].0, faults[0].1), (None, "in.jsonl:4"));
    assert!(faults[0].2.contains("\"m2\" stands for other content"), "{faults:?}");
    assert!(faults[1].2.contains("1048577") && faults[2].1 == "in.jsonl:6", "{faults:?}");
    assert_eq!((report.coverage[0].source_count, report.held), (4, 0));
    assert_eq!(bench.archive.size(), 0);
    let run = bench.import(&path);
    assert_eq!((run.accepted, run.duplicates, run.quarantined), (2, 1, 3), "as it was said");
}

#[test]
fn the_lines_of_another_product_are_not_taken_for_ours() {
    let bench = Bench::new();
    let foreign = "{\"type\":\"version\",\"version\":1}\n{\"type\":\"post\",\"post\":{}}\n";
    let error = bench.try_import(&bench.file("other.jsonl", foreign)).unwrap_err();
    assert!(error.is_bad_data());
    let words = error.to_string();
    assert!(
        words.contains("line 1 has \"type\", \"version\"") && words.contains("\"room\""),
        "{words}"
    );
    let forced =
        ImportInput { format: FormatChoice::JsonLines, ..input(&bench.file("o", foreign)) };
    assert_eq!(Import::run(&bench.ingest, &forced, &mut |_| {}).unwrap().quarantined, 2);
    // A broken beginning of a file of ours decides nothing.
    let ours = format!("{{\"cut\":\n{{\"note\":1}}\n{}", line(1, "a", ""));
    let report = bench.import(&bench.file("ours.jsonl", ours));
    assert_eq!((report.accepted, report.quarantined), (1, 2));
}

#[test]
fn a_stream_cut_off_is_recorded_up_to_the_cut_and_can_be_run_again() {
    let bench = Bench::new();
    let noise = chat::testing::SeededRng::new(9);
    let word = |_: u32| format!("{:016x}{:016x}", noise.next(), noise.next());
    let lines: String = (0..20_000).map(|number| line(number, &word(number), "")).collect();
    let packed = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    let cut = bench.file("in.jsonl.zst", &packed[..packed.len() / 2]);
    let error = bench.try_import(&cut).unwrap_err();
    assert!(error.is_bad_data(), "{error}");
    let Error::ImportCutShort { report, source } = error else { panic!("{error}") };
    assert!(report.accepted > 1_000, "{}", report.accepted);
    assert!(source.to_string().contains("in.jsonl.zst:"), "{source}");
    let whole = bench.import(&bench.file("in.jsonl.zst", &packed));
    assert_eq!(whole.duplicates, report.accepted);
    assert_eq!(whole.accepted + whole.duplicates, 20_000);
    let ended = bench.log().into_iter().filter_map(|recorded| recorded.event.content.act);
    assert_eq!(ended.filter(|act| act.text("fault").is_some()).count(), 1);
}

#[test]
fn a_run_that_a_full_disk_stops_says_what_got_in_and_ends_in_the_log() {
    let bench = Bench::with_reserve(u64::MAX / 2);
    let error = bench.try_import(&bench.file("in.jsonl", line(1, "a", ""))).unwrap_err();
    assert!(!error.is_bad_data());
    let Error::ImportCutShort { report, source } = error else { panic!("{error}") };
    assert!(matches!(*source, Error::Archive { source: archive::Error::DiskFull { .. } }));
    assert_eq!((report.read, report.accepted, report.held), (1, 0, 0));
    let mut acts = bench.log().into_iter().filter_map(|recorded| recorded.event.content.act);
    let ended = acts.next_back().unwrap();
    assert_eq!(ended.verb, "import-ended");
    assert!(ended.text("fault").unwrap().contains("reach the archive"));
}

#[test]
fn the_format_is_found_out_or_the_first_wrong_thing_is_named() {
    let bench = Bench::new();
    let refused = |path: &Path| {
        let error = bench.try_import(path).unwrap_err();
        assert!(error.is_bad_data(), "{error}");
        error.to_string()
    };
    let noise = bench.file("noise.bin", b"\x00\x9f\x92");
    assert!(refused(&noise).contains("begins with \\x00"), "{}", refused(&noise));
    assert!(refused(&bench.file("list.json", "[1]")).contains("a JSON array"));
    std::fs::create_dir(bench.folder.path().join("empty")).unwrap();
    let empty = refused(&bench.folder.path().join("empty"));
    assert!(empty.contains("no file at all") && empty.contains("channels.json"), "{empty}");
    assert_eq!(bench.import(&bench.file("nothing.jsonl", "")).read, 0);
    let xml = bench.file("mix/b.xml", "<Conversations/>");
    assert_eq!(bench.import(&xml).format, "lync-xml");
    bench.file("mix/a.jsonl", line(1, "a", ""));
    bench.file("mix/readme.txt", "words");
    let mixed = bench.import(&bench.folder.path().join("mix"));
    assert_eq!((mixed.files, mixed.accepted), (2, 1));
    assert_eq!(mixed.passed_over, ["readme.txt"]);
    let missing = bench.try_import(Path::new("/nonexistent/chat.jsonl")).unwrap_err();
    assert!(!missing.is_bad_data());
}

#[test]
fn progress_reaches_the_size_of_the_input() {
    let bench = Bench::new();
    let lines: String = (0..5_000).map(|number| line(number, "x", "")).collect();
    let path = bench.file("in.jsonl", lines);
    let mut steps = Vec::new();
    Import::run(&bench.ingest, &input(&path), &mut |step| steps.push(step)).unwrap();
    let last = steps.last().unwrap();
    assert_eq!((last.done, last.records), (last.total, 5_000));
    assert!(steps.is_sorted_by_key(|step| step.done));
}

#[test]
fn the_month_of_compliance_xml_has_the_messages_of_the_raw_irc_files() {
    let test = "the_month_of_compliance_xml_has_the_messages_of_the_raw_irc_files";
    let Some(data) = shared(test) else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oracles/lync_irc.py");
    let raw = data.join("native/irc-raw/moarvm-2016-03");
    let output = match Command::new("python3").arg(script).arg(raw).output() {
        Ok(output) => output,
        Err(fault) => {
            assert!(std::env::var_os("CI").is_none(), "python3: {fault}");
            println!("skipped: {test}: no python3");
            return;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut expected: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    for row in String::from_utf8(output.stdout).unwrap().lines() {
        let row: BTreeMap<String, String> = serde_json::from_str(row).unwrap();
        let key = (row["time"].clone(), row["sender"].clone(), row["text"].clone());
        *expected.entry(key).or_default() += 1;
    }
    let bench = Bench::new();
    let report = bench.import(&data.join("native/lync-xml/derived-moarvm-2016-03.xml"));
    assert_eq!((report.format, report.source.as_str()), ("lync-xml", "example.org"));
    assert_eq!((report.quarantined, report.duplicates, report.read), (0, 0, 2_992 + 1_034));
    let mut found: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    for recorded in bench.log().into_iter().filter(|r| r.event.kind == EventKind::Message) {
        let event = recorded.event;
        let key = (event.at.to_string(), event.actor.unwrap().name, event.content.text.unwrap());
        *found.entry(key).or_default() += 1;
    }
    assert_eq!(expected.values().sum::<u32>(), 2_992);
    assert_eq!(found, expected);
    assert!(report.coverage.iter().all(|row| row.source_count == row.held_count));
    let again = bench.import(&data.join("native/lync-xml/derived-moarvm-2016-03.xml"));
    assert_eq!((again.accepted, again.revised), (0, 0));
}

#[test]
fn no_file_of_the_json_test_suite_makes_the_parser_panic() {
    let Some(data) = shared("no_file_of_the_json_test_suite_makes_the_parser_panic") else {
        return;
    };
    let folder = data.join("torture/JSONTestSuite/test_parsing");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let around = |middle: &[u8]| {
            let start = line(1, "t", ",\"raw\":");
            let start = start.trim_end_matches("}\n").to_owned();
            [start.as_bytes(), middle, b"}\n"].concat()
        };
        // The value as it stands, and as the raw record within a good line.
        for input in [bytes.clone(), around(bytes.trim_ascii_end())] {
            let mut source = JsonLines::new(input.as_slice(), "in", Reading::default());
            let mut drafts = 0;
            while let Some(next) = source.next() {
                drafts += u32::from(matches!(next.unwrap(), Sourced::Draft(_)));
            }
            let wrapped = input.len() != bytes.len();
            let one_line = !bytes.trim_ascii_end().contains(&b'\n');
            if wrapped && one_line && name.starts_with("y_") {
                assert_eq!(drafts, 1, "{name}");
            }
            if !wrapped {
                assert_eq!(drafts, 0, "{name}");
            }
        }
        count += 1;
    }
    assert!(count > 300, "{count} files");
}

#[test]
fn the_naughty_strings_come_back_as_they_were_given() {
    let Some(data) = shared("the_naughty_strings_come_back_as_they_were_given") else { return };
    let list = std::fs::read(data.join("torture/blns/blns.json")).unwrap();
    let strings: Vec<String> = serde_json::from_slice(&list).unwrap();
    let as_line = |text: &String| {
        let text = serde_json::to_string(text).unwrap();
        line(1, "X", "").replace("\"X\"", &text)
    };
    let bench = Bench::new();
    let path = bench.file("blns.jsonl", strings.iter().map(as_line).collect::<String>());
    let report = bench.import(&path);
    assert_eq!((report.accepted, report.quarantined), (u64::try_from(strings.len()).unwrap(), 0));
    assert_eq!(bench.texts(EventKind::Message), strings);
}

#[test]
fn a_file_is_kept_with_its_message_and_one_that_comes_later_is_an_upload() {
    use chat::Custody;
    use std::io::Read as _;
    let bench = Bench::new();
    let more = ",\"attachments\":[{\"name\":\"a.txt\",\"path\":\"a.txt\"},{\"name\":\"b\",\"path\":\"b.txt\"}]";
    let path = bench.file("in.jsonl", line(1, "see", more));
    bench.file("files/a.txt", "the attached words");
    let run = |attachments: Option<PathBuf>| {
        let input = ImportInput { attachments, ..input(&path) };
        Import::run(&bench.ingest, &input, &mut |_| {}).unwrap()
    };
    let folder = || Some(bench.folder.path().join("files"));
    let bare = run(None);
    assert_eq!((bare.accepted, bare.attachments, bare.attachments_missing), (1, 2, 2));
    let later = run(folder());
    assert_eq!((later.accepted, later.revised, later.attachments_missing), (0, 1, 1));
    let upload = bench.log().into_iter().find(|r| r.event.kind == EventKind::Upload).unwrap();
    assert_eq!(upload.event.target, bare.first_seq.map(|_| first_message(&bench).seq));
    let Custody::Held { file, bytes: 18 } = &upload.event.content.attachments[0].custody else {
        panic!("{upload:?}")
    };
    let mut content = String::new();
    bench.archive.file(file).unwrap().unwrap().read_to_string(&mut content).unwrap();
    assert_eq!(content, "the attached words");
    let again = run(folder());
    assert_eq!((again.accepted, again.revised, again.duplicates), (0, 0, 1));
    assert_eq!(run(None).duplicates, 1, "a file that is missing again changes nothing");

    let fresh = Bench::new();
    let input = ImportInput { attachments: folder(), ..input(&path) };
    Import::run(&fresh.ingest, &input, &mut |_| {}).unwrap();
    let kept = first_message(&fresh).event.content.attachments;
    assert!(matches!(kept[0].custody, Custody::Held { .. }), "{kept:?}");
    assert!(matches!(kept[1].custody, Custody::Missing { .. }), "{kept:?}");
}

fn first_message(bench: &Bench) -> Recorded {
    bench.log().into_iter().find(|recorded| recorded.event.kind == EventKind::Message).unwrap()
}

#[test]
fn a_line_too_long_for_a_record_is_kept_whole_as_a_file() {
    use chat::{Custody, limits};
    let bench = Bench::new();
    let length = limits::RAW_BYTES_MAX + 77;
    let report = bench.import(&bench.file("in.jsonl", format!("{{{}\n", "x".repeat(length - 1))));
    assert_eq!(report.quarantined, 1);
    let kept = bench.archive.read(report.quarantine[0].seq.unwrap()).unwrap().unwrap();
    let content = kept.event.content;
    assert_eq!(content.raw.unwrap().len(), limits::RAW_BYTES_MAX);
    let Custody::Held { bytes, .. } = content.attachments[0].custody else { panic!() };
    assert_eq!(bytes, u64::try_from(length).unwrap());
}
