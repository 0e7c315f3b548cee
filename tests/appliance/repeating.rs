//! A client that lost its answer, or its server: the same request again gets the same answer and does nothing twice.

use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;

const EVENT: &str = r##"{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"1","text":"posted once"}"##;

fn bearer(appliance: &Appliance, scopes: &str) -> String {
    let token = appliance.json(&["token", "issue", "--name", scopes, "--scope", scopes]);
    format!("Authorization: Bearer {}", token["token"].as_str().unwrap())
}

/// Sends a request under a key and returns status and answer.
fn post(running: &Running, target: &str, bearer: &str, key: &str, body: &str) -> (u16, Value) {
    let key = format!("Idempotency-Key: {key}");
    let (status, _, answer) = running.ask("POST", target, &[bearer, &key], body);
    (status, serde_json::from_str(&answer).unwrap())
}

/// Waits for a job's end and returns it.
fn ended(running: &Running, bearer: &str, job: &Value) -> Value {
    loop {
        let (status, _, body) = running.ask("GET", job["address"].as_str().unwrap(), &[bearer], "");
        let job: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 200, "{job:#}");
        if job["state"] != "running" {
            return job;
        }
    }
}

#[test]
fn every_post_under_one_key_is_done_once_and_answered_alike_after_a_restart_too() {
    let appliance = Appliance::create();
    let (admin, append) = (bearer(&appliance, "admin"), bearer(&appliance, "append"));
    let export = bearer(&appliance, "export");
    let requests = [
        ("/api/v1/events", &append, EVENT),
        ("/api/v1/imports?name=a.jsonl", &admin, EVENT),
        ("/api/v1/verifications", &admin, "{}"),
        ("/api/v1/reindexings", &admin, ""),
        ("/api/v1/exports", &export, r#"{"query":"posted","formats":["csv"]}"#),
    ];
    let running = Running::start(&appliance);
    let first: Vec<_> = requests
        .iter()
        .enumerate()
        .map(|(number, (target, bearer, body))| {
            let (status, answer) = post(&running, target, bearer, &format!("key-{number}"), body);
            assert!(matches!(status, 200 | 202), "{target}: {answer:#}");
            let job = (status == 202).then(|| ended(&running, bearer, &answer));
            (status, answer, job)
        })
        .collect();
    running.stop();
    let running = Running::start(&appliance);
    for (number, ((target, bearer, body), (status, answer, job))) in
        requests.iter().zip(&first).enumerate()
    {
        let key = format!("key-{number}");
        assert_eq!(
            post(&running, target, bearer, &key, body),
            (*status, answer.clone()),
            "{target}"
        );
        let (status, problem) = post(&running, target, bearer, &key, "{\"other\":1}");
        assert_eq!(
            (status, &problem["type"]),
            (409, &Value::from("urn:muniment:problem:conflict"))
        );
        if let Some(job) = job {
            assert_eq!(&ended(&running, bearer, answer), job, "a job's result outlives its server");
            assert_eq!(job["state"], "done", "{job:#}");
        }
    }
    running.stop();
}

#[test]
fn a_token_is_not_issued_twice_and_its_secret_is_not_kept() {
    let appliance = Appliance::create();
    let admin = bearer(&appliance, "admin");
    let running = Running::start(&appliance);
    let body = r#"{"name":"feed","scopes":["append"]}"#;
    let (status, issued) = post(&running, "/api/v1/tokens", &admin, "k", body);
    assert_eq!(status, 200, "{issued:#}");
    let secret = issued["token"].as_str().unwrap();
    assert_eq!(post(&running, "/api/v1/tokens", &admin, "k", body).0, 409);
    running.stop();
    for name in ["jobs.sqlite", "auth.sqlite"] {
        let bytes = std::fs::read(appliance.data().join(name)).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{name}");
    }
}

#[test]
fn a_package_that_went_with_its_server_is_gone_and_says_how_to_have_it_again() {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("one.jsonl", EVENT), &[], 0);
    let export = bearer(&appliance, "export");
    let running = Running::start(&appliance);
    let body = r#"{"query":"posted","formats":["csv"]}"#;
    let (_, begun) = post(&running, "/api/v1/exports", &export, "k", body);
    let job = ended(&running, &export, &begun);
    running.stop();
    let running = Running::start(&appliance);
    let target = format!("{}/package", job["address"].as_str().unwrap());
    let (status, _, body) = running.ask("GET", &target, &[&export], "");
    assert_eq!(status, 410, "{body}");
    assert!(body.contains("export its set again"), "{body}");
    running.stop();
}
