//! The log on disk: journal, sealed segments, proofs, keys and the derived catalog.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod json;
pub mod proof;
pub mod record;
