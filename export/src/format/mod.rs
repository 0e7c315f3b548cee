//! The bytes of a package: pure functions from events to lines and rows. Only here does this crate speak JSON.

pub(crate) mod cells;
pub(crate) mod copies;
pub mod csv;
pub(crate) mod frozen;
pub(crate) mod gather;
pub(crate) mod hex;
pub(crate) mod json;
pub mod line;
pub(crate) mod manifest;
pub mod proof;
pub(crate) mod readers;
pub mod reading;
pub(crate) mod scanner;
pub mod tables;
pub(crate) mod versions;
