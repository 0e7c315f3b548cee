//! Sealed segments: one file for each lane over one range of Seq, columns inside of blocks, every part sealed apart
//! (house.md §6.1–6.4; every byte in `docs/format.md` §5). Encoder and decoder do no I/O.

mod block;
mod block_decoder;
mod block_encoder;
mod bytes;
mod cache;
mod column;
pub mod decoder;
pub mod encoder;
mod entity;
pub mod fault;
pub mod footer;
mod id_hash;
mod lately;
pub mod layout;
mod leaves;
pub mod name;
pub(crate) mod narrowing;
mod numbers;
pub mod reader;
mod rows;
pub mod sealed;
pub mod slot;
#[cfg(test)]
mod tests;
mod times;

pub use block::Block;
pub(crate) use block::Held;
pub use decoder::Segment;
pub use encoder::{Encoded, LEVEL_SEAL, LEVEL_SETTLED, LaneFile, encode};
pub use fault::Fault;
pub use footer::{BlockEntry, Footer, RoomEntry, RunEntry, RunSalts};
pub use layout::{HEADER_BYTES, PartPlace, SegmentHeader, TRAILER_BYTES};
pub use name::SegmentName;
pub use reader::SegmentReader;
pub use sealed::{LaneFileState, Sealed, SealedRange, SealedTotals};
pub use slot::Slot;
