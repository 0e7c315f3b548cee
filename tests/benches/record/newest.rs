//! The row `newest`: the newest twenty messages with a word, counted exactly on the way.

use crate::Fault;
use crate::clock::timed;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;
use crate::words::Vocabulary;

pub(crate) const ROW: Row =
    Row { name: "newest", about: "the newest 20 by a word", only_by_name: false, run };

/// Words of a class, each asked so often.
const WORDS: usize = 100;
const ROUNDS: usize = 3;

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let (product, bare, database) = (stage.product()?, stage.bare()?, stage.database()?);
    product.rest();
    for class in Vocabulary::of(&stage.corpus().lines).classes(WORDS) {
        let (mut ours, mut stock) = (Vec::new(), Vec::new());
        let (mut lite, mut empty) = (Vec::new(), Vec::new());
        for word in class.words.iter().cycle().take(class.words.len() * ROUNDS) {
            let (hits, cost) = timed(|| product.newest(word));
            ours.push(cost);
            let (tops, cost) = timed(|| bare.newest(word));
            stock.push(cost);
            let (rows, cost) = timed(|| database.newest(word));
            lite.push(cost);
            empty.push(timed(|| database.nothing()).1);
            let (hits, tops, rows) = (hits?, tops?, rows?);
            if (hits.min(1), rows.min(1)) != (tops.min(1), tops.min(1)) {
                return Err(format!("{word}: {hits} found, tantivy {tops}, FTS5 {rows}").into());
            }
        }
        let name = class.name;
        let ours = sheet.costs(&format!("{name}: Muniment"), &ours);
        sheet.costs(&format!("{name}: tantivy alone, stock"), &stock);
        let lite = sheet.costs(&format!("{name}: SQLite FTS5"), &lite);
        let empty = sheet.costs(&format!("{name}: its driver's empty round trip"), &empty);
        let share = lite.processor - empty.processor;
        let claim = format!("{name}: beside FTS5 less its driver, by the processor");
        sheet.claim(&claim, ours.processor / share, Goal::AtMost(0.5));
        let claim = format!("{name}: beside FTS5 less its driver, by the wall");
        sheet.claim(&claim, ours.wall / (lite.wall - empty.wall), Goal::AtMost(0.5));
    }
    sheet.note("FTS5 gives the newest twenty without a count; ours counts exactly on the way. The driver hands each statement to a thread of its own: its empty round trip is taken off, since the product asks by a function call.");
    Ok(())
}
