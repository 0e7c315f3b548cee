//! Accepting events: sources, idempotency, sequencing, receipts.
//!
//! A foreign export or a live feed becomes [`Draft`]s; a draft that keeps every limit is given its ids, its place in the
//! log and in its room by [`Ingest`], and is handed to the archive. A [`Receipt`] comes back only when the event is on
//! disk, synced. The same event offered again yields the first receipt and adds nothing. [`Import`] reads a whole input.
//!
//! This crate refuses to do: serving rooms, searching, judging retention. Its parsers in [`source`] are pure: bytes in,
//! drafts or unreadable pieces out. Nothing that was offered is ever dropped: what cannot be understood is kept raw.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ingest::{Import, ImportInput, Ingest, Settings};
//!
//! let folder = std::path::Path::new("muniment-data");
//! let archive = archive::Archive::open(folder, archive::Settings::default(), archive::Ports::production())?;
//! let ingest = Ingest::open(archive, &Settings::default())?;
//! let input = ImportInput::new("export.zip");
//! let report = Import::run(&ingest, &input, &mut |_| {})?;
//! assert_eq!(report.read, report.accepted + report.revised + report.duplicates + report.quarantined);
//! # Ok(())
//! # }
//! ```
//!
//! The files of the index of origins are stated in `docs/format.md` §10.

pub mod draft;
pub mod receipt;
pub mod source;

pub mod input;

mod origin;
mod register;
mod sequencer;

mod files;
pub mod ingest;
pub mod settings;

pub mod import;
pub mod replay;

pub mod error;

pub use draft::{
    Bounded, Draft, DraftFile, DraftKey, DraftPerson, DraftPlace, DraftTarget, FileContent,
    Locator, Refusal, RoomKind,
};
pub use error::{Error, Result};
pub use import::{
    Coverage, FormatChoice, Import, ImportInput, ImportReport, Progress, QuarantineNote,
};
pub use ingest::{Ingest, Officer};
pub use receipt::{Outcome, Receipt, Verdict};
pub use replay::Replayed;
pub use settings::Settings;
pub use source::{EventSource, Identities, Identity, Reading, Sourced, Unreadable, Zone};
