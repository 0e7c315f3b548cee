//! Seeded programmes of appends, seals, idle work, orders, executions and crashes, against a map.

use chat::testing::SeededRng;

use super::super::simulated::Fault;
use super::*;

const SEEDS: u64 = 200;
const STEPS: u64 = 16;

struct Programme {
    rng: SeededRng,
    world: World,
    orders: Vec<RecordedOrder>,
    /// What is ordered, and whether it was executed.
    ordered: BTreeMap<u64, (Remains, bool)>,
}

impl Programme {
    fn new(seed: u64) -> Self {
        let world = World::of(seed, &[40]);
        let rng = SeededRng::new(seed ^ 0xdead);
        Self { rng, world, orders: Vec::new(), ordered: BTreeMap::new() }
    }

    fn order(&mut self) {
        let size = self.world.numbers.last;
        let remains = Remains::ALL[usize::try_from(self.rng.below(2)).unwrap()];
        let mut wishes = Vec::new();
        let (first, last) = (1 + self.rng.below(size), 1 + self.rng.below(size));
        let span = first.min(last)..=first.max(last);
        let free = |recorded: &&Recorded| {
            span.contains(&recorded.seq.get())
                && !self.ordered.contains_key(&recorded.seq.get())
                && recorded.recorded_at == Timestamp::from_micros(7)
        };
        let in_lane = |lane| {
            let found = self.world.log.iter().filter(|recorded| recorded.lane() == lane);
            found.filter(free).map(|recorded| recorded.seq).collect::<Vec<_>>()
        };
        let (talk, ledger) = (in_lane(Lane::Talk), in_lane(Lane::Ledger));
        if self.rng.below(3) == 0 && !talk.is_empty() {
            let events = u64::try_from(talk.len()).unwrap();
            wishes.push(Wish::Within(seq(*span.start()), seq(*span.end()), events, remains));
        } else {
            let some = |seqs: Vec<Seq>| {
                seqs.into_iter().filter(|_| self.rng.below(4) == 0).collect::<Vec<_>>()
            };
            let (talk, ledger) = (some(talk), some(ledger));
            wishes.extend((!talk.is_empty()).then_some(Wish::Talk(talk, remains)));
            wishes.extend((!ledger.is_empty()).then_some(Wish::Ledger(ledger, remains)));
        }
        if wishes.is_empty() {
            return;
        }
        let order = self.world.order(&wishes);
        let named = self.world.named(&order);
        self.ordered.extend(named.into_iter().map(|(number, remains)| (number, (remains, false))));
        self.orders.push(order);
    }

    fn execute(&mut self, at: usize) {
        let done = self.world.archive.destroy(&self.orders[at]);
        if done.is_ok() {
            for (number, remains) in self.world.named(&self.orders[at]) {
                self.ordered.insert(number, (remains, true));
            }
        }
    }

    fn check(&self, seed: u64) {
        for recorded in &self.world.log {
            let read = self.world.archive.read(recorded.seq).unwrap();
            let (is_whole, number) = (read.as_ref() == Some(recorded), recorded.seq.get());
            let is_right = match self.ordered.get(&number) {
                None => is_whole,
                Some((_, true)) => read.is_none(),
                Some((_, false)) => is_whole || read.is_none(),
            };
            assert!(is_right, "seed {seed}: event {number}");
        }
    }

    fn step(&mut self, seed: u64) {
        let count = u64::try_from(self.orders.len()).unwrap();
        match self.rng.below(10) {
            0..3 => {
                let count = 1 + self.rng.below(60);
                self.world.append(count);
            }
            3 => drop(self.world.archive.seal().unwrap()),
            4 => drop(self.world.archive.settle().unwrap()),
            5 | 6 => self.order(),
            _ if count == 0 => {}
            7 | 8 => {
                let at = usize::try_from(self.rng.below(count)).unwrap();
                self.execute(at);
            }
            _ => {
                let at = usize::try_from(self.rng.below(count)).unwrap();
                let fault = [Fault::PowerCut, Fault::Io, Fault::Full]
                    [usize::try_from(self.rng.below(3)).unwrap()];
                self.world.disk.fail_at(1 + self.rng.below(120), fault);
                self.execute(at);
                self.world.disk.cut_power();
                self.world.reopen(self.rng.next());
            }
        }
        self.check(seed);
    }
}

#[test]
fn whatever_is_done_in_whatever_order_the_named_go_and_all_others_stay() {
    let run = |seeds: std::ops::Range<u64>| {
        for seed in seeds {
            println!("seed {seed}");
            let mut programme = Programme::new(seed);
            for _ in 0..STEPS {
                programme.step(seed);
            }
            (0..programme.orders.len()).for_each(|at| programme.execute(at));
            let gone = programme.ordered.iter().map(|(number, (remains, is_executed))| {
                assert!(is_executed, "seed {seed}: {number}");
                (*number, *remains)
            });
            programme.world.check(&gone.collect());
            let world = &programme.world;
            for number in 1..=world.numbers.last {
                let is_gone = programme.ordered.contains_key(&number);
                assert!(!is_gone || !world.says(&word(number)), "seed {seed}: {number}");
            }
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| run(0..SEEDS / 2));
        run(SEEDS / 2..SEEDS);
    });
}
