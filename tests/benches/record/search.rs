//! The row `search`: score order, phrases, AND and OR beside tantivy alone; a word in a room over thirty days beside PostgreSQL.

use chat::Timestamp;
use index::Order;

use crate::bare_tantivy::By;
use crate::clock::timed;
use crate::postgres::Postgres;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;
use crate::words::{Corner, Vocabulary};
use crate::{Fault, postgres};

pub(crate) const ROW: Row = Row {
    name: "search",
    about: "20 hits and their exact number: by score, phrases, AND, OR; a word in a room over 30 days",
    only_by_name: false,
    run,
};

/// Queries of a kind, each asked so often.
const QUERIES: usize = 100;
const ROUNDS: usize = 3;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let vocabulary = Vocabulary::of(&stage.corpus().lines);
    stage.product()?.rest();
    for class in vocabulary.classes(QUERIES) {
        let words: Vec<_> = class.words.iter().map(|word| format!("\"{word}\"")).collect();
        beside_tantivy(stage, sheet, &format!("{} word", class.name), &words)?;
    }
    beside_tantivy(stage, sheet, "phrase of two", &vocabulary.phrases(QUERIES))?;
    beside_tantivy(stage, sheet, "AND of two", &vocabulary.pairs("AND", QUERIES))?;
    beside_tantivy(stage, sheet, "OR of two", &vocabulary.pairs("OR", QUERIES))?;
    sheet.note("tantivy alone gives the top 20 by score and the exact number, the faster of its two ways for each query: both in one pass, or one after the other.");
    match Postgres::start(stage.corpus())? {
        postgres::Found::Running(server) => {
            beside_postgres(stage, sheet, &server, &vocabulary.corners(QUERIES))
        }
        postgres::Found::Absent(why) => {
            sheet.skip("a word in a room over 30 days beside PostgreSQL", &why);
            Ok(())
        }
    }
}

fn beside_tantivy(
    stage: &Stage,
    sheet: &mut Sheet,
    name: &str,
    queries: &[String],
) -> Result<(), Fault> {
    let (product, bare) = (stage.product()?, stage.bare()?);
    let (mut by_score, mut newest) = (Vec::new(), Vec::new());
    let (mut bare_by_score, mut bare_top) = (Vec::new(), Vec::new());
    let mut agreed = 0;
    for query in queries.iter().cycle().take(queries.len() * ROUNDS) {
        let (ours, cost) = timed(|| product.search(query, Order::Score));
        by_score.push(cost);
        newest.push(timed(|| product.search(query, Order::Newest)).1);
        let (together, one_pass) = timed(|| bare.top(query, By::ScoreAndCount));
        let (apart, two_passes) = timed(|| bare.top(query, By::ScoreThenCount));
        bare_by_score.push(if one_pass.wall < two_passes.wall { one_pass } else { two_passes });
        bare_top.push(timed(|| bare.top(query, By::Score)).1);
        let (count, _) = (together?, apart?);
        agreed += usize::from(ours?.count == u64::try_from(count)?);
    }
    let ours = sheet.costs(&format!("{name}, by score: Muniment"), &by_score);
    let bare = sheet.costs(&format!("{name}, by score: tantivy alone"), &bare_by_score);
    sheet.costs(&format!("{name}, by score: tantivy alone, without a number"), &bare_top);
    let newest = sheet.costs(&format!("{name}, newest first: Muniment"), &newest);
    let goal = Goal::AtMost(1.2);
    sheet.claim(&format!("{name}, by score: beside tantivy alone"), ours.wall / bare.wall, goal);
    let claim = format!("{name}, newest first: beside tantivy alone by score");
    sheet.claim(&claim, newest.wall / bare.wall, goal);
    let share = agreed as f64 * 100.0 / by_score.len().max(1) as f64;
    sheet.figure(&format!("{name}: queries that find as many in both"), share, "%");
    Ok(())
}

fn beside_postgres(
    stage: &Stage,
    sheet: &mut Sheet,
    server: &Postgres,
    corners: &[Corner],
) -> Result<(), Fault> {
    let product = stage.product()?;
    let (mut ours, mut theirs, mut empty) = (Vec::new(), Vec::new(), Vec::new());
    let mut differing = 0;
    for corner in corners.iter().cycle().take(corners.len() * ROUNDS) {
        let query = query_of(corner);
        let (found, cost) = timed(|| product.search(&query, Order::Newest));
        ours.push(cost);
        let (rows, cost) = timed(|| server.newest(corner));
        theirs.push(cost);
        empty.push(timed(|| server.nothing()).1);
        differing += usize::from(found?.hits.len() != rows?);
    }
    let ours = sheet.costs("word, room, 30 days: Muniment", &ours);
    let theirs = sheet.costs("word, room, 30 days: PostgreSQL with GIN, prepared", &theirs);
    let empty = sheet.costs("PostgreSQL's empty round trip", &empty);
    sheet.figure("pages of another length", differing as f64, "queries");
    let name = "word, room, 30 days: beside PostgreSQL with GIN, by the wall";
    sheet.claim(name, ours.wall / theirs.wall, Goal::AtMost(0.1));
    let name = "the same less its round trip";
    sheet.claim(name, ours.wall / (theirs.wall - empty.wall), Goal::AtMost(0.1));
    sheet.note(format!("{}: a stored tsvector ('simple') with GIN, an index by room and time; its work is in another process, so its wall counts.", server.version()));
    Ok(())
}

fn query_of(corner: &Corner) -> String {
    let day = |micros: i64| {
        Timestamp::from_micros(micros).to_string().chars().take(10).collect::<String>()
    };
    let Corner { word, room, from, until } = corner;
    format!("\"{word}\" room:\"{room}\" during:{}..{}", day(*from), day(until - 1))
}
