//! Officers' acts: recorded by what they do, and read by `audit` alone.

use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;

const EVENT: &str = r##"{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"1","text":"posted by a feed"}"##;

fn acts(appliance: &Appliance, arguments: &[&str]) -> Vec<Value> {
    let said = appliance.run(&[&["--json", "audit"], arguments].concat()).expect(0).stdout;
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn verbs(acts: &[Value]) -> Vec<&str> {
    acts.iter().map(|act| act["act"]["verb"].as_str().unwrap()).collect()
}

#[test]
fn every_look_is_an_act_and_so_is_a_look_at_the_acts() {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("one.jsonl", EVENT), &[], 0);
    let seq = appliance.json(&["search", "posted"])["hits"][0]["seq"].to_string();
    appliance.json(&["show", &seq]);
    let first = acts(&appliance, &[]);
    assert_eq!(&verbs(&first)[..2], ["show", "search"], "newest first: {first:#?}");
    assert_eq!(first[1]["act"]["query"], "posted");
    assert_eq!(first[1]["actor"]["name"], "Officer One");
    assert!(verbs(&first).contains(&"import-begun"), "{first:#?}");
    let again = acts(&appliance, &["--limit", "1"]);
    assert_eq!(verbs(&again), ["audit"]);
    let said = appliance.run(&["audit", "--limit", "2"]).expect(0);
    assert!(said.stdout.lines().all(|line| line.contains("Officer One")), "{said:#?}");
    assert!(said.stderr.contains("--cursor"), "{said:#?}");
    assert_eq!(appliance.json(&["search", "posted", "--count"])["count"], 1, "no act is content");
}

#[test]
fn pages_of_the_audit_follow_one_another_and_filters_hold() {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("one.jsonl", EVENT), &[], 0);
    for _ in 0..3 {
        appliance.json(&["search", "posted", "--count"]);
    }
    let whole = acts(&appliance, &[]);
    let mut paged = Vec::new();
    let mut cursor = (whole[0]["seq"].as_u64().unwrap() + 1).to_string();
    loop {
        let page = acts(&appliance, &["--limit", "2", "--cursor", &cursor]);
        let Some(last) = page.last() else { break };
        cursor = last["seq"].to_string();
        paged.extend(page);
    }
    assert_eq!(paged, whole);
    assert!(acts(&appliance, &["--since", "2999"]).is_empty());
    let since = acts(&appliance, &["--since", "2020", "--limit", "1000"]);
    assert!(since.ends_with(&whole) && since.len() > whole.len(), "every look since is an act");
    assert!(acts(&appliance, &["--actor", "nobody"]).is_empty());
    let mine = acts(&appliance, &["--actor", "officer one"]);
    assert!(!mine.is_empty() && mine.iter().all(|act| act["actor"]["name"] == "Officer One"));
    let refused = appliance.run(&["audit", "--since", "yesterday"]).expect(2);
    assert!(refused.stderr.contains("2024-03-04"), "{refused:#?}");
}

#[test]
fn the_audit_is_for_officers() {
    let appliance = Appliance::create();
    let token = appliance.json(&["token", "issue", "--name", "reader", "--scope", "read"]);
    assert_eq!(token["scopes"], serde_json::json!(["read"]), "scopes are a list");
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    assert_eq!(running.ask("GET", "/api/v1/audit", &[&bearer], "").0, 403);
    let refused = appliance.run(&["search", "kind:officer"]).expect(2);
    assert!(refused.stderr.contains("muniment audit"), "{refused:#?}");
    running.stop();
}
