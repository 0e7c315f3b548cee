//! A rehearsal of an import: what can be judged of an input without an archive. Limits, pieces that cannot be understood,
//! and records that contradict each other are found; what the archive holds already is not known here.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use crate::draft::{Draft, DraftKey};
use crate::receipt::Verdict;

/// What is remembered of the records so far: 16 bytes for each that has an id.
#[derive(Debug, Default)]
pub(super) struct Rehearsal {
    hasher: RandomState,
    /// What each given id stood for.
    given: HashMap<u64, u64>,
}

impl Rehearsal {
    /// Returns what would become of a draft in an archive that has nothing of this input.
    pub(super) fn judge(&mut self, draft: &Draft) -> Verdict {
        if let Err(refusal) = draft.check() {
            return Verdict::Quarantined { reason: refusal.to_string() };
        }
        let DraftKey::Given(key) = &draft.key else { return Verdict::Accepted };
        let says = self.says(draft);
        match self.given.entry(self.hasher.hash_one((&draft.source, key))) {
            Entry::Vacant(slot) => {
                slot.insert(says);
                Verdict::Accepted
            }
            Entry::Occupied(slot) if *slot.get() == says => Verdict::Duplicate,
            // A record that says that it was edited may say something else.
            Entry::Occupied(mut slot) if draft.edited_at.is_some() || draft.unfolded => {
                slot.insert(says);
                Verdict::Revised
            }
            Entry::Occupied(_) => {
                let reason =
                    format!("the id {key:?} stands for other content earlier in the same input");
                Verdict::Quarantined { reason }
            }
        }
    }

    fn says(&self, draft: &Draft) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        draft.at.hash(&mut hasher);
        draft.text.hash(&mut hasher);
        draft.rich_text.hash(&mut hasher);
        draft.title.hash(&mut hasher);
        draft.edited_at.hash(&mut hasher);
        let actor = draft.actor.as_ref();
        actor.map(|actor| actor.foreign_id.as_ref().unwrap_or(&actor.name)).hash(&mut hasher);
        for file in &draft.attachments {
            file.name.hash(&mut hasher);
        }
        hasher.finish()
    }
}
