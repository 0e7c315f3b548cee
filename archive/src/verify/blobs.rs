//! Kept files: each one that an event names is there, and every one, named or not, has the bytes that its name is made of.

use std::collections::{BTreeMap, BTreeSet};

use chat::{FileId, Seq};
use rayon::prelude::*;

use super::report::{FindingKind, Findings};
use crate::archive::Archive;
use crate::error::Result;

/// Reads all kept files; returns how many are whole. `named` holds the first event that names each.
pub(super) fn verify(
    archive: &Archive,
    named: &BTreeMap<FileId, Seq>,
    findings: &mut Findings,
) -> Result<u64> {
    let known: BTreeMap<String, (FileId, Seq)> =
        named.iter().map(|(file, seq)| (archive.blobs.name(file), (*file, *seq))).collect();
    let stored: BTreeSet<String> = archive.blobs.names()?.into_iter().collect();
    for (_, (file, seq)) in known.iter().filter(|(name, _)| !stored.contains(*name)) {
        let what = format!("file {file} of event {seq} is gone");
        findings.add(FindingKind::Blob, what, Some((*seq, *seq)));
    }
    let checked: Vec<_> = stored.par_iter().map(|name| (name, archive.blobs.check(name))).collect();
    let mut whole = 0_u64;
    for (name, result) in checked {
        match result {
            Ok(_) => whole = whole.saturating_add(1),
            Err(error) => {
                let seqs = known.get(name).map(|(_, seq)| (*seq, *seq));
                findings.add(FindingKind::Blob, crate::fuse::whole_message(&error), seqs);
            }
        }
    }
    Ok(whole)
}
