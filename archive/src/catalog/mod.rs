//! What is where, in a database that can be asked: sources, rooms, persons, kinds, imports, files. Derived from the log, and made
//! again from it when it is missing (house.md §3); no read of an event goes through it.

mod batch;
mod sqlite;

use chat::{EventKind, FileId, PersonId, Recorded, RoomId, Seq, SourceId};

use crate::error::Result;
pub use sqlite::SqliteCatalog;

/// A follower of the log that can be asked for lists. May be used from any thread.
pub trait Catalog: Send + Sync + std::fmt::Debug {
    /// Returns how many events have been followed.
    fn watermark(&self) -> Result<u64>;
    /// Takes the events after the watermark, in order. Their effect and the new watermark are durable together, or neither is.
    fn follow(&self, batch: &[Recorded]) -> Result<()>;
    /// Returns all sources, by name.
    fn sources(&self) -> Result<Vec<SourceRow>>;
    /// Returns all rooms, by name.
    fn rooms(&self) -> Result<Vec<RoomRow>>;
    /// Returns all persons, by name.
    fn persons(&self) -> Result<Vec<PersonRow>>;
    /// Returns how many events there are of each kind, by code.
    fn kinds(&self) -> Result<Vec<(EventKind, u64)>>;
    /// Returns all imports, the first first.
    fn imports(&self) -> Result<Vec<ImportRow>>;
    /// Returns all files that events name and the archive holds, by hash.
    fn files(&self) -> Result<Vec<FileRow>>;
}

/// One system that events came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its id.
    pub id: SourceId,
    /// Its name as declared; empty if it never was.
    pub name: String,
    /// How many events came from it.
    pub events: u64,
}

/// Where events of a room or person stand in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub first: Seq,
    /// The last.
    pub last: Seq,
    /// How many there are.
    pub events: u64,
}

/// One room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRow {
    /// Its id.
    pub id: RoomId,
    /// Its name in its newest event.
    pub name: String,
    /// What kind of room it is, as declared.
    pub kind: Option<String>,
    /// Its category, as declared.
    pub category: Option<String>,
    /// Where it is from, as declared.
    pub source: Option<SourceId>,
    /// Its events.
    pub span: Span,
}

/// One person as one source knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The id.
    pub id: PersonId,
    /// The name in their newest event.
    pub name: String,
    /// The source's own id of them.
    pub foreign_id: Option<String>,
    /// The address in the newest event that has one.
    pub email: Option<String>,
    /// The source of their newest event that has one.
    pub source: Option<SourceId>,
    /// Their events.
    pub span: Span,
}

/// One run of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// Its id.
    pub id: String,
    /// The event that says it began.
    pub begun: Option<Seq>,
    /// The event that says how it ended, if it has.
    pub ended: Option<Seq>,
    /// The source it was read for.
    pub source: Option<String>,
    /// The format of its input.
    pub format: Option<String>,
    /// SHA-256 of its input.
    pub input_sha256: Option<String>,
    /// Events it added.
    pub accepted: Option<u64>,
    /// Records it put into quarantine.
    pub quarantined: Option<u64>,
}

/// One file that events name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRow {
    /// The SHA-256 of its bytes.
    pub id: FileId,
    /// Their number.
    pub bytes: u64,
    /// The first event that names it.
    pub first: Seq,
    /// How many events name it.
    pub events: u64,
}
