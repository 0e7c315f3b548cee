//! Evidence packages: what an officer hands to a stranger, and what the stranger checks without us.
//!
//! An [`ExportSet`] says what is exported: sequence numbers under a signed checkpoint, frozen, with an id of its own. A
//! [`Package`] is the set written out: every event as a canonical line with its proof, tables made from those lines, the
//! files they name, and a signed manifest over it all. [`verify()`] needs the package and the public key, and finds any
//! changed byte, missing row or foreign file; it makes every table again from the proven lines and compares bytes.
//!
//! This crate refuses to do: searching (it takes a frozen set), reading a clock (every time in a package comes from the
//! set, so that the same set gives the same bytes), and leaving anything out in silence: what is missing is a row of
//! `exceptions.csv`.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let selection: export::Selection = given();
//! # let (archive, disk): (&dyn export::Evidence, &dyn chat::Disk) = given();
//! # fn given<T>() -> T { panic!() }
//! use std::path::Path;
//!
//! use export::{ExportSet, Format, Package, verify};
//!
//! let set = ExportSet::freeze(selection)?;
//! let out = Path::new("package.zip");
//! let report = Package::write(&set, archive, &Format::ALL, out, disk)?;
//! println!("{} events, {} exceptions, {}", report.events, report.exceptions, report.sha256);
//!
//! let key = set.selection().public_key.parse()?;
//! assert!(verify(out, &key)?.ok);
//! # Ok(()) }
//! ```
//!
//! The bytes of a package are this crate's: `docs/export.md` states them, and `docs/verify_export.py` checks them a second
//! time in another language.

mod complete;
mod ranges;
mod set;
mod withhold;

mod evidence;
pub mod format;

mod howto;
mod pack;
mod package;
mod read_back;
mod seal;
mod staging;
mod work;

mod accounted;
mod compare;
mod container;
mod lines;
mod members;
mod position;
mod report;
mod streams;
mod verify;

mod error;
#[cfg(test)]
mod tests;

pub use complete::Complete;
pub use error::{Error, Result};
pub use evidence::Evidence;
pub use package::{Format, FormatCount, Package, PackageReport};
pub use ranges::{RangesError, SeqRanges};
pub use report::{ExportReport, FINDINGS_MAX, Finding, FindingKind};
pub use set::{ExportSet, NotSearched, Purpose, QueryWords, Selection, SetId, Size};
pub use verify::verify;
pub use withhold::Withheld;
