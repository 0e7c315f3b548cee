//! What bad input gets: kept raw where it can be, refused by name where it cannot, never a panic.

use std::io::Write as _;

use crate::support::Appliance;

const GOOD: &str = r##"{"source":"desk","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"good"}"##;

#[test]
fn an_unreadable_line_is_kept_raw_with_its_place_and_the_rest_goes_on() {
    let appliance = Appliance::create();
    let path = appliance
        .file("mixed.jsonl", format!("{GOOD}\n{{\"room\":\n{}\n", GOOD.replace("good", "rest")));
    let report = appliance.import(&path, &[], 3);
    assert_eq!(report["accepted"], 2, "{report:#}");
    assert_eq!(report["quarantined"], 1, "{report:#}");
    let listed = appliance.run(&["--json", "quarantine", "list"]).expect(0).stdout;
    assert!(listed.contains("mixed.jsonl") && listed.contains('2'), "{listed}");
    let seq =
        serde_json::from_str::<serde_json::Value>(listed.lines().next().unwrap()).unwrap()["seq"]
            .to_string();
    let shown = appliance.run(&["quarantine", "show", &seq]).expect(0).stdout;
    assert!(shown.contains("{\"room\":"), "{shown}");
    assert_eq!(appliance.import(&path, &[], 3)["accepted"], 0);
}

#[test]
fn a_line_that_is_not_utf8_is_read_as_windows_1252_and_says_so() {
    let appliance = Appliance::create();
    let line =
        [GOOD.replace("good", "caf@").replace('@', "\u{1}").into_bytes(), b"\n".to_vec()].concat();
    let line: Vec<u8> = line.into_iter().map(|byte| if byte == 1 { 0xe9 } else { byte }).collect();
    let report = appliance.import(&appliance.file("latin.jsonl", line), &[], 0);
    assert_eq!(report["accepted"], 1, "{report:#}");
    assert_eq!(appliance.json(&["search", "café"])["hits"][0]["text"], "café");
}

#[test]
fn a_truncated_zip_is_bad_data_and_what_was_accepted_stays() {
    let appliance = Appliance::create();
    let whole = slack_zip(&[
        ("channels.json", br#"[{"id":"C1","name":"general"}]"#),
        ("users.json", b"[]"),
    ]);
    let path = appliance.file("cut.zip", &whole[..whole.len() / 2]);
    let outcome = appliance.run(&["import", path.to_str().unwrap()]).expect(65);
    assert!(outcome.stderr.contains("cut.zip"), "{outcome:#?}");
    appliance.run(&["verify"]).expect(0);
}

#[test]
fn a_folder_that_is_no_export_is_refused_with_what_was_expected() {
    let appliance = Appliance::create();
    let path = appliance.path("nothing");
    std::fs::create_dir(&path).unwrap();
    let outcome = appliance.run(&["import", path.to_str().unwrap()]).expect(65);
    assert!(outcome.stderr.contains("channels.json"), "{outcome:#?}");
    let binary = appliance.file("noise.bin", [0_u8, 159, 146, 150, 0, 1, 2]);
    appliance.run(&["import", binary.to_str().unwrap()]).expect(65);
}

#[test]
fn a_zip_member_that_climbs_out_is_refused_by_name() {
    let appliance = Appliance::create();
    let bytes = slack_zip(&[
        ("channels.json", br#"[{"id":"C1","name":"general"}]"#),
        ("../../evil.json", b"[]"),
    ]);
    let path = appliance.file("evil.zip", bytes);
    let outcome = appliance.run(&["import", path.to_str().unwrap()]);
    assert!(matches!(outcome.code, Some(3 | 65)), "{outcome:#?}");
    assert!(format!("{}{}", outcome.stdout, outcome.stderr).contains("evil.json"), "{outcome:#?}");
    assert!(!appliance.path("evil.json").try_exists().unwrap());
}

fn slack_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_bad_query_names_the_column_and_a_remedy_and_never_breaks_the_process() {
    let appliance = Appliance::create();
    let nots = "NOT ".repeat(1000);
    let hostile = [
        "\"open",
        "(a",
        "a)",
        "after:someday",
        "colour:red",
        "a*",
        "a NEAR/5 b",
        "/x/",
        "w?ld",
        "fuzzy~1",
        "((((((((((((((((((((((((((((((((((a",
        "AND",
        "a OR",
        "-",
        "seq:9..1",
        nots.trim_end(),
    ];
    for query in hostile {
        let outcome = appliance.run(&["search", query]).expect(2);
        assert!(outcome.stderr.contains("column"), "{query}: {outcome:#?}");
    }
    let deep = "(".repeat(20_000);
    appliance.run(&["search", &deep]).expect(2);
}

#[test]
fn a_second_process_on_the_same_data_is_told_that_it_is_locked() {
    let appliance = Appliance::create();
    let lock = std::fs::File::options()
        .read(true)
        .write(true)
        .open(appliance.data().join("lock"))
        .unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
    let path = appliance.file("one.jsonl", GOOD);
    let outcome = appliance.run(&["import", path.to_str().unwrap()]).expect(75);
    assert!(outcome.stderr.contains("lock"), "{outcome:#?}");
}

#[test]
fn a_key_that_others_may_read_stops_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let appliance = Appliance::create();
    let kek = appliance.data().join("keys/kek");
    std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o444)).unwrap();
    let outcome = appliance.run(&["status"]).expect(78);
    assert!(outcome.stderr.contains("kek"), "{outcome:#?}");
    std::fs::remove_file(&kek).unwrap();
    appliance.run(&["status"]).expect(78);
}

#[test]
fn lines_of_another_product_are_refused_with_their_first_line() {
    let appliance = Appliance::create();
    let foreign = "{\"type\":\"version\",\"version\":1}\n{\"type\":\"post\",\"post\":{}}\n";
    let path = appliance.file("export.json", foreign);
    let outcome = appliance.run(&["import", path.to_str().unwrap()]).expect(65);
    assert!(outcome.stderr.contains("line 1 has \"type\", \"version\""), "{outcome:#?}");
}

#[test]
fn a_time_without_an_offset_needs_a_zone() {
    let appliance = Appliance::create();
    let path = appliance.file("local.jsonl", format!("{}\n", GOOD.replace(":00Z", ":00")));
    assert_eq!(appliance.import(&path, &["--check"], 3)["quarantined"], 1);
    let report = appliance.import(&path, &["--zone", "Europe/Berlin"], 0);
    assert_eq!(report["accepted"], 1, "{report:#}");
    assert_eq!(appliance.json(&["search", "good"])["hits"][0]["at"], "2024-03-04T08:15:00.000000Z");
    let path = path.to_str().unwrap();
    let outcome = appliance.run(&["import", path, "--zone", "Europe/Atlantis"]).expect(2);
    assert!(outcome.stderr.contains("Europe/Atlantis"), "{outcome:#?}");
}
