//! Claims about inputs that are read again, repeat themselves or are damaged.

use super::*;

fn slack_zip(bench: &Bench, members: &[(&str, &str)]) -> Vec<u8> {
    let path = bench.folder.path().join("whole.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    for (name, text) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    std::fs::read(path).unwrap()
}

const ROOMS: (&str, &str) = ("channels.json", r#"[{"id":"C1","name":"general"}]"#);
const USERS: (&str, &str) = ("users.json", r#"[{"id":"U1","team_id":"T1","name":"ada"}]"#);
const DAYS: [(&str, &str); 2] = [
    ("general/2018-01-01.json", r#"[{"user":"U1","text":"one","ts":"1.0"}]"#),
    ("general/2018-01-02.json", r#"[{"user":"U1","text":"two","ts":"2.0"}]"#),
];

#[test]
fn of_a_zip_that_is_cut_off_the_whole_members_come_in_and_the_run_can_be_repeated() {
    let bench = Bench::new();
    let whole = slack_zip(&bench, &[ROOMS, USERS, DAYS[0], DAYS[1]]);
    let second = whole.windows(DAYS[1].0.len()).position(|name| name == DAYS[1].0.as_bytes());
    let path = bench.file("export.zip", &whole[..second.unwrap() + 40]);
    let error = bench.try_import(&path).unwrap_err();
    assert!(error.is_bad_data());
    let Error::ImportCutShort { report, source } = &error else { panic!("{error}") };
    assert_eq!((report.accepted, report.held), (1, 1));
    assert!(source.to_string().contains("general/2018-01-02.json"), "{source}");
    assert_eq!(bench.texts(EventKind::Message), ["one"]);
    let again = bench.import(&bench.file("export.zip", &whole));
    assert_eq!((again.accepted, again.duplicates), (1, 1));
    assert_eq!(bench.texts(EventKind::Message), ["one", "two"]);
}

#[test]
fn a_slack_message_does_not_stand_without_the_lists_that_were_cut_off() {
    let bench = Bench::new();
    let whole = slack_zip(&bench, &[ROOMS, DAYS[0], USERS]);
    let users = whole.windows(USERS.0.len()).position(|name| name == USERS.0.as_bytes());
    let path = bench.file("export.zip", &whole[..users.unwrap() + 20]);
    let error = bench.try_import(&path).unwrap_err();
    assert!(error.is_bad_data());
    assert!(error.to_string().contains("no list of users"), "{error}");
    assert!(bench.texts(EventKind::Message).is_empty());
}

#[test]
fn a_thousand_equal_lines_are_a_thousand_events_and_a_second_import_adds_none() {
    let bench = Bench::new();
    let mixed = [line(1, "hi", ""), line(2, "other", "")].concat().repeat(1_500);
    let path = bench.file("in.jsonl", &mixed);
    let first = bench.import(&path);
    assert_eq!((first.read, first.accepted), (3_000, 3_000));
    let again = bench.import(&path);
    assert_eq!((again.accepted, again.duplicates, again.held), (0, 3_000, 3_000));
    let longer = bench.file("in2.jsonl", mixed + &line(2, "other", ""));
    let third = bench.import(&longer);
    assert_eq!((third.accepted, third.duplicates), (1, 3_000), "the true repeat is new");
}

#[test]
fn a_record_that_contradicts_another_is_kept_as_it_stood() {
    let bench = Bench::new();
    let second = line(2, "two", ",\"id\":\"m\",\"deleted\":true");
    let path = bench.file("in.jsonl", line(1, "one", ",\"id\":\"m\"") + &second);
    let report = bench.import(&path);
    assert_eq!(report.quarantined, 1);
    let kept = bench.archive.read(report.quarantine[0].seq.unwrap()).unwrap().unwrap();
    assert_eq!(kept.event.content.raw.as_deref(), Some(second.trim_end().as_bytes()));
    assert_eq!(kept.event.content.locator.as_deref(), Some("in.jsonl:2"));
}
