//! The real corpus: 961,336 messages of public IRC, kept outside of the repository; everything beside it on demand.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use chat::Timestamp;
use serde::Deserialize;

use crate::Fault;

/// The corpus of every figure that is published.
const MAIN: &str = "raku-irc-2017-2019.jsonl.zst";
/// Names the variable that asks for every corpus.
const CORPUS: &str = "MUNIMENT_BENCH_CORPUS";
/// Names the variable that asks for the first so many lines of each file alone.
const MESSAGES: &str = "MUNIMENT_BENCH_MESSAGES";

/// One message as the baselines see it. Lines that are events, such as a join, have a text too.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) room: String,
    pub(crate) sender: String,
    pub(crate) time: String,
    #[serde(default)]
    pub(crate) text: String,
}

/// The corpus in memory: its lines as bytes, and read.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) lines: Vec<Line>,
}

impl Corpus {
    /// Returns where the files lie, or nothing where the samples are absent.
    pub(crate) fn paths() -> Option<Vec<PathBuf>> {
        let folder = tests::samples()?.join("data/chat");
        if std::env::var_os(CORPUS).is_none_or(|asked| asked != "all") {
            return Some(vec![folder.join(MAIN)])
                .filter(|paths| paths.iter().all(|path| path.is_file()));
        }
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.to_string_lossy().ends_with(".jsonl.zst"));
        paths.sort();
        Some(paths)
    }

    /// Reads the files; where a smaller run is asked for, their beginnings, which are written to the scratch folder.
    pub(crate) fn load(paths: Vec<PathBuf>, scratch: &Path) -> Result<Self, Fault> {
        let most = match std::env::var(MESSAGES) {
            Ok(text) => text.parse()?,
            Err(_) => usize::MAX,
        };
        let mut read = Self { paths: Vec::new(), bytes: Vec::new(), lines: Vec::new() };
        for path in paths {
            let begins = read.bytes.len();
            read.append(&path, most)?;
            let path = if most == usize::MAX {
                path
            } else {
                let name = path.file_stem().ok_or("a file without a name")?;
                let part = scratch.join(name);
                put(&part, read.bytes.get(begins..).unwrap_or_default())?;
                part
            };
            read.paths.push(path);
        }
        Ok(read)
    }

    fn append(&mut self, path: &Path, most: usize) -> Result<(), Fault> {
        let file = std::fs::File::open(path)?;
        let is_packed = path.extension().is_some_and(|ending| ending == "zst");
        let input: Box<dyn Read> =
            if is_packed { Box::new(zstd::stream::Decoder::new(file)?) } else { Box::new(file) };
        let lines = BufReader::new(input).split(b'\n');
        for line in lines.take(most) {
            let line = line?;
            if line.is_empty() {
                continue;
            }
            self.lines.push(serde_json::from_slice(&line)?);
            self.bytes.extend_from_slice(&line);
            self.bytes.push(b'\n');
        }
        Ok(())
    }
}

impl Line {
    /// Returns the time in microseconds since 1970.
    pub(crate) fn micros(&self) -> i64 {
        Timestamp::parse_rfc3339(&self.time).expect("a time of the corpus").micros()
    }
}

/// Writes a file that goes with the run.
pub(crate) fn put(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::File::create(file)?.write_all(bytes)
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
