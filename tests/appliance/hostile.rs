//! A server that is asked what nobody should ask: hostile queries and malformed requests. It answers each with a problem
//! that has a type, or closes the connection; its process stays, and its memory.

use std::fmt::Write as _;

use chat::testing::SeededRng;
use serde_json::Value;

use crate::running::{Running, escaped};
use crate::support::Appliance;

/// Queries and requests of each kind; `MUNIMENT_HOSTILE` asks for more.
const MANY: u64 = 500;
/// Bytes of memory that all of it may cost.
const MEMORY_BYTES_MAX: u64 = 200 << 20;

fn many() -> u64 {
    std::env::var("MUNIMENT_HOSTILE").ok().and_then(|many| many.parse().ok()).unwrap_or(MANY)
}

/// A server with some messages, and the credential to search them.
fn talking() -> (Appliance, Running, String) {
    let appliance = Appliance::create();
    let line = |number: usize| {
        format!(
            r##"{{"source":"desk","room":"#fx","sender":"P{}","time":"2024-03-04T09:15:00Z","id":"{number}","text":"line {number} Grüße 世界 🙂 fill at 101.25"}}"##,
            number % 9
        )
    };
    let lines: Vec<_> = (0..2_000).map(line).collect();
    appliance.import(&appliance.file("chat.jsonl", lines.join("\n")), &[], 0);
    let scopes = ["--scope", "read", "--scope", "append", "--scope", "export"];
    let token = appliance.json(&[&["token", "issue", "--name", "any"], &scopes[..]].concat());
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    (appliance, running, bearer)
}

/// What queries are made of, good and bad.
const PIECES: &[&str] = &[
    "line",
    "fill",
    "世界",
    "🙂",
    "\u{202e}",
    "\u{0}",
    "\u{feff}",
    "e\u{301}",
    "(",
    ")",
    "((",
    "\"",
    "\"a b\"",
    "\"a b\"~5",
    "\"a b\"~99999999999",
    "AND",
    "OR",
    "NOT",
    "-",
    "--",
    "=",
    "=Line",
    "lin*",
    "*",
    "l*e",
    "l?ne",
    "fuzzy~1",
    "~",
    "/l.*e/",
    "/(a+)+$/",
    "/",
    "NEAR/5",
    "PRE/0",
    "from:P1",
    "from:",
    "room:\"#fx\"",
    "has:file",
    "has:",
    "is:edited",
    "is:held",
    "kind:message",
    "kind:officer",
    "after:2024-13-01",
    "after:2024",
    "before:9999999",
    "during:2024..2023",
    "during:..",
    "seq:1..100",
    "seq:100..1",
    "seq:18446744073709551616",
    "seq:-1",
    "nofield:x",
    ":",
    "::",
    "\\",
    "\\\"",
    "'",
    "%",
    "<script>",
    "{}",
    "\t",
    "\n",
    "matter:x",
    "tag:x",
    "custodian:x",
    "lang:xx",
    "ext:..",
    "file:*",
    "thread:\"",
    "to:P1",
    "participant:P1",
    "source:desk",
];

fn one_of(rng: &SeededRng, list: &[&'static str]) -> &'static str {
    list[place_in(rng, list.len())]
}

/// Returns a place below a length that is not 0.
fn place_in(rng: &SeededRng, length: usize) -> usize {
    usize::try_from(rng.below(u64::try_from(length).unwrap())).unwrap()
}

fn query(rng: &SeededRng) -> String {
    let piece = |_| one_of(rng, PIECES);
    match rng.below(8) {
        0 => "(".repeat(1 + place_in(rng, 5_000)),
        1 => "NOT ".repeat(1 + place_in(rng, 1_100)) + "line",
        2 => "line OR ".repeat(1 + place_in(rng, 600)) + "line",
        3 => "é".repeat(1 + place_in(rng, 3_000)),
        4 => (0..=rng.below(40)).map(piece).collect::<Vec<_>>().join(" "),
        _ => (0..=rng.below(3)).map(piece).collect::<Vec<_>>().join(" "),
    }
}

/// Asserts that an answer is a success, a problem that has a type, or, beside the API, a page that tells the problem; returns its status.
#[track_caller]
fn judged(status: u16, body: &str, asked: &str) -> u16 {
    if (200..400).contains(&status) {
        return status;
    }
    if body.starts_with("<!doctype html>") {
        assert!(!asked.contains(" /api/"), "{asked:?}: a page");
        assert!(status < 500 && body.contains(&format!("Status {status}")), "{asked:?}: {body}");
        return status;
    }
    let problem: Value = serde_json::from_str(body)
        .unwrap_or_else(|error| panic!("{error}: {status} {body:?} to {asked:?}"));
    let kind = problem["type"].as_str().unwrap_or_default();
    assert!(kind.starts_with("urn:muniment:problem:"), "{asked:?}: {problem:#}");
    assert_ne!(kind, "urn:muniment:problem:internal", "{asked:?}: {problem:#}");
    assert_eq!(problem["status"], status, "{asked:?}: {problem:#}");
    status
}

#[test]
fn hostile_queries_are_answered_or_refused_and_the_process_stays() {
    let (_appliance, running, bearer) = talking();
    let rng = SeededRng::new(12);
    let before = running.memory_bytes().expect("it runs");
    let (mut answered, mut refused) = (0, 0);
    for number in 0..many() {
        let query = query(&rng);
        let target = format!("/api/v1/search?limit={}&q={}", rng.below(2_000), escaped(&query));
        let (status, _, body) = running.ask("GET", &target, &[&bearer], "");
        let status = judged(status, &body, &format!("seed 12, {number}: {query}"));
        assert!(matches!(status, 200 | 400 | 414 | 501), "{status} to {query:?}: {body}");
        if status == 200 { answered += 1 } else { refused += 1 }
    }
    println!("seed 12: {answered} queries answered, {refused} refused");
    let after = running.memory_bytes().expect("the same process runs");
    assert!(after < before + MEMORY_BYTES_MAX, "{before} bytes before, {after} after");
    let (status, _, body) = running.ask("GET", "/api/v1/search?q=line", &[&bearer], "");
    let page: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &page["count"]), (200, &Value::from(2_000)));
    running.stop();
}

const TARGETS: &[&str] = &[
    "/",
    "/api/v1/events",
    "/api/v1/events/1",
    "/api/v1/events/0",
    "/api/v1/events/99999999999999999999/proof",
    "/api/v1/events/1/explain",
    "/api/v1/events/1/attachments/-1",
    "/api/v1/search?q=%ff%fe&limit=x",
    "/api/v1/search?q=a&cursor=AAAA",
    "/api/v1/search?q=a&snapshot=%00",
    "/api/v1/search?q=a&order=%2e%2e",
    "/api/v1/exports",
    "/api/v1/exports/../../etc/passwd",
    "/api/v1/exports/%2e%2e%2f%2e%2e/package",
    "/api/v1/imports",
    "/api/v1/imports/x",
    "/api/v1/checkpoint?form=%00",
    "/api/v1/tokens",
    "/api/v1/tokens/%F0%9F%99%82",
    "/api/v1/quarantine/1",
    "/api/v1/quarantine?limit=-5",
    "/api/v1/verifications",
    "/api/v1/nowhere",
    "/desk?q=%22",
    "/sign-in?link=%00",
    "/livez",
    "/metrics",
    "//",
    "/%",
    "/%zz",
    "*",
    "http://evil.example/",
    "/api/v1/search?",
];
const METHODS: &[&str] = &[
    "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "G\0T", "", "PRI",
];
const HEADERS: &[&str] = &[
    "Content-Type: application/json",
    "Content-Type: \u{1}",
    "Content-Type: multipart/form-data",
    "Content-Encoding: gzip",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 5",
    "Expect: 100-continue",
    "Range: bytes=0-18446744073709551615",
    "Origin: null",
    "Origin: http://evil.example",
    "Host: evil.example",
    "Cookie: session=\"",
    "Authorization: Bearer",
    "Authorization: Basic AAAA",
    "Idempotency-Key: ",
    "Upgrade: websocket",
    "Connection: upgrade",
    "X:",
    ": x",
    "no colon",
    "If-None-Match: *",
    "Accept: text/html",
];
const BODIES: &[&str] = &[
    "",
    "{",
    "[]",
    "null",
    "{\"query\":",
    "{\"query\":\"(\"}",
    "{\"seqs\":[-1,1e99]}",
    "{\"formats\":[\"exe\"],\"query\":\"a\"}",
    "5\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "\0\0\0\0",
    "{\"source\":1}",
    "{\"path\":\"/etc/passwd\"}",
    "{\"since\":\"— x y\\n\"}",
    "PK\u{3}\u{4}",
    "\u{feff}{}",
];

fn request(rng: &SeededRng, address: &str, bearer: &str) -> Vec<u8> {
    let one = |list| one_of(rng, list);
    let mut text = format!("{} {} HTTP/1.1\r\n", one(METHODS), one(TARGETS));
    if rng.below(8) > 0 {
        write!(text, "Host: {address}\r\n").unwrap();
    }
    if rng.below(4) > 0 {
        write!(text, "{bearer}\r\n").unwrap();
    }
    for _ in 0..rng.below(4) {
        write!(text, "{}\r\n", one(HEADERS)).unwrap();
    }
    if rng.below(20) == 0 {
        write!(text, "X-Long: {}\r\n", "x".repeat(200_000)).unwrap();
    }
    let body = if rng.below(10) == 0 { "[".repeat(100_000) } else { one(BODIES).to_owned() };
    if rng.below(2) == 0 {
        write!(text, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    write!(text, "Connection: close\r\n\r\n{body}").unwrap();
    let mut bytes = text.into_bytes();
    for _ in 0..rng.below(3) {
        let place = place_in(rng, bytes.len());
        bytes[place] = rng.next().to_be_bytes()[0];
    }
    if rng.below(10) == 0 {
        bytes.truncate(place_in(rng, bytes.len()));
    }
    bytes
}

#[test]
fn malformed_requests_get_a_problem_or_a_closed_door_and_the_process_stays() {
    let (appliance, running, bearer) = talking();
    let rng = SeededRng::new(13);
    let before = running.memory_bytes().expect("it runs");
    let (mut spoken, mut closed) = (0, 0);
    for number in 0..many() {
        let bytes = request(&rng, running.address(), &bearer);
        let asked = format!(
            "seed 13, {number}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(300)])
        );
        let answer = running.send(&bytes, true).unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            closed += 1;
            continue;
        };
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        // A body that was not announced is read as the next request, and answered behind this answer.
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = length.and_then(|length| body.get(..length.parse().ok()?)).unwrap_or(body);
        // What is not even HTTP is answered by the protocol itself. A HEAD announces a body and has none: what follows, if its
        // connection stayed open, is the answer to whatever came behind it.
        let is_head = bytes.starts_with(b"HEAD ");
        if is_head || body.is_empty() && (400..500).contains(&status) {
            closed += 1;
            continue;
        }
        // Where a browser asks for one, a page says the same.
        if !(asked.contains("Accept: text/html") && body.starts_with("<!doctype html>")) {
            judged(status, body, &asked);
        }
        spoken += 1;
    }
    println!("seed 13: {spoken} requests were answered, {closed} got no more than a closed door");
    assert!(spoken > closed / 4, "{spoken} spoken, {closed} closed");
    let after = running.memory_bytes().expect("the same process runs");
    assert!(after < before + MEMORY_BYTES_MAX, "{before} bytes before, {after} after");
    assert_eq!(running.ask("GET", "/livez", &[], "").0, 200);
    running.stop();
    appliance.run(&["verify"]).expect(0);
}
