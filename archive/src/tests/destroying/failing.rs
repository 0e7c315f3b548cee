//! Orders on a disk that fails: at every call of an execution the power goes, or the call fails.

use super::super::simulated::Fault;
use super::*;

fn small(seed: u64) -> (World, RecordedOrder) {
    let mut world = World::of(seed, &[40, 30]);
    world.append(10);
    world.archive.abridging.renew().unwrap();
    let order = world.order(&[
        Wish::Talk(seqs([3, 44]), Remains::Stub),
        Wish::Talk(seqs([4, 79]), Remains::Blank),
        Wish::Ledger(seqs([5, 50]), Remains::Stub),
    ]);
    (world, order)
}

/// Every survivor reads as it was recorded, and each named event whole or not at all.
fn nothing_else_is_gone(world: &World, named: &BTreeMap<u64, Remains>, at: &str) {
    for recorded in &world.log {
        let read = world.archive.read(recorded.seq).unwrap_or_else(|error| panic!("{at}: {error}"));
        let is_right = read.as_ref() == Some(recorded)
            || (read.is_none() && named.contains_key(&recorded.seq.get()));
        assert!(is_right, "{at}: event {}", recorded.seq);
    }
}

fn executed_in_the_end(world: &World, order: &RecordedOrder, named: &BTreeMap<u64, Remains>) {
    world.archive.destroy(order).unwrap();
    world.check(named);
    assert!(named.keys().all(|number| !world.says(&word(*number))));
    assert!(world.says(&word(6)) && world.says(&word(45)));
    world.check_nothing_left_over();
    assert!(world.archive.is_executed(order).unwrap());
    assert_eq!(world.archive.destroy(order).unwrap(), DestroyReport::default());
}

#[test]
fn a_power_cut_at_any_call_of_a_destruction_costs_no_survivor_and_a_second_one_ends_it() {
    for call in 1.. {
        let (mut world, order) = small(call);
        let named = world.named(&order);
        world.disk.fail_at(call, Fault::PowerCut);
        let done = world.archive.destroy(&order);
        world.disk.cut_power();
        world.reopen(call + 1_000_000);
        nothing_else_is_gone(&world, &named, &format!("call {call}"));
        executed_in_the_end(&world, &order, &named);
        if done.is_ok() {
            assert!(call > 100, "a destruction has more durable steps than {call}");
            return;
        }
    }
}

#[test]
fn a_failure_at_any_call_of_a_destruction_is_told_and_costs_no_survivor() {
    for fault in [Fault::Io, Fault::Full] {
        for call in 1.. {
            let (mut world, order) = small(call);
            let named = world.named(&order);
            world.disk.fail_at(call, fault);
            let done = world.archive.destroy(&order);
            world.disk.heal();
            let at = format!("{fault:?} at call {call}");
            if let Err(error) = &done {
                let object = format!("execute the order at event {}", order.place());
                assert!(error.to_string().starts_with(&object), "{at}: {error}");
            }
            if world.archive.shared.fuse.check().is_err() {
                assert!(done.is_err(), "{at}");
                world.disk.end_process();
                world.reopen(call + 1_000_000);
            }
            nothing_else_is_gone(&world, &named, &at);
            println!("{at}: {done:?}");
            executed_in_the_end(&world, &order, &named);
            if call > 400 {
                break;
            }
        }
    }
}
