//! What a batch of events changes in the catalog, put together before the database is touched: one statement a row, not an event.

use std::collections::BTreeMap;

use chat::{Act, Custody, Recorded};

use super::glance::Glance;
use crate::journal::frame::RawRecord;

/// What is counted of a room or a person in one batch.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) foreign_id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) category: Option<String>,
    pub(super) source: Option<[u8; 16]>,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) events: i64,
}

/// What a batch says of an import.
#[derive(Debug)]
pub(super) struct ImportChange {
    pub(super) id: String,
    pub(super) begun: Option<i64>,
    pub(super) ended: Option<i64>,
    pub(super) act: Act,
}

/// All changes of a batch.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) sources: BTreeMap<[u8; 16], (Option<String>, i64)>,
    pub(super) rooms: BTreeMap<[u8; 16], Change>,
    pub(super) persons: BTreeMap<[u8; 16], Change>,
    pub(super) kinds: BTreeMap<i64, i64>,
    pub(super) imports: Vec<ImportChange>,
    pub(super) files: BTreeMap<[u8; 32], (i64, i64, i64)>,
}

pub(super) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Changes {
    /// Returns the changes of the events after `from`, none so far.
    pub(super) fn after(from: u64) -> Self {
        Self { from: number(from), ..Self::default() }
    }

    /// Takes an event.
    pub(super) fn take_event(&mut self, recorded: &Recorded) {
        self.take(&Glance::of_event(recorded));
    }

    /// Takes an event as it stands in the journal.
    pub(super) fn take_record(&mut self, record: RawRecord<'_>) {
        if let Some(glance) = Glance::of_record(record) {
            self.take(&glance);
        } else if let Some(recorded) = record.decode() {
            self.take_event(&recorded);
        }
    }

    fn take(&mut self, glance: &Glance<'_>) {
        let seq = number(glance.seq);
        let count = self.kinds.entry(glance.kind.code().into()).or_default();
        *count = count.saturating_add(1);
        let source = glance.source;
        if let Some(source) = source {
            let (_, events) = self.sources.entry(source).or_default();
            *events = events.saturating_add(1);
        }
        if let Some((id, name)) = glance.place {
            self.rooms.entry(id).or_default().seen(name, source, seq);
        }
        if let Some(actor) = &glance.actor {
            let person = self.persons.entry(actor.id).or_default();
            person.seen(actor.name, source, seq);
            let newer = |given: Option<&str>, known: &mut Option<String>| {
                if let Some(given) = given.filter(|given| known.as_deref() != Some(given)) {
                    *known = Some(given.to_owned());
                }
            };
            newer(actor.foreign_id, &mut person.foreign_id);
            newer(actor.email, &mut person.email);
        }
        for attachment in glance.attachments {
            if let Custody::Held { file, bytes } = &attachment.custody {
                let entry = self.files.entry(*file.as_bytes()).or_insert((number(*bytes), seq, 0));
                entry.2 = entry.2.saturating_add(1);
            }
        }
        // Only the archive's own acts declare anything: a source's words do not.
        if let Some(act) = glance.act {
            self.take_act(glance.place.map(|(room, _)| room), act, seq);
        }
    }

    fn take_act(&mut self, room: Option<[u8; 16]>, act: &Act, seq: i64) {
        let source = act.text("source").and_then(|id| id.parse::<chat::SourceId>().ok());
        match (act.verb.as_str(), room) {
            ("source-declared", None) => {
                if let (Some(source), Some(name)) = (source, act.text("name")) {
                    self.sources.entry(*source.as_bytes()).or_default().0 = Some(name.to_owned());
                }
            }
            ("room-declared" | "room-changed", Some(room)) => {
                let room = self.rooms.entry(room).or_default();
                let of = |name| act.text(name).map(str::to_owned);
                room.kind = of("kind").or_else(|| room.kind.take());
                room.category = of("category").or_else(|| room.category.take());
                room.source = source.map(|source| *source.as_bytes()).or(room.source);
            }
            ("import-begun" | "import-ended", _) => {
                let Some(id) = act.text("import_id").map(str::to_owned) else { return };
                let is_begin = act.verb == "import-begun";
                let (begun, ended) = if is_begin { (Some(seq), None) } else { (None, Some(seq)) };
                self.imports.push(ImportChange { id, begun, ended, act: act.clone() });
            }
            _ => {}
        }
    }
}

impl Change {
    fn seen(&mut self, name: &str, source: Option<[u8; 16]>, seq: i64) {
        if self.events == 0 {
            self.first = seq;
        }
        name.clone_into(&mut self.name);
        self.source = source.or(self.source);
        self.last = seq;
        self.events = self.events.saturating_add(1);
    }
}
