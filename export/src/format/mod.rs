//! The bytes of a package: pure functions from events to lines and rows. Only here does this crate speak JSON.

pub mod line;
pub mod proof;
pub(crate) mod gather;
pub(crate) mod versions;
pub(crate) mod readers;
pub mod csv;
pub mod reading;
pub mod tables;
pub(crate) mod cells;
pub(crate) mod manifest;
pub(crate) mod frozen;
pub(crate) mod hex;
