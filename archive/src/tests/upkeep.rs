//! What runs by itself: sealing that keeps memory bounded, and checkpoints that keep what is signed near what is durable.

use chat::Seq;

use super::{Numbers, ports, read_all, still};
use crate::{Archive, Creation, Settings};

const SEAL_BYTES: u64 = 128 << 10;

#[test]
fn a_long_import_is_sealed_as_it_comes_and_read_while_it_is() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("archive");
    let settings = Settings { seal_bytes: SEAL_BYTES, runs_upkeep: true, ..still() };
    let archive =
        Archive::create(&folder, &Creation::default(), settings.clone(), ports(1)).unwrap();
    let mut numbers = Numbers::default();
    let mut all = Vec::new();
    let mut tail = archive.tail(Seq::FIRST);
    let mut followed = Vec::new();
    for _ in 0..40 {
        let events = numbers.events(200);
        archive.append(events.clone()).unwrap().wait().unwrap();
        all.extend(events);
        let journal_bytes = archive.state().journal_bytes;
        assert!(journal_bytes <= 5 * SEAL_BYTES, "{journal_bytes} bytes wait to be sealed");
        followed.extend(tail.next_batch(1000).unwrap());
    }
    loop {
        let batch = tail.next_batch(1000).unwrap();
        if batch.is_empty() {
            break;
        }
        followed.extend(batch);
    }
    assert_eq!(followed, all);
    assert!(archive.state().segments > 0);
    archive.close().unwrap();
    assert_eq!(archive.newest_checkpoint().unwrap().checkpoint.size, 8_000);
    drop(archive);
    let archive = Archive::open(&folder, settings, ports(2)).unwrap();
    assert_eq!(read_all(&archive).unwrap(), all);
}
