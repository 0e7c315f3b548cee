//! What bad input gets: kept raw where it can be, refused by name where it cannot, never a panic.

use std::io::Write as _;

use serde_json::json;

use crate::running::Running;
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
fn a_zip_member_that_climbs_out_is_refused_by_name_and_nothing_is_written_outside() {
    for name in
        ["../../evil.json", "/evil.json", "a/../../evil.json", "..\\evil.json", "c:evil.json"]
    {
        let appliance = Appliance::create();
        let members: [(&str, &[u8]); 2] = [CHANNELS, (name, b"[]")];
        let path = appliance.file("evil.zip", slack_zip(&members));
        let outcome = appliance.run(&["import", path.to_str().unwrap()]).expect(65);
        assert!(outcome.stderr.contains("evil.json"), "{outcome:#?}");
        let beside = std::fs::read_dir(appliance.path("")).unwrap().flatten();
        let mut names: Vec<_> = beside.map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, ["data", "evil.zip"], "{name}");
        assert!(!std::path::Path::new("/evil.json").try_exists().unwrap());
    }
}

const CHANNELS: (&str, &[u8]) = ("channels.json", br#"[{"id":"C1","name":"general"}]"#);

#[test]
fn a_zip_bomb_is_refused_by_name_whether_it_is_too_tight_too_deep_or_too_many() {
    let zeros = vec![b' '; 96 << 20];
    let deep = format!("{}2024-01-01.json", "d/".repeat(17));
    let many: Vec<_> = (0..=chat::limits::ZIP_MEMBERS_MAX)
        .map(|number| format!("general/{number}.json"))
        .collect();
    let mut crowd: Vec<(&str, &[u8])> = vec![CHANNELS];
    crowd.extend(many.iter().map(|name| (name.as_str(), b"".as_slice())));
    let bombs: [(&str, Vec<u8>, &str); 3] = [
        (
            "200 times",
            slack_zip(&[CHANNELS, ("general/2024-01-01.json", &zeros)]),
            "2024-01-01.json",
        ),
        ("16 folders deep", slack_zip(&[CHANNELS, (&deep, b"[]")]), "d/d/d/"),
        ("200000 members", slack_zip(&crowd), "directory"),
    ];
    for (allowed, bytes, member) in bombs {
        let appliance = Appliance::create();
        let path = appliance.file("bomb.zip", bytes);
        let outcome = appliance.run(&["import", path.to_str().unwrap(), "--source", "slack"]);
        let outcome = outcome.expect(65);
        assert!(outcome.stderr.contains(allowed), "{allowed}: {outcome:#?}");
        assert!(outcome.stderr.contains(member), "{member}: {outcome:#?}");
        appliance.run(&["verify"]).expect(0);
    }
}

#[test]
fn a_bomb_of_one_packed_file_is_refused_with_the_ratio() {
    let zeros = vec![b'\n'; 96 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&zeros).unwrap();
    let packed = [
        ("bomb.jsonl.zst", zstd::encode_all(zeros.as_slice(), 3).unwrap()),
        ("bomb.jsonl.gz", gzip.finish().unwrap()),
    ];
    for (name, bytes) in packed {
        let appliance = Appliance::create();
        let path = appliance.file(name, [bytes].concat());
        let arguments = ["import", path.to_str().unwrap(), "--format", "jsonl"];
        let outcome = appliance.run(&arguments).expect(65);
        assert!(outcome.stderr.contains("200 times"), "{outcome:#?}");
        assert!(outcome.stderr.contains(name), "{outcome:#?}");
    }
}

#[test]
fn a_packed_file_that_is_cut_off_gives_what_is_whole_and_the_rest_when_it_comes_whole() {
    let words = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let line = |number: u64| {
        GOOD.replace(r#""text""#, &format!(r#""id":"{number}","text""#)).replace(
            "good",
            &format!("good {number} {:016x}{:016x}", words(number), words(number + 1)),
        )
    };
    let lines = (0..20_000).map(line).collect::<Vec<_>>().join("\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines.as_bytes()).unwrap();
    let zst = zstd::encode_all(lines.as_bytes(), 1).unwrap();
    for (name, whole) in [("chat.jsonl.gz", gzip.finish().unwrap()), ("chat.jsonl.zst", zst)] {
        let appliance = Appliance::create();
        let path = appliance.file(name, &whole[..whole.len() / 2]);
        let outcome = appliance.run(&["import", path.to_str().unwrap()]).expect(65);
        assert!(outcome.stderr.contains(name), "{outcome:#?}");
        let held = appliance.json(&["search", "good", "--count"])["count"].as_u64().unwrap();
        assert!(held > 1_000, "what came before the cut is kept: {held}");
        assert!(outcome.stderr.contains(&held.to_string()), "{held}: {outcome:#?}");
        let report = appliance.import(&appliance.file(name, whole), &[], 0);
        assert_eq!(report["accepted"], 20_000 - held, "{report:#}");
        assert_eq!(report["duplicates"], held, "{report:#}");
        assert_eq!(appliance.json(&["search", "good", "--count"])["count"], 20_000);
    }
}

#[test]
fn an_event_over_the_limits_is_kept_in_quarantine_by_an_import() {
    let appliance = Appliance::create();
    let long_text = GOOD.replace("good", &"x".repeat(chat::limits::TEXT_BYTES_MAX + 1));
    let long_name = GOOD.replace("Ada", &"n".repeat(chat::limits::NAME_BYTES_MAX + 1));
    let long_line = GOOD.replace("good", &"y".repeat(chat::limits::LINE_BYTES_MAX + 1));
    let lines = [long_text.as_str(), &long_name, &long_line, GOOD].join("\n");
    let report = appliance.import(&appliance.file("long.jsonl", lines), &[], 3);
    assert_eq!((&report["accepted"], &report["quarantined"]), (&json!(1), &json!(3)), "{report:#}");
    let reasons = report["quarantine"].as_array().unwrap();
    let limits =
        [chat::limits::TEXT_BYTES_MAX, chat::limits::NAME_BYTES_MAX, chat::limits::LINE_BYTES_MAX];
    for (note, (line, limit)) in reasons.iter().zip((1..).zip(limits)) {
        let reason = note["reason"].as_str().unwrap();
        assert!(reason.contains(&limit.to_string()), "{limit}: {reason}");
        assert_eq!(note["locator"], format!("long.jsonl:{line}"));
    }
    appliance.run(&["verify"]).expect(0);
}

#[test]
fn an_event_over_the_limits_is_413_over_http_and_says_the_limit() {
    let appliance = Appliance::create();
    let token = appliance.json(&["token", "issue", "--name", "feed", "--scope", "append"]);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    let posted = GOOD.replace(r#""text""#, r#""id":"1","text""#);
    let over = |letter: &str, bytes: usize| posted.replace("good", &letter.repeat(bytes + 1));
    let cases = [
        (over("x", chat::limits::TEXT_BYTES_MAX), chat::limits::TEXT_BYTES_MAX),
        (over("y", chat::limits::RAW_BYTES_MAX), chat::limits::RAW_BYTES_MAX),
        (over("z", chat::limits::REQUEST_BYTES_MAX), chat::limits::REQUEST_BYTES_MAX),
    ];
    for (body, limit) in cases {
        let (status, _, answer) = running.ask("POST", "/api/v1/events", &[&bearer], &body);
        assert_eq!(status, 413, "{limit}: {answer}");
        assert!(answer.contains(&limit.to_string()), "{limit}: {answer}");
        assert!(answer.contains("urn:muniment:problem:too-large"), "{answer}");
    }
    let (status, _, answer) = running.ask("POST", "/api/v1/events", &[&bearer], &posted);
    assert_eq!(status, 200, "the same feed goes on: {answer}");
    running.stop();
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
