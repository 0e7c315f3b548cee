//! What a run stands on: processor, disk, versions, corpus.

use std::fmt;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::Fault;
use crate::stage::Stage;

/// File systems that live in memory, by the magic number of `statfs`: tmpfs and ramfs. A sync costs nothing there.
const MEMORY_FILE_SYSTEMS: [i64; 2] = [0x0102_1994, 0x8584_58f6];
/// Packages whose versions are told.
const PACKAGES: [&str; 5] = ["tantivy", "zstd", "zstd-sys", "sqlx", "libsqlite3-sys"];

/// What a run stands on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    processors: usize,
    memory_megabytes: u64,
    kernel: String,
    scratch_is_in_memory: bool,
    versions: Vec<(String, String)>,
    corpus: Vec<String>,
    corpus_sha256: String,
    messages: usize,
    json_bytes: usize,
    runs: usize,
    is_optimised: bool,
}

/// Looks at the machine.
pub(crate) fn of(stage: &Stage) -> Result<Machine, Fault> {
    let corpus = stage.corpus();
    let kind = rustix::fs::statfs(stage.scratch())?.f_type;
    let name = |path: &std::path::PathBuf| {
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    };
    Ok(Machine {
        processor: line_of("/proc/cpuinfo", "model name").unwrap_or_default(),
        processors: std::thread::available_parallelism()?.get(),
        memory_megabytes: line_of("/proc/meminfo", "MemTotal")
            .and_then(|words| words.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kilobytes| kilobytes / 1_024),
        kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        scratch_is_in_memory: MEMORY_FILE_SYSTEMS.contains(&kind),
        versions: PACKAGES.iter().filter_map(|name| version(name)).collect(),
        corpus: corpus.paths.iter().map(name).collect(),
        corpus_sha256: hex(&Sha256::digest(&corpus.bytes)),
        messages: corpus.lines.len(),
        json_bytes: corpus.bytes.len(),
        runs: stage.runs(),
        is_optimised: !cfg!(debug_assertions),
    })
}

/// Returns the load average of the last minute and of the last five.
pub(crate) fn load_average() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn line_of(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Returns a package's version as the lock file has it.
fn version(package: &str) -> Option<(String, String)> {
    let lock: toml::Table =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock")).parse().ok()?;
    let packages = lock.get("package")?.as_array()?;
    let found = packages
        .iter()
        .find(|one| one.get("name").and_then(toml::Value::as_str) == Some(package))?;
    Some((package.to_owned(), found.get("version")?.as_str()?.to_owned()))
}

impl fmt::Display for Machine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<_> =
            self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        writeln!(
            out,
            "{} × {}, {} MB, Linux {}, {}; load average {}",
            self.processors,
            self.processor,
            self.memory_megabytes,
            self.kernel,
            versions.join(", "),
            load_average(),
        )?;
        write!(
            out,
            "{} messages of {}, {} bytes of JSON, SHA-256 {}; runs {}",
            self.messages,
            self.corpus.join(", "),
            self.json_bytes,
            self.corpus_sha256,
            self.runs
        )?;
        if self.scratch_is_in_memory {
            write!(
                out,
                "\n**the scratch folder lies in memory: set TMPDIR to a disk, or no figure of a sync means anything**"
            )?;
        }
        if !self.is_optimised {
            write!(out, "\n**built without optimisation: no figure means anything**")?;
        }
        Ok(())
    }
}
