//! What a stranger's verifier reads: the lines of events, the set that was frozen, a whole package.

use std::io::Write as _;

use archive::proof::VerifierKey;
use chat::ArchiveId;
use export::ExportSet;
use export::format::line;

/// The key that signed the package of the corpus.
const KEY: &str = include_str!("../package.key");

/// A line of `events.jsonl`: every line but the canonical one is refused.
pub(super) fn event_line(bytes: &[u8]) {
    for archive in [[9; 16], [0; 16]].map(ArchiveId::from_bytes) {
        match line::read(bytes, archive) {
            Ok(recorded) => assert_eq!(line::write(&recorded, archive), bytes),
            Err(words) => assert!(!words.is_empty()),
        }
    }
}

/// The file of a frozen set: what is read is written again, under the same name.
pub(super) fn export_set(bytes: &[u8]) {
    if let Ok(set) = ExportSet::from_bytes(bytes) {
        let again = ExportSet::from_bytes(&set.to_bytes()).expect("a set reads back");
        assert_eq!((again.id(), again.to_bytes()), (set.id(), set.to_bytes()));
    }
}

/// A package as one zip file: sound, or a finding says what is not.
pub(super) fn package(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a file of the test");
    file.write_all(bytes).expect("a file of the test can be written");
    let key: VerifierKey = KEY.trim().parse().expect("the key of the corpus");
    match export::verify(file.path(), &key) {
        Ok(report) => {
            assert_eq!(report.ok, report.findings.is_empty(), "{:?}", report.findings);
            assert!(report.ok != report.proven.is_empty(), "{:?}", report.proven);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
