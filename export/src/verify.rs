//! Checks a package with nothing but the package and the public key. Nothing in it is trusted before it is checked.
//!
//! From the outside in: the signature of the manifest, the list of files and their hashes, the checkpoint, every event
//! with its proof, and every table made again from the events and compared byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use archive::proof::{Checkpoint, Digest, VerifierKey};
use chat::{EventKind, Recorded};
use sha2::{Digest as _, Sha256};

use crate::accounted::Accounted;
use crate::compare::Compare;
use crate::container::Container;
use crate::error::Result;
use crate::format::gather::Gathered;
use crate::format::hex;
use crate::format::manifest::{self, Facts, FilePart, Manifest};
use crate::format::tables::{self, CsvSinks, Sinks, Tables};
use crate::package::{CHECKPOINT, EVENTS, Format, PROOFS, RELATED, RELATED_PROOFS};
use crate::position::hash;
use crate::report::{ExportReport, Finding, FindingKind};
use crate::streams::{Events, Streams, open_events};
use crate::withhold::WithheldCounts;

/// Bytes of a note.
const NOTE_BYTES_MAX: u64 = 1 << 20;

/// Checks the package at a path, a folder or a zip file, against a public key that the caller has from elsewhere.
///
/// What does not hold is a finding, and never an error: an error is a path that cannot be read at all, or holds nothing of a
/// package. Memory stays small
/// whatever the package holds; the time is bounded by its bytes.
pub fn verify(path: &Path, key: &VerifierKey) -> Result<ExportReport> {
    let mut report = ExportReport::default();
    let container = Container::open(path, &mut report)?;
    let mut check = Check { container: &container, key, report };
    check.run();
    let mut report = check.report;
    conclude(&mut report, key);
    Ok(report)
}

/// Checks the outside of a package: its container, the signed manifest, the list of files and the hash of every one of
/// them, the checkpoint and the lists of numbers. Returns the first thing that does not hold.
///
/// It says that the bytes on the disk are those that were signed. That these are right is for whoever signed them to have
/// checked before.
pub(crate) fn outside(path: &Path, key: &VerifierKey) -> Result<Option<Finding>> {
    let mut report = ExportReport::default();
    let container = Container::open(path, &mut report)?;
    let mut check = Check { container: &container, key, report };
    check.outside();
    Ok(check.report.findings.into_iter().next())
}

/// Is given every row's event and the SHA-256 of its line.
pub(crate) type EachRow<'a> = &'a mut dyn FnMut(&Recorded, &Digest);

/// A check of a package, or of what there is of one that is being made.
pub(crate) struct Check<'a> {
    pub(crate) container: &'a Container,
    pub(crate) key: &'a VerifierKey,
    pub(crate) report: ExportReport,
}

impl Check<'_> {
    fn run(&mut self) {
        let Some((manifest, checkpoint, facts)) = self.outside() else { return };
        let gathered = self.events(&facts, &manifest, &checkpoint, None);
        self.attachments(&manifest.files, &gathered);
        self.counts(&manifest, &facts, &gathered);
        self.tables(&manifest, &facts, gathered);
    }

    /// Checks everything that does not need an event to be read; nothing comes back where events cannot be read along it.
    fn outside(&mut self) -> Option<(Manifest, Checkpoint, Facts)> {
        let manifest = self.manifest()?;
        self.files(&manifest);
        let checkpoint = self.checkpoint(&manifest)?;
        let facts = match manifest.facts() {
            Ok(facts) => facts,
            Err(fault) => {
                self.report.find(FindingKind::Manifest, manifest::MANIFEST, fault);
                return None;
            }
        };
        let listed = self.lists(&facts, &manifest, checkpoint.size);
        listed.then_some((manifest, checkpoint, facts))
    }

    /// Reads the manifest and checks its signature. A manifest that is not signed is read on, so that the report can say
    /// what else differs.
    fn manifest(&mut self) -> Option<Manifest> {
        let name = manifest::MANIFEST;
        let bytes = match self.container.bytes(name, chat::limits::DOCUMENT_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.report.find(FindingKind::FileMissing, name, error.to_string());
                return None;
            }
        };
        let sha256 = hex::write(&Sha256::digest(&bytes));
        self.signature(&sha256);
        let manifest = match serde_json::from_slice::<Manifest>(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                self.report.find(FindingKind::Manifest, name, format!("malformed: {error}"));
                return None;
            }
        };
        self.report.set.clone_from(&manifest.set.id);
        if manifest.format != manifest::FORMAT {
            let what = format!("format {:?}, {:?} expected", manifest.format, manifest::FORMAT);
            self.report.find(FindingKind::Manifest, name, what);
            return None;
        }
        if manifest.public_key != self.key.to_string() {
            let what = "it names another public key than the one given";
            self.report.find(FindingKind::Signature, name, what);
        }
        self.sums(&manifest, &sha256);
        Some(manifest)
    }

    fn signature(&mut self, manifest_sha256: &str) {
        let name = manifest::SIGNATURE;
        let note = self.container.bytes(name, NOTE_BYTES_MAX).map(String::from_utf8);
        let what = match note {
            Ok(Ok(note)) => match self.key.open_text(&note) {
                // Title, hash, an empty line and one signature: no room for anything else.
                Ok(_) if note.matches('\n').count() != 4 => {
                    "it holds more than one signature".to_owned()
                }
                Ok(text) if text == Manifest::note_text(manifest_sha256) => return,
                Ok(_) => "it signs another manifest than the one that is here".to_owned(),
                Err(refusal) => format!("not signed with the key given ({refusal})"),
            },
            Ok(Err(_)) => "it is no text".to_owned(),
            Err(error) => format!("the manifest is not signed ({error})"),
        };
        self.report.find(FindingKind::Signature, name, what);
    }

    fn sums(&mut self, manifest: &Manifest, manifest_sha256: &str) {
        let signature =
            self.container.bytes(manifest::SIGNATURE, NOTE_BYTES_MAX).unwrap_or_default();
        let expected = manifest.sums(manifest_sha256, &hex::write(&Sha256::digest(signature)));
        let limit = u64::try_from(expected.len()).unwrap_or(u64::MAX);
        match self.container.bytes(manifest::SUMS, limit) {
            Ok(found) if found == expected.as_bytes() => {}
            Ok(_) | Err(_) => {
                let what = "it is not the list of hashes that the manifest gives";
                self.report.find(FindingKind::FileChanged, manifest::SUMS, what);
            }
        }
    }

    /// Compares the files that are there with those that the manifest names.
    fn files(&mut self, manifest: &Manifest) {
        let own = [manifest::MANIFEST, manifest::SIGNATURE, manifest::SUMS];
        let named: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        for path in self.container.files().keys() {
            if !named.contains(path.as_str()) && !own.contains(&path.as_str()) {
                self.report.find(FindingKind::FileForeign, path, "the manifest does not name it");
            }
        }
        for file in &manifest.files {
            let Some(member) = self.container.files().get(&file.path) else {
                self.report.find(FindingKind::FileMissing, &file.path, "the manifest names it");
                continue;
            };
            let limit = file.bytes.saturating_add(1);
            let found = self.container.stream(&file.path, limit).and_then(hash);
            let what = match found {
                Ok(found) if found.bytes != file.bytes => {
                    format!("it has {} bytes, {} were signed", member.bytes, file.bytes)
                }
                Ok(found) if found.sha256 != file.sha256 => {
                    "its bytes are not those that were signed".to_owned()
                }
                Ok(found) if !member.states(found.bytes, found.crc) => {
                    "the zip file states another size or check sum for it".to_owned()
                }
                Ok(_) => {
                    self.report.files += 1;
                    continue;
                }
                Err(error) => format!("it cannot be read: {error}"),
            };
            self.report.find(FindingKind::FileChanged, &file.path, what);
        }
    }

    fn checkpoint(&mut self, manifest: &Manifest) -> Option<Checkpoint> {
        let note = self.container.bytes(CHECKPOINT, NOTE_BYTES_MAX).ok();
        let note = note.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let checkpoint = match self.key.open(&note) {
            Ok(checkpoint) => checkpoint,
            Err(refusal) => {
                let what = format!("not signed with the key given ({refusal})");
                self.report.find(FindingKind::Signature, CHECKPOINT, what);
                return None;
            }
        };
        let root = hex::write(&checkpoint.root);
        if (manifest.checkpoint.size, &manifest.checkpoint.root) != (checkpoint.size, &root) {
            let what = "it states another checkpoint than checkpoint.note";
            self.report.find(FindingKind::Manifest, manifest::MANIFEST, what);
        }
        if checkpoint.origin != format!("muniment/{}", manifest.archive_id) {
            let what = "it states another archive than checkpoint.note";
            self.report.find(FindingKind::Manifest, manifest::MANIFEST, what);
        }
        (self.report.size, self.report.root) = (checkpoint.size, root);
        Some(checkpoint)
    }

    /// Checks the lists of sequence numbers before anything is read along them.
    fn lists(&mut self, facts: &Facts, manifest: &Manifest, size: u64) -> bool {
        let Facts { seqs, hits, related, unavailable, absent, complete, .. } = facts;
        let lists = [Some(seqs), hits.as_ref(), Some(related), Some(unavailable), Some(absent)];
        let is_beyond = lists
            .into_iter()
            .flatten()
            .any(|list| list.ends().is_some_and(|(_, last)| last.get() > size))
            || complete.as_ref().is_some_and(|complete| complete.last.get() > size);
        let exceptions =
            self.container.files().get(tables::EXCEPTIONS).map_or(0, |file| file.bytes);
        let fault = if is_beyond {
            "it lists events beyond the checkpoint"
        } else if hits.as_ref().is_some_and(|hits| !hits.is_within(seqs)) {
            "it lists hits that are no events of the set"
        } else if unavailable.count() > exceptions {
            "it lists unavailable events that exceptions.csv does not name"
        } else if unavailable.iter().any(|seq| !seqs.contains(seq) && !related.contains(seq)) {
            "it lists unavailable events that are not in the set"
        } else if manifest.purpose == "production"
            && (manifest.query.is_some() || manifest.why.is_some())
        {
            "a production states a query or a reason"
        } else {
            return true;
        };
        self.report.find(FindingKind::Manifest, manifest::MANIFEST, fault);
        false
    }

    /// Reads every event and checks its proof, and returns what was learned of them. `each` is given every row as well.
    pub(crate) fn events(
        &mut self,
        facts: &Facts,
        manifest: &Manifest,
        checkpoint: &Checkpoint,
        mut each: Option<EachRow<'_>>,
    ) -> Gathered {
        let (container, hashed) = (self.container, each.is_some());
        let mut gathered = Gathered::default();
        let mut withheld = WithheldCounts::new();
        let mut accounted = Accounted::check(facts, (checkpoint, container), &mut self.report);
        let streams = |events, proofs, due, hashed| Streams {
            events,
            proofs,
            due,
            container,
            facts,
            checkpoint,
            hashed,
        };
        let rows = streams(EVENTS, PROOFS, &facts.seqs, hashed);
        self.report.events = rows.check(&mut self.report, &mut withheld, |recorded, sha256| {
            gathered.take_row(recorded);
            accounted.row(recorded);
            if let Some(each) = &mut each {
                each(recorded, sha256);
            }
        });
        let has_related =
            [RELATED, RELATED_PROOFS].iter().any(|path| container.files().contains_key(*path));
        if has_related || facts.related.count() > 0 {
            let related = streams(RELATED, RELATED_PROOFS, &facts.related, false);
            let take = |recorded: &Recorded, _: &Digest| gathered.take_related(recorded);
            self.report.related = related.check(&mut self.report, &mut withheld, take);
        }
        if gathered.by_kind.contains_key(EventKind::Officer.word()) {
            self.report.find(FindingKind::Event, EVENTS, "it holds officers' acts");
        }
        if (&withheld, &accounted.counts) != (&manifest.counts.withheld, &manifest.counts.absent) {
            let what = "its counts of what is withheld or absent are not those of the proofs";
            self.report.find(FindingKind::Manifest, manifest::MANIFEST, what);
        }
        accounted.finish(EVENTS, &mut self.report);
        tell_promises(&mut self.report, facts, manifest);
        gathered
    }

    /// Every file of `attachments/` is one that an event names, under its own number, and has the bytes of its hash.
    pub(crate) fn attachments(&mut self, files: &[FilePart], gathered: &Gathered) {
        let paths = gathered.files.paths().iter();
        let named: BTreeMap<&str, String> =
            paths.map(|(id, path)| (path.as_str(), id.to_string())).collect();
        for file in files.iter().filter(|file| file.path.starts_with("attachments/")) {
            let what = match named.get(file.path.as_str()) {
                Some(id) if *id == file.sha256 => continue,
                Some(_) => "its hash is not the one that its event names",
                None => "no event names it",
            };
            self.report.find(FindingKind::FileForeign, &file.path, what);
        }
    }

    /// Compares the counts of the manifest with those of the events.
    pub(crate) fn counts(&mut self, manifest: &Manifest, facts: &Facts, gathered: &Gathered) {
        let counts = &manifest.counts;
        let by_source = gathered.by_source(&facts.source_names);
        let same = counts.events == gathered.events
            && counts.related == gathered.related
            && counts.by_kind == gathered.by_kind
            && counts.by_source == by_source
            && manifest.formats.iter().all(|format| format.rows == gathered.events);
        if !same {
            let what = "its counts are not those of the events that are here";
            self.report.find(FindingKind::Manifest, manifest::MANIFEST, what);
        }
    }

    /// Makes every table again and compares.
    fn tables(&mut self, manifest: &Manifest, facts: &Facts, gathered: Gathered) {
        let named = |path: &str| manifest.files.iter().any(|file| file.path == path);
        let present: BTreeSet<&str> =
            manifest.files.iter().map(|file| file.path.as_str()).collect();
        let tables = Tables::new(facts, gathered, |path| present.contains(path));
        let has_csv = manifest.formats.iter().any(|format| format.format == Format::Csv.word())
            || [tables::EXACT, tables::READING, tables::READERS].into_iter().any(named);
        let mut attachments = self.compare(tables::ATTACHMENTS);
        let mut exceptions = self.compare(tables::EXCEPTIONS);
        let mut csv = has_csv.then(|| {
            [tables::EXACT, tables::READING, tables::READERS].map(|path| self.compare(path))
        });
        let Ok(lines) = open_events(self.container, EVENTS) else { return };
        // A line that cannot be read is a finding already; the rows after it are left to the hash of their file.
        let events = Events::new(lines, facts.archive);
        let sinks = Sinks {
            csv: csv.as_mut().map(|[exact, reading, readers]| CsvSinks { exact, reading, readers }),
            attachments: &mut attachments,
            exceptions: &mut exceptions,
        };
        let Ok(rows) = tables.derive(events, sinks) else { return };
        if (rows.attachments, rows.exceptions)
            != (manifest.counts.attachments, manifest.counts.exceptions)
        {
            let what = "its counts of attachments and exceptions are not those of the tables";
            self.report.find(FindingKind::Manifest, manifest::MANIFEST, what);
        }
        for table in csv.into_iter().flatten().chain([attachments, exceptions]) {
            table.finish().into_iter().for_each(|finding| self.report.add(finding));
        }
    }

    /// Opens a table for comparison; one that is not there is empty.
    fn compare(&self, path: &'static str) -> Compare {
        let stream = self.container.stream(path, u64::MAX);
        Compare::new(path, stream.unwrap_or_else(|_| Box::new(io::empty())))
    }
}

/// Notes what the check has shown and what it cannot show, once everything was checked.
fn conclude(report: &mut ExportReport, key: &VerifierKey) {
    report.ok = report.findings.is_empty();
    let told = std::mem::take(&mut report.proven);
    if report.ok {
        let ExportReport { events, related, files, size, .. } = &*report;
        report.proven = vec![
            format!(
                "{events} events and {related} related ones are in the log of {size} events, unchanged since it was signed by key {key}, supplied by you"
            ),
            format!(
                "{files} files are those that were signed, and every table says what the events say"
            ),
        ];
        report.proven.extend(told);
    }
    let not_shown = [
        "when: no outside witness has signed the checkpoint",
        "what happened to an event before the archive received it",
        "names of sources and categories of rooms: they are on the archive's word",
    ];
    report.not_proven.extend(not_shown.map(str::to_owned));
}

/// Notes what a package says beyond its events.
fn tell_promises(report: &mut ExportReport, facts: &Facts, manifest: &Manifest) {
    let in_words = |counts: &BTreeMap<String, u64>| {
        let parts = counts.iter().map(|(word, count)| format!("{word} {count}"));
        parts.collect::<Vec<_>>().join(", ")
    };
    let manifest::Counts { withheld, absent, events, .. } = &manifest.counts;
    match &facts.complete {
        Some(complete) => {
            let (first, last) = (complete.first, complete.last);
            let room = |room| format!("room {room}");
            let of = complete.room.map_or_else(|| "the log".to_owned(), room);
            let others = if absent.is_empty() { "none".to_owned() } else { in_words(absent) };
            report.proven.push(format!("every event of {of} from {first} to {last} is here, {events} as rows; not shown, by reason: {others}"));
            if absent.contains_key("destroyed") {
                let words =
                    "that what is not shown as destroyed is so: it is on the archive's word";
                report.not_proven.push(words.to_owned());
            }
            if complete.room.is_some() && complete.after.is_none() {
                let words = "that the room has no later event: it is on the archive's word";
                report.not_proven.push(words.to_owned());
            }
        }
        None => report.not_proven.push("that the set is complete for its query".to_owned()),
    }
    if !withheld.is_empty() {
        let words = format!(
            "withheld fields, of which the proofs hold commitments: {}",
            in_words(withheld)
        );
        report.proven.push(words);
    }
}
