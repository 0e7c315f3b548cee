//! Forgetting events: their documents are deleted, and every segment that held one is written anew without it, so that no
//! list, dictionary or column speaks of them any more.
//!
//! No state with deletions is ever shown. Counts are lengths of lists, and many lists are read without asking what is
//! deleted; so between the deletion and the last segment's writing searches go on over the state before, and an index that
//! is opened with deletions is written anew before it is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use query::analysis::Reader;
use roaring::RoaringTreemap;
use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::merge_policy::NoMergePolicy;

use crate::error::{Error, Result};
use crate::follower::Follower;
use crate::index::Index;
use crate::marks::Marks;
use crate::sieve::Sieve;
use crate::store::{Store, Watermark};
use crate::view::View;

/// What was forgotten, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Documents that are gone.
    pub documents: u64,
    /// Segments that held any of them, and were written anew or dropped.
    pub segments: u64,
    /// Bytes of the index before.
    pub bytes_before: u64,
    /// Bytes of the index after.
    pub bytes_after: u64,
}

impl Index {
    /// Forgets events: on return no file of the index and nothing that it keeps in memory speaks of them, and cursors by
    /// relevance have expired. Searches go on meanwhile, over the state before, then over the state after.
    ///
    /// It is for events that the archive has destroyed: one that can still be read comes back with the next rebuild. Events
    /// that are forgotten already, or have no document, are passed over; so it may be said again after any fault. One calls
    /// at a time; others wait. A crash on the way leaves the state before or the one with every deletion, which the next
    /// opening finishes.
    pub fn forget(&self, seqs: &Arc<RoaringTreemap>) -> Result<Forgotten> {
        let _one_at_a_time = self.forgetting.lock();
        let forgotten = self.shared.forget(Arc::clone(seqs))?;
        // It remembers the stems of words that it has met.
        *self.reader.lock() = Reader::remembering();
        Ok(forgotten)
    }
}

impl Follower {
    /// Forgets events that have all been followed, and shows what is left.
    pub(crate) fn forget(mut self, seqs: &Arc<RoaringTreemap>) -> Result<Self> {
        self.commit()?;
        let watermark = self.watermark();
        let (store, forgotten) =
            self.store.forget(seqs, &watermark, &self.folder, self.settings.arena_bytes)?;
        let view = View::open(&store.reader, store.fields, watermark.events, None)?;
        let marks = Marks::read(&view)?;
        let mut known = crate::follower::fold_ledger(&self.shared.sources.archive)?;
        crate::direct::read_back(&mut known, &view)?;
        self.shared.show_without(view, marks, known, forgotten);
        Ok(Self::from_store(self.shared, self.settings, self.folder, store, self.tail).resting())
    }
}

impl Store {
    /// Deletes documents and writes every segment that held one anew, under the same watermark. Waits for joins under way.
    pub(crate) fn forget(
        self,
        seqs: &Arc<RoaringTreemap>,
        watermark: &Watermark,
        folder: &Path,
        arena_bytes: usize,
    ) -> Result<(Self, Forgotten)> {
        let bytes_before = bytes_in(folder)?;
        // A join that is under way would take the deletions over into its outcome. It is waited for, and no other begins.
        self.writer.set_merge_policy(Box::new(NoMergePolicy));
        let mut store = self.again(arena_bytes)?;
        store.writer.set_merge_policy(Box::new(NoMergePolicy));
        let before = store.docs_by_segment()?;
        store.delete(seqs, watermark)?;
        store.write_out_deletions(folder)?;
        let after = store.docs_by_segment()?;
        let docs = |all: &BTreeMap<SegmentId, u64>| all.values().sum::<u64>();
        let gone = before.keys().filter(|id| !after.contains_key(id)).count();
        let forgotten = Forgotten {
            documents: docs(&before).saturating_sub(docs(&after)),
            segments: u64::try_from(gone).unwrap_or(u64::MAX),
            bytes_before,
            bytes_after: bytes_in(folder)?,
        };
        Ok((store, forgotten))
    }

    /// Commits that documents are deleted. They are still in their segments.
    pub(crate) fn delete(
        &mut self,
        seqs: &Arc<RoaringTreemap>,
        watermark: &Watermark,
    ) -> Result<()> {
        let doomed = Sieve::Among(Arc::clone(seqs)).query(&Arc::default());
        let deleted = self.writer.delete_query(Box::new(doomed));
        deleted.map_err(Error::engine("delete documents"))?;
        self.commit(watermark)
    }

    /// Writes every segment that has deletions anew, each by itself, so that it covers the stretch of the log that it
    /// covered before, and removes what no segment needs any more. Neighbours may be joined again from then on.
    pub(crate) fn write_out_deletions(&mut self, folder: &Path) -> Result<()> {
        self.writer.set_merge_policy(Box::new(NoMergePolicy));
        for id in self.with_deletions()? {
            let written = self.writer.merge(&[id]).wait();
            written.map_err(Error::engine("write a segment anew"))?;
        }
        let swept = self.writer.garbage_collect_files().wait();
        let swept = swept.map_err(Error::engine("remove old files"))?;
        if let Some(first) = swept.failed_to_delete_files.into_iter().next() {
            return Err(Error::FileRemains { path: folder.join(first) });
        }
        fs::File::open(folder)
            .and_then(|open| open.sync_all())
            .map_err(|source| Error::FolderUnusable { path: folder.to_owned(), source })?;
        self.join_neighbours();
        Ok(())
    }

    fn with_deletions(&self) -> Result<Vec<SegmentId>> {
        let segments = self.segments()?;
        Ok(segments.iter().filter(|one| one.has_deletes()).map(SegmentMeta::id).collect())
    }

    fn docs_by_segment(&self) -> Result<BTreeMap<SegmentId, u64>> {
        let segments = self.segments()?;
        Ok(segments.iter().map(|one| (one.id(), u64::from(one.num_docs()))).collect())
    }

    /// Returns the segments. The engine keeps the files of each for as long as its description is held on to, so nobody
    /// does.
    fn segments(&self) -> Result<Vec<SegmentMeta>> {
        let segments = self.writer.index().searchable_segment_metas();
        segments.map_err(Error::engine("list the segments"))
    }
}

/// Returns the bytes of all files of the folder.
fn bytes_in(folder: &Path) -> Result<u64> {
    let unusable = |source| Error::FolderUnusable { path: PathBuf::from(folder), source };
    let mut bytes = 0_u64;
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let length = entry.and_then(|entry| entry.metadata()).map(|found| found.len());
        // A file that is removed between the listing and the look has none.
        bytes = bytes.saturating_add(length.unwrap_or(0));
    }
    Ok(bytes)
}
