//! Which version of a message an event is, what replaced it, and whether it was taken back: a fold over the edits and
//! retractions that the package holds. It never looks beyond the package, so anyone can repeat it.

use std::collections::{BTreeMap, HashMap};

use chat::{EventKind, Recorded, Seq, Timestamp};

/// Edits and retractions as they come in, in any order.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    edits: BTreeMap<Seq, (Seq, Timestamp)>,
    retractions: BTreeMap<Seq, (Seq, Retraction)>,
}

/// Who took a message back, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Retraction {
    pub(crate) at: Timestamp,
    pub(crate) by: String,
}

impl Revisions {
    /// Takes in one event of the package; most are none of its business.
    pub(crate) fn observe(&mut self, recorded: &Recorded) {
        let Some(target) = recorded.event.target else { return };
        let at = recorded.event.at;
        if is_edit(recorded) {
            self.edits.insert(recorded.seq, (target, at));
        } else if recorded.event.kind == EventKind::Retract {
            let retraction = Retraction { at, by: actor_words(recorded) };
            self.retractions.insert(recorded.seq, (target, retraction));
        }
    }

    /// Numbers the versions. `holds` tells whether the package holds an event.
    pub(crate) fn settle(self, holds: impl Fn(Seq) -> bool) -> Versions {
        let mut versions = Versions::default();
        for (&seq, &(target, at)) in &self.edits {
            let before = versions.edits.get(&target).copied();
            let edit = match before {
                Some(Edit { root, version }) => {
                    Edit { root, version: version.map(|number| number.saturating_add(1)) }
                }
                // An edit before its target, or of an event that is not here, has a number that the package cannot tell.
                None if self.edits.contains_key(&target) || !holds(target) => {
                    Edit { root: target, version: None }
                }
                None => Edit { root: target, version: Some(2) },
            };
            versions.edits.insert(seq, edit);
            versions.replaced.entry(target).or_insert((seq, at));
        }
        for (_, (target, retraction)) in self.retractions {
            let root = versions.root(target);
            versions.retracted.entry(root).or_insert(retraction);
        }
        versions
    }
}

fn is_edit(recorded: &Recorded) -> bool {
    matches!(recorded.event.kind, EventKind::Edit | EventKind::Replace)
}

/// Returns the name of who acted, or the id where the name is withheld or empty.
fn actor_words(recorded: &Recorded) -> String {
    match &recorded.event.actor {
        Some(actor) if !actor.name.is_empty() => actor.name.clone(),
        Some(actor) => actor.id.to_string(),
        None => "unknown".to_owned(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edit {
    root: Seq,
    version: Option<u32>,
}

/// The versions of the messages of a package.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    edits: HashMap<Seq, Edit>,
    replaced: HashMap<Seq, (Seq, Timestamp)>,
    retracted: HashMap<Seq, Retraction>,
}

impl Versions {
    fn root(&self, seq: Seq) -> Seq {
        self.edits.get(&seq).map_or(seq, |edit| edit.root)
    }

    /// Returns the number of a version, from 1; nothing where the package cannot tell.
    pub(crate) fn version(&self, recorded: &Recorded) -> Option<u32> {
        match self.edits.get(&recorded.seq) {
            Some(edit) => edit.version,
            None if is_edit(recorded) => None,
            None => Some(1),
        }
    }

    /// Returns the edit that replaced an event, and its time.
    pub(crate) fn replaced_by(&self, seq: Seq) -> Option<(Seq, Timestamp)> {
        self.replaced.get(&seq).copied()
    }

    /// Returns how the message that an event is a version of was taken back.
    pub(crate) fn retraction(&self, seq: Seq) -> Option<&Retraction> {
        self.retracted.get(&self.root(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::testing::message;

    fn event(seq: u64, kind: EventKind, target: u64) -> Recorded {
        let mut event = message(seq, 1, 2, "words");
        event.kind = kind;
        event.target = Seq::new(target);
        Recorded {
            seq: Seq::new(seq).unwrap(),
            place_seq: None,
            place_prev: None,
            recorded_at: event.at,
            event,
        }
    }

    fn versions(events: &[Recorded]) -> Versions {
        let mut revisions = Revisions::default();
        for event in events {
            revisions.observe(event);
        }
        revisions.settle(|seq| events.iter().any(|event| event.seq == seq))
    }

    #[test]
    fn edits_count_up_from_their_root_and_a_retraction_covers_every_version() {
        let events = [
            event(1, EventKind::Message, 0),
            event(4, EventKind::Edit, 1),
            event(6, EventKind::Edit, 4),
            event(9, EventKind::Retract, 6),
        ];
        let versions = versions(&events);
        let numbers: Vec<_> = events.iter().map(|event| versions.version(event)).collect();
        assert_eq!(numbers, [Some(1), Some(2), Some(3), Some(1)]);
        let replaced = versions.replaced_by(events[0].seq).unwrap().0;
        assert_eq!((replaced, versions.replaced_by(events[2].seq)), (events[1].seq, None));
        let by = |at: usize| versions.retraction(events[at].seq).map(|found| found.by.as_str());
        assert_eq!((by(0), by(2), by(3)), (Some("Person 2"), Some("Person 2"), None));
    }

    #[test]
    fn the_number_of_an_edit_whose_target_is_not_here_is_unknown() {
        let events = [event(4, EventKind::Edit, 1), event(6, EventKind::Edit, 4)];
        let versions = versions(&events);
        assert_eq!(versions.version(&events[0]), None);
        assert_eq!(versions.version(&events[1]), None);
    }

    #[test]
    fn edits_of_one_another_end() {
        let events = [event(4, EventKind::Edit, 6), event(6, EventKind::Edit, 4)];
        let versions = versions(&events);
        assert_eq!(versions.version(&events[0]), None);
    }
}
