//! The package read by another program: `docs/verify_export.py` and Python's own reader of CSV.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chat::testing::SeededRng;

use crate::tests::damage::Package;
use crate::tests::log::Log;
use crate::tests::sample::{files, log, post, put, write};

/// Returns the Python to use for `docs/verify_export.py`.
pub(crate) fn python(test: &str) -> Option<String> {
    python_with(test, "zstandard, cryptography")
}

/// Returns whether `docs/verify_export.py` finds nothing wrong; it must say so or the opposite.
pub(crate) fn accepts(python: &str, package: &Package) -> bool {
    let output = run(python, &package.path(), &package.log.verifier_key().to_string());
    let accepted = output.status.success() && output.stdout.starts_with(b"OK\n");
    assert!(accepted || refused(&output), "{output:?}");
    accepted
}

/// Returns the Python to use if it has these modules: `MUNIMENT_PYTHON`, else `python3`.
fn python_with(test: &str, modules: &str) -> Option<String> {
    let python = std::env::var("MUNIMENT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    let has = found.is_ok_and(|output| output.status.success());
    if !has {
        println!("skipped: {test}: no python3 with {modules}");
    }
    has.then_some(python)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn run(python: &str, package: &Path, key: &str) -> Output {
    let script = root().join("docs/verify_export.py");
    Command::new(python).arg(script).arg(package).arg(key).output().unwrap()
}

fn refused(output: &Output) -> bool {
    output.status.code() == Some(1) && output.stdout.starts_with(b"FAILED\n")
}

#[test]
fn another_program_finds_the_same_package_whole() {
    let name = "another_program_finds_the_same_package_whole";
    let Some(python) = python(name) else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let mut with_context = log.selection([2, 6]);
    with_context.related = [1, 3, 5, 7].map(|seq| chat::Seq::new(seq).unwrap()).to_vec();
    with_context.hits = Some(vec![chat::Seq::new(6).unwrap()]);
    let sets = [
        log.whole(),
        crate::ExportSet::freeze(with_context).unwrap(),
        crate::ExportSet::freeze(log.selection([])).unwrap(),
    ];
    for (at, set) in sets.iter().enumerate() {
        for ending in ["", ".zip"] {
            let out = folder.path().join(format!("p{at}{ending}"));
            write(set, &log, &out).unwrap();
            let output = run(&python, &out, &log.verifier_key().to_string());
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.starts_with("OK\n"), "{text}");
        }
    }
}

#[test]
fn another_program_finds_damage_and_names_the_row() {
    let name = "another_program_finds_damage_and_names_the_row";
    let Some(python) = python(name) else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let (out, key) = (folder.path().join("p"), log.verifier_key().to_string());
    write(&log.whole(), &log, &out).unwrap();
    let rng = SeededRng::new(7);
    for (name, bytes) in files(&out) {
        let full = out.join(&name);
        for _ in 0..3 {
            let at = usize::try_from(rng.below(u64::try_from(bytes.len()).unwrap())).unwrap();
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            put(&full, &changed);
            assert!(refused(&run(&python, &out, &key)), "{name}, byte {at}");
        }
        put(&full, &bytes);
    }
    let table = out.join("csv/exact/messages.csv");
    let text = String::from_utf8(std::fs::read(&table).unwrap()).unwrap();
    put(&table, text.replace("second words", "second wordS").as_bytes());
    let output = run(&python, &out, &key);
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(
        refused(&output) && words.contains("csv/exact/messages.csv row 4 (event 3)"),
        "{words}"
    );
}

/// Returns the texts of the lists that were made to break programs, or nothing where they are not at hand.
fn naughty(test: &str) -> Option<Vec<String>> {
    let shared = std::env::var_os("MUNIMENT_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| root().parent().unwrap().join("shared"));
    let torture = shared.join("data/torture");
    let Ok(blns) = std::fs::read(torture.join("blns/blns.json")) else {
        println!("skipped: {test}: no shared samples");
        return None;
    };
    let mut texts: Vec<String> = serde_json::from_slice(&blns).unwrap();
    let mut spectrum: Vec<_> = std::fs::read_dir(torture.join("csv-spectrum/csvs"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    spectrum.sort();
    texts.append(&mut spectrum);
    texts.extend(
        ["a\0b", "lone\rreturn", "\r", "\n", "\r\n", "\"", "\"\"", ",", "\u{feff}x", "'"]
            .map(str::to_owned),
    );
    Some(texts)
}

#[test]
fn pythons_reader_of_csv_finds_every_naughty_text_as_it_was_said() {
    let name = "pythons_reader_of_csv_finds_every_naughty_text_as_it_was_said";
    let Some(python) = python_with(name, "csv") else { return };
    let Some(texts) = naughty(name) else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = Log::of((1..).zip(&texts).map(|(n, text)| post(n, text)).collect());
    let out = folder.path().join("p");
    write(&log.whole(), &log, &out).unwrap();
    let script = "import csv, json, sys\n\
        csv.field_size_limit(1 << 30)\n\
        rows = list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8')))\n\
        assert all(None not in row and None not in row.values() for row in rows)\n\
        json.dump([row['body'] for row in rows], sys.stdout)";
    let table = out.join("csv/exact/messages.csv");
    let output = Command::new(&python).args(["-c", script]).arg(table).output().unwrap();
    let found: Vec<String> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(found, texts);
}

#[test]
fn another_program_finds_naughty_packages_whole() {
    let name = "another_program_finds_naughty_packages_whole";
    let Some(python) = python(name) else { return };
    let Some(texts) = naughty(name) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut events: Vec<_> = (1..).zip(&texts).map(|(n, text)| post(n, text)).collect();
    for (event, text) in events.iter_mut().zip(&texts) {
        event.content.title = Some(text.clone());
        event.actor.as_mut().unwrap().name.clone_from(text);
        event.place.as_mut().unwrap().name.clone_from(text);
    }
    events.push(post(9_999, &"🙂 long".repeat(20_000)));
    let log = Log::of(events);
    let out = folder.path().join("p.zip");
    write(&log.whole(), &log, &out).unwrap();
    let output = run(&python, &out, &log.verifier_key().to_string());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
