//! The manifest of a package that is made: what it says, and the signature over it.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::format::manifest::{self, Manifest};
use crate::package::{Format, FormatCount, PackageReport};
use crate::ranges::SeqRanges;
use crate::set::{ExportSet, Purpose, Selection};
use crate::staging::Staging;
use crate::work::Work;

impl Work<'_> {
    /// Returns the manifest without its files.
    pub(crate) fn manifest(&self, unavailable: &SeqRanges, absent: &SeqRanges) -> Manifest {
        let selection = self.set.selection();
        let internal = selection.purpose == Purpose::Internal;
        Manifest {
            format: manifest::FORMAT.to_owned(),
            archive_id: selection.archive.to_string(),
            public_key: selection.public_key.clone(),
            demo: selection.demo,
            purpose: selection.purpose.word().to_owned(),
            who: selection.who.clone(),
            why: selection.why.clone().filter(|_| internal),
            matter: selection.matter.clone(),
            query: selection.query.as_ref().filter(|_| internal).map(|query| manifest::Query {
                text: query.text.clone(),
                interpreted: query.interpreted.clone(),
            }),
            tool_version: selection.tool_version.clone(),
            set: frozen_part(self.set, unavailable, absent),
            snapshot: manifest::Tree::of(selection.snapshot.size, &selection.snapshot.root),
            checkpoint: manifest::Tree::of(self.checkpoint.size, &self.checkpoint.root),
            counts: manifest::Counts {
                events: self.gathered.events,
                related: self.gathered.related,
                by_kind: self.gathered.by_kind.clone(),
                by_source: self.gathered.by_source(&selection.source_names),
                withheld: self.withheld.clone(),
                absent: self.absent.clone(),
                ..manifest::Counts::default()
            },
            not_searched: internal.then_some(manifest::NotSearched {
                attachments_without_text: selection.not_searched.attachments_without_text,
                quarantined: selection.not_searched.quarantined,
            }),
            source_names: of_ids(&selection.source_names, &self.gathered.sources),
            room_categories: of_ids(&selection.room_categories, &self.gathered.rooms),
            formats: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Enters the files, signs the manifest and lists all hashes.
    pub(crate) fn seal(&mut self, mut manifest: Manifest) -> Result<PackageReport> {
        let counts = format_counts(&self.staging, manifest.counts.events);
        manifest.formats = counts.iter().map(format_part).collect();
        manifest.files = self.staging.files().values().cloned().collect();
        self.staging.put(manifest::MANIFEST, &manifest.to_bytes())?;
        let manifest_sha256 = self.sha256_of(manifest::MANIFEST);
        let note = self.evidence.sign(&Manifest::note_text(&manifest_sha256))?;
        self.staging.put(manifest::SIGNATURE, note.as_bytes())?;
        let sums = manifest.sums(&manifest_sha256, &self.sha256_of(manifest::SIGNATURE));
        self.staging.put(manifest::SUMS, sums.as_bytes())?;
        Ok(PackageReport {
            formats: counts,
            events: manifest.counts.events,
            exceptions: manifest.counts.exceptions,
            sha256: self.sha256_of(manifest::SUMS),
        })
    }

    fn sha256_of(&self, path: &str) -> String {
        self.staging.files().get(path).map_or_else(String::new, |file| file.sha256.clone())
    }
}

/// Returns the names of those ids that occur in the package. What else the archive holds is not the other side's business.
fn of_ids<K: Ord + ToString>(
    names: &BTreeMap<K, String>,
    occurring: &BTreeSet<K>,
) -> BTreeMap<String, String> {
    let names = names.iter().filter(|(id, _)| occurring.contains(*id));
    names.map(|(id, name)| (id.to_string(), name.clone())).collect()
}

fn frozen_part(set: &ExportSet, unavailable: &SeqRanges, absent: &SeqRanges) -> manifest::Set {
    let Selection { seqs, hits, related, context, frozen_at, withheld, complete, .. } =
        set.selection();
    manifest::Set {
        id: set.id().to_string(),
        frozen_at: frozen_at.to_string(),
        context: context.clone(),
        seqs: SeqRanges::of(seqs).to_string(),
        hits: hits.as_ref().map(|hits| SeqRanges::of(hits).to_string()),
        related: SeqRanges::of(related).to_string(),
        unavailable: unavailable.to_string(),
        withheld: manifest::words(withheld),
        complete: complete.as_ref().map(|complete| manifest::Complete::of(complete, absent)),
    }
}

fn format_counts(staging: &Staging<'_>, rows: u64) -> Vec<FormatCount> {
    let (csv, bundle): (Vec<_>, Vec<_>) =
        staging.files().keys().cloned().partition(|path| path.starts_with("csv/"));
    let mut counts = vec![FormatCount { format: Format::Bundle.word(), rows, files: bundle }];
    if !csv.is_empty() {
        counts.push(FormatCount { format: Format::Csv.word(), rows, files: csv });
    }
    counts
}

fn format_part(count: &FormatCount) -> manifest::FormatPart {
    manifest::FormatPart {
        format: count.format.to_owned(),
        rows: count.rows,
        files: count.files.clone(),
    }
}
