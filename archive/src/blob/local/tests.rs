//! Claims about kept files, on a real folder.

use std::io::Read as _;

use chat::testing::SeededRng;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::keys::KeyPlace;

struct Ground {
    home: tempfile::TempDir,
    blobs: LocalBlobs,
}

impl Ground {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let archive = ArchiveId::from_bytes([1; 16]);
        let place = KeyPlace { folder: home.path().join("keys"), kek_file: None, archive };
        let ports = Ports { rng: Arc::new(SeededRng::new(9)), ..Ports::production() };
        Keys::create(&place, &ports).unwrap();
        let keys = Arc::new(Keys::open(&place, ports.clone(), Arc::default()).unwrap());
        let blobs = LocalBlobs::open(&ports, &keys, archive, home.path().join("blobs")).unwrap();
        Self { home, blobs }
    }

    fn again(&self) -> LocalBlobs {
        let Self { home, blobs } = self;
        let folder = home.path().join("blobs");
        LocalBlobs::open(&blobs.ports, &blobs.keys, blobs.archive, folder).unwrap()
    }

    fn keep(&self, content: &[u8]) -> KeptFile {
        self.blobs.keep(&mut &content[..]).unwrap()
    }

    fn read(&self, file: &FileId) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.blobs.content(file).unwrap().unwrap().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

#[test]
fn a_file_of_any_size_comes_back() {
    let ground = Ground::new();
    let part = CONTENT_BYTES_MAX;
    for bytes in [0, 1, part - 1, part, part + 1, 3 * part, 3 * part + 7] {
        let content = content(bytes);
        let kept = ground.keep(&content);
        assert_eq!(kept.bytes, u64::try_from(bytes).unwrap());
        assert_eq!(kept.file.as_bytes()[..], Sha256::digest(&content)[..]);
        assert_eq!(ground.read(&kept.file).unwrap(), content, "{bytes}");
    }
    assert_eq!(ground.blobs.totals().0, 7);
    assert_eq!(ground.again().totals(), ground.blobs.totals());
}

#[test]
fn the_same_content_is_kept_once() {
    let ground = Ground::new();
    for content in [content(100), content(CONTENT_BYTES_MAX + 5)] {
        let first = ground.keep(&content);
        let again = ground.keep(&content);
        assert!(!first.was_known && again.was_known);
        assert_eq!(first.file, again.file);
    }
    assert_eq!(ground.blobs.names().unwrap().len(), 2);
    let loose = std::fs::read_dir(ground.home.path().join("blobs")).unwrap();
    assert!(loose.into_iter().all(|entry| entry.unwrap().file_type().unwrap().is_dir()));
}

#[test]
fn neither_name_nor_bytes_show_the_content() {
    let ground = Ground::new();
    let kept = ground.keep(b"the words of the file, which nobody may read");
    let names = ground.blobs.names().unwrap();
    assert_ne!(names, [kept.file.to_string()]);
    let bytes = std::fs::read(ground.blobs.path_of_name(&names[0])).unwrap();
    assert!(!bytes.windows(5).any(|window| window == b"words"));
}

#[test]
fn any_flipped_byte_and_any_cut_is_an_error() {
    let ground = Ground::new();
    let kept = ground.keep(&content(300));
    let name = ground.blobs.name(&kept.file);
    let path = ground.blobs.path_of_name(&name);
    let whole = std::fs::read(&path).unwrap();
    let fails = |bytes: &[u8]| {
        std::fs::File::create(&path).unwrap().set_len(0).unwrap();
        io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), bytes).unwrap();
        let read = ground.blobs.content(&kept.file).map(|content| {
            content.is_none_or(|mut content| content.read_to_end(&mut Vec::new()).is_err())
        });
        ground.blobs.check(&name).is_err() && read.unwrap_or(true)
    };
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert!(fails(&damaged), "byte {at}");
        assert!(fails(&whole[..at]), "cut at {at}");
    }
    assert!(fails(&[whole.as_slice(), &[0]].concat()));
    assert!(!fails(&whole));
    assert_eq!(ground.blobs.check(&name).unwrap(), 300);
}

#[test]
fn a_blob_under_another_blobs_name_is_an_error_at_the_end() {
    let ground = Ground::new();
    let (one, other) = (ground.keep(b"one"), ground.keep(b"other"));
    let path = |kept: &KeptFile| ground.blobs.path_of_name(&ground.blobs.name(&kept.file));
    std::fs::copy(path(&other), path(&one)).unwrap();
    assert!(ground.read(&one.file).unwrap_err().to_string().contains("another hash"));
    assert!(ground.blobs.check(&ground.blobs.name(&one.file)).is_err());
}

#[test]
fn what_is_not_kept_is_nothing() {
    let ground = Ground::new();
    assert!(ground.blobs.content(&FileId::from_bytes([3; 32])).unwrap().is_none());
}

#[test]
fn a_content_that_cannot_be_read_leaves_nothing() {
    struct Broken(u8);
    impl Read for Broken {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::TimedOut)?;
            out.fill(7);
            Ok(out.len())
        }
    }
    let ground = Ground::new();
    for reads in [0, 1, 40] {
        let error = ground.blobs.keep(&mut Broken(reads)).unwrap_err();
        assert_eq!(error.family(), chat::Family::Unavailable, "{error}");
    }
    assert_eq!(ground.again().totals(), (0, 0));
    assert!(ground.blobs.names().unwrap().is_empty());
}
