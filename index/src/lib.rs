//! Full-text search over the log: a cache beside it, rebuildable to identical answers.
//!
//! The main nouns are [`Index`] (follows one archive and searches it), [`Scope`] (what a search may see; there is no search
//! without one) and [`Snapshot`] (the state of the log that a search saw; the same query finds the same events in it again).
//!
//! This crate refuses to do: keeping message texts (hits are sequence numbers, texts are read back from the archive),
//! keeping marks in its documents, and finding officers' acts.
//!
//! ```
//! use std::sync::Arc;
//!
//! use archive::{Archive, Creation, Ports, Recordkeeping};
//! use index::{Index, Page, Scope, SnapshotChoice};
//! use query::{Query, Zone};
//!
//! # let parent = tempfile::tempdir()?;
//! # let folder = parent.path().join("archive");
//! # let creation = Creation { recordkeeping: Recordkeeping::Worm, demo: false };
//! let archive = Archive::create(&folder, &creation, archive::Settings::default(), Ports::production())?;
//! let index = Index::open(&folder.join("index"), Arc::clone(&archive), index::Settings::default())?;
//! let query = Query::parse("budget -draft", &Zone::Utc)?;
//! let scope = Scope::of_officer();
//! let answer = index.search(&query, &scope, &SnapshotChoice::Newest, &Page::newest(20))?;
//! assert_eq!((answer.count, answer.snapshot.size), (0, 0));
//! index.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calm;
mod columns;
mod cursor;
mod direct;
mod document;
mod either;
mod engine_document;
mod error;
mod follower;
mod forget;
mod index;
mod known_names;
mod lower;
mod marks;
mod merge;
mod not_searched;
mod page;
mod phrase;
mod prefix;
mod presence;
mod ranked;
mod recent;
mod schema;
mod scope;
mod search;
mod settings;
mod settled;
mod shared;
mod sieve;
mod snapshot;
mod spelling;
mod state;
mod store;
mod time_limit;
mod values;
mod verbatim;
mod view;
mod walk;
mod word_list;

pub use cursor::Cursor;
pub use error::{Error, Result};
pub use forget::Forgotten;
pub use index::{Index, Lag};
pub use not_searched::NotSearched;
pub use page::{Answer, Found, Hit, Order, Page};
pub use scope::{Scope, Window};
pub use settings::Settings;
pub use snapshot::{Snapshot, SnapshotChoice};
pub use state::StateAt;

#[cfg(test)]
mod tests;
