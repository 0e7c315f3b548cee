//! What is refused, with which status, and in whose words.

use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;

fn token(appliance: &Appliance, scope: &str) -> String {
    let token = appliance.json(&["token", "issue", "--name", scope, "--scope", scope]);
    format!("Authorization: Bearer {}", token["token"].as_str().unwrap())
}

#[test]
fn a_compressed_body_is_refused_and_nothing_of_it_is_recorded() {
    let appliance = Appliance::create();
    let feed = token(&appliance, "append");
    let running = Running::start(&appliance);
    let (status, head, body) =
        running.ask("POST", "/api/v1/events", &[&feed, "Content-Encoding: gzip"], "\u{1f}x\n\n");
    assert_eq!(status, 415, "{body}");
    assert!(body.contains("gzip") && body.contains("unsupported-media"), "{body}");
    assert!(head.contains("accept-encoding: identity"), "{head}");
    let (status, _, _) =
        running.ask("POST", "/api/v1/events", &[&feed, "Content-Encoding: identity"], "");
    assert_eq!(status, 200);
    assert_eq!(appliance.json(&["status"])["quarantined"], 0);
    running.stop();
}

#[test]
fn under_pressure_the_answer_is_429_and_says_when_to_come_back() {
    let appliance = Appliance::create();
    let (read, append) = (token(&appliance, "read"), token(&appliance, "append"));
    // The one request that may be worked on waits for a body that does not come.
    let running = Running::start_with(&appliance, &[("MUNIMENT__LIMITS__REQUESTS_MAX", "1")]);
    let feed = running.begin("POST", "/api/v1/events", &[&append]);
    let last = running.ask("GET", "/api/v1/status", &[&read], "");
    assert_eq!(last.0, 429, "{last:?}");
    assert!(last.1.contains("retry-after: "), "{last:?}");
    drop(feed);
    running.stop();
}

#[test]
fn a_search_needs_its_query_and_faults_are_told_in_our_words() {
    let appliance = Appliance::create();
    let read = token(&appliance, "read");
    let running = Running::start(&appliance);
    let ask = |target: &str| {
        let (status, _, body) = running.ask("GET", target, &[&read], "");
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["detail"].as_str().unwrap_or_default().to_owned())
    };
    let (status, detail) = ask("/api/v1/search");
    assert!(status == 400 && detail.contains('q'), "{status} {detail}");
    assert_eq!(ask("/api/v1/search?q=").0, 200, "an empty one finds everything");
    let (status, detail) = ask("/api/v1/search?q=a&limit=x");
    assert!(
        status == 400 && detail.contains("limit") && detail.contains("whole number"),
        "{detail}"
    );
    assert!(!detail.contains("deserialize"), "{detail}");
    running.stop();
}

#[test]
fn a_listening_address_that_is_none_is_a_fault_of_usage() {
    let appliance = Appliance::create();
    let refused = appliance.run(&["serve", "--listen", "garbage"]).expect(2);
    for said in ["--listen", "garbage", "127.0.0.1:7380"] {
        assert!(refused.stderr.contains(said), "{said}: {refused:#?}");
    }
}

#[test]
fn no_cursor_is_offered_that_can_only_be_refused() {
    let appliance = Appliance::create();
    let event = |id: u32| {
        format!(
            r##"{{"source":"s","room":"#r","sender":"A","time":"2024-03-04T09:15:00Z","id":"{id}","text":"word"}}"##
        )
    };
    let lines: Vec<_> = (0..3).map(event).collect();
    appliance.import(&appliance.file("three.jsonl", lines.join("\n")), &[], 0);
    let page = appliance.json(&["search", "word", "--order", "score", "--limit", "1"]);
    assert!(page["next"].is_null(), "{page:#}");
    assert!(page["warnings"].to_string().contains("muniment serve"), "{page:#}");
    let running = Running::start(&appliance);
    let page = appliance.json(&["search", "word", "--order", "score", "--limit", "1"]);
    let cursor = page["next"].as_str().unwrap();
    let next =
        appliance.json(&["search", "word", "--order", "score", "--limit", "1", "--cursor", cursor]);
    assert_ne!(next["hits"][0]["seq"], page["hits"][0]["seq"]);
    running.stop();
}
