//! Everything that is hashed, signed and disclosed: the log's proof, byte by byte as proof.md decides. Pure.
//!
//! From the inside out: [`salt`] hides, [`commitment`] binds an event, [`tree`] joins the leaves, [`checkpoint`] signs the
//! root, and [`cover`] keeps the survivors of a destruction provable. Nothing here reads a disk, a clock or a random number.

pub mod checkpoint;
pub mod commitment;
pub mod cover;
mod hash;
pub mod header;
mod hex;
mod note;
pub mod refusal;
pub mod salt;
pub mod tree;
#[cfg(test)]
mod vectors;

pub use checkpoint::{Checkpoint, SigningKey, VerifierKey};
pub use commitment::Commitments;
pub use hash::Digest;
pub use header::Header;
pub use refusal::Refusal;
pub use salt::{SaltTree, Salts, Seed};
