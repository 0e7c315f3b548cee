//! An outside witness: it cosigns a log that only grows, and nothing else.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::running::Running;
use crate::support::Appliance;

/// A witness that serves, ended with the test.
struct Witness {
    child: Child,
    address: String,
}

impl Witness {
    fn start(appliance: &Appliance, folder: &str, listen: &str) -> Self {
        let mut command = appliance.command();
        command.args(["witness", "serve", "--folder", folder, "--listen", listen]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        let address = loop {
            text.clear();
            assert!(
                said.read_line(&mut text).unwrap() > 0,
                "the witness ended before it was ready"
            );
            if let Some((_, rest)) = text.split_once("ready on http://") {
                break rest.trim().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn line(id: usize) -> String {
    format!(
        r##"{{"source":"feed","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"{id}","text":"words {id}"}}"##
    )
}

fn import(appliance: &Appliance, ids: std::ops::Range<usize>) {
    let lines: Vec<_> = ids.map(line).collect();
    appliance.import(&appliance.file("more.jsonl", lines.join("\n")), &[], 0);
    appliance.json(&["checkpoint"]);
}

/// Looks at the status until what the archive says of its witness is as it should be.
fn until(appliance: &Appliance, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let witness = appliance.json(&["status"])["witnesses"][0].clone();
        if is_so(&witness) {
            return witness;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "{witness:#}");
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_witness_cosigns_a_log_that_grows_and_refuses_one_that_was_rolled_back_or_forked() {
    let appliance = Appliance::create();
    let folder = appliance.path("witness");
    let folder = folder.to_str().unwrap();
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let made = appliance.json(&[
        "witness",
        "init",
        "--folder",
        folder,
        "--name",
        "witness.example/w1",
        "--log",
        &key,
    ]);
    let witness_key = made["public_key"].as_str().unwrap().to_owned();
    let witness = Witness::start(&appliance, folder, "127.0.0.1:0");
    let address = witness.address.clone();
    appliance.settle_configuration(&format!(
        "[witnesses]\ntrusted = [\"http://{address} {witness_key}\"]\nseconds = 1\n"
    ));

    let running = Running::start(&appliance);
    import(&appliance, 0..50);
    let first = until(&appliance, |witness| witness["size"].as_u64() >= Some(50));
    running.stop();
    drop(witness);
    let out = appliance.path("package");
    let out = out.to_str().unwrap();
    appliance.json(&["export", "--query", "words", "--format", "csv", "--out", out]);
    let proof = ["verify", "--export", out, "--public-key", &key, "--witness", &witness_key];
    let said = appliance.run(&proof).expect(0).stdout;
    assert!(said.contains("witness.example/w1 ") || said.contains("witness.example/w1:"), "{said}");
    let said = appliance.run(&["verify"]).expect(0).stdout;
    assert!(said.contains("outside witness witness.example/w1: the log of"), "{said}");
    let old = appliance.path("old");
    copy(&appliance.data(), &old);

    // The witness remembers across a restart of its own.
    let witness = Witness::start(&appliance, folder, &address);
    let running = Running::start(&appliance);
    import(&appliance, 50..150);
    let grown = until(&appliance, |witness| witness["size"].as_u64() >= Some(150));
    assert!(grown["size"].as_u64() > first["size"].as_u64(), "{grown:#}");
    running.stop();
    let seen = appliance.json(&["witness", "status", "--folder", folder]);
    assert_eq!(seen["logs"][0]["size"], grown["size"], "{seen:#}");

    std::fs::remove_dir_all(appliance.data()).unwrap();
    copy(&old, &appliance.data());
    let running = Running::start(&appliance);
    let fault = |word: &'static str| {
        move |witness: &Value| witness["fault"].as_str().is_some_and(|fault| fault.contains(word))
    };
    until(&appliance, fault("rolled back"));
    import(&appliance, 1_000..1_300);
    until(&appliance, fault("forked"));
    running.stop();
    drop(witness);
}

#[test]
fn a_witness_asked_by_hand_takes_a_log_it_knows_and_says_what_it_does_not_take() {
    let appliance = Appliance::create();
    let folder = appliance.path("witness");
    let folder = folder.to_str().unwrap();
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let note = appliance.json(&["checkpoint"])["note"].as_str().unwrap().to_owned();
    appliance.json(&["witness", "init", "--folder", folder, "--name", "w1"]);
    let ask = |text: &str| {
        let path = appliance.file("request", text);
        appliance.run(&["witness", "cosign", "--folder", folder, path.to_str().unwrap()])
    };
    let request = format!("old 0\n\n{note}");
    assert!(ask(&request).expect(1).stderr.contains("no such log"), "an unknown log");
    appliance.json(&["witness", "trust", "--folder", folder, "--log", &key]);
    ask("old zero\n\nx").expect(65);
    assert!(ask(&request.replace("\n\n", "\n\nx",)).code != Some(0), "another note");
    let line = ask(&request).expect(0).stdout;
    assert!(line.starts_with("\u{2014} w1 "), "{line}");
    let again = ask(&request).expect(1);
    assert!(again.stderr.contains("has seen"), "from 0 it is another size: {again:#?}");
    assert_ne!(
        appliance.run(&["witness", "init", "--folder", folder, "--name", "w2"]).code,
        Some(0)
    );
}
