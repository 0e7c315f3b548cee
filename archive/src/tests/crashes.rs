//! Seeded programs of appends, seals, idle work, checkpoints and restarts on a disk that fails (reliability.md T1): every acknowledged event is
//! readable after recovery, in order, without a gap and without a duplicate.

use std::path::Path;
use std::sync::Arc;

use chat::testing::{FixedClock, SeededRng, share_of};
use chat::{Recorded, Timestamp};

use super::simulated::{Fault, SimulatedDisk, below};
use super::{Numbers, read_all, still};
use crate::{Archive, Creation, FindingKind, Ports, Settings, SignedCheckpoint};

/// Programs that are run unless `MUNIMENT_SEEDS` says how many; `MUNIMENT_SHARE` takes a part of them.
const SEEDS: u64 = 2_000;
const STEPS: u64 = 20;

/// What a program knows of its archive.
struct Program {
    seed: u64,
    rng: SeededRng,
    disk: SimulatedDisk,
    archive: Option<Arc<Archive>>,
    numbers: Numbers,
    /// Every event that was handed to the archive, in order.
    handed: Vec<Recorded>,
    /// How many of them were acknowledged.
    acknowledged: usize,
    signed: Option<SignedCheckpoint>,
}

impl Program {
    fn new(seed: u64) -> Self {
        let disk = SimulatedDisk::new(seed);
        let mut program = Self {
            seed,
            rng: SeededRng::new(seed ^ 0x5eed),
            disk,
            archive: None,
            numbers: Numbers::default(),
            handed: Vec::new(),
            acknowledged: 0,
            signed: None,
        };
        let folder = Path::new("/archive");
        let made =
            Archive::create(folder, &Creation::default(), settings(), program.ports()).unwrap();
        program.archive = Some(made);
        program
    }

    fn ports(&self) -> Ports {
        Ports {
            clock: Arc::new(FixedClock::at(Timestamp::from_micros(1_700_000_000_000_000))),
            rng: Arc::new(SeededRng::new(self.rng.next())),
            disk: Arc::new(self.disk.clone()),
        }
    }

    fn archive(&self) -> &Arc<Archive> {
        self.archive.as_ref().unwrap()
    }

    /// Appends a batch and waits for it; returns whether it was acknowledged.
    fn append(&mut self) -> bool {
        let count = match self.rng.below(10) {
            0 => 700,
            1..4 => 60,
            _ => 1 + self.rng.below(6),
        };
        let events = self.numbers.events(count);
        let pending = self.archive().append(events.clone());
        let Ok(pending) = pending else { return false };
        self.handed.extend(events);
        let is_acknowledged = pending.wait().is_ok();
        if is_acknowledged {
            self.acknowledged = self.handed.len();
        }
        is_acknowledged
    }

    fn step(&mut self) -> bool {
        match self.rng.below(13) {
            0 => {
                let calls = 1 + self.rng.below(40);
                let faults = [Fault::PowerCut, Fault::Io, Fault::Full];
                self.disk.fail_at(calls, faults[below(&self.rng, faults.len())]);
                true
            }
            1 => match self.archive().checkpoint() {
                Ok(signed) => {
                    assert!(signed.checkpoint.size <= self.handed.len().try_into().unwrap());
                    self.signed = Some(signed);
                    true
                }
                Err(_) => false,
            },
            2 => {
                // A restart follows whether it closes well or not.
                self.archive().close().ok();
                false
            }
            3 => self.archive().seal().is_ok(),
            4 => self.archive().settle().is_ok(),
            _ => self.append(),
        }
    }

    /// Restarts after a fault, perhaps with further faults inside of recovery, and checks what is there.
    fn restart(&mut self) {
        drop(self.archive.take());
        let mut interrupted = self.rng.below(3);
        let archive = loop {
            if self.rng.below(3) == 0 {
                self.disk.end_process();
            } else {
                self.disk.cut_power();
            }
            if interrupted > 0 {
                let fault = if self.rng.below(2) == 0 { Fault::PowerCut } else { Fault::Io };
                self.disk.fail_at(1 + self.rng.below(30), fault);
            }
            let opened = Archive::open(Path::new("/archive"), settings(), self.ports());
            match opened {
                Ok(archive) => break archive,
                Err(error) => {
                    assert!(interrupted > 0, "seed {}: {error}", self.seed);
                    interrupted -= 1;
                }
            }
        };
        self.disk.heal();
        self.check(&archive);
        self.numbers = Numbers::of(&archive);
        self.archive = Some(archive);
    }

    /// Verifies the archive as it is in the end. A stored tree that a crash has left behind may have been made again.
    fn verify(&self) {
        let mut found = self.archive().verify(None, &|_| {}).unwrap().findings;
        found.retain(|finding| finding.kind != FindingKind::Tree);
        assert_eq!(found, [], "seed {}", self.seed);
    }

    fn check(&mut self, archive: &Arc<Archive>) {
        let seed = self.seed;
        let found = read_all(archive).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(usize::try_from(archive.size()), Ok(found.len()), "seed {seed}");
        assert!(found.len() >= self.acknowledged, "seed {seed}: acknowledged events are lost");
        assert!(found == self.handed[..found.len()], "seed {seed}: other events came back");
        self.handed.truncate(found.len());
        self.acknowledged = found.len();
        let root = archive.checkpoint_at(archive.size()).unwrap();
        let root_found = archive.shared.memory.frontier().root();
        assert!(root.is_none_or(|signed| signed.checkpoint.root == root_found), "seed {seed}");
        if let Some(signed) = &self.signed {
            let kept = archive.checkpoint_at(signed.checkpoint.size).unwrap();
            // Its time is read from the log, and was not there while the disk failed.
            assert_eq!(kept.map(|kept| kept.note).as_ref(), Some(&signed.note), "seed {seed}");
        }
    }
}

fn settings() -> Settings {
    Settings { seal_bytes: 96 << 10, ..still() }
}

/// Runs the programs of these seeds on two threads.
fn run(seeds: &[u64]) {
    let run_one = |&seed: &u64| {
        let mut program = Program::new(seed);
        for _ in 0..STEPS {
            if !program.step() {
                program.restart();
            }
        }
        program.restart();
        program.verify();
    };
    let (first, second) = seeds.split_at(seeds.len() / 2);
    std::thread::scope(|threads| {
        threads.spawn(|| first.iter().for_each(run_one));
        second.iter().for_each(run_one);
    });
}

#[test]
fn every_acknowledged_event_survives_every_fault_of_the_disk() {
    let seeds = std::env::var("MUNIMENT_SEEDS").map_or(Ok(SEEDS), |seeds| seeds.parse());
    let seeds = (0..seeds.expect("MUNIMENT_SEEDS is a number")).collect();
    run(&share_of(seeds, std::env::var("MUNIMENT_SHARE").ok()));
}
