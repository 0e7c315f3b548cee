//! The rows of the bench, in the order in which they run.

use crate::sheet::Sheet;
use crate::stage::Stage;
use crate::{
    Fault, ack, export, freshness, growth, import, instructions, memory, message, newest, page,
    search, size, verify,
};

/// One row: a figure of the product beside its baseline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The word that asks for it.
    pub(crate) name: &'static str,
    /// What it measures, in a line.
    pub(crate) about: &'static str,
    /// Whether it runs only where it is asked for.
    pub(crate) only_by_name: bool,
    /// Measures it.
    pub(crate) run: fn(&Stage, &mut Sheet) -> Result<(), Fault>,
}

/// All of them. The import comes first: what it leaves is what the others look at.
const ROWS: &[Row] = &[
    import::ROW,
    memory::ROW,
    size::ROW,
    newest::ROW,
    search::ROW,
    page::ROW,
    freshness::ROW,
    ack::ROW,
    message::ROW,
    export::ROW,
    verify::ROW,
    instructions::ROW,
    growth::ROW,
];

/// Returns the rows that were asked for, in their own order; without a name, all that need none.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<&'static Row>, Fault> {
    let is_unknown = |name: &&String| !ROWS.iter().any(|row| row.name == name.as_str());
    if let Some(unknown) = names.iter().find(is_unknown) {
        let all: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        return Err(format!("there is no row {unknown}; there are {}", all.join(", ")).into());
    }
    let is_asked = |row: &&Row| match names {
        [] => !row.only_by_name,
        names => names.iter().any(|name| name == row.name),
    };
    Ok(ROWS.iter().filter(is_asked).collect())
}
