//! The row `page`: twenty hits with text and highlights over HTTP, from the binary's own process.

use serde_json::Value;

use crate::Fault;
use crate::clock::{Cost, timed};
use crate::http::Client;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;
use crate::words::Vocabulary;

pub(crate) const ROW: Row = Row {
    name: "page",
    about: "a page of 20 hits with text and highlights over HTTP",
    only_by_name: false,
    run,
};

/// Words of each class.
const WORDS: usize = 50;
/// How often the same words are asked again.
const ROUNDS: usize = 5;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let classes = Vocabulary::of(&stage.corpus().lines).classes(WORDS);
    // Before the server: filling it takes longer than a connection may be idle.
    let database = stage.database()?;
    let server = stage.installed()?.serve()?;
    let mut client = server.client()?;
    // The connection, its caller's credential and the first page of all: what a desk has done when it stands open.
    client.search("")?;
    let words: Vec<_> = classes.iter().flat_map(|class| &class.words).collect();
    let first = words.iter().map(|word| page(&mut client, word)).collect::<Result<Vec<_>, _>>()?;
    let (mut again, mut lite, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    for word in words.iter().cycle().take(words.len() * ROUNDS) {
        again.push(page(&mut client, word)?);
        let (rows, cost) = timed(|| database.page(word));
        lite.push(cost);
        std::hint::black_box(rows?);
        empty.push(timed(|| database.nothing()).1);
    }
    server.stop()?;
    // The processor of this process says nothing of the server's.
    let waits = |costs: &[Cost]| costs.iter().map(|cost| cost.wall() * 1e6).collect::<Vec<_>>();
    sheet.waits("Muniment, asked first after a start", waits(&first));
    let ours = sheet.waits("Muniment, asked again", waits(&again));
    let theirs = sheet.waits("SQLite FTS5, the same page by a function call", waits(&lite));
    sheet.waits("its driver's empty round trip", waits(&empty));
    sheet.claim("p50, asked again, ms", ours / 1e3, Goal::AtMost(1.0));
    sheet.claim("p99, asked again, ms", p99(&again), Goal::AtMost(10.0));
    sheet.claim("p99, asked first, ms", p99(&first), Goal::AtMost(10.0));
    sheet.figure("p50 beside SQLite FTS5 by a function call", ours / theirs, "");
    sheet.figure("p99 beside SQLite FTS5 by a function call", p99(&again) / p99(&lite), "");
    sheet.note("Ours counts exactly, says what was not searched, and records the search as an event that is synced before the answer leaves: a sync of the disk is in every figure. Asked first: every block is decoded; the files lie in the system's cache. Asked again: what fits in the cache of decoded blocks is there.");
    Ok(())
}

/// Asks for a page and looks that it has texts and highlights.
fn page(client: &mut Client, word: &str) -> Result<Cost, Fault> {
    let (answer, cost) = timed(|| client.search(&format!("\"{word}\"")));
    let answer: Value = serde_json::from_slice(&answer?)?;
    let hits = answer["hits"].as_array().ok_or("an answer without hits")?;
    let is_whole = |hit: &Value| hit["text"].is_string() && hit["highlights"].is_array();
    if hits.is_empty() || !hits.iter().all(is_whole) {
        return Err(
            format!("{word}: the page has no hits, or hits without text or highlights").into()
        );
    }
    Ok(cost)
}

/// Returns the wait in milliseconds that one in a hundred is above.
fn p99(costs: &[Cost]) -> f64 {
    crate::clock::spread(costs.iter().map(|cost| cost.wall() * 1e3).collect()).p99
}
