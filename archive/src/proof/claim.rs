//! Claims about the log, as they are handed to a stranger: what each proves, and why it is refused (proof.md §8).
//!
//! Root and size come from a checkpoint that the stranger has verified, never from the claim. Every check of form comes
//! before every hash, and outer members before inner ones.

mod at_rest;
mod consistency;
mod inclusion;
mod range;
mod room;

pub use at_rest::{AtRest, Blanked, Stubbed, Survivor};
pub use consistency::Consistency;
pub use inclusion::Inclusion;
pub use range::RangeProof;
pub use room::{Room, RoomItem, RoomShown};
