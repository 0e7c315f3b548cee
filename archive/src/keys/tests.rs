//! What the keys promise: a file's key is durable before the file, survives every crash, and is gone once destroyed.

use std::path::Path;
use std::sync::Arc;

use chat::{ArchiveId, Disk as _};

use super::{KeyId, KeyPlace, Keys};
use crate::disk::Ports;
use crate::error::{Error, Result};
use crate::tests::ports;
use crate::tests::simulated::{Fault, SimulatedDisk};

const FILES: usize = 5;

fn place() -> KeyPlace {
    let folder = Path::new("/archive/keys").to_owned();
    KeyPlace { folder, kek_file: None, archive: ArchiveId::from_bytes([7; 16]) }
}

fn on(disk: &SimulatedDisk) -> Ports {
    Ports { disk: Arc::new(disk.clone()), ..ports(3) }
}

fn open(disk: &SimulatedDisk) -> Result<Keys> {
    Keys::open(&place(), on(disk), Arc::default())
}

/// Keys with some files, and for each a sealed part.
fn sealed_files(disk: &SimulatedDisk) -> (Keys, Vec<(KeyId, Vec<u8>)>) {
    Keys::create(&place(), &on(disk)).unwrap();
    let keys = open(disk).unwrap();
    let files = (0..FILES).map(|_| {
        let mut sealer = keys.new_file().unwrap();
        let mut part = b"words".to_vec();
        sealer.seal(&mut part);
        (sealer.id(), part)
    });
    let files = files.collect();
    (keys, files)
}

fn opens(keys: &Keys, (id, part): &(KeyId, Vec<u8>)) -> bool {
    keys.opener(*id).unwrap().is_some_and(|opener| opener.open(0, &mut part.clone()))
}

#[test]
fn a_destroyed_key_opens_nothing_and_the_others_stay() {
    let disk = SimulatedDisk::new(1);
    let (keys, files) = sealed_files(&disk);
    keys.destroy(&[files[2].0]).unwrap();
    disk.cut_power();
    for keys in [open(&disk).unwrap(), open(&disk).unwrap()] {
        let found: Vec<bool> = files.iter().map(|file| opens(&keys, file)).collect();
        assert_eq!(found, [true, true, false, true, true]);
        assert_eq!(keys.blob_name_key(), open(&disk).unwrap().blob_name_key());
    }
    assert!(open(&disk).unwrap().new_file().is_ok());
}

#[test]
fn a_power_cut_at_any_call_of_a_destruction_loses_no_other_key() {
    for call in 1.. {
        let disk = SimulatedDisk::new(call);
        let (keys, files) = sealed_files(&disk);
        disk.fail_at(call, Fault::PowerCut);
        let is_done = keys.destroy(&[files[2].0]).is_ok();
        disk.cut_power();
        let keys = open(&disk).unwrap();
        for (number, file) in files.iter().enumerate().filter(|(number, _)| *number != 2) {
            assert!(opens(&keys, file), "call {call}, file {number}");
        }
        if is_done {
            assert!(!opens(&keys, &files[2]));
            assert!(call > 10, "a destruction has more durable steps than {call}");
            return;
        }
        let keys = open(&disk).unwrap();
        keys.destroy(&[files[2].0]).unwrap();
        assert!(!opens(&keys, &files[2]));
    }
}

#[test]
fn a_torn_entry_is_cut_and_a_damaged_one_costs_its_own_file_alone() {
    let disk = SimulatedDisk::new(1);
    let (_, files) = sealed_files(&disk);
    let ring = disk.open(&place().folder.join("ring")).unwrap();
    let length = ring.len().unwrap();
    ring.write_all_at(length, &[9; 79]).unwrap();
    let keys = open(&disk).unwrap();
    assert!(files.iter().all(|file| opens(&keys, file)));
    assert_eq!(ring.len().unwrap(), length);

    ring.write_all_at(40, &[9]).unwrap();
    let keys = open(&disk).unwrap();
    let found: Vec<bool> = files.iter().map(|file| opens(&keys, file)).collect();
    assert_eq!(found, [false, true, true, true, true]);
    assert!(keys.fault().unwrap().contains("1 keys are damaged"));
    let more = keys.new_file().unwrap().id();
    let keys = open(&disk).unwrap();
    assert!(keys.holds(more) && opens(&keys, &files[4]));
}

#[test]
fn a_key_that_no_file_needs_goes_with_the_next_destruction() {
    let disk = SimulatedDisk::new(1);
    let (keys, files) = sealed_files(&disk);
    keys.retire(&[files[0].0]);
    disk.fail_at(1, Fault::Io);
    assert!(keys.destroy(&[files[1].0]).is_err());
    assert!(opens(&keys, &files[0]) && opens(&keys, &files[1]));
    keys.destroy_retired().unwrap();
    drop(keys);
    let keys = open(&disk).unwrap();
    let found: Vec<bool> = files.iter().map(|file| opens(&keys, file)).collect();
    assert_eq!(found, [false, false, true, true, true]);
    keys.retire(&keys.inherited_but(&[files[2].0, files[3].0].into()));
    keys.destroy_retired().unwrap();
    assert_eq!((keys.count(), opens(&keys, &files[4])), (2, false));
}

#[test]
fn the_keys_of_another_archive_do_not_open() {
    let disk = SimulatedDisk::new(1);
    drop(sealed_files(&disk));
    let other = KeyPlace { archive: ArchiveId::from_bytes([8; 16]), ..place() };
    let error = Keys::open(&other, on(&disk), Arc::default()).unwrap_err();
    assert!(matches!(error, Error::KeyForeign { .. }), "{error}");
}

#[test]
fn nothing_that_is_derived_or_drawn_is_equal_to_another() {
    let disk = SimulatedDisk::new(1);
    let (keys, files) = sealed_files(&disk);
    assert_ne!(keys.blob_name_key(), keys.origin_key());
    assert_ne!(files[0].1, files[1].1);
    assert!(!format!("{keys:?}").contains("secret"));
}
