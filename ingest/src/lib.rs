//! Accepting events: sources, idempotency, sequencing, receipts.
//!
//! A foreign export or a live feed becomes [`draft::Draft`]s; a draft that keeps every limit is given its ids, its
//! place in the log and in its room, and is handed to the archive. A [`receipt::Receipt`] comes back only when the
//! event is on disk, synced. The same event offered again yields the first receipt and adds nothing.
//!
//! This crate refuses to do: serving rooms, searching, judging retention. Its parsers in [`source`] are pure: bytes in,
//! drafts or unreadable pieces out. Nothing that was offered is ever dropped: what cannot be understood is kept raw.

pub mod draft;
pub mod error;
pub mod input;
pub mod receipt;
pub mod source;

mod files;
mod origin;
mod register;
mod sequencer;

pub mod import;
pub mod ingest;
pub mod settings;

pub use draft::{
    Bounded, Draft, DraftFile, DraftKey, DraftPerson, DraftPlace, DraftTarget, FileContent,
    Refusal, RoomKind,
};
pub use error::{Error, Result};
pub use import::{
    Coverage, FormatChoice, Import, ImportInput, ImportReport, Progress, QuarantineNote,
};
pub use ingest::{Ingest, Officer};
pub use receipt::{Outcome, Receipt, Verdict};
pub use settings::Settings;
pub use source::{EventSource, Reading, Sourced, Unreadable};
