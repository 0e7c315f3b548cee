//! What is where, in a database that can be asked: segments, sources, rooms, persons, kinds, imports, files. Derived from the log
//! and the footers of its segments, and made again from them when it is missing (house.md §3); no read of an event goes through it.
//!
//! It holds what the log held when it was followed. An event that is destroyed later stays counted until the catalog is made again.

mod batch;
mod follower;
mod glance;
mod sqlite;
mod write;

use std::collections::HashMap;

use chat::{EventKind, FileId, Lane, PersonId, RoomId, Seq, SourceId, Timestamp};

use crate::error::Result;
use crate::proof::Digest;
pub(crate) use follower::CatalogFollower;

/// A follower of the log that can be asked for lists. May be used from any thread.
pub trait Catalog: Send + Sync + std::fmt::Debug {
    /// Returns how many events have been followed.
    fn watermark(&self) -> Result<u64>;
    /// Returns what it counts, all as of one moment.
    fn counts(&self) -> Result<Counts>;
    /// Returns the files of all segments that can be read, in the order of the log, talk before ledger.
    fn segments(&self) -> Result<Vec<SegmentRow>>;
    /// Returns all checkpoints that verify, the smallest first.
    fn checkpoints(&self) -> Result<Vec<CheckpointRow>>;
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

/// What the catalog counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// How many events have been followed, the destroyed ones among them.
    pub watermark: u64,
    /// How many of them were there.
    pub events: u64,
    /// How many of those stand in each room.
    pub rooms: HashMap<RoomId, u64>,
}

/// One file of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentRow {
    /// The first event of its range.
    pub first: Seq,
    /// The last event of its range.
    pub last: Seq,
    /// The lane of its events.
    pub lane: Lane,
    /// 0 when sealed, and one more for each time it was written anew.
    pub generation: u32,
    /// Its events, what is left of destroyed ones included.
    pub events: u64,
    /// Its bytes on disk.
    pub bytes: u64,
    /// Bytes of headers and values in it, before columns and compression.
    pub raw_bytes: u64,
    /// When it was written.
    pub sealed_at: Timestamp,
}

/// One signed checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckpointRow {
    /// How many events it covers.
    pub size: u64,
    /// Its root.
    pub root: Digest,
    /// When the newest event that it covers was recorded, where that is known.
    pub at: Option<Timestamp>,
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
