//! Texts that break other programs, each through import, search and export: the naughty strings, csv-spectrum and
//! `JSONTestSuite`. What comes out is judged by readers that are not ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::running::{Running, escaped};
use crate::support::{Appliance, python, samples};

/// Imports one message for each text, exports them as exact CSV and asserts that Python reads the same texts back.
///
/// Returns the archive and the number of each text in its log.
fn come_back(test: &str, texts: &[String]) -> Option<(Appliance, Vec<u64>)> {
    let line = |(number, text): (usize, &String)| {
        json!({"source": "torture", "room": "cells", "sender": "list", "time": "2024-01-01T00:00:00Z",
               "id": number.to_string(), "text": text})
        .to_string()
    };
    let lines: Vec<_> = texts.iter().enumerate().map(line).collect();
    let appliance = Appliance::create();
    let report = appliance.import(&appliance.file("texts.jsonl", lines.join("\n")), &[], 0);
    assert_eq!(report["accepted"], texts.len(), "{report:#}");
    let rows = exact_rows(test, &appliance, "source:torture kind:message")?;
    let bodies: Vec<_> = rows.iter().map(|row| row["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, texts.iter().map(String::as_str).collect::<Vec<_>>());
    let seq = |row: &Value| row["seq"].as_str().unwrap().parse().unwrap();
    Some((appliance, rows.iter().map(seq).collect()))
}

/// Exports what a query finds and returns the rows of the exact CSV as Python's own reader sees them.
fn exact_rows(test: &str, appliance: &Appliance, query: &str) -> Option<Vec<Value>> {
    let out = appliance.path("package");
    let out_text = out.to_str().unwrap();
    appliance.run(&["export", "--query", query, "--format", "csv", "--out", out_text]).expect(0);
    let rows = python(test, "tests/oracles/read_csv.py", &[&out.join("csv/exact/messages.csv")])?;
    rows.as_array().cloned()
}

/// Asks a server for the hits of a query; the status is 200 or that of a refusal.
fn hits(running: &Running, bearer: &str, query: &str) -> (u16, Value) {
    let target = format!("/api/v1/search?limit=1000&q={}", escaped(query));
    let (status, _, body) = running.ask("GET", &target, &[bearer], "");
    (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {query}: {body}")))
}

fn has_seq(page: &Value, seq: u64) -> bool {
    page["hits"].as_array().unwrap().iter().any(|hit| hit["seq"] == seq)
}

#[test]
fn every_naughty_string_comes_back_byte_for_byte_and_is_found_again() {
    let test = "every_naughty_string_comes_back_byte_for_byte_and_is_found_again";
    let Some(data) = samples(test) else { return };
    let list = std::fs::read_to_string(data.join("torture/blns/blns.json")).unwrap();
    let strings: Vec<String> = serde_json::from_str(&list).unwrap();
    let Some((appliance, seqs)) = come_back(test, &strings) else { return };
    let token = appliance.json(&["token", "issue", "--name", "reader", "--scope", "read"]);
    let bearer = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let running = Running::start(&appliance);
    let (mut by_words, mut by_seq) = (0, 0);
    for (seq, text) in seqs.into_iter().zip(&strings) {
        let phrase = format!("\"{}\"", text.replace('"', "\"\""));
        let (status, page) = hits(&running, &bearer, &phrase);
        if status == 200 {
            assert!(has_seq(&page, seq), "{text:?} at {seq} is not found by {phrase}: {page:#}");
            by_words += 1;
            continue;
        }
        assert_eq!(status, 400, "{text:?}: {page:#}");
        assert!(!text.chars().any(char::is_alphanumeric), "{text:?} has words: {page:#}");
        let (_, page) = hits(&running, &bearer, &format!("seq:{seq}"));
        assert_eq!(page["hits"][0]["text"], *text, "{page:#}");
        by_seq += 1;
    }
    println!("{by_words} strings were found by their words, {by_seq} without any by their number");
    assert!(by_words > strings.len() / 2);
    running.stop();
}

#[test]
fn every_cell_and_every_whole_file_of_csv_spectrum_comes_back_byte_for_byte() {
    let test = "every_cell_and_every_whole_file_of_csv_spectrum_comes_back_byte_for_byte";
    let Some(data) = samples(test) else { return };
    let folder = data.join("torture/csv-spectrum");
    let mut texts = Vec::new();
    for path in files_of(&folder.join("json")) {
        let rows: Vec<BTreeMap<String, String>> =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        texts.extend(rows.into_iter().flatten().flat_map(|(name, cell)| [name, cell]));
    }
    for path in files_of(&folder.join("csvs")) {
        texts.push(std::fs::read_to_string(path).unwrap());
    }
    assert!(texts.len() > 100, "only {} cells", texts.len());
    let Some((appliance, seqs)) = come_back(test, &texts) else { return };
    let page = appliance.json(&["search", "\"Once upon a time\"", "--limit", "100"]);
    let found = texts.iter().filter(|text| text.contains("Once upon")).count();
    assert_eq!(page["count"], found, "a cell with a line break is found as a phrase: {page:#}");
    for (seq, _) in seqs.iter().zip(&texts).filter(|(_, text)| text.contains("Once upon")) {
        assert!(has_seq(&page, *seq), "{seq} is missing: {page:#}");
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// One document of `JSONTestSuite`: its name, and its bytes with line feeds as carriage returns. Both are space outside of a
/// string and forbidden within one, so the verdict stays, and the document fits into one line.
fn documents(data: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut bytes = std::fs::read(path).unwrap();
        bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'\r');
        (name, bytes)
    };
    let folder = data.join("torture/JSONTestSuite/test_parsing");
    let documents: Vec<_> = files_of(&folder).into_iter().map(read).collect();
    assert!(documents.len() > 300);
    documents
}

/// A message that carries a document as its raw record.
fn carrying(name: &str, document: &[u8]) -> Vec<u8> {
    let before = format!(
        r#"{{"source":"suite","room":"json","sender":"suite","time":"2024-01-01T00:00:00Z","id":"{name}","text":"{name}","raw":"#
    );
    [before.as_bytes(), document, b"}"].concat()
}

#[test]
fn every_document_of_the_json_suite_is_accepted_or_quarantined_as_the_rules_of_json_say() {
    let test =
        "every_document_of_the_json_suite_is_accepted_or_quarantined_as_the_rules_of_json_say";
    let Some(data) = samples(test) else { return };
    let documents = documents(&data);
    let lines: Vec<_> = documents.iter().map(|(name, bytes)| carrying(name, bytes)).collect();
    let appliance = Appliance::create();
    let report = appliance.import(&appliance.file("suite.jsonl", lines.join(&b'\n')), &[], 3);
    assert_eq!(report["read"], documents.len(), "{report:#}");
    let Some(rows) = exact_rows(test, &appliance, "source:suite kind:message") else { return };
    let accepted: Vec<_> = rows.iter().map(|row| row["body"].as_str().unwrap()).collect();
    let wrong: Vec<_> = documents
        .iter()
        .filter(|(name, _)| match name.as_bytes()[0] {
            b'y' => !accepted.contains(&name.as_str()),
            b'n' => accepted.contains(&name.as_str()),
            _ => false,
        })
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let quarantined = report["quarantined"].as_u64().unwrap();
    assert_eq!(quarantined, u64::try_from(documents.len() - accepted.len()).unwrap());
    let listed = appliance.run(&["--json", "quarantine", "list"]).expect(0).stdout;
    assert_eq!(u64::try_from(listed.lines().count()).unwrap(), quarantined, "each once");
    for name in accepted.iter().take(3) {
        let page = appliance.json(&["search", &format!("\"{name}\"")]);
        assert_eq!(page["hits"][0]["text"], **name, "{page:#}");
    }
    appliance.run(&["verify"]).expect(0);
}

#[test]
fn documents_of_the_json_suite_that_are_no_chat_are_kept_raw_and_stop_nothing() {
    let test = "documents_of_the_json_suite_that_are_no_chat_are_kept_raw_and_stop_nothing";
    let Some(data) = samples(test) else { return };
    let documents = documents(&data);
    let appliance = Appliance::create();
    let lines: Vec<_> = documents.iter().map(|(_, bytes)| bytes.clone()).collect();
    let path = appliance.file("bare.jsonl", lines.join(&b'\n'));
    let report = appliance.import(&path, &["--format", "jsonl"], 3);
    assert_eq!(report["accepted"], 0, "{report:#}");
    let given = lines.iter().filter(|line| !line.trim_ascii().is_empty()).count();
    assert_eq!(report["read"], given, "{report:#}");
    let again = appliance.import(&path, &["--format", "jsonl"], 3);
    assert_eq!((&again["accepted"], &again["read"]), (&json!(0), &json!(given)), "{again:#}");
    appliance.run(&["verify"]).expect(0);
}

#[test]
fn strings_that_json_escapes_come_back_as_python_reads_them() {
    let test = "strings_that_json_escapes_come_back_as_python_reads_them";
    let Some(data) = samples(test) else { return };
    let folder = data.join("torture/JSONTestSuite/test_parsing");
    let Some(told) = python(test, "tests/oracles/json_strings.py", &[&folder]) else { return };
    let told = told.as_object().unwrap();
    assert!(told.len() > 30, "only {} strings", told.len());
    let line = |name: &String| {
        let document = std::fs::read_to_string(folder.join(name)).unwrap();
        let literal = document.trim().trim_start_matches('[').trim_end_matches(']').trim();
        format!(
            r#"{{"source":"suite","room":"json","sender":"suite","time":"2024-01-01T00:00:00Z","id":"{name}","text":{literal}}}"#
        )
    };
    let lines: Vec<_> = told.keys().map(line).collect();
    let appliance = Appliance::create();
    let report = appliance.import(&appliance.file("strings.jsonl", lines.join("\n")), &[], 0);
    assert_eq!(report["accepted"], told.len(), "{report:#}");
    let Some(rows) = exact_rows(test, &appliance, "source:suite") else { return };
    let bodies: Vec<_> = rows.iter().map(|row| row["body"].clone()).collect();
    assert_eq!(bodies, told.values().cloned().collect::<Vec<_>>());
}
