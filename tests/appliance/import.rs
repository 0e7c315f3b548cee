//! What an import takes in, and what a second one adds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Appliance, python, samples};

const LINES: &str = concat!(
    r##"{"source":"desk","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"fill at 101.25"}"##,
    "\n",
    r##"{"source":"desk","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","text":"fill at 101.25"}"##,
    "\n",
    r##"{"source":"desk","room":"#fx","sender":"Bo","time":"2024-03-05T09:15:01Z","text":"thanks","id":"m-3"}"##,
    "\n",
    r##"{"source":"desk","room":"#fx","sender":"Bo","time":"2024-03-05T09:16:00Z","event":"leave","text":""}"##,
    "\n",
);

#[test]
fn a_second_import_of_the_same_file_adds_nothing() {
    let appliance = Appliance::create();
    let path = appliance.file("chat.jsonl", LINES);
    let first = appliance.import(&path, &[], 0);
    assert_eq!(
        (&first["read"], &first["accepted"], &first["duplicates"]),
        (&json!(4), &json!(4), &json!(0))
    );
    let again = appliance.import(&path, &[], 0);
    assert_eq!(
        (&again["read"], &again["accepted"], &again["duplicates"]),
        (&json!(4), &json!(0), &json!(4))
    );
    assert_eq!(appliance.json(&["search", "fill", "--count"])["count"], 2, "true repeats are kept");
}

#[test]
fn a_changed_text_at_a_known_id_is_a_revision_and_both_words_are_found() {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("one.jsonl", LINES), &[], 0);
    let changed = LINES.replace("thanks", "cheers");
    let report = appliance.import(&appliance.file("two.jsonl", changed), &[], 0);
    assert_eq!((&report["revised"], &report["accepted"]), (&json!(1), &json!(0)), "{report:#}");
    for word in ["thanks", "cheers"] {
        assert_eq!(appliance.json(&["search", word, "--count"])["count"], 1, "{word}");
    }
}

#[test]
fn an_export_without_records_is_no_success_and_what_was_not_read_is_named() {
    let appliance = Appliance::create();
    let folder = appliance.path("export");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("channels.json"), r#"[{"id":"C1","name":"general"}]"#).unwrap();
    std::fs::write(folder.join("general.zip"), "PK").unwrap();
    let path = folder.to_str().unwrap();
    let told = appliance.run(&["import", path, "--source", "desk"]).expect(3).stdout;
    assert!(told.contains("nothing was imported"), "{told}");
    assert!(told.contains("general.zip"), "{told}");
    assert_eq!(appliance.import(&folder, &["--source", "desk"], 3)["read"], 0);
}

#[test]
fn a_check_reads_everything_and_records_nothing() {
    let appliance = Appliance::create();
    let before = appliance.json(&["status"])["events"].clone();
    let path = appliance.file("chat.jsonl", LINES);
    let report = appliance.import(&path, &["--check"], 0);
    assert_eq!(report["read"], 4);
    assert_eq!(
        appliance.json(&["status"])["events"],
        before,
        "not even the audit grows by a dry run"
    );
}

fn held_by_day(report: &Value) -> BTreeMap<String, (u64, u64)> {
    let rows = report["coverage"].as_array().expect("coverage was asked for");
    let row = |row: &Value| {
        let key = format!("{}\t{}", row["room"].as_str().unwrap(), row["day"].as_str().unwrap());
        (key, (row["source_count"].as_u64().unwrap(), row["held_count"].as_u64().unwrap()))
    };
    rows.iter().map(row).collect()
}

#[test]
fn counts_by_room_and_day_equal_those_of_an_independent_script() {
    let test = "counts_by_room_and_day_equal_those_of_an_independent_script";
    let Some(data) = samples(test) else { return };
    let path = data.join("chat/ubuntu-ru-2013.jsonl.zst");
    let Some(counted) = python(test, "tests/oracles/count_lines.py", &[&path]) else { return };
    let appliance = Appliance::create();
    let report = appliance.import(&path, &["--coverage"], 0);
    assert_eq!(report["read"], counted["lines"]);
    let held = held_by_day(&report);
    let days = counted["days"].as_object().unwrap();
    assert_eq!(held.len(), days.len());
    for (day, count) in days {
        let count = count.as_u64().unwrap();
        assert_eq!(held.get(day), Some(&(count, count)), "{day}");
    }
}

#[test]
fn the_lync_sample_month_comes_in_whole() {
    let Some(data) = samples("the_lync_sample_month_comes_in_whole") else { return };
    let appliance = Appliance::create();
    let path = data.join("native/lync-xml/derived-moarvm-2016-03.xml");
    let report = appliance.import(&path, &[], 0);
    assert_eq!(report["format"], "lync-xml");
    let count = appliance.json(&["search", "kind:message", "--count"]);
    assert_eq!(count["count"], 2992);
}

#[test]
fn both_slack_samples_come_in_without_quarantine() {
    let Some(data) = samples("both_slack_samples_come_in_without_quarantine") else { return };
    for name in ["test_slack_importer.zip", "test_unicode_slack_importer.zip"] {
        let appliance = Appliance::create();
        let report = appliance.import(&data.join("native/slack").join(name), &[], 0);
        assert_eq!(report["format"], "slack");
        assert_eq!(report["quarantined"], 0, "{report:#}");
        assert!(report["accepted"].as_u64().unwrap() > 0, "{report:#}");
        appliance.run(&["verify"]).expect(0);
    }
}
