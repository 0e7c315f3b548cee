//! The vocabulary of Muniment: what a chat event is, who and where it names, when it happened, and how large it may be.
//!
//! Every other member of the workspace speaks these words; this one knows none of them. The main nouns are
//! [`ChatEvent`] (what happened), [`Recorded`] (the same event with its place in the log) and [`Seq`] (that place).
//!
//! This crate refuses to do: input or output, reading a clock, drawing random numbers, holding state. What those need
//! stands in [`ports`] as traits, so that one seed replays a whole run.
//!
//! ```
//! use chat::{EventKind, Lane, Seq, Timestamp};
//!
//! assert_eq!(EventKind::Message.lane(), Lane::Talk);
//! assert_eq!(EventKind::from_code(0x8003).lane(), Lane::Ledger);
//! assert_eq!(Seq::FIRST.get(), 1);
//! let noon = Timestamp::parse_rfc3339("2024-03-04T12:00:00Z").unwrap();
//! assert_eq!(noon.to_string(), "2024-03-04T12:00:00.000000Z");
//! ```
//!
//! How these become bytes is not this crate's business: `archive::record` encodes them, `docs/format.md` says how.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod act;
pub mod attachment;
pub mod event;
pub mod family;
pub mod id;
pub mod kind;
pub mod limits;
pub mod person;
pub mod ports;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;

pub use act::{Act, Fact};
pub use attachment::{Attachment, Custody};
pub use event::{ChatEvent, Content, Origin, OriginKey, Place, Recorded};
pub use family::Family;
pub use id::{ArchiveId, EventId, FileId, PersonId, PlaceSeq, RoomId, Seq, SourceId};
pub use kind::{EventKind, Lane};
pub use person::Person;
pub use ports::{Clock, Disk, DiskFile, DiskLock, Rng};
pub use time::Timestamp;
