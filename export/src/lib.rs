//! Evidence packages: frozen sets, formats, manifest, offline verification.

mod set;
mod ranges;
mod evidence;
pub mod format;
mod package;
mod staging;
mod pack;
mod howto;
mod verify;
mod container;
mod streams;
mod lines;
mod compare;
mod report;
mod error;

pub use error::{Error, Result};
pub use evidence::Evidence;
pub use package::{Format, FormatCount, Package, PackageReport};
pub use ranges::{RangesError, SeqRanges};
pub use report::{ExportReport, FINDINGS_MAX, Finding, FindingKind};
pub use set::{ExportSet, NotSearched, Purpose, QueryWords, Selection, SetId, Size};
pub use verify::verify;
