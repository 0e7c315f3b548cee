//! Records in quarantine, tried again: by the same parsers as an import, with what the archive knows of their rooms and people.
//!
//! A quarantined record is kept as it was, without what stood around it in its input. A line of the line format needs no more. A
//! Slack message says its room by the folder in its locator, and its author by an id that the register knows. An element
//! of compliance XML says its channel in its locator.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chat::{EventKind, Recorded, Seq, SourceId};

use crate::draft::{Draft, DraftPerson, DraftPlace, Locator};
use crate::error::Result;
use crate::ingest::Ingest;
use crate::receipt::Verdict;
use crate::sequencer::Input;
use crate::source::jsonl::parse_line;
use crate::source::{Reading, Sourced, Zone, lync, slack};

/// What became of one record that was tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// It is understood now, and stands as this event; the event may have been there already.
    Understood(Seq),
    /// It was understood before, as this event; nothing was done.
    Already(Seq),
    /// It is still not understood, for this reason.
    Not(String),
}

/// What the archive knows of the rooms and people of one source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// The source's name.
    pub(crate) source: String,
    pub(crate) rooms: Vec<DraftPlace>,
    pub(crate) persons: Vec<DraftPerson>,
}

impl Ingest {
    /// Tries to understand quarantined records again. On return what is understood is on disk, synced, as an import would have
    /// recorded it; the same record gives the same event however often it is tried.
    ///
    /// That a record was replayed is known from the acts `quarantine-replayed` {`records`, `events`} (lists of sequence numbers,
    /// pair by pair), which the caller records for whoever asked for it.
    pub fn replay(&self, records: &[Recorded], zone: Option<Zone>) -> Result<Vec<Replayed>> {
        let known = self.replayed()?;
        let mut names = HashMap::new();
        let mut all = Vec::with_capacity(records.len());
        for record in records {
            if let Some(seq) = known.get(&record.seq) {
                all.push(Replayed::Already(*seq));
                continue;
            }
            let source = record.event.origin.as_ref().map(|origin| origin.source);
            let nameless = Names::default();
            let names: &Names = match source.map(|source| (source, names.entry(source))) {
                Some((_, Entry::Occupied(slot))) => slot.into_mut(),
                Some((source, Entry::Vacant(slot))) => slot.insert(self.names(source)?),
                None => &nameless,
            };
            all.push(match understand(record, names, zone) {
                Ok(drafts) => self.accept_replayed(record.seq, drafts)?,
                Err(reason) => Replayed::Not(reason),
            });
        }
        Ok(all)
    }

    /// Records the drafts of one record. A version that came since the record was kept stands for it, newer ones or not.
    fn accept_replayed(&self, kept: Seq, drafts: Vec<Draft>) -> Result<Replayed> {
        let at = drafts.iter().position(|draft| !draft.unfolded).unwrap_or_default();
        let pieces = drafts.into_iter().map(|draft| Sourced::Draft(Box::new(draft))).collect();
        let outcomes = self.accept_as(pieces, Input::default().known_since(Some(kept)))?;
        let refused = outcomes.iter().find_map(|outcome| match &outcome.verdict {
            Verdict::Quarantined { reason } => Some(reason.clone()),
            Verdict::Accepted | Verdict::Revised | Verdict::Duplicate => None,
        });
        Ok(match (refused, outcomes.get(at)) {
            (Some(reason), _) => Replayed::Not(reason),
            (None, Some(outcome)) => Replayed::Understood(outcome.receipt.seq),
            (None, None) => Replayed::Not("it holds no event".to_owned()),
        })
    }

    /// Returns which quarantined records were understood later, and as which events.
    pub fn replayed(&self) -> Result<HashMap<Seq, Seq>> {
        self.ask(|register| register.replayed().clone())
    }

    fn names(&self, source: SourceId) -> Result<Names> {
        self.ask(move |register| register.names(source))
    }
}

/// Returns the drafts of a record that can be understood now, or why it cannot.
fn understand(
    record: &Recorded,
    names: &Names,
    zone: Option<Zone>,
) -> std::result::Result<Vec<Draft>, String> {
    let content = &record.event.content;
    if record.event.kind != EventKind::Quarantined {
        return Err("it is no quarantined record".to_owned());
    }
    let raw = content.raw.as_deref().unwrap_or_default();
    let words = content.locator.clone().unwrap_or_default();
    let locator = Locator::whole(words.as_str());
    let pieces = if raw.trim_ascii_start().starts_with(b"<") {
        lync::replay(raw, &words, names)
    } else if slack::is_record(&words) {
        slack::replay(raw, &words, names)
    } else {
        // The line's own source comes first; an import may have named another for lines that have none.
        let own = Reading { zone, ..Reading::default() };
        let mut pieces = parse_line(raw, &locator, &own);
        if pieces.iter().any(|piece| matches!(piece, Sourced::Unreadable(_))) {
            let given = Reading { source: Some(names.source.clone()), ..own };
            pieces = parse_line(raw, &locator, &given);
        }
        pieces
    };
    let mut drafts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Sourced::Draft(mut draft) => {
                draft.locator = Some(locator.clone());
                drafts.push(*draft);
            }
            Sourced::Unreadable(piece) => return Err(piece.reason),
        }
    }
    if drafts.is_empty() { Err("it holds no event".to_owned()) } else { Ok(drafts) }
}

#[cfg(test)]
mod tests;
