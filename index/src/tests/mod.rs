//! The index against an independent scan, and the promises of its facade.

mod bench;
mod beside;
mod corpus;
mod differential;
mod facade;
mod forgetting;
mod not_searched;
mod oracle;
mod presence;
mod questions;
mod time;
mod windows;
