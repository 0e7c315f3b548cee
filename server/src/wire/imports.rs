//! The imports that the log tells of: where the proof of what they brought begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use archive::Archive;
use chat::{Act, EventKind, Recorded, Seq};
use serde_json::{Value, json};

use crate::problem::Result;

/// Events of the ledger that are read at a time.
const BATCH_EVENTS: usize = 4_096;

/// One import that recorded something, or never said how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImportNote {
    id: String,
    begun_at: String,
    input: String,
    sha256: String,
    source: Option<String>,
    accepted: Option<u64>,
}

impl ImportNote {
    /// Reads all of them from the ledger, oldest first.
    pub(crate) fn all(archive: &Arc<Archive>) -> Result<Vec<Self>> {
        let mut notes: BTreeMap<String, (Seq, Self)> = BTreeMap::new();
        let mut tail = archive.ledger_abridged();
        loop {
            let batch = tail.next_batch(BATCH_EVENTS)?;
            if batch.is_empty() {
                break;
            }
            for recorded in &batch {
                take(&mut notes, recorded);
            }
        }
        let mut notes: Vec<_> = notes.into_values().collect();
        notes.sort_by_key(|(seq, _)| *seq);
        let said_something = |note: &Self| note.accepted != Some(0);
        Ok(notes.into_iter().map(|(_, note)| note).filter(said_something).collect())
    }

    /// Returns what it means for a proof.
    pub(super) fn words(&self) -> String {
        let end = if self.accepted.is_none() { " (cut short)" } else { "" };
        format!(
            "imported {} from {}, SHA-256 {}{end}: proof starts there",
            self.begun_at, self.input, self.sha256
        )
    }

    /// Returns it as the API shows it.
    pub(super) fn document(&self) -> Value {
        json!({
            "import_id": self.id,
            "at": self.begun_at,
            "input": self.input,
            "sha256": self.sha256,
            "source": self.source,
            "accepted": self.accepted,
        })
    }
}

fn take(notes: &mut BTreeMap<String, (Seq, ImportNote)>, recorded: &Recorded) {
    if recorded.event.kind != EventKind::Officer {
        return;
    }
    let Some(act) = &recorded.event.content.act else { return };
    let Some(id) = act.text("import_id") else { return };
    match act.verb.as_str() {
        "import-begun" => {
            notes.insert(id.to_owned(), (recorded.seq, begun(id, act, recorded)));
        }
        "import-ended" => {
            if let Some((_, note)) = notes.get_mut(id) {
                let number = |name: &str| act.number(name).map_or(0, i64::unsigned_abs);
                note.accepted =
                    Some(number("accepted") + number("revised") + number("quarantined"));
                note.source = act.text("source").map(str::to_owned).or(note.source.take());
            }
        }
        _ => {}
    }
}

fn begun(id: &str, act: &Act, recorded: &Recorded) -> ImportNote {
    let text = |name: &str| act.text(name).unwrap_or_default().to_owned();
    ImportNote {
        id: id.to_owned(),
        begun_at: recorded.recorded_at.to_string(),
        input: text("input"),
        sha256: text("input_sha256"),
        source: act.text("source").map(str::to_owned),
        accepted: None,
    }
}
