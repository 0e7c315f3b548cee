//! The walk of docs/walk.md in one test: from the socket to a package that a stranger checks.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::running::Running;
use crate::support::Appliance;

/// Enough to be sealed at the threshold below, while the newest still lie in the journal.
const FILLING: usize = 700;

/// Returns the lines of a feed: filling, then a message, then its correction.
fn feed() -> String {
    let mut lines = String::new();
    let mut put = |id: &str, second: usize, text: &str, more: &str| {
        let (minute, second) = (second / 60, second % 60);
        writeln!(
            lines,
            r##"{{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:{minute:02}:{second:02}Z","id":"{id}","text":"{text}"{more}}}"##,
        )
        .unwrap();
    };
    for number in 0..FILLING {
        put(&format!("f{number}"), number, &format!("tick {number} of a quiet morning"), "");
    }
    put("said", FILLING, "fill at 101.52, keep it quiet", "");
    put("corrected", FILLING + 1, "fill at 101.25", r#","edited_of":"said""#);
    lines
}

fn sealed_files(appliance: &Appliance) -> usize {
    std::fs::read_dir(appliance.data().join("segments")).unwrap().count()
}

#[test]
fn one_message_goes_from_the_socket_to_the_court() {
    let appliance = Appliance::create();
    appliance.file("data/muniment.toml", "[archive]\nseal_bytes = 65536\n");
    let issued = appliance.json(&["token", "issue", "--name", "feed", "--scope", "append"]);
    let bearer = format!("Authorization: Bearer {}", issued["token"].as_str().unwrap());
    let running = Running::start(&appliance);

    // 1 to 5: posted, drafted, sequenced, synced; a receipt for each, in the order of the feed.
    let (status, _, body) = running.ask("POST", "/api/v1/events", &[&bearer], &feed());
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["accepted"], FILLING + 2, "{answer:#}");
    let receipts = answer["receipts"].as_array().unwrap();
    let seqs: Vec<_> = receipts.iter().map(|receipt| receipt["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "in the order of the feed");
    let said = seqs[FILLING];

    // 7 and 8: found once it is acknowledged, committed to the index or not; the word that was edited away too.
    let page = appliance.json(&["search", "\"101.52\""]);
    assert_eq!((&page["count"], &page["hits"][0]["seq"]), (&json!(1), &json!(said)));
    let why = appliance.json(&["explain", &said.to_string(), "--query", "\"101.52\" is:edited"]);
    assert_eq!(why["matched"], true, "{why:#}");

    // 6: what is full is sealed behind the scenes.
    let started = Instant::now();
    while sealed_files(&appliance) == 0 {
        assert!(started.elapsed() < Duration::from_mins(1), "nothing was sealed");
        std::thread::yield_now();
    }

    // 9: frozen, exported, proven to a stranger.
    let out = appliance.path("evidence.zip");
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let query = "room:#fx after:2024-03-04 before:2024-03-05";
    let out_text = out.to_str().unwrap();
    let report = appliance.json(&[
        "export", "--query", query, "--format", "csv", "--format", "bundle", "--out", out_text,
    ]);
    assert_eq!(report["events"], FILLING + 2, "{report:#}");
    running.stop();
    let stranger = Appliance::empty();
    stranger.run(&["verify", "--export", out_text, "--public-key", &key]).expect(0);

    // And the archive proves itself, from sealed files and journal alike, to who kept an older checkpoint.
    let note = appliance.run(&["checkpoint"]).expect(0).stdout;
    let kept = appliance.file("kept.note", note);
    appliance.run(&["verify", "--since", kept.to_str().unwrap()]).expect(0);
    assert_eq!(appliance.json(&["search", "\"101.52\"", "--count"])["count"], 1, "after a restart");
}
