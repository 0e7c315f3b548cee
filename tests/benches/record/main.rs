//! The record, measured beside what people would use instead: the rows of `docs/benchmarks.md`.
//!
//! ```sh
//! cargo bench -p tests --bench record                       # every row but those that are asked for by name alone
//! cargo bench -p tests --bench record -- ack search         # these rows
//! cargo bench -p tests --bench record -- --json figures.json
//! ```
//!
//! A row measures the product and its baseline in this process, by turns, on one corpus, and prints n, the least, middle
//! and greatest by the wall and by the processor's clock, and each goal with what was found. No row fails for a figure.
//!
//! | row | what | baseline |
//! |---|---|---|
//! | `import` | an import, synced, proven and searchable | tantivy alone, same schema, order, commits and threads |
//! | `memory` | peak memory of an import, of the whole and of half | tantivy alone |
//! | `size` | bytes sealed, settled, indexed | zstd over the stream and in blocks, SQLite with FTS5 |
//! | `newest` | the newest 20 by a word | SQLite FTS5, tantivy alone |
//! | `search` | score order, phrase, AND, OR; a word in a room over 30 days | tantivy alone; PostgreSQL with GIN |
//! | `page` | 20 hits with text and highlights over HTTP | the same page from SQLite FTS5, by a function call |
//! | `freshness` | from the acknowledgement to the first search that finds it, at 1,000 messages a second | the goal alone |
//! | `ack` | acknowledgement with 1 to 1,024 waiting | `fdatasync`, a bare group commit, SQLite FULL |
//! | `message` | one message read by its number, its block decoded or cached | 64 KiB of JSON lines decompressed for it |
//! | `export` | a package of everything, by parts | the same events decoded and written once |
//! | `verify` | everything that is stored, proven anew | a bare loop of the same SHA-256 calls |
//! | `growth` | ten million messages beside one million, by name alone: rate, memory, newest 20, a start, bytes of origins | the first million |
//! | `instructions` | instructions of the hot paths, counted by callgrind | none: the figure that does not wobble |
//!
//! The environment: `MUNIMENT_SHARED` (where the samples lie), `MUNIMENT_BENCH_RUNS` (repetitions of what is repeated, 3),
//! `MUNIMENT_BENCH_MESSAGES` (the first so many of the corpus alone, for a small run), `MUNIMENT_BENCH_CORPUS=all`
//! (everything under `data/chat`), `MUNIMENT_BENCH_MILLIONS` (parts of the row `growth`, 10), `MUNIMENT_BENCH_BINARY` (the binary of rows that need a server; else it is built),
//! `TMPDIR` (the disk that is measured).
#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a benchmark prints figures"
)]

mod ack;
mod arguments;
mod bare_tantivy;
mod child;
mod clock;
mod compression;
mod corpus;
mod drives;
mod export;
mod freshness;
mod fts5;
mod group_commit;
mod growth;
mod http;
mod import;
mod instructions;
mod machine;
mod memory;
mod message;
mod newest;
mod one_row;
mod page;
mod postgres;
mod postgres_wire;
mod product;
mod rows;
mod search;
mod served;
mod sheet;
mod size;
mod stage;
mod verify;
mod words;

use arguments::Arguments;
use corpus::Corpus;
use sheet::{Report, Sheet};
use stage::Stage;

type Fault = Box<dyn std::error::Error>;

fn main() -> Result<(), Fault> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    if let Some(work) = arguments.child {
        return child::run(&work);
    }
    let rows = rows::chosen(&arguments.rows)?;
    let Some(paths) = Corpus::paths() else {
        println!("skipped: bench record: no shared samples");
        return Ok(());
    };
    let stage = Stage::open(paths)?;
    let mut report = Report::begin(machine::of(&stage)?);
    for row in rows {
        let mut sheet = Sheet::begin(row);
        // A row that cannot be measured must not take those after it along; the end of the run says that it failed.
        match (row.run)(&stage, &mut sheet) {
            Ok(()) => report.keep(sheet.end()),
            Err(fault) => report.keep(sheet.fail(fault.as_ref())),
        }
    }
    if let Some(file) = &arguments.json {
        report.write(file)?;
    }
    stage.close()?;
    report.end()
}
