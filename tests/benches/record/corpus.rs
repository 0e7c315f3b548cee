//! The real corpus: 961,336 messages of public IRC, kept outside of the repository.

use std::fs::File;
use std::path::{Path, PathBuf};

use chat::Timestamp;
use serde::Deserialize;

/// One message as the baselines see it.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) room: String,
    pub(crate) sender: String,
    pub(crate) time: String,
    pub(crate) text: String,
}

/// The corpus in memory: its lines as bytes, and read.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) lines: Vec<Line>,
}

impl Corpus {
    /// Returns where the corpus lies, or nothing where the samples are absent.
    pub(crate) fn path() -> Option<PathBuf> {
        Some(tests::samples()?.join("data/chat/raku-irc-2017-2019.jsonl.zst"))
    }

    /// Reads the corpus.
    pub(crate) fn load(path: PathBuf) -> Option<Self> {
        let bytes = zstd::decode_all(File::open(&path).ok()?).ok()?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines =
            lines.map(|line| serde_json::from_slice(line).expect("a line of the corpus")).collect();
        Some(Self { path, bytes, lines })
    }
}

impl Line {
    /// Returns the time in microseconds since 1970.
    pub(crate) fn micros(&self) -> i64 {
        Timestamp::parse_rfc3339(&self.time).expect("a time of the corpus").micros()
    }
}

/// Returns the bytes of all files below a folder.
pub(crate) fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
