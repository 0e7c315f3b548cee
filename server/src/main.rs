//! Muniment.
fn main() {}
