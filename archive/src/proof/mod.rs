//! Everything that is hashed, signed and disclosed: the log's proof, byte by byte as proof.md decides. Pure.
//!
//! From the inside out: [`salt`] hides, [`commitment`] binds an event, [`tree`] joins the leaves, [`checkpoint`] signs the
//! root, [`opening`] shows an event and [`claim`] proves what is shown; [`cover`] keeps the survivors of a destruction
//! provable. Nothing here reads a disk, a clock or a random number.

pub(crate) mod hash;
pub(crate) mod hex;
mod ids;
mod members;
mod note;

pub mod checkpoint;
pub mod claim;
pub mod commitment;
pub mod cosignature;
pub mod cover;
pub mod header;
pub mod opening;
pub mod refusal;
pub mod salt;
pub mod timestamp;
pub mod tree;
#[cfg(test)]
mod vectors;

pub use checkpoint::{Checkpoint, SigningKey, VerifierKey};
pub use claim::{Consistency, Inclusion, RangeProof};
pub use commitment::Commitments;
pub use hash::Digest;
pub use header::Header;
pub use opening::Opening;
pub use refusal::Refusal;
pub use salt::{SaltTree, Salts, Seed};
