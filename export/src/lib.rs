//! Evidence packages: frozen sets, formats, manifest, offline verification.

mod error;
pub mod format;
mod ranges;
mod set;

pub use error::{Error, Result};
pub use ranges::{RangesError, SeqRanges};
pub use set::{ExportSet, NotSearched, Purpose, QueryWords, Selection, SetId, Size};
