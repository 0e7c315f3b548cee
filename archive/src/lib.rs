//! The log on disk: journal, sealed segments, proofs, keys and the derived catalog.

mod json;
pub mod proof;
pub mod record;
