//! The log on disk: journal, sealed segments, proofs, keys and the derived catalog.
//!
//! An [`Archive`] keeps one dense sequence of events for ever. What it acknowledges is on disk and synced; what is on
//! disk is encrypted, and covered by the tree whose root the archive signs as a [`Checkpoint`](proof::Checkpoint).
//! Followers read it with a [`Tail`].
//!
//! This crate refuses to: number events (who appends does), decide what may be destroyed (`policy` does), search, or
//! retry a failed sync: the first one blows the [`fuse`], and only a restart knows what the disk holds.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use archive::{Archive, Creation, Ports, Settings};
//!
//! let folder = tempfile::tempdir()?;
//! let archive = Archive::create(&folder.path().join("a"), &Creation::default(), Settings::default(), Ports::production())?;
//! assert_eq!(archive.size(), 0);
//! archive.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! The bytes on disk are stated in `docs/format.md`; those that are hashed and signed, in the module [`proof`].

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod abridged;
mod abridging;
pub mod archive;
pub mod backup;
mod bell;
mod blob;
pub mod catalog;
mod cosigning;
pub mod description;
pub mod destroy;
pub mod disk;
pub mod durable;
pub mod error;
pub mod fuse;
pub mod headers;
mod journal;
mod json;
mod kept;
pub mod keys;
mod log_tree;
mod opening;
mod places;
pub mod proof;
mod prove;
pub mod record;
mod reserve;
mod seal;
mod sealing;
pub mod segment;
pub mod settings;
pub mod settling;
pub mod signer;
mod sync;
pub mod tail;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
mod tiles;
mod timestamping;
mod upkeep;
pub mod verify;

pub use archive::{Archive, ArchiveState};
pub use blob::KeptFile;
pub use description::{Creation, Description, Recordkeeping};
pub use destroy::DestroyReport;
pub use disk::Ports;
pub use error::{Error, Result};
pub use journal::promise::{Pending, Promise};
pub use journal::queue::PlaceHead;
pub use sealing::SealReport;
pub use settings::Settings;
pub use settling::SettleReport;
pub use signer::SignedCheckpoint;
pub use tail::{Follower, Tail};
pub use timestamping::KeptStamp;
pub use verify::{Finding, FindingKind, VerifyReport};
