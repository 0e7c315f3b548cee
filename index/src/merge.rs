//! Which segments are joined: neighbours in the log alone, so that every segment covers its own stretch of it.
//!
//! The engine's own policy joins by size and would mix old with new; then no segment could be skipped, neither for a
//! snapshot nor for a page of the newest (performance.md §5.1).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tantivy::Index;
use tantivy::index::{SegmentId, SegmentMeta, SegmentReader};
use tantivy::merge_policy::{MergeCandidate, MergePolicy};

use crate::columns::Columns;

/// Documents of one segment at most; larger ones are left as they are.
pub(crate) const MERGED_DOCS_MAX: u64 = 10_000_000;
/// While events come in, eight neighbours are joined at once, and none is written again for the sake of less than its own
/// size. Segments of a bulk import are large from the start: they are left until they are many, or until there is time.
const BUSY: Worth = Worth { neighbours: 8, bulk_neighbours: 64, growth_percent: 200 };
/// While nothing else is to be done, two are enough, and so is growth by half.
const AT_REST: Worth = Worth { neighbours: 2, bulk_neighbours: 2, growth_percent: 150 };
/// The level from which on a segment is the work of a bulk import, or of many joins: 4,096 documents.
const BULK_LEVEL: u32 = 3;
/// Documents below which all segments are of the lowest level.
const LEVEL_0_DOCS: u64 = 64;

/// Which runs are worth joining: the least of each.
#[derive(Debug, Clone, Copy)]
struct Worth {
    /// Neighbours.
    neighbours: usize,
    /// The same where some are of [`BULK_LEVEL`] or above.
    bulk_neighbours: usize,
    /// Documents of the run in per cent of those of its largest segment.
    growth_percent: u64,
}

/// A segment and where the stretch of the log that it covers begins. Stretches never overlap: one thread writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch<Id> {
    id: Id,
    first: u64,
    docs: u64,
}

/// Joins neighbours in the log, eight or more of one level at a time.
#[derive(Debug, Clone)]
pub(crate) struct MergeNeighbours {
    index: Index,
    known: Arc<Mutex<HashMap<SegmentId, u64>>>,
    /// Whether nothing else is to be done.
    is_at_rest: Arc<AtomicBool>,
}

impl MergeNeighbours {
    /// Returns the policy of an index.
    pub(crate) fn of(index: &Index) -> Self {
        Self { index: index.clone(), known: Arc::default(), is_at_rest: Arc::default() }
    }

    /// Returns the stretches of the segments, in order of the log. A segment that cannot be read is left out: it is not
    /// joined, and the next search will report it.
    fn stretches(&self, segments: &[SegmentMeta]) -> Vec<Stretch<SegmentId>> {
        let mut known = self.known.lock();
        known.retain(|id, _| segments.iter().any(|segment| segment.id() == *id));
        let mut stretches: Vec<_> = segments
            .iter()
            .filter_map(|segment| {
                let id = segment.id();
                let first = match known.get(&id) {
                    Some(first) => *first,
                    None => self.first(segment)?,
                };
                known.insert(id, first);
                Some(Stretch { id, first, docs: u64::from(segment.max_doc()) })
            })
            .collect();
        stretches.sort_by_key(|stretch| stretch.first);
        stretches
    }

    fn first(&self, segment: &SegmentMeta) -> Option<u64> {
        let reader = SegmentReader::open(&self.index.segment(segment.clone())).ok()?;
        Columns::open(&reader).ok().map(|columns| columns.seq_range().0)
    }
}

impl MergeNeighbours {
    /// Returns whether anything is worth joining while nothing else is to be done: the fewer segments, the less a search has to
    /// look up, and the fewer words stand in several dictionaries. What is being joined by now counts as well.
    pub(crate) fn is_worth_a_rest(&self) -> bool {
        let all = self.index.searchable_segment_metas();
        all.is_ok_and(|all| !runs(&self.stretches(&all), |_| true, AT_REST).is_empty())
    }

    /// Says whether something else is to be done, for the candidates to come; returns what was said before.
    pub(crate) fn rest(&self, is_at_rest: bool) -> bool {
        self.is_at_rest.swap(is_at_rest, Ordering::Relaxed)
    }
}

impl MergePolicy for MergeNeighbours {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        // Segments that are being joined now are not offered, but they still lie between others.
        let Ok(all) = self.index.searchable_segment_metas() else { return Vec::new() };
        let stretches = self.stretches(&all);
        let is_free = |id: &SegmentId| segments.iter().any(|segment| segment.id() == *id);
        let worth = if self.is_at_rest.load(Ordering::Relaxed) { AT_REST } else { BUSY };
        let runs = runs(&stretches, is_free, worth);
        runs.into_iter().map(MergeCandidate).collect()
    }
}

/// Returns the level of a segment: each is eight times the one below.
fn level(docs: u64) -> u32 {
    let mut level = 0;
    let mut bound = LEVEL_0_DOCS;
    while docs >= bound {
        level += 1;
        bound = bound.saturating_mul(8);
    }
    level
}

/// Returns the runs of neighbours to be joined, lowest level first.
fn runs<Id: Copy>(
    stretches: &[Stretch<Id>],
    is_free: impl Fn(&Id) -> bool,
    worth: Worth,
) -> Vec<Vec<Id>> {
    let mut taken = vec![false; stretches.len()];
    let mut runs = Vec::new();
    for at_most in 0..=level(MERGED_DOCS_MAX) {
        let is_bulk = at_most >= BULK_LEVEL;
        let least = if is_bulk { worth.bulk_neighbours } else { worth.neighbours };
        let worth = (least, worth.growth_percent);
        let mut run: Vec<usize> = Vec::new();
        let mut docs = 0_u64;
        for (place, stretch) in stretches.iter().enumerate() {
            let fits = !taken.get(place).copied().unwrap_or(true)
                && is_free(&stretch.id)
                && level(stretch.docs) <= at_most;
            if !fits || docs.saturating_add(stretch.docs) > MERGED_DOCS_MAX {
                keep((&mut runs, &mut taken), &run, stretches, worth);
                run.clear();
                docs = 0;
            }
            if fits && stretch.docs <= MERGED_DOCS_MAX {
                run.push(place);
                docs = docs.saturating_add(stretch.docs);
            }
        }
        keep((&mut runs, &mut taken), &run, stretches, worth);
    }
    runs
}

fn keep<Id: Copy>(
    (runs, taken): (&mut Vec<Vec<Id>>, &mut [bool]),
    run: &[usize],
    stretches: &[Stretch<Id>],
    (neighbours_min, growth_percent_min): (usize, u64),
) {
    let docs = || run.iter().filter_map(|&place| stretches.get(place)).map(|one| one.docs);
    let (sum, largest) = (docs().sum::<u64>(), docs().max().unwrap_or(0));
    // A large segment is not written again for the sake of a few small ones beside it.
    let is_enough = sum.saturating_mul(100) >= largest.saturating_mul(growth_percent_min);
    if run.len() < neighbours_min || !is_enough {
        return;
    }
    for &place in run {
        if let Some(taken) = taken.get_mut(place) {
            *taken = true;
        }
    }
    runs.push(run.iter().filter_map(|&place| stretches.get(place)).map(|one| one.id).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(docs: &[u64]) -> Vec<Stretch<usize>> {
        let mut first = 1;
        docs.iter()
            .enumerate()
            .map(|(id, &docs)| {
                let stretch = Stretch { id, first, docs };
                first += docs;
                stretch
            })
            .collect()
    }

    #[test]
    fn what_is_being_joined_is_not_offered_again_at_rest_or_not() {
        let index = Index::builder()
            .schema(crate::schema::schema().0)
            .settings(crate::schema::settings())
            .create_in_ram()
            .unwrap();
        let spelled = crate::spelling::SpelledTokenizer::default();
        let spelled = tantivy::tokenizer::TextAnalyzer::builder(spelled).build();
        index.tokenizers().register(crate::spelling::SPELLED, spelled);
        let mut writer: tantivy::IndexWriter =
            index.writer_with_num_threads(1, 15_000_000).unwrap();
        writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
        for seq in 1..=9_u64 {
            let mut document = tantivy::TantivyDocument::new();
            document.add_u64(crate::schema::FIELDS.seq, seq);
            document.add_i64(crate::schema::FIELDS.at, 7);
            writer.add_document(document).unwrap();
            writer.commit().unwrap();
        }
        let neighbours = MergeNeighbours::of(&index);
        let mut all = index.searchable_segment_metas().unwrap();
        let offered = |free: &[SegmentMeta]| -> Vec<usize> {
            neighbours.compute_merge_candidates(free).iter().map(|one| one.0.len()).collect()
        };
        assert_eq!(offered(&all), [9]);
        assert!(!neighbours.rest(true) && neighbours.is_worth_a_rest());
        assert_eq!(offered(&all), [9]);
        let first = |meta: &SegmentMeta| neighbours.first(meta).unwrap();
        all.retain(|meta| first(meta) > 4);
        assert_eq!(offered(&all), [5], "the first four are being joined");
        assert_eq!(offered(&[]), Vec::<usize>::new(), "all are");
        assert!(neighbours.rest(false));
        assert_eq!(offered(&all), Vec::<usize>::new(), "five are too few while others come in");
    }

    #[test]
    fn eight_neighbours_of_one_level_are_joined() {
        assert_eq!(runs(&stretches(&[10; 7]), |_| true, BUSY), Vec::<Vec<usize>>::new());
        assert_eq!(runs(&stretches(&[10; 8]), |_| true, BUSY), [(0..8).collect::<Vec<_>>()]);
    }

    #[test]
    fn what_lies_beyond_a_larger_segment_or_one_being_joined_is_no_neighbour() {
        let mut docs = vec![10; 14];
        docs[6] = 100_000;
        assert!(runs(&stretches(&docs), |_| true, BUSY).is_empty(), "{docs:?}");
        assert!(runs(&stretches(&[10; 14]), |id| *id != 6, BUSY).is_empty());
        assert_eq!(runs(&stretches(&[10; 15]), |id| *id != 6, BUSY), [(7..15).collect::<Vec<_>>()]);
    }

    #[test]
    fn no_join_grows_past_the_limit() {
        let docs = [4_000_000; 10];
        assert!(runs(&stretches(&docs), |_| true, BUSY).is_empty());
        let docs = [1_250_000; 16];
        let joined = runs(&stretches(&docs), |_| true, AT_REST);
        assert!(!joined.is_empty() && joined.iter().all(|run| run.len() <= 8), "{joined:?}");
        assert!(runs(&stretches(&[MERGED_DOCS_MAX + 1; 9]), |_| true, BUSY).is_empty());
    }

    #[test]
    fn a_bulk_import_is_not_held_up_by_joins_until_its_segments_are_many() {
        assert!(runs(&stretches(&[20_000; 63]), |_| true, BUSY).is_empty());
        assert_eq!(runs(&stretches(&[20_000; 64]), |_| true, BUSY).len(), 1);
        assert_eq!(runs(&stretches(&[20_000; 48]), |_| true, AT_REST).len(), 1);
    }

    #[test]
    fn at_rest_few_neighbours_are_joined_but_none_that_outweighs_the_others() {
        let at_rest = |docs: &[u64]| runs(&stretches(docs), |_| true, AT_REST);
        assert_eq!(at_rest(&[160_000, 160_000, 160_000, 1_300]), [(0..4).collect::<Vec<_>>()]);
        assert_eq!(at_rest(&[5, 6]), [[0, 1]]);
        assert!(at_rest(&[1_000_000, 900, 20]).iter().all(|run| !run.contains(&0)));
        assert!(at_rest(&[1_000_000]).is_empty());
        assert!(at_rest(&[6_000_000, 6_000_000]).is_empty());
    }

    #[test]
    fn a_long_log_of_small_commits_ends_in_few_segments() {
        let mut docs: Vec<u64> = Vec::new();
        for commit in std::iter::repeat_n(20, 5_000) {
            docs.push(commit);
            while let Some(run) = runs(&stretches(&docs), |_| true, BUSY).first() {
                let sum = run.iter().map(|&place| docs[place]).sum();
                docs.splice(run[0]..=run[run.len() - 1], [sum]);
            }
        }
        assert_eq!(docs.iter().sum::<u64>(), 100_000);
        assert!(docs.len() < 40, "{docs:?}");
    }
}
