//! Who wrote in rooms of direct messages, as the committed documents tell it: each has the record of its author, so that a start need
//! not read the log for it.

use query::Known;
use tantivy::DocSet as _;
use tantivy::TERMINATED;
use tantivy::schema::IndexRecordOption;

use crate::error::{Error, Result};
use crate::view::View;

/// Takes in who wrote, from the committed documents.
pub(crate) fn read_back(known: &mut Known, view: &View) -> Result<()> {
    read_lists(known, view).map_err(Error::engine("read who wrote direct messages"))
}

fn read_lists(known: &mut Known, view: &View) -> tantivy::Result<()> {
    for segment in view.segments(u64::MAX) {
        let authors = segment.reader.inverted_index(view.fields.direct)?;
        let mut stream = authors.terms().stream()?;
        while stream.advance() {
            let option = IndexRecordOption::Basic;
            let mut list = authors.read_postings_from_terminfo(stream.value(), option)?;
            let mut first = u64::MAX;
            while list.doc() != TERMINATED {
                first = first.min(segment.columns.seq(list.doc()));
                list.advance();
            }
            known.take_author(stream.key(), first);
        }
    }
    Ok(())
}
