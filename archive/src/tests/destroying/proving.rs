//! What a destruction leaves is proven as before: by the reader in Python, by a room's chain over stubs, and beside damage.

use chat::RoomId;

use super::super::python::{hex, lines, python};
use super::*;
use crate::proof::Refusal;

/// Writes the files of the simulated disk where another process can read them.
fn written_out(world: &World) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in world.disk.files() {
        let path = folder.path().join(path.strip_prefix(HOME).unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), &bytes).unwrap();
    }
    folder
}

/// The events of a room between two places, without acts, which are said in none.
fn of_room(room: u64, within: std::ops::RangeInclusive<u64>) -> (RoomId, Vec<Seq>) {
    let seqs = within.filter(|number| number % 3 == room && !number.is_multiple_of(5));
    let seqs: Vec<_> = seqs.map(seq).collect();
    (event(seqs[0].get()).place.unwrap().room, seqs)
}

#[test]
fn python_reads_an_executed_order_and_comes_to_the_same_root() {
    let mut world = World::of(1, &[150, 160, 170]);
    let order = world.order(&wishes());
    let named = world.named(&order);
    world.archive.destroy(&order).unwrap();
    world.archive.seal().unwrap();
    let signed = world.archive.checkpoint().unwrap();
    let folder = written_out(&world);
    let test = "python_reads_an_executed_order_and_comes_to_the_same_root";
    let Some(output) = python(test, &[], folder.path()) else { return };
    let found = lines(&output);
    assert_eq!(found.len(), world.log.len());
    for line in found {
        let number = line["seq"].as_u64().unwrap();
        let leaf = world.archive.leaf(seq(number)).unwrap().unwrap();
        assert_eq!(line["leaf"].as_str(), Some(hex(&leaf).as_str()), "{number}");
        let left = named.get(&number).map_or("live", |remains| remains.word());
        assert_eq!(line["state"].as_str(), Some(left), "{number}");
        assert_eq!(line.to_string().contains(&word(number)), left == "live" && number <= 480);
    }
    let output = python(test, &["--check-tree"], folder.path()).unwrap();
    let [checked] = lines(&output).try_into().unwrap();
    assert_eq!(checked["root"].as_str(), Some(hex(&signed.checkpoint.root).as_str()));
}

#[test]
fn a_room_is_proven_over_stubs_and_blanks_but_not_from_a_blank_on() {
    let mut world = World::of(1, &[300]);
    let wishes =
        [Wish::Talk(seqs([19, 22, 28]), Remains::Stub), Wish::Talk(seqs([101]), Remains::Blank)];
    let order = world.order(&wishes);
    let prove = |world: &World, (room, seqs): (RoomId, Vec<Seq>)| {
        world.archive.prove_room(room, &seqs, world.archive.size(), &|_| false)
    };
    assert!(prove(&world, of_room(2, 80..=120)).is_ok());
    world.archive.destroy(&order).unwrap();
    assert!(prove(&world, of_room(1, 1..=60)).is_ok(), "three stubs in between");
    let (room, mut short) = of_room(1, 1..=60);
    short.retain(|place| *place != seq(22));
    let left_out = prove(&world, (room, short)).unwrap_err();
    assert!(matches!(left_out, Error::Refused { .. }), "{left_out}");
    assert!(prove(&world, of_room(2, 80..=120)).is_ok(), "a blank fills the gap that it left");
    let from_a_blank = prove(&world, of_room(2, 101..=120)).unwrap_err();
    let is_told = matches!(from_a_blank, Error::Refused { reason: Refusal::RoomEnds, .. });
    assert!(is_told, "{from_a_blank:?}");
}

#[test]
fn where_a_range_is_damaged_what_can_be_proven_goes_and_the_rest_once_it_is_mended() {
    let mut world = World::of(1, &[150, 160, 170]);
    let order = world.order(&[Wish::Talk(seqs([3, 4, 399]), Remains::Stub)]);
    let named = world.named(&order);
    world.archive.close().unwrap();
    let path = Path::new(HOME).join("segments/151-310-0.talk");
    let whole = world.disk.files().remove(&path).unwrap();
    let mut damaged = whole.clone();
    let end = damaged.len() - 40;
    damaged[end] ^= 1;
    let put = |world: &World, bytes: &[u8]| {
        let mut files = world.disk.files();
        files.insert(path.clone(), bytes.to_vec());
        SimulatedDisk::holding(files)
    };
    world.disk = put(&world, &damaged);
    world.reopen(2);
    let told = world.archive.destroy(&order).unwrap_err();
    let Error::OrderUnfinished { report, source, .. } = &told else { panic!("{told}") };
    assert_eq!((report.ranges, report.events), (1, 1), "the last range");
    // The hash that the tree keeps over the end of the first range covers events of the damaged one as well.
    assert!(source.to_string().contains("151-310"), "{source}");
    assert!(!world.archive.is_executed(&order).unwrap());
    assert!(world.archive.read(seq(3)).unwrap().is_some() && !world.says(&word(399)));
    world.archive.close().unwrap();
    world.disk = put(&world, &whole);
    world.reopen(3);
    let report = world.archive.destroy(&order).unwrap();
    assert_eq!((report.ranges, report.events), (1, 2));
    world.check(&named);
    world.check_nothing_left_over();
    assert!(world.archive.is_executed(&order).unwrap());
}
