//! The query language: what officers, scripts, holds and saved searches type, and what each word of it means.
//!
//! The main nouns are [`Query`] (a text that was understood), [`Clause`] (its parts) and the tokens of [`analysis`]
//! (what a text consists of). Whoever searches, highlights, explains or holds uses these, so that a query means the same
//! everywhere.
//!
//! This crate refuses to do: input or output, reading a clock, knowing an index. A query with a mistake is refused with its
//! column and an example, never guessed at.
//!
//! ```
//! use query::{Clause, Query, Zone};
//!
//! let query = Query::parse("\"net loss\"~3 OR budget*", &Zone::Utc)?;
//! assert_eq!(query.interpreted(), "\"net loss\"~3 OR budget*");
//! assert!(matches!(query.root(), Clause::Any(_)));
//! # Ok::<(), query::QueryError>(())
//! ```

pub mod analysis;
mod ast;
mod canonical;
mod error;
mod explain;
mod field;
pub mod known;
mod lexer;
mod matcher;
mod moment;
mod parser;
#[cfg(test)]
mod parser_tests;
mod presence;
mod query;
mod zone;

pub use analysis::ANALYSIS_VERSION;
pub use ast::{AskedWord, Clause, Field, Has, Mark};
pub use error::{QueryError, ZoneError};
pub use explain::{ClauseVerdict, Explanation, explain};
pub use known::{Known, RoomThen};
pub use matcher::{Analysed, Marks, Match, Unmarked, holds, matches};
pub use presence::{Presence, Stay, Step, Turn};
pub use query::Query;
pub use zone::Zone;
