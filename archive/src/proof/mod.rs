//! Everything that is hashed, signed and disclosed: the log's proof, byte by byte as proof.md decides. Pure.

pub mod header;
pub mod refusal;

pub use header::Header;
pub use refusal::Refusal;
