//! The row `import`: until every event is synced, covered by the tree and committed to the index.

use crate::clock::timed;
use crate::product::Product;
use crate::rows::Row;
use crate::sheet::{Goal, Sheet};
use crate::stage::Stage;
use crate::{Fault, bare_tantivy};

pub(crate) const ROW: Row = Row {
    name: "import",
    about: "messages imported: parsed, synced, proven, searchable",
    only_by_name: false,
    run,
};

fn run(stage: &Stage, sheet: &mut Sheet) -> Result<(), Fault> {
    let corpus = stage.corpus();
    let count = u64::try_from(corpus.lines.len())?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for round in 1..=stage.runs() {
        let is_last = round == stage.runs();
        let folder = stage.bare_folder();
        std::fs::create_dir(&folder)?;
        let (index, cost) = timed(|| bare_tantivy::build(&folder, &corpus.lines, 1));
        bare.push(cost);
        let data = stage.scratch().join(if is_last { "data" } else { "round" });
        let product = Product::create(&data)?;
        let (accepted, cost) = timed(|| product.import(&corpus.paths));
        ours.push(cost);
        let accepted = accepted?;
        if accepted != count {
            sheet.note(format!("{accepted} of {count} lines were new: the rest repeats others or is kept in quarantine."));
        }
        if is_last {
            stage.keep_product(product);
            stage.keep_bare(&index?)?;
        } else {
            product.close()?;
            drop(index?);
            std::fs::remove_dir_all(data)?;
            std::fs::remove_dir_all(folder)?;
        }
    }
    let ours = sheet.rates("Muniment", "messages", count, &ours);
    let bare = sheet.rates("tantivy alone, already parsed", "messages", count, &bare);
    let goal = Goal::AtLeast(0.75);
    sheet.claim("beside tantivy alone, by the processor", ours.processor / bare.processor, goal);
    sheet.claim("beside tantivy alone, by the wall", ours.wall / bare.wall, goal);
    Ok(())
}
