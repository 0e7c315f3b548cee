//! What those who run a server rely on: who reads its counts, how a request is found again, what a service manager hears.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;

#[test]
fn counts_need_a_token_of_their_own_unless_they_are_opened() {
    let appliance = Appliance::create();
    let bearer = |scope: &str| {
        let token = appliance.json(&["token", "issue", "--name", scope, "--scope", scope]);
        format!("Authorization: Bearer {}", token["token"].as_str().unwrap())
    };
    let (metrics, read) = (bearer("metrics"), bearer("read"));
    let running = Running::start(&appliance);
    assert_eq!(running.ask("GET", "/metrics", &[], "").0, 401);
    assert_eq!(running.ask("GET", "/metrics", &[&read], "").0, 403);
    let (status, _, body) = running.ask("GET", "/metrics", &[&metrics], "");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("muniment_archive_events"), "{body}");
    assert_eq!(running.ask("GET", "/api/v1/search?q=a", &[&metrics], "").0, 403);
    for open in ["/livez", "/readyz", "/version"] {
        assert_eq!(running.ask("GET", open, &[], "").0, 200, "{open}");
    }
    running.stop();
    let running = Running::start_with(&appliance, &[("MUNIMENT__METRICS__OPEN", "true")]);
    assert_eq!(running.ask("GET", "/metrics", &[], "").0, 200);
    running.stop();
}

#[test]
fn every_answer_bears_the_id_of_its_request_and_a_problem_repeats_it() {
    let appliance = Appliance::create();
    let running = Running::start(&appliance);
    let id_of = |head: &str| {
        head.lines().find_map(|line| line.strip_prefix("x-request-id: ").map(str::to_owned))
    };
    let (_, head, body) = running.ask("GET", "/api/v1/status", &[], "");
    let problem: Value = serde_json::from_str(&body).unwrap();
    let id = id_of(&head).unwrap();
    assert_eq!((problem["request_id"].as_str(), id.len()), (Some(id.as_str()), 16));
    let (_, head, body) = running.ask("GET", "/none", &["X-Request-Id: proxy-7"], "");
    assert_eq!(id_of(&head).as_deref(), Some("proxy-7"), "{body}");
    assert!(body.contains("proxy-7"), "{body}");
    let (_, head, _) = running.ask("GET", "/livez", &["X-Request-Id: a b\"c"], "");
    assert_eq!(id_of(&head).map(|id| id.len()), Some(16), "what is not plain is not taken over");
    running.stop();
}

#[test]
fn a_service_manager_hears_that_it_is_ready_that_it_lives_and_that_it_stops() {
    let appliance = Appliance::create();
    let path = appliance.path("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let heard = || {
        let mut buffer = [0; 64];
        let count = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    };
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")];
    let running = Running::start_with(&appliance, &variables);
    assert_eq!(heard(), "READY=1");
    assert_eq!(heard(), "WATCHDOG=1");
    running.stop();
    let last = std::iter::repeat_with(heard).find(|said| said != "WATCHDOG=1");
    assert_eq!(last.as_deref(), Some("STOPPING=1"));
}

#[test]
fn no_file_of_ours_is_for_another_user_of_the_machine() {
    use std::os::unix::fs::PermissionsExt as _;

    fn look(folder: &std::path::Path) -> usize {
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{} {mode:o}", entry.path().display());
            count += 1;
            if entry.path().is_dir() {
                count += look(&entry.path());
            }
        }
        count
    }
    let appliance = Appliance::create();
    let line = r#"{"source":"s","room":"r","sender":"p","time":"2024-01-01T00:00:00Z","text":"secret","id":"1"}"#;
    appliance.import(&appliance.file("one.jsonl", line), &[], 0);
    let package = appliance.path("package");
    let out = package.to_str().unwrap();
    appliance.run(&["export", "--query", "secret", "--format", "csv", "--out", out]).expect(0);
    let data = std::fs::metadata(appliance.data()).unwrap().permissions().mode();
    assert_eq!(data & 0o077, 0, "{data:o}");
    assert!(look(&appliance.data()) > 10);
    assert!(look(&package) > 2);
}
