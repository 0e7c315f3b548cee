//! Every kind of damage is found, and named: by a thief who has no key, and by one who can sign anew but not change the log.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use archive::proof::SigningKey;
use chat::Seq;

use crate::format::hex;
use crate::format::manifest::{self, FilePart, Manifest};
use crate::tests::log::{ARCHIVE, Log};
use crate::tests::sample::{event, files, log, post, put, write};
use crate::{Error, Evidence as _, ExportReport, ExportSet, FindingKind, verify};

/// A package in a folder that goes away with it, and the log it came from.
pub(crate) struct Package {
    folder: tempfile::TempDir,
    pub(crate) log: Log,
}

impl Package {
    pub(crate) fn of(log: Log) -> Self {
        Self::of_set(log, Log::whole)
    }

    pub(crate) fn of_set(log: Log, set: impl Fn(&Log) -> ExportSet) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(&set(&log), &log, &folder.path().join("p")).unwrap();
        Self { folder, log }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("p")
    }

    pub(crate) fn check(&self) -> ExportReport {
        verify(&self.path(), &self.log.verifier_key()).unwrap()
    }

    pub(crate) fn edit(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let full = self.path().join(path);
        let mut bytes = std::fs::read(&full).unwrap();
        change(&mut bytes);
        put(&full, &bytes);
    }

    /// Changes the lines of a compressed file.
    pub(crate) fn edit_lines(&self, path: &str, change: impl FnOnce(&mut Vec<String>)) {
        self.edit(path, |bytes| {
            let text = String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap();
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            change(&mut lines);
            let text = lines.iter().flat_map(|line| [line.as_str(), "\n"]);
            *bytes = zstd::encode_all(text.collect::<String>().as_bytes(), 3).unwrap();
        });
    }

    /// Lists the files anew and signs: what one could do who had the archive's key, but not its log.
    pub(crate) fn reseal(&self, change: impl FnOnce(&mut Manifest)) {
        use sha2::Digest as _;
        let sha256 = |bytes: &[u8]| hex::write(&sha2::Sha256::digest(bytes));
        let own = [manifest::MANIFEST, manifest::SIGNATURE, manifest::SUMS];
        let mut found = files(&self.path());
        let bytes = found.remove(manifest::MANIFEST).unwrap();
        let mut manifest: Manifest = serde_json::from_slice(&bytes).unwrap();
        found.retain(|path, _| !own.contains(&path.as_str()));
        let part = |(path, bytes): (&String, &Vec<u8>)| FilePart {
            path: path.clone(),
            bytes: u64::try_from(bytes.len()).unwrap(),
            sha256: sha256(bytes),
        };
        manifest.files = found.iter().map(part).collect();
        change(&mut manifest);
        let bytes = manifest.to_bytes();
        let note = self.log.sign(&Manifest::note_text(&sha256(&bytes))).unwrap();
        let sums = manifest.sums(&sha256(&bytes), &sha256(note.as_bytes()));
        put(&self.path().join(manifest::MANIFEST), &bytes);
        put(&self.path().join(manifest::SIGNATURE), note.as_bytes());
        put(&self.path().join(manifest::SUMS), sums.as_bytes());
    }

    /// Returns the findings of a kind, each as row and event.
    fn found(&self, kind: FindingKind) -> Vec<(Option<u64>, Option<u64>)> {
        let report = self.check();
        let of_kind = report.findings.iter().filter(|finding| finding.kind == kind);
        let found: Vec<_> = of_kind.map(|f| (f.row, f.seq.map(Seq::get))).collect();
        assert!(!report.ok && !found.is_empty(), "{:?}", report.findings);
        found
    }
}

fn small() -> Package {
    let mut upload = event(2, chat::EventKind::Upload, None, "file");
    let mut log = Log::of(Vec::new());
    let file = log.keep(b"bytes");
    upload.content.attachments = vec![crate::tests::sample::held("a.txt", file, 5)];
    let mut log = Log::of(vec![post(1, "one"), upload]);
    log.keep(b"bytes");
    Package::of(log)
}

#[test]
fn every_changed_byte_of_a_folder_is_found() {
    let package = small();
    assert_eq!(package.check().findings, []);
    let key = package.log.verifier_key();
    for (name, bytes) in files(&package.path()) {
        let full = package.path().join(&name);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            put(&full, &changed);
            assert!(!verify(&package.path(), &key).unwrap().ok, "{name}, byte {at}");
        }
        for cut in [0, bytes.len() / 2, bytes.len() - 1] {
            put(&full, &bytes[..cut]);
            assert!(!verify(&package.path(), &key).unwrap().ok, "{name} cut to {cut}");
        }
        put(&full, &bytes);
    }
    assert_eq!(package.check().findings, []);
}

/// A zip file has fields that say nothing about its files: times, versions, rights, the sizes in its local headers. A
/// change there is harmless exactly when every file still comes out the same.
#[test]
fn every_changed_byte_of_a_zip_file_is_found_or_changes_no_file() {
    let package = small();
    let (set, key) = (package.log.whole(), package.log.verifier_key());
    let out = package.folder.path().join("p.zip");
    write(&set, &package.log, &out).unwrap();
    let bytes = std::fs::read(&out).unwrap();
    let whole = members(&bytes).unwrap();
    let mut harmless = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        put(&out, &changed);
        if verify(&out, &key).unwrap().ok {
            assert!(members(&changed).as_ref() == Some(&whole), "byte {at}");
            harmless += 1;
        }
    }
    assert!(harmless < bytes.len() / 10, "{harmless} of {}", bytes.len());
}

/// Reads a zip file as another program would.
fn members(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).ok()?;
    let mut members = Vec::new();
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).ok()?;
        let mut content = Vec::new();
        member.read_to_end(&mut content).ok()?;
        members.push((member.name().ok()?.into_owned(), content));
    }
    members.sort();
    Some(members)
}

#[test]
fn a_changed_row_is_named_with_its_event() {
    for table in ["csv/exact/messages.csv", "csv/reading/messages.csv"] {
        let package = Package::of(log());
        package.edit(table, |bytes| {
            let at = bytes.windows(6).position(|window| window == b"second").unwrap();
            bytes[at] = b'S';
        });
        assert_eq!(package.found(FindingKind::Row), [(Some(4), Some(3))]);
        package.reseal(|_| {});
        assert_eq!(package.found(FindingKind::Row), [(Some(4), Some(3))], "signed anew");
    }
}

#[test]
fn a_row_left_out_added_or_moved_is_named_though_signed_anew() {
    let rows = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let mut rows: Vec<Vec<u8>> = Vec::new();
        for row in bytes.split_inclusive(|byte| *byte == b'\n') {
            // A line that does not begin with the archive's id goes on with the row before.
            if rows.is_empty() || row.starts_with(b"\"a7a7") {
                rows.push(row.to_vec());
            } else {
                rows.last_mut().unwrap().extend_from_slice(row);
            }
        }
        rows
    };
    let damaged = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let package = Package::of(log());
        package.edit("csv/exact/messages.csv", |bytes| {
            let mut all = rows(bytes);
            assert_eq!(all.len(), 12);
            change(&mut all);
            *bytes = all.concat();
        });
        package.reseal(|_| {});
        package.found(FindingKind::Row)[0]
    };
    assert_eq!(damaged(&|rows| drop(rows.remove(5))), (Some(6), Some(5)));
    assert_eq!(damaged(&|rows| drop(rows.pop())), (Some(12), Some(11)));
    assert_eq!(damaged(&|rows| rows.swap(2, 3)), (Some(3), Some(2)));
    assert_eq!(damaged(&|rows| rows.push(rows[3].clone())), (Some(13), None));
    assert_eq!(damaged(&|rows| rows.insert(4, rows[3].clone())), (Some(5), Some(4)));
}

#[test]
fn a_changed_event_is_named_though_everything_is_signed_anew() {
    let package = Package::of(log());
    package.edit_lines("events.jsonl.zst", |lines| {
        lines[2] = lines[2].replace("second", "forged");
    });
    package.reseal(|_| {});
    assert_eq!(package.found(FindingKind::Proof), [(Some(3), Some(3))]);
    assert_eq!(package.found(FindingKind::Row)[0], (Some(4), Some(3)));
}

#[test]
fn a_header_or_a_hidden_field_cannot_be_changed_either() {
    for (from, to) in [
        ("\"at\":\"2023-11-14T22:13:29", "\"at\":\"2023-11-14T22:13:28"),
        ("\"kind\":\"story\"", "\"kind\":\"alert\""),
        ("\"raw\":\"00ff0a\"", "\"raw\":\"00ff0b\""),
        ("\"revision\":0", "\"revision\":1"),
        ("\"thread\":\"t-1\",", ""),
        ("\"title\":", "\"remark\":\"\",\"title\":"),
    ] {
        let package = Package::of(log());
        package.edit_lines("events.jsonl.zst", |lines| {
            assert!(lines[8].contains(from), "{from}");
            lines[8] = lines[8].replacen(from, to, 1);
        });
        package.reseal(|_| {});
        let report = package.check();
        let named =
            report.findings.iter().any(|f| f.seq == Seq::new(9) && f.kind != FindingKind::Row);
        assert!(named, "{from}: {:?}", report.findings);
    }
}

#[test]
fn lines_that_move_vanish_or_come_twice_are_named() {
    let damaged = |change: &dyn Fn(&mut Vec<String>)| {
        let package = Package::of(log());
        package.edit_lines("events.jsonl.zst", change);
        package.edit_lines("proofs.jsonl.zst", change);
        package.reseal(|_| {});
        package.found(FindingKind::Event)[0]
    };
    assert_eq!(damaged(&|lines| lines.swap(4, 5)), (Some(5), Some(6)));
    assert_eq!(damaged(&|lines| drop(lines.remove(4))), (Some(5), Some(6)));
    assert_eq!(damaged(&|lines| drop(lines.pop())), (Some(11), Some(11)));
    assert_eq!(damaged(&|lines| lines.push(lines[4].clone())), (Some(12), Some(5)));
    assert_eq!(damaged(&|lines| lines[4].push(' ')), (Some(5), Some(5)));
    assert_eq!(damaged(&|lines| lines[4].clear()), (Some(5), Some(5)));
}

#[test]
fn proofs_that_vanish_or_serve_another_event_are_named() {
    let damaged = |change: &dyn Fn(&mut Vec<String>)| {
        let package = Package::of(log());
        package.edit_lines("proofs.jsonl.zst", change);
        package.reseal(|_| {});
        package.found(FindingKind::Proof)[0]
    };
    assert_eq!(damaged(&|lines| lines.swap(4, 5)), (Some(5), Some(5)));
    assert_eq!(damaged(&|lines| drop(lines.pop())), (Some(11), Some(11)));
    assert_eq!(damaged(&|lines| lines.push(lines[4].clone())), (Some(12), None));
    assert_eq!(damaged(&|lines| lines[4] = "{}".to_owned()), (Some(5), Some(5)));
    let withhold = |lines: &mut Vec<String>| {
        let salt = lines[1].find("\"salt\"").unwrap();
        lines[1].replace_range(salt..=salt + 6, "\"commitment\":\"");
    };
    assert_eq!(damaged(&withhold), (Some(2), Some(2)));
}

#[test]
fn a_manifest_that_claims_other_events_is_found() {
    type Claim = (&'static str, fn(&mut Manifest));
    let claims: [Claim; 6] = [
        ("fewer", |manifest| manifest.set.seqs = "1-10".to_owned()),
        ("more", |manifest| manifest.set.seqs = "1-12".to_owned()),
        ("gone", |manifest| manifest.set.unavailable = "4".to_owned()),
        ("a count", |manifest| manifest.counts.exceptions = 0),
        ("a kind", |manifest| drop(manifest.counts.by_kind.pop_first())),
        ("another size", |manifest| manifest.checkpoint.size = 12),
    ];
    for (name, claim) in claims {
        let package = Package::of(log());
        package.reseal(claim);
        assert!(!package.check().ok, "{name}");
    }
}

#[test]
fn a_package_signed_with_another_key_is_refused() {
    let package = Package::of(log());
    let other = SigningKey::of_archive(&[6; 32], ARCHIVE).verifier_key().clone();
    let report = verify(&package.path(), &other).unwrap();
    assert!(!report.ok && report.findings[0].kind == FindingKind::Signature);
    std::fs::remove_file(package.path().join(manifest::SIGNATURE)).unwrap();
    assert_eq!(package.check().findings[0].kind, FindingKind::Signature);
}

#[test]
fn a_file_that_does_not_belong_and_one_that_is_gone_are_named() {
    let package = Package::of(log());
    put(&package.path().join("note.txt"), b"hello");
    std::fs::create_dir(package.path().join("empty")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", package.path().join("attachments/000009.bin"))
        .unwrap();
    std::fs::remove_file(package.path().join("attachments/000001.pdf")).unwrap();
    let report = package.check();
    let found: Vec<_> = report.findings.iter().map(|f| (f.kind, f.file.as_str())).collect();
    for expected in [
        (FindingKind::FileForeign, "note.txt"),
        (FindingKind::FileForeign, "empty/"),
        (FindingKind::FileForeign, "attachments/000009.bin"),
        (FindingKind::FileMissing, "attachments/000001.pdf"),
    ] {
        assert!(found.contains(&expected), "{found:?}");
    }
}

#[test]
fn a_file_that_no_event_names_is_found_though_signed_anew() {
    let package = Package::of(log());
    put(&package.path().join("attachments/000002.bin"), b"planted");
    package.reseal(|_| {});
    assert_eq!(package.check().findings[0].file, "attachments/000002.bin");
    let package = Package::of(log());
    put(&package.path().join("attachments/000001.pdf"), b"other bytes");
    package.reseal(|_| {});
    assert_eq!(package.check().findings[0].file, "attachments/000001.pdf");
}

#[test]
fn a_zip_file_with_tricks_is_refused_by_name() {
    let package = Package::of(log());
    let tricks: [(&str, &[u8]); 4] =
        [("../../outside", b"x"), ("/etc/passwd", b"x"), ("a\\b", b"x"), ("more.txt", b"x")];
    for (name, content) in tricks {
        let out = package.folder.path().join("trick.zip");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&out).unwrap());
        let options =
            zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
        for (path, bytes) in files(&package.path()) {
            zip.start_file(path, options).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
        zip.finish().unwrap();
        let report = verify(&out, &package.log.verifier_key()).unwrap();
        let found = report.findings.iter().any(|finding| finding.kind == FindingKind::FileForeign);
        assert!(found && report.findings.len() == 1, "{name}: {:?}", report.findings);
    }
}

#[test]
fn bytes_that_belong_to_no_file_of_a_zip_are_found() {
    let package = Package::of(log());
    let out = package.folder.path().join("q.zip");
    write(&package.log.whole(), &package.log, &out).unwrap();
    let bytes = std::fs::read(&out).unwrap();
    for changed in
        [[b"#!/bin/sh\n", bytes.as_slice()].concat(), [bytes.as_slice(), b"more"].concat()]
    {
        put(&out, &changed);
        assert!(!verify(&out, &package.log.verifier_key()).unwrap().ok);
    }
}

#[test]
fn hostile_packages_end_in_findings() {
    let package = Package::of(log());
    let bomb = zstd::encode_all(std::io::repeat(b'x').take(300 << 20), 1).unwrap();
    package.edit("events.jsonl.zst", |bytes| *bytes = bomb);
    assert!(package.found(FindingKind::Event).len() == 1, "a line without an end");
    package.reseal(|_| {});
    assert!(package.found(FindingKind::Event).len() == 1, "though signed");
    let lists = ["1-9223372036854775807", "5-4", "x", "12"];
    for list in lists {
        let package = Package::of(log());
        package.reseal(|manifest| manifest.set.unavailable = list.to_owned());
        assert!(!package.check().ok, "{list}");
    }
    let package = Package::of(log());
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    package.edit("manifest.json", |bytes| *bytes = deep.clone().into_bytes());
    assert!(!package.check().ok);
    let package = Package::of(log());
    package.edit_lines("events.jsonl.zst", |lines| lines[0] = deep);
    assert!(!package.check().ok);
}

#[test]
fn what_is_no_package_is_a_finding_or_an_error_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let key = Log::of(Vec::new()).verifier_key();
    let refused = |path: &Path| matches!(verify(path, &key), Err(Error::NotAPackage { .. }));
    assert!(refused(folder.path()), "an empty folder");
    let file = folder.path().join("x.zip");
    for bytes in [&b""[..], b"not a zip file"] {
        put(&file, bytes);
        assert!(refused(&file));
    }
    put(&file, b"PK\x05\x06");
    assert!(!verify(&file, &key).unwrap().ok, "a zip file that was cut off");
    assert!(verify(Path::new("/nonexistent/package"), &key).is_err());
}

#[test]
fn a_set_of_another_archive_does_not_fit_this_one() {
    let log = log();
    let mut selection = log.selection([1]);
    selection.archive = chat::ArchiveId::from_bytes([1; 16]);
    let folder = tempfile::tempdir().unwrap();
    let refused =
        ExportSet::freeze(selection).and_then(|set| write(&set, &log, &folder.path().join("p")));
    assert!(refused.is_err());
}
