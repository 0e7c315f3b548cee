//! The server from outside: the way in, what it refuses, and how it stops.

use serde_json::{Value, json};

use crate::running::Running;
use crate::support::Appliance;

const EVENT: &str = r##"{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"1","text":"posted by a feed"}"##;

#[test]
fn a_feed_posts_with_its_token_and_can_do_nothing_else() {
    let appliance = Appliance::create();
    let token = appliance.json(&["token", "issue", "--name", "feed", "--scope", "append"]);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    let (status, _, _) = running.ask("POST", "/api/v1/events", &[], EVENT);
    assert_eq!(status, 401);
    let (status, _, body) = running.ask("POST", "/api/v1/events", &[&bearer], EVENT);
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["accepted"], 1, "{answer:#}");
    assert_eq!(answer["receipts"][0]["leaf"].as_str().map(str::len), Some(64));
    let (_, _, body) = running.ask("POST", "/api/v1/events", &[&bearer], EVENT);
    let again: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(again["duplicates"], 1, "{again:#}");
    assert_eq!(again["receipts"][0]["seq"], answer["receipts"][0]["seq"]);
    let (status, _, body) = running.ask("GET", "/api/v1/search?q=posted", &[&bearer], "");
    assert_eq!(status, 403, "{body}");
    let without_id = EVENT.replace(r#""id":"1","#, "");
    let (status, _, body) = running.ask("POST", "/api/v1/events", &[&bearer], &without_id);
    assert_eq!(status, 422, "{body}");
    let broken = format!("{{\"source\":\n{}", EVENT.replace(r#""id":"1","#, r#""id":"2","#));
    let (status, _, body) = running.ask("POST", "/api/v1/events", &[&bearer], &broken);
    let mixed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &mixed["quarantined"], &mixed["accepted"]), (200, &json!(1), &json!(1)));
    assert_eq!(
        appliance.json(&["search", "posted", "--count"])["count"],
        2,
        "by the control socket"
    );
    running.stop();
}

#[test]
fn a_link_signs_in_once_and_the_desk_shows_words_as_words() {
    let appliance = Appliance::create();
    let hostile = EVENT.replace("posted by a feed", "<script>alert(1)</script> hostile");
    appliance.import(&appliance.file("one.jsonl", hostile), &[], 0);
    let running = Running::start(&appliance);
    let (status, _, page) = running.ask("GET", &running.link, &[], "");
    assert_eq!(status, 200);
    assert!(page.contains("method=\"post\""), "the link alone signs nobody in: {page}");
    let secret = running.link.split('=').nth(1).unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let body = format!("link={secret}");
    let (status, head, _) = running.ask("POST", "/sign-in", &[form], &body);
    assert_eq!(status, 303, "{head}");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    let (status, _, page) = running.ask("GET", "/desk?q=hostile", &[&cookie], "");
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>"), "{page}");
    assert!(page.contains("<mark>hostile</mark>"), "{page}");
    assert_eq!(running.ask("POST", "/sign-in", &[form], &body).0, 401, "a link works once");
    assert_eq!(running.ask("GET", "/desk", &[], "").0, 401);
    assert_eq!(running.ask("GET", "/desk", &[&cookie, "Host: evil.example"], "").0, 403);
    running.stop();
}

#[test]
fn an_import_by_the_socket_takes_the_users_file_and_an_export_lands_where_the_user_is() {
    let appliance = Appliance::create();
    let running = Running::start(&appliance);
    let report = appliance.import(&appliance.file("one.jsonl", EVENT), &[], 0);
    assert_eq!(report["accepted"], 1, "{report:#}");
    let out = appliance.path("package.zip");
    let report = appliance.json(&[
        "export",
        "--query",
        "posted",
        "--format",
        "csv",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(report["events"], 1, "{report:#}");
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    running.stop();
    appliance.run(&["verify", "--export", out.to_str().unwrap(), "--public-key", &key]).expect(0);
    let twice = appliance.run(&[
        "export",
        "--query",
        "posted",
        "--format",
        "csv",
        "--out",
        out.to_str().unwrap(),
    ]);
    twice.expect(73);
}

#[test]
fn the_tour_finds_explains_exports_and_names_the_row_of_the_flipped_byte() {
    let appliance = Appliance::empty();
    let outcome = appliance.run(&["quickstart", "--tour"]).expect(0);
    for said in ["backdate", "is:edited", "PASS", "FAILED", "messages.csv, row"] {
        assert!(outcome.stdout.contains(said), "{said}: {outcome:#?}");
    }
    let events = appliance.json(&["search", "kind:message", "--count"])["count"].clone();
    appliance.run(&["quickstart", "--tour"]).expect(0);
    let again = appliance.json(&["search", "kind:message", "--count"])["count"].clone();
    assert_eq!(events, again, "a second start loads nothing");
}

#[test]
fn quickstart_leaves_an_archive_that_is_no_demo_alone() {
    let appliance = Appliance::create();
    let outcome = appliance.run(&["quickstart", "--tour"]).expect(1);
    assert!(outcome.stderr.contains("no demo"), "{outcome:#?}");
}

#[test]
fn the_configuration_says_where_each_value_came_from() {
    let appliance = Appliance::create();
    let write = |text: &str| std::fs::write(appliance.data().join("muniment.toml"), text).unwrap();
    write("[limits]\njobs_max = 3\n");
    let shown = appliance.json(&["config", "show", "--origin"]);
    assert_eq!(shown["limits.jobs_max"]["value"], 3);
    assert!(shown["limits.jobs_max"]["origin"].as_str().unwrap().ends_with("muniment.toml"));
    assert_eq!(shown["server.listen"]["origin"], "default");
    write("[limits]\njob_max = 3\n");
    let outcome = appliance.run(&["config", "check"]).expect(78);
    assert!(outcome.stderr.contains("line 2"), "{outcome:#?}");
}
