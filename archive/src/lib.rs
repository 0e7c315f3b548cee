//! The log on disk: journal, sealed segments, proofs, keys and the derived catalog.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod disk;
pub mod durable;
pub mod error;
pub mod fuse;
mod json;
pub mod keys;
pub mod proof;
pub mod record;
pub mod segment;

pub use disk::Ports;
pub use error::{Error, Result};
