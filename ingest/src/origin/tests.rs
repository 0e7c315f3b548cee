//! Claims about the index of origins.

use std::path::Path;

use archive::Ports;
use chat::testing::SeededRng;

use super::*;

pub(super) fn print(rng: &SeededRng) -> Fingerprint {
    Fingerprint::of_number(rng.next())
}

pub(super) fn empty(folder: &Path) -> Origins {
    Origins {
        disk: Ports::production().disk,
        folder: folder.to_owned(),
        check: [7; 16],
        runs: Vec::new(),
        filters: Filters::default(),
        making: None,
        windows: Vec::new(),
    }
}

pub(super) fn find(origins: &Origins, print: Fingerprint) -> Vec<u64> {
    let mut settled = Vec::new();
    origins.find_settled(&[print], &mut settled).unwrap();
    let mut found: Vec<Seq> = settled.into_iter().map(|(_, seq)| seq).collect();
    origins.find_recent(print, &mut found);
    found.into_iter().map(Seq::get).collect()
}

#[test]
fn every_event_is_found_before_and_after_its_run_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let rng = SeededRng::new(11);
    let mut origins = empty(folder.path());
    let size = RUN_SEQS + 1_000;
    let prints: Vec<_> = (1..=size)
        .map(|seq| {
            let print = print(&rng);
            origins.insert(print, Seq::new(seq).unwrap());
            print
        })
        .collect();
    origins.insert(prints[4], Seq::new(size + 1).unwrap());
    let sample = [1, 2, 5, 70_000, RUN_SEQS, RUN_SEQS + 1, size];
    let check = |origins: &Origins| {
        for seq in sample {
            let index = usize::try_from(seq - 1).unwrap();
            let expected = if seq == 5 { vec![5, size + 1] } else { vec![seq] };
            assert_eq!(find(origins, prints[index]), expected);
        }
    };
    check(&origins);
    origins.settle(RUN_SEQS - 1).unwrap();
    assert!(
        origins.runs.is_empty() && origins.making.is_none(),
        "a run is written once every event of it is durable"
    );
    origins.settle(RUN_SEQS).unwrap();
    assert_eq!(origins.windows.len(), 1);
    check(&origins);
    origins.finish_run().unwrap();
    assert_eq!((origins.runs.len(), origins.windows.len()), (1, 1));
    check(&origins);
    let bytes = std::fs::metadata(folder.path().join("00000000.run")).unwrap().len();
    assert!(bytes * 100 <= 480 * RUN_SEQS, "{bytes} bytes for {RUN_SEQS} events");

    origins.close(size + 1).unwrap();
    let mut again = empty(folder.path());
    assert_eq!(again.load(size + 1).unwrap(), size + 1);
    check(&again);
    let strangers = (0..10_000).filter(|_| !find(&again, print(&rng)).is_empty()).count();
    assert_eq!(strangers, 0);
}

#[test]
fn a_run_that_is_damaged_or_of_another_key_or_ahead_of_the_log_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let rng = SeededRng::new(3);
    let mut origins = empty(folder.path());
    for seq in 1..=100 {
        origins.insert(print(&rng), Seq::new(seq).unwrap());
    }
    origins.close(100).unwrap();
    let load = |size: u64, check: [u8; 16]| {
        let mut again = Origins { check, ..empty(folder.path()) };
        again.load(size).unwrap()
    };
    assert_eq!(load(100, [7; 16]), 100);
    assert_eq!(load(99, [7; 16]), 0, "the log is shorter than what the run covers");
    assert_eq!(load(100, [8; 16]), 0);
    let path = folder.path().join("00000000.run");
    let whole = std::fs::read(&path).unwrap();
    let disk = Ports::production().disk;
    for place in [0, 9, 30, 40, 47, 60, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        durable::write(disk.as_ref(), &path, &bytes).unwrap();
        assert_eq!(load(100, [7; 16]), 0, "byte {place}");
    }
    durable::write(disk.as_ref(), &path, &whole[..whole.len() - 6]).unwrap();
    assert_eq!(load(100, [7; 16]), 0);
}

#[test]
fn what_never_came_into_the_log_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let rng = SeededRng::new(5);
    let mut origins = empty(folder.path());
    let (kept, lost) = (print(&rng), print(&rng));
    origins.insert(kept, Seq::new(1).unwrap());
    origins.insert(lost, Seq::new(2).unwrap());
    origins.insert(kept, Seq::new(3).unwrap());
    origins.forget_from(Seq::new(2).unwrap());
    assert_eq!(find(&origins, kept), [1]);
    assert_eq!(find(&origins, lost), Vec::<u64>::new());
}

#[test]
fn each_of_many_runs_is_asked_again_after_a_restart_up_to_one_that_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let rng = SeededRng::new(23);
    let mut origins = empty(folder.path());
    let size = 21 * RUN_SEQS;
    let planted: Vec<_> = [0, 3, 7, 15, 16, 20]
        .map(|run| (print(&rng), run * RUN_SEQS + 1 + rng.next() % RUN_SEQS))
        .to_vec();
    for (print, seq) in &planted {
        origins.insert(*print, Seq::new(*seq).unwrap());
    }
    // The same origin once more, runs later.
    let (twice, first) = planted[0];
    origins.insert(twice, Seq::new(size).unwrap());
    origins.settle(size).unwrap();
    origins.finish_run().unwrap();
    assert_eq!((origins.runs.len(), origins.windows.len()), (21, 0));
    let check = |origins: &Origins, size: u64| {
        for (print, seq) in &planted {
            let own = [*seq].into_iter().chain((*seq == first).then_some(21 * RUN_SEQS));
            let expected: Vec<_> = own.filter(|seq| *seq <= size).collect();
            assert_eq!(find(origins, *print), expected, "of {size} events, {seq}");
        }
    };
    check(&origins, size);

    let mut again = empty(folder.path());
    assert_eq!(again.load(size).unwrap(), size);
    check(&again, size);

    let path = folder.path().join("00000009.run");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60] ^= 1;
    durable::write(Ports::production().disk.as_ref(), &path, &bytes).unwrap();
    let mut shorter = empty(folder.path());
    assert_eq!(shorter.load(size).unwrap(), 9 * RUN_SEQS);
    check(&shorter, 9 * RUN_SEQS);
}

#[test]
fn whoever_lets_go_of_the_index_while_a_run_is_written_leaves_nobody_writing() {
    let folder = tempfile::tempdir().unwrap();
    let rng = SeededRng::new(31);
    let mut origins = empty(folder.path());
    let known = print(&rng);
    origins.insert(known, Seq::new(1).unwrap());
    origins.settle(RUN_SEQS).unwrap();
    drop(origins);
    let mut again = empty(folder.path());
    assert_eq!(again.load(RUN_SEQS).unwrap(), RUN_SEQS, "the run was written to its end");
    assert_eq!(find(&again, known), [1]);
}
