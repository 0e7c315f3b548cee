//! The officers' rules, as pure functions: who may do what.
//!
//! The main nouns are [`Permission`] (one thing that may be done to an archive) and [`Grant`] (the set of them that a
//! session or a token carries). Every route of the server names the one permission it needs; nothing is allowed that
//! no grant names, and no permission contains another. [`ruling`] is the table of what each [`Role`] may do, ask for or
//! approve; the server does not ask it yet.
//!
//! This crate refuses to do: input or output, reading a clock, checking a credential. Whether a token is genuine is
//! the server's question; what it may do once it is, is answered here.
//!
//! ```
//! use policy::{Grant, Permission};
//!
//! let feed = Grant::of([Permission::Append]);
//! assert!(feed.allows(Permission::Append));
//! assert!(!feed.allows(Permission::Read));
//! ```

pub mod error;
pub mod permission;
pub mod role;

pub use error::{Error, Result};
pub use permission::{Grant, Permission, UnknownPermission};
pub use role::{Action, Reach, Regime, Role, Roles, Ruling, conflict, ruling};
