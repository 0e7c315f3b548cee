//! Evidence packages: complete or absent, the same bytes each time, and provable by a stranger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Appliance, python};

const LINES: &str = concat!(
    r##"{"source":"desk","room":"#fx","sender":"Ada","time":"2024-03-04T09:15:00Z","id":"1","text":"=SUM(A1) and \"quotes\",\ncommas"}"##,
    "\n",
    r##"{"source":"desk","room":"#fx","sender":"Bo","time":"2024-03-04T09:16:00Z","id":"2","text":"second"}"##,
    "\n",
    r##"{"source":"desk","room":"#rates","sender":"Bo","time":"2024-03-04T09:17:00Z","id":"3","text":"third"}"##,
    "\n",
);

fn filled() -> Appliance {
    let appliance = Appliance::create();
    appliance.import(&appliance.file("chat.jsonl", LINES), &[], 0);
    appliance
}

fn export(appliance: &Appliance, name: &str, more: &[&str]) -> (PathBuf, serde_json::Value) {
    let out = appliance.path(name);
    let arguments = [
        &["export", "--format", "csv", "--format", "bundle", "--out", out.to_str().unwrap()],
        more,
    ];
    let report = appliance.json(&arguments.concat());
    (out, report)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name =
                    entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_same_set_gives_the_same_bytes() {
    let appliance = filled();
    let (one, report) = export(&appliance, "one", &["--query", "kind:message"]);
    assert_eq!(report["events"], 3, "{report:#}");
    let set = report["set"].as_str().unwrap().to_owned();
    let (two, _) = export(&appliance, "two", &["--set", &set]);
    assert_eq!(files(&one), files(&two));
}

#[test]
fn a_package_proves_itself_with_the_public_key_alone() {
    let appliance = filled();
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let (out, _) = export(&appliance, "package", &["--query", "kind:message"]);
    let stranger = Appliance::empty();
    let path = out.to_str().unwrap();
    stranger.run(&["verify", "--export", path, "--public-key", &key]).expect(0);
    let other = "muniment/00000000000000000000000000000000+00000000+AQ==";
    assert_ne!(stranger.run(&["verify", "--export", path, "--public-key", other]).code, Some(0));
}

#[test]
fn any_changed_missing_or_foreign_file_is_named() {
    let appliance = filled();
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let (out, _) = export(&appliance, "package", &["--query", "kind:message"]);
    let path = out.to_str().unwrap();
    let verify = || appliance.run(&["verify", "--export", path, "--public-key", &key]);
    let failed = |name: &str| {
        let outcome = verify().expect(1);
        assert!(
            outcome.stdout.starts_with("FAILED") || outcome.stderr.starts_with("FAILED"),
            "{outcome:#?}"
        );
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains(name.rsplit('/').next().unwrap()), "{name}: {said}");
    };
    for (name, bytes) in files(&out) {
        let file = out.join(&name);
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&file, &changed).unwrap();
        failed(&name);
        std::fs::remove_file(&file).unwrap();
        failed(&name);
        std::fs::write(&file, &bytes).unwrap();
    }
    std::fs::write(out.join("stowaway.txt"), "x").unwrap();
    failed("stowaway.txt");
    std::fs::remove_file(out.join("stowaway.txt")).unwrap();
    verify().expect(0);
}

#[test]
fn the_script_of_strangers_agrees_with_the_binary() {
    let test = "the_script_of_strangers_agrees_with_the_binary";
    let appliance = filled();
    let key = appliance.json(&["status"])["public_key"].as_str().unwrap().to_owned();
    let (out, _) = export(&appliance, "package", &["--query", "kind:message"]);
    let rows = python(test, "tests/oracles/read_csv.py", &[&out.join("csv/exact/messages.csv")]);
    let Some(rows) = rows else { return };
    assert_eq!(rows[0]["body"], "=SUM(A1) and \"quotes\",\ncommas");
    let python = std::env::var("MUNIMENT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/verify_export.py");
    let run = || {
        std::process::Command::new(&python)
            .arg(&script)
            .arg(&out)
            .arg(&key)
            .output()
            .expect("python runs")
    };
    let good = run();
    assert!(good.status.success(), "{good:?}");
    let csv = out.join("csv/exact/messages.csv");
    let mut bytes = std::fs::read(&csv).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&csv, bytes).unwrap();
    let bad = run();
    assert_eq!(bad.status.code(), Some(1), "{bad:?}");
    assert!(bad.stdout.starts_with(b"FAILED"), "{bad:?}");
}
