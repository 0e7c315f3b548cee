//! What is fed with hostile bytes: one function for each reader of bytes from outside.
//!
//! Each body states what must hold for every input, beyond that nothing panics: what is understood is written again to the
//! same bytes, a fault names a place within the input, nothing that was offered disappears. The same functions are called by
//! the fuzzer (`tests/fuzz/main.rs`, coverage-guided, nightly) and by the replay (`tests/fuzz/replay`, seeded, stable).

mod log;
mod packages;
mod proofs;
mod queries;
mod segments;
mod sources;

/// One reader and what may be fed to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Its name: of its folder in the corpus, and for the fuzzer.
    pub(crate) name: &'static str,
    /// Reads the bytes and asserts what must hold.
    pub(crate) body: fn(&[u8]),
    /// Bytes that it may hold in memory at most, whatever the bytes announce.
    pub(crate) memory_bytes_max: u64,
}

const MEBIBYTE: u64 = 1 << 20;

const fn target(name: &'static str, body: fn(&[u8]), mebibytes: u64) -> Target {
    Target { name, body, memory_bytes_max: mebibytes * MEBIBYTE }
}

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    target("journal", log::journal, 1),
    target("record", log::record, 1),
    target("segment", segments::segment, 4),
    target("query", queries::query, 1),
    target("jsonl", sources::jsonl, 1),
    target("post", sources::post, 1),
    target("slack", sources::slack, 2),
    target("lync", sources::lync, 1),
    target("container", sources::container, 2),
    target("claim", proofs::claim, 1),
    target("note", proofs::note, 1),
    target("event_line", packages::event_line, 1),
    target("export_set", packages::export_set, 1),
    target("package", packages::package, 4),
];
