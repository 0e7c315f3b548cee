//! The leaves of a batch, computed once, when it is appended (proof.md §2, §5).

use chat::{Lane, Seq};
use rayon::prelude::*;

use super::frame::{Records, Run};
use crate::proof::Digest;
use crate::proof::commitment::commit;
use crate::proof::salt::SaltTree;

/// From so many records on it pays to share the work among the cores.
const PARALLEL_RECORDS_MIN: usize = 1_024;

/// Returns the leaf of each record. `runs` hold the seeds of the runs that the records lie in, the one that `first` lies in among them.
pub(crate) fn leaves(runs: &[Run], first: Seq, records: &Records) -> Vec<Digest> {
    let stretches = stretches(runs, first, records.count());
    let of_stretch =
        |(run, start, end): &(&Run, usize, usize)| leaves_of_run(run, first, records, *start..*end);
    if records.count() < PARALLEL_RECORDS_MIN {
        stretches.iter().flat_map(of_stretch).collect()
    } else {
        stretches.par_iter().flat_map_iter(of_stretch).collect()
    }
}

/// Returns each run with the indices of the records that lie in it.
fn stretches(runs: &[Run], first: Seq, count: usize) -> Vec<(&Run, usize, usize)> {
    let index_of = |seq: Seq| {
        let index = seq.get().saturating_sub(first.get());
        usize::try_from(index).map_or(count, |index| index.min(count))
    };
    let ends = runs.iter().skip(1).map(|next| index_of(next.first)).chain([count]);
    runs.iter()
        .zip(ends)
        .map(|(run, end)| (run, index_of(run.first), end))
        .filter(|(_, start, end)| start < end)
        .collect()
}

fn leaves_of_run(
    run: &Run,
    first: Seq,
    records: &Records,
    indices: std::ops::Range<usize>,
) -> Vec<Digest> {
    let mut talk = SaltTree::new(run.seed(Lane::Talk), Lane::Talk, run.first);
    let mut ledger = SaltTree::new(run.seed(Lane::Ledger), Lane::Ledger, run.first);
    let mut leaf = |index: usize| {
        let record = records.at(index).expect("the indices are those of the records");
        let seq = first.plus(u64::try_from(index).expect("a usize fits in 64 bits"));
        let tree = match record.lane() {
            Lane::Talk => &mut talk,
            Lane::Ledger => &mut ledger,
        };
        commit(record.header, seq, record.fields(), &tree.salts(seq)).leaf()
    };
    indices.map(&mut leaf).collect()
}
