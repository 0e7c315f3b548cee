//! Evidence packages: frozen sets, formats, manifest, offline verification.

mod compare;
mod container;
mod error;
mod evidence;
pub mod format;
mod howto;
mod lines;
mod members;
mod pack;
mod package;
mod ranges;
mod report;
mod seal;
mod set;
mod staging;
mod streams;
#[cfg(test)]
mod tests;
mod verify;
mod work;

pub use error::{Error, Result};
pub use evidence::Evidence;
pub use package::{Format, FormatCount, Package, PackageReport};
pub use ranges::{RangesError, SeqRanges};
pub use report::{ExportReport, FINDINGS_MAX, Finding, FindingKind};
pub use set::{ExportSet, NotSearched, Purpose, QueryWords, Selection, SetId, Size};
pub use verify::verify;
