//! Claims that need what a pure crate must not know: the shared samples, and the time that things take.

#![cfg(test)]

mod analysis;
mod hostile;
