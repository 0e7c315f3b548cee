//! Which values a field has among all events: for the warning that nobody has the one that was asked for.

use std::collections::BTreeSet;

use query::{Clause, Field, holds};
use tantivy::Term;
use tantivy::schema::Field as Handle;

use crate::error::{Error, Result};
use crate::index::Index;
use crate::scope::Scope;
use crate::shared::Sight;
use crate::state::StateAt;

/// Bytes of the longest value that is told: longer ones are near to nothing that anyone types.
const TOLD_BYTES_MAX: usize = 256;

impl Index {
    /// Returns nothing where some event has the value that a `file:`, `ext:`, `thread:` or `to:` asks for; else the values
    /// that there are, folded and ascending, at most `most` of each part of the index (none for a `participant:` whom no
    /// entry, leaving or list of members knows). Other fields are those of the ledger,
    /// or have a fixed choice of values: for them, nothing is returned.
    ///
    /// A scope that is not everything is told nothing: the value may be that of an event outside it.
    pub fn other_values(
        &self,
        field: &Field,
        scope: &Scope,
        most: usize,
    ) -> Result<Option<Vec<String>>> {
        if !scope.is_everything() {
            return Ok(None);
        }
        let (sight, mut state) = self.newest_sight()?;
        if let Field::Participant(name) = field {
            state.attend([name.as_str()], &sight)?;
            let is_present = state.presence_of(name).is_some_and(|found| !found.is_empty());
            let is_known = is_present
                || !state.direct_rooms_with(name).is_empty()
                || is_recent(field, &sight, &state);
            return Ok((!is_known).then(Vec::new));
        }
        let fields = &sight.view.fields;
        let (handle, value) = match field {
            Field::File(value) => (fields.file, value),
            Field::Extension(value) => (fields.ext, value),
            Field::Thread(value) => (fields.thread, value),
            Field::To(value) if state.direct_rooms_with(value).is_empty() => (fields.to, value),
            Field::To(_)
            | Field::Participant(_)
            | Field::From(_)
            | Field::Room(_)
            | Field::Category(_)
            | Field::Source(_)
            | Field::Kind(_)
            | Field::Has(_)
            | Field::Language(_)
            | Field::Is(_)
            | Field::Time { .. }
            | Field::Seqs { .. } => return Ok(None),
        };
        let term = Term::from_field_bytes(handle, value.as_bytes());
        let listed =
            sight.view.searcher.doc_freq(&term).map_err(Error::engine("look up a value"))?;
        if listed > 0 || is_recent(field, &sight, &state) {
            return Ok(None);
        }
        let values = values(handle, &sight, most).map_err(Error::engine("list values"))?;
        let recent = sight.recent.iter().flat_map(|event| event.analysed.values(field)).take(most);
        Ok(Some(
            values
                .into_iter()
                .chain(recent.cloned())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        ))
    }
}

fn is_recent(field: &Field, sight: &Sight, state: &StateAt) -> bool {
    let clause = Clause::Field(field.clone());
    sight.recent.iter().any(|event| holds(&clause, &event.analysed, state))
}

/// Returns the first values of each segment.
fn values(field: Handle, sight: &Sight, most: usize) -> tantivy::Result<BTreeSet<String>> {
    let mut values = BTreeSet::new();
    for segment in sight.view.segments(u64::MAX) {
        let list = segment.reader.inverted_index(field)?;
        let mut stream = list.terms().stream()?;
        let mut left = most;
        while left > 0 && stream.advance() {
            left -= 1;
            let value = std::str::from_utf8(stream.key()).ok();
            values.extend(value.filter(|value| value.len() <= TOLD_BYTES_MAX).map(str::to_owned));
        }
    }
    Ok(values)
}
