//! What is found, how it is counted, and how pages follow one another.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::Appliance;

fn filled(count: u32) -> Appliance {
    let appliance = Appliance::create();
    let mut lines = String::new();
    for number in 0..count {
        let (day, minute, parity) =
            (1 + number % 28, number % 60, if number % 2 == 0 { "even" } else { "odd" });
        writeln!(
            lines,
            r##"{{"source":"desk","room":"#room{}","sender":"Person {}","time":"2024-02-{day:02}T10:{minute:02}:00Z","id":"{number}","text":"line number {number} is {parity} Grüße 世界 🙂"}}"##,
            number % 3,
            number % 5,
        )
        .unwrap();
    }
    appliance.import(&appliance.file("many.jsonl", lines), &[], 0);
    appliance
}

#[test]
fn every_page_follows_the_one_before_without_a_gap_or_a_repeat() {
    let appliance = filled(230);
    let mut seqs = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut arguments = vec!["search", "even", "--limit", "20"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let page = appliance.json(&arguments);
        assert_eq!(page["count"], 115);
        let hits = page["hits"].as_array().unwrap();
        seqs.extend(
            hits.iter()
                .map(|hit| (hit["at"].as_str().unwrap().to_owned(), hit["seq"].as_u64().unwrap())),
        );
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seqs.len(), 115);
    assert!(seqs.windows(2).all(|pair| pair[0] > pair[1]), "newest first, ties by sequence");
}

#[test]
fn fields_dates_scripts_and_emoji_are_found() {
    let appliance = filled(60);
    let count =
        |query: &str| appliance.json(&["search", query, "--count"])["count"].as_u64().unwrap();
    assert_eq!(count("room:#room1"), 20);
    assert_eq!(count("from:\"person 2\""), 12);
    assert_eq!(count("on:2024-02-01"), 3);
    assert_eq!(count("after:2024-02-02 before:2024-02-03"), 3);
    assert_eq!(count("grusse"), 60, "accents and ß are folded");
    assert_eq!(count("=grusse"), 0);
    assert_eq!(count("=Grüße"), 60);
    assert_eq!(count("世界"), 60);
    assert_eq!(count("🙂"), 60);
    assert_eq!(count("\"number 7 is\""), 1);
    assert_eq!(count("odd -\"number 7 is\""), 29);
    assert_eq!(count("even OR odd"), 60);
    assert_eq!(count("numb*"), 60);
    assert_eq!(count("source:desk kind:message"), 60);
    let refused = appliance.run(&["search", "kind:officer"]).expect(2);
    assert!(refused.stderr.contains("audit"), "officers' acts are never found here: {refused:#?}");
}

#[test]
fn highlights_are_ranges_of_code_points() {
    let appliance = filled(1);
    let page = appliance.json(&["search", "世界"]);
    let hit = &page["hits"][0];
    let text: Vec<char> = hit["text"].as_str().unwrap().chars().collect();
    let range = |range: &Value| {
        let bound = |side: usize| usize::try_from(range[side].as_u64().unwrap()).unwrap();
        text[bound(0)..bound(1)].iter().collect::<String>()
    };
    let marked: String = hit["highlights"].as_array().unwrap().iter().map(range).collect();
    assert_eq!(marked, "世界");
}

#[test]
fn explain_says_why_an_event_was_found_and_why_not() {
    let appliance = filled(2);
    let seq = appliance.json(&["search", "even"])["hits"][0]["seq"].to_string();
    let found = appliance.json(&["explain", &seq, "--query", "even line"]);
    assert_eq!(found["matched"], true, "{found:#}");
    let missed = appliance.json(&["explain", &seq, "--query", "even before:2024-01-01"]);
    assert_eq!(missed["matched"], false, "{missed:#}");
    assert!(missed["clauses"].to_string().contains("outside"), "{missed:#}");
}

#[test]
fn a_rebuilt_index_gives_the_same_answers() {
    let appliance = filled(100);
    let ask = || appliance.json(&["search", "line", "--limit", "100"])["hits"].clone();
    let before = ask();
    appliance.run(&["reindex"]).expect(0);
    assert_eq!(ask(), before);
}

#[test]
fn an_unknown_name_gets_a_warning_with_the_nearest_one() {
    let appliance = filled(10);
    let page = appliance.json(&["search", "room:#rom1"]);
    assert_eq!(page["count"], 0);
    assert!(page["warnings"].to_string().contains("#room1"), "{page:#}");
}

/// Two people of a Slack export with all their names, a mention by id, and an upload of the line format.
fn with_names() -> Appliance {
    let appliance = Appliance::create();
    let user = |id: &str, name: &str, real: &str, shown: &str, email: &str| {
        format!(
            r#"{{"id":"{id}","name":"{name}","real_name":"{real}","profile":{{"display_name":"{shown}","real_name":"{real}","email":"{email}"}}}}"#
        )
    };
    let users = [
        user("U1", "al", "Al Pha", "alpha", "al@x.org"),
        user("U2", "bo", "Bo Beta", "Bob B", "bo@x.org"),
    ];
    std::fs::create_dir_all(appliance.path("slack/general")).unwrap();
    appliance.file("slack/users.json", format!("[{}]", users.join(",")));
    appliance
        .file("slack/channels.json", r#"[{"id":"C1","name":"general","members":["U1","U2"]}]"#);
    appliance.file(
        "slack/general/2024-01-01.json",
        r#"[{"type":"message","user":"U1","text":"ask <@U2> first","ts":"1704103200.000100"}]"#,
    );
    appliance.import(&appliance.path("slack"), &["--source", "team"], 0);
    let upload = r#"{"source":"desk","room":"files","sender":"Ann","time":"2024-02-01T10:00:00Z","event":"upload","text":"budget.xlsx"}"#;
    appliance.import(&appliance.file("upload.jsonl", upload), &[], 0);
    appliance
}

#[test]
fn people_and_rooms_are_found_by_all_their_names_and_a_value_that_nobody_has_by_the_nearest() {
    let appliance = with_names();
    for query in ["from:al", "from:\"Al Pha\"", "from:U1", "room:C1"] {
        let page = appliance.json(&["search", query]);
        assert_eq!(page["count"], 1, "{query}: {page:#}");
    }
    for query in ["to:U2", "to:bo", "to:\"Bo Beta\"", "to:bo@x.org", "file:budget.xlsx", "ext:xlsx"]
    {
        let page = appliance.json(&["search", query]);
        assert_eq!(page["count"], 1, "{query}: {page:#}");
        assert_eq!(page["warnings"].as_array().unwrap().len(), 0, "{query}: {page:#}");
    }
    for (query, nearest) in [
        ("from:bobb", "Bob B"),
        ("to:betta", "Bo Beta"),
        ("room:gen", "general"),
        ("room:general-renamed", "general"),
        ("file:budget.xls", "budget.xlsx"),
        ("ext:xls", "xlsx"),
    ] {
        let page = appliance.json(&["search", query]);
        assert_eq!(page["count"], 0, "{query}: {page:#}");
        let warning = page["warnings"][0].as_str().unwrap();
        assert!(warning.ends_with(&format!("the nearest is {nearest}")), "{query}: {warning}");
    }
    let page = appliance.json(&["search", "thread:none category:fx"]);
    assert_eq!(page["warnings"].as_array().unwrap().len(), 2, "{page:#}");
}

#[test]
fn a_participant_is_found_in_what_they_could_read_and_explained_by_their_stay() {
    let appliance = Appliance::create();
    let line = |sender: &str, minute: u32, more: &str| {
        format!(
            r##"{{"source":"desk","room":"#fx","sender":"{sender}","time":"2024-03-04T09:{minute:02}:00Z",{more}}}"##
        )
    };
    // The messages come in before what tells who was there.
    let said: Vec<_> = (0..6).map(|number| line("Bo", number * 10, r#""text":"rate""#)).collect();
    appliance.import(&appliance.file("said.jsonl", said.join("\n")), &[], 0);
    let turns = [
        line("Ann", 35, r#""event":"leave""#),
        line("Ann", 10, r#""event":"join""#),
        line("Cy", 20, r#""event":"kick""#),
    ];
    appliance.import(&appliance.file("turns.jsonl", turns.join("\n")), &[], 0);
    for (name, minutes) in
        [("ann", vec!["30", "20", "10"]), ("cy", vec!["20", "10", "00"]), ("bo", vec!["50"; 1])]
    {
        let found = appliance.json(&["search", &format!("rate participant:{name}")]);
        let hits = found["hits"].as_array().unwrap();
        let at: Vec<_> = hits.iter().map(|hit| &hit["at"].as_str().unwrap()[14..16]).collect();
        assert!(at.starts_with(&minutes), "{name}: {at:?}");
        assert_eq!(found["count"], if name == "bo" { 6 } else { 3 }, "{name}");
        assert_eq!(found["warnings"].as_array().unwrap().len(), 0, "{name}: {found}");
    }
    let seq = appliance.json(&["search", "rate participant:cy"])["hits"][0]["seq"].to_string();
    let explained = appliance.json(&["explain", &seq, "--query", "participant:Ann"]);
    assert_eq!(explained["matched"], true, "{explained}");
    let why = explained["clauses"][0]["why"].as_str().unwrap();
    assert!(
        why.contains("from 2024-03-04T09:10") && why.contains("until 2024-03-04T09:35"),
        "{why}"
    );
    let unknown = appliance.json(&["search", "participant:An"]);
    assert_eq!(unknown["count"], 0);
    assert!(unknown["warnings"][0].as_str().unwrap().ends_with("the nearest is Ann"), "{unknown}");
}

#[test]
fn a_name_that_nobody_has_is_said_beside_the_number_too() {
    let appliance = filled(4);
    for field in ["from", "to", "participant"] {
        let query = format!("{field}:\"person 22\"");
        for alone in [&[][..], &["--count"]] {
            let said = appliance.run(&[&["search", query.as_str()][..], alone].concat()).expect(0);
            assert!(said.stderr.contains("nobody and nothing is called"), "{said:#?}");
            assert!(!said.stdout.contains("nobody"), "{said:#?}");
            assert_eq!(said.stdout.starts_with("0\n"), !alone.is_empty(), "{said:#?}");
        }
    }
}
