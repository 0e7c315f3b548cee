//! analysis
pub mod analysis;
