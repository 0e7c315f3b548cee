//! The officers' rules, as pure functions: who may do what, how long things stay, and what may never be destroyed.
//!
//! The main nouns are [`Permission`] (one thing that may be done to an archive) and [`Grant`] (the set of them that a
//! session or a token carries). Every route of the server names the one permission it needs; nothing is allowed that
//! no grant names, and no permission contains another. [`ruling`] is the table of what each [`Role`] may do, ask for or
//! approve. [`evaluate()`] says what becomes of events under a [`Schedule`] of [`RetentionRule`]s and the [`LegalHold`]s that bind,
//! and [`trace()`] why. A [`Docket`] is the officers' state, folded from their acts; it alone makes a [`Warrant`] of a [`Plan`],
//! and of that the [`Order`] by which a destruction takes effect; once the log has it, it gives it out as a [`RecordedOrder`].
//! The server asks for permissions alone so far; nothing calls the rest.
//!
//! One sentence decides every doubt: what would keep more counts, even where it should not have been said; what would keep less
//! counts only where it is certain.
//!
//! This crate refuses to do: input or output, reading a clock, chance, checking a credential. Whether a token is genuine is
//! the server's question; what it may do once it is, is answered here.
//!
//! ```
//! use policy::{Grant, Permission};
//!
//! let feed = Grant::of([Permission::Append]);
//! assert!(feed.allows(Permission::Append));
//! assert!(!feed.allows(Permission::Read));
//! ```

mod admission;
mod facts;
mod words;

pub mod chronicle;
pub mod custodian;
pub mod docket;
pub mod entry;
pub mod error;
pub mod evaluate;
pub mod hold;
pub mod holding;
pub mod item;
pub mod matter;
pub mod moment;
pub mod order;
pub mod ordered;
pub mod period;
pub mod permission;
pub mod plan;
pub mod ranges;
pub mod retrospect;
pub mod role;
pub mod schedule;
pub mod scope;
pub mod surroundings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod trace;
pub mod warrant;

#[cfg(test)]
mod desk;
#[cfg(test)]
mod model;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod town;

pub use chronicle::{Chronicle, Residue};
pub use custodian::{Alias, Called, Custodian};
pub use docket::{Answer, COOL_OFF_MICROS, DOCKET_VERSION, Docket, HoldRecord, Request};
pub use entry::{Entry, HoldPlacing, PlanDigest};
pub use error::{Error, Result};
pub use evaluate::{Decision, Disposition, Grounds, evaluate, trace};
pub use hold::{Bond, HoldId, HoldReach, HoldScope, LegalHold};
pub use holding::{Holding, Sweep, sweep};
pub use item::{Item, Lineage, Words};
pub use matter::{Matter, MatterId};
pub use moment::{AcceptedTime, Jump};
pub use order::{Ground, Named, ORDER_VERB, Order, OrderFault, RecordedOrder, RuleTakes, Take};
pub use ordered::Ordered;
pub use period::Period;
pub use permission::{Grant, Permission, UnknownPermission};
pub use plan::{Drafting, Plan, Share, Span};
pub use ranges::{Ranges, Stretch};
pub use retrospect::{Retrospect, Tally};
pub use role::{Action, Reach, Regime, Role, Roles, Ruling, conflict, ruling};
pub use schedule::{
    Concerned, Remains, RetentionClock, RetentionRule, RuleAction, RuleVersion, Schedule,
};
pub use scope::{RuleScope, Specificity};
pub use surroundings::{Census, Surroundings};
pub use trace::Trace;
pub use warrant::{Grounding, Permit, WARRANT_MICROS, Warrant};
