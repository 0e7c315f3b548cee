//! What the desk shows: pages for people, results in context, and which part of an event matched.

use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;

fn event(id: u32, more: &str) -> String {
    format!(
        r##"{{"source":"s","room":"#r","sender":"Ada","time":"2024-03-04T09:15:{id:02}Z","id":"{id}"{more}}}"##
    )
}

fn filled() -> Appliance {
    let appliance = Appliance::create();
    let lines = [
        event(1, r#","text":"opening line""#),
        event(2, r#","text":"the body","kind":"story","title":"Quarterly outlook""#),
        event(3, r#","text":"see here","attachments":["budget.xlsx"]"#),
        event(4, r#","text":"closing line""#),
    ];
    appliance.import(&appliance.file("four.jsonl", lines.join("\n")), &[], 0);
    appliance
}

fn signed_in(running: &Running) -> String {
    let secret = running.link.split('=').nth(1).unwrap();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let (_, head, _) = running.ask("POST", "/sign-in", &[form], &format!("link={secret}"));
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    format!("Cookie: {}", cookie.split(';').next().unwrap())
}

#[test]
fn a_hit_by_title_or_file_name_shows_that_part_and_where_it_matched() {
    let appliance = filled();
    let hit = appliance.json(&["search", "outlook"])["hits"][0].clone();
    assert_eq!(hit["title"], "Quarterly outlook", "{hit:#}");
    assert_eq!(
        hit["highlights_in"],
        serde_json::json!([{ "part": "title", "ranges": [[10, 17]] }])
    );
    assert_eq!(hit["highlights"], serde_json::json!([]));
    let hit = appliance.json(&["search", "budget"])["hits"][0].clone();
    assert_eq!(hit["attachments"][0]["name"], "budget.xlsx", "{hit:#}");
    assert_eq!(hit["highlights_in"][0]["part"], "file", "{hit:#}");
    assert_eq!(hit["highlights_in"][0]["number"], 0, "{hit:#}");
    assert_eq!(hit["highlights_in"][0]["ranges"], serde_json::json!([[0, 6]]), "{hit:#}");
    let said =
        appliance.run(&["--color", "always", "search", "outlook OR budget"]).expect(0).stdout;
    assert!(said.contains("title: Quarterly \u{1b}[1moutlook"), "{said:?}");
    assert!(said.contains("file: \u{1b}[1mbudget"), "{said:?}");
}

#[test]
fn hits_come_with_what_stands_beside_them() {
    let appliance = filled();
    let hit = appliance.json(&["search", "outlook", "--context", "1"])["hits"][0].clone();
    assert_eq!(hit["before"][0]["text"], "opening line", "{hit:#}");
    assert_eq!(hit["after"][0]["text"], "see here", "{hit:#}");
    let running = Running::start(&appliance);
    let cookie = signed_in(&running);
    let (status, _, page) = running.ask("GET", "/desk?q=outlook", &[&cookie], "");
    assert_eq!(status, 200, "{page}");
    for said in [
        "opening line",
        "see here",
        "Quarterly <mark>outlook</mark>",
        "2024-03-04 09:15:02 UTC",
        "files of 1 event,",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    running.stop();
}

#[test]
fn a_browser_gets_pages_and_a_program_documents() {
    let appliance = filled();
    let running = Running::start(&appliance);
    let (status, head, page) = running.ask("GET", "/desk", &[], "");
    assert_eq!(status, 401);
    assert!(head.contains("text/html") && page.contains("muniment sign-in"), "{head}{page}");
    let cookie = signed_in(&running);
    for target in ["/desk/events/99999", "/desk/events/none", "/desk/exports/none"] {
        let (status, head, page) = running.ask("GET", target, &[&cookie], "");
        assert!(
            (400..500).contains(&status) && head.contains("text/html"),
            "{target}: {head}{page}"
        );
    }
    let (_, head, _) = running.ask("GET", "/nowhere", &["Accept: text/html"], "");
    assert!(head.contains("text/html"), "{head}");
    let (_, head, _) = running.ask("GET", "/api/v1/status", &["Accept: text/html"], "");
    assert!(head.contains("application/problem+json"), "{head}");
    running.stop();
}

#[test]
fn the_description_of_the_api_names_every_member_that_is_answered() {
    let appliance = filled();
    let read = appliance.json(&["token", "issue", "--name", "r", "--scope", "read,admin"]);
    let bearer = format!("Authorization: Bearer {}", read["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    let get = |target: &str| -> Value {
        let (status, _, body) = running.ask("GET", target, &[&bearer], "");
        assert_eq!(status, 200, "{target}: {body}");
        serde_json::from_str(&body).unwrap()
    };
    let described = get("/api/v1/openapi.json");
    for (path, methods) in described["paths"].as_object().unwrap() {
        if let Some(post) = methods.get("post") {
            assert!(post["requestBody"]["content"].is_object(), "{path}");
        }
    }
    let members = |shape: &str, answer: &Value| {
        let known = &described["components"]["schemas"][shape]["properties"];
        for name in answer.as_object().unwrap().keys() {
            assert!(known.get(name).is_some(), "{shape} lacks {name}");
        }
    };
    let found = get("/api/v1/search?q=outlook%20OR%20budget&context=1");
    members("Found", &found);
    for hit in found["hits"].as_array().unwrap() {
        members("Hit", hit);
    }
    let seq = found["hits"][0]["seq"].to_string();
    members("Event", &get(&format!("/api/v1/events/{seq}?context=1")));
    members("Proof", &get(&format!("/api/v1/events/{seq}/proof")));
    members("Explanation", &get(&format!("/api/v1/events/{seq}/explain?q=outlook")));
    members("Acts", &get("/api/v1/audit"));
    members("Tokens", &get("/api/v1/tokens"));
    members("Quarantine", &get("/api/v1/quarantine"));
    members("Checkpoint", &get("/api/v1/checkpoint?form=json"));
    running.stop();
}
