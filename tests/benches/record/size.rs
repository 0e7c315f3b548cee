//! The row `size`: bytes on disk, sealed and after idle work, beside what compresses and what searches.

use crate::clock::timed;
use crate::corpus::folder_bytes;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;
use crate::{Fault, compression};

pub(crate) const ROW: Row = Row {
    name: "size",
    about: "bytes a message: sealed with its proofs, after idle work, indexed",
    only_by_name: false,
    run,
};

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let (corpus, product) = (stage.corpus(), stage.product()?);
    let each = |bytes: f64| bytes / corpus.lines.len() as f64;
    let raw = each(corpus.bytes.len() as f64);
    let whole = each(compression::whole_at_19(&corpus.bytes)? as f64);
    let blocks = each(compression::blocks_at_3(&corpus.bytes)? as f64);
    stage.bare()?;
    let bare = each(folder_bytes(&stage.bare_folder()) as f64);
    let database = each(stage.database()?.bytes()? as f64);
    let sealed = each(product.seal()?.sealed_bytes as f64);
    let (after, cost) = timed(|| product.settle());
    let settled = each(after?.sealed_bytes as f64);
    product.rest();
    let index = each(product.index_bytes() as f64);
    for (name, value) in [
        ("JSON lines", raw),
        ("sealed, proofs included", sealed),
        ("sealed, after idle work", settled),
        ("index", index),
        ("zstd -19 over the whole stream", whole),
        ("zstd -3, blocks of 64 KiB", blocks),
        ("tantivy alone", bare),
        ("SQLite: messages, index by room and time, FTS5", database),
    ] {
        sheet.figure(name, value, "bytes a message");
    }
    sheet.figure("idle work", cost.processor(), "seconds of the processor");
    sheet.claim("settled beside zstd -19 of the stream", settled / whole, Goal::AtMost(1.05));
    sheet.claim("sealed beside zstd -3 in blocks", sealed / blocks, Goal::AtMost(0.78));
    sheet.claim("archive and index beside the JSON", (settled + index) / raw, Goal::AtMost(0.42));
    sheet.claim(
        "archive and index beside SQLite with FTS5",
        (settled + index) / database,
        Goal::AtMost(0.45),
    );
    sheet.note("The index is read after its segments were joined at rest.");
    Ok(())
}
