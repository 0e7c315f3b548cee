//! What stands beside an event in its room, however far away in the log.

use serde_json::Value;

use crate::support::Appliance;

fn line(room: &str, id: usize, more: &str) -> String {
    let minute = id % 60;
    format!(
        r#"{{"source":"feed","room":"{room}","sender":"Ada","time":"2024-03-04T09:{minute:02}:00Z","id":"{room}-{id}"{more}}}"#
    )
}

fn seqs(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[test]
fn neighbours_are_the_next_in_the_room_and_versions_are_found_across_thousands_of_other_events() {
    let appliance = Appliance::create();
    let mut lines: Vec<_> = (0..3).map(|id| line("#quiet", id, r#","text":"early""#)).collect();
    lines.extend((0..3_000).map(|id| line("#loud", id, r#","text":"noise""#)));
    lines.push(line("#quiet", 3, r#","event":"leave""#));
    lines.push(line("#quiet", 4, r#","text":"late""#));
    appliance.import(&appliance.file("rooms.jsonl", lines.join("\n")), &[], 0);
    let changed = line("#quiet", 1, r#","text":"early, corrected""#);
    appliance.import(&appliance.file("edit.jsonl", changed), &[], 0);
    let found =
        appliance.json(&["search", "room:#quiet early", "--order", "oldest", "--limit", "9"]);
    let first =
        found["hits"].as_array().unwrap().iter().map(|hit| hit["seq"].as_u64().unwrap()).min();
    let first = first.unwrap();
    let show =
        |seq: u64, context: &str| appliance.json(&["show", &seq.to_string(), "--context", context]);
    let shown = show(first, "3");
    let after = seqs(&shown["after"]);
    assert_eq!(after[..2], [first + 1, first + 2], "{shown:#}");
    assert!(after[2] > first + 2_900, "the leaving, far away: {after:?}");
    assert_eq!(shown["after"][2]["kind"], "leave");
    assert!(seqs(&show(first, "0")["after"]).is_empty());
    let all = seqs(&show(first, "100")["after"]);
    assert_eq!(all.len(), 5, "two, the leaving, the last, and the edit: {all:?}");
    let last = show(all[3], "3");
    assert_eq!(seqs(&last["before"]), all[..3]);
    assert_eq!(seqs(&last["after"]), all[4..]);
    let versions = seqs(&show(first + 1, "0")["versions"]);
    assert_eq!(versions, [first + 1, all[4]], "an edit far away is a version of it");
    assert!(seqs(&show(first, "0")["versions"]).is_empty());
}
