//! The journal: what has been acknowledged and not yet sealed (house.md §6.1, docs/format.md "Journal").
//!
//! In reading order: [`frame`] is the bytes, [`file`] one growing file, [`memory`] what readers see of it, [`queue`] what
//! waits to be written, [`promise`] how who appended learns of it, [`writer`] the thread that writes and syncs it, [`recovery`] the way back from the bytes.

pub(crate) mod file;
pub(crate) mod frame;
pub(crate) mod leaves;
pub(crate) mod memory;
#[cfg(all(test, feature = "loom"))]
mod model;
pub(crate) mod promise;
pub(crate) mod queue;
pub(crate) mod recovery;
pub(crate) mod writer;
