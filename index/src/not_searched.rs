//! What no search looks into: files whose text is not extracted, and records in quarantine. Every answer says how many there
//! are, so they are not searched for each time: a segment never changes, and is counted once.

use std::sync::LazyLock;

use query::{Query, Zone};

use crate::error::Result;
use crate::search::Search;

/// How many events within the scope no search can look into, as of its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotSearched {
    /// Events with attachments whose text is not extracted.
    pub attachments_without_text: u64,
    /// Records in quarantine.
    pub quarantined: u64,
}

/// What is not searched. Each is a query, so a count here is the count of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Events with attachments.
    Attachments,
    /// Records in quarantine.
    Quarantine,
}

impl Unread {
    /// How many sorts there are.
    pub(crate) const SORTS: usize = 2;

    /// Returns the place of the sort among all.
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Attachments => 0,
            Self::Quarantine => 1,
        }
    }

    fn query(self) -> &'static Query {
        static QUERIES: LazyLock<[Query; Unread::SORTS]> = LazyLock::new(|| {
            ["has:file", "kind:quarantined"]
                .map(|text| Query::parse(text, &Zone::Utc).expect("a fixed query is one"))
        });
        &QUERIES[self.place()]
    }
}

impl Search<'_> {
    /// Returns how much this search could not look into.
    pub(crate) fn not_searched(&self) -> Result<NotSearched> {
        Ok(NotSearched {
            attachments_without_text: self.unread(Unread::Attachments)?,
            quarantined: self.unread(Unread::Quarantine)?,
        })
    }

    /// Counts in segments that the snapshot and the scope hold whole are kept with the segment. Any other count is a search.
    fn unread(&self, unread: Unread) -> Result<u64> {
        let asked = unread.query();
        let mut weight = None;
        let mut count = u64::try_from(self.recent(asked).count()).unwrap_or(u64::MAX);
        for segment in self.sight.view.segments(self.snapshot.size) {
            let is_whole = self.scope.is_everything() && segment.is_whole();
            let kept = is_whole.then(|| segment.columns.unread(unread));
            if let Some(known) = kept.and_then(|kept| kept.get()) {
                count = count.saturating_add(*known);
                continue;
            }
            let weight = match &weight {
                Some(weight) => weight,
                None => weight.insert(self.weight(asked, false)?),
            };
            let counted = self.engine(segment.count(&**weight))?;
            if let Some(kept) = kept {
                kept.get_or_init(|| counted);
            }
            count = count.saturating_add(counted);
        }
        Ok(count)
    }
}
