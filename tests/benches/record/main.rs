//! The record, measured beside what people would use instead. Prints the table of `docs/benchmarks.md`.

mod bare_tantivy;
mod clock;
mod compression;
mod corpus;
mod fts5;

fn main() {}
