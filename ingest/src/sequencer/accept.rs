//! How a batch of offers becomes records: names to ids, known or not, then a place in the log.

use std::collections::HashMap;

use chat::{Attachment, ChatEvent, Content, Custody, EventKind, Origin, OriginKey, Recorded, Seq};

use super::desk::{Desk, Written};
use super::judge::{Known, is_of_origin};
use super::offer::{Again, Input, Offer};
use super::quarantine;
use crate::draft::{Draft, DraftFile, DraftKey, DraftTarget, FileContent};
use crate::error::{Error, Result};
use crate::origin::Fingerprint;
use crate::receipt::Verdict;

/// One offer on its way: the event it would be, and what must be looked up for it.
struct Case {
    event: ChatEvent,
    print: Fingerprint,
    target: Option<Target>,
    /// Why it is quarantined, if it is.
    quarantined: Option<String>,
    unfolded: bool,
}

/// What a case edits, retracts or answers.
enum Target {
    Key { key: String, print: Fingerprint },
    Seq(Seq),
    Record,
}

/// Where the index says that events may stand, and what was read there.
#[derive(Default)]
struct Found {
    settled: HashMap<Fingerprint, Vec<Seq>>,
    records: HashMap<Seq, Recorded>,
    /// Events up to here were durable when the batch was begun.
    durable: u64,
}

impl Desk {
    /// Records what is new of a batch, and says of each offer what became of it.
    pub(super) fn take_offers(
        &mut self,
        offers: Vec<Offer>,
        input: &mut Input,
    ) -> Result<Vec<Written>> {
        let durable = self.archive.size();
        while self.in_flight.front().is_some_and(|flying| flying.known.seq.get() <= durable) {
            self.in_flight.pop_front();
        }
        self.origins.settle(durable)?;
        let mut cases = Vec::with_capacity(offers.len());
        for offer in offers {
            cases.push(self.case(offer, input)?);
        }
        let found = self.find(&cases, durable)?;
        cases.into_iter().map(|case| self.settle(case, &found, input)).collect()
    }

    fn case(&mut self, offer: Offer, input: &mut Input) -> Result<Case> {
        let draft = match offer {
            Offer::Unreadable { piece, file } => {
                let source = piece.source.clone().or_else(|| input.source.clone());
                let ordinal = input.ordinal_of_raw(&piece.raw);
                return self.quarantine(
                    source.as_deref(),
                    quarantine::of_piece(*piece, file),
                    ordinal,
                );
            }
            Offer::Draft(draft) => draft.into_draft(),
        };
        input.source = Some(draft.source.clone());
        let content = input.content(&draft);
        let edits = draft.edited_at.is_some() || draft.unfolded;
        if input.again(&draft.key, &draft.source, content, edits) == Again::Contradicts {
            let source = draft.source.clone();
            let kept = quarantine::of_contradiction(draft);
            let ordinal = input.ordinal_of_raw(kept.raw.as_deref().unwrap_or_default());
            return self.quarantine(Some(&source), kept, ordinal);
        }
        let ordinal = match draft.key {
            DraftKey::Given(_) => 0,
            DraftKey::Derived => input.ordinal(&draft),
        };
        let resolved = self.resolve(&draft.source, draft.place.as_ref(), draft.actor.as_ref())?;
        let target = draft.target.as_ref().map(|target| match target {
            DraftTarget::Key(key) => {
                Target::Key { key: key.clone(), print: self.prints.given(resolved.source, key) }
            }
            DraftTarget::Seq(seq) => Target::Seq(*seq),
            DraftTarget::Record => Target::Record,
        });
        let unfolded = draft.unfolded;
        let key = match &draft.key {
            DraftKey::Given(key) => OriginKey::Given(key.clone()),
            DraftKey::Derived => OriginKey::Derived { ordinal },
        };
        let event = ChatEvent {
            origin: Some(Origin { source: resolved.source, key, revision: 0 }),
            at: draft.at,
            kind: draft.kind,
            actor: resolved.actor,
            place: resolved.place,
            target: None,
            other_ids: Vec::new(),
            content: content_of(draft),
        };
        let print = self.print_of(&event);
        Ok(Case { event, print, target, quarantined: None, unfolded })
    }

    fn print_of(&self, event: &ChatEvent) -> Fingerprint {
        self.prints.of(event).expect("an offered event has an origin")
    }

    fn quarantine(&mut self, source: Option<&str>, content: Content, ordinal: u32) -> Result<Case> {
        let source = source.unwrap_or(quarantine::SOURCE_UNKNOWN);
        let source = self.resolve(source, None, None)?.source;
        let reason = content.remark.clone().unwrap_or_default();
        let key = self.prints.quarantine_key(content.raw.as_deref().unwrap_or_default(), ordinal);
        let event = ChatEvent {
            origin: Some(Origin { source, key: OriginKey::Given(key), revision: 0 }),
            at: self.now(),
            kind: EventKind::Quarantined,
            actor: None,
            place: None,
            target: None,
            other_ids: Vec::new(),
            content,
        };
        let print = self.print_of(&event);
        Ok(Case { event, print, target: None, quarantined: Some(reason), unfolded: false })
    }

    /// Looks up a whole batch at once, and reads every record that may be meant.
    fn find(&self, cases: &[Case], durable: u64) -> Result<Found> {
        let mut prints: Vec<_> = cases.iter().map(|case| case.print).collect();
        prints.extend(cases.iter().filter_map(|case| match &case.target {
            Some(Target::Key { print, .. }) => Some(*print),
            Some(Target::Seq(_) | Target::Record) | None => None,
        }));
        prints.sort_unstable();
        prints.dedup();
        let mut lists = vec![Vec::new(); prints.len()];
        self.origins.find_settled(&prints, &mut lists)?;
        let mut seqs: Vec<Seq> = lists.iter().flatten().copied().collect();
        for print in &prints {
            self.origins.find_recent(*print, &mut seqs);
        }
        seqs.retain(|seq| seq.get() <= durable);
        seqs.sort_unstable();
        seqs.dedup();
        let records = self.archive.read_many(&seqs).map_err(|source| Error::Archive { source })?;
        let records = seqs.into_iter().zip(records);
        Ok(Found {
            settled: prints.into_iter().zip(lists).filter(|(_, list)| !list.is_empty()).collect(),
            records: records.filter_map(|(seq, record)| Some((seq, record?))).collect(),
            durable,
        })
    }

    /// Returns the events that bear an origin, by ascending sequence number.
    fn known(
        &self,
        print: Fingerprint,
        found: &Found,
        is_meant: impl Fn(&Recorded) -> bool,
    ) -> Vec<Known> {
        let mut seqs = found.settled.get(&print).cloned().unwrap_or_default();
        self.origins.find_recent(print, &mut seqs);
        seqs.sort_unstable();
        seqs.dedup();
        let one = |seq: Seq| {
            if seq.get() <= found.durable {
                let record = found.records.get(&seq).filter(|record| is_meant(record))?;
                return Some(Known::of(seq, record.recorded_at, &record.event, &self.hasher));
            }
            let at = self.in_flight.partition_point(|flying| flying.known.seq < seq);
            let flying = self.in_flight.get(at)?;
            (flying.known.seq == seq && flying.print == print).then(|| flying.known.clone())
        };
        seqs.into_iter().filter_map(one).collect()
    }

    /// Decides about one case and records what has to be recorded.
    fn settle(&mut self, mut case: Case, found: &Found, input: &mut Input) -> Result<Written> {
        let mut known = self.known(case.print, found, |record| is_of_origin(record, &case.event));
        let offered = Known::of(Seq::FIRST, self.now(), &case.event, &self.hasher);
        if let Some(reason) = case.quarantined {
            if let Some(same) = known.first() {
                let (seq, recorded_at) = (same.seq, same.recorded_at);
                input.record = None;
                return Ok(Written { verdict: Verdict::Quarantined { reason }, seq, recorded_at });
            }
            let (seq, recorded_at) = self.record(case.event, Some(case.print));
            input.record = None;
            return Ok(Written { verdict: Verdict::Quarantined { reason }, seq, recorded_at });
        }
        let differs = !known.iter().any(|one| one.says_the_same(&offered));
        if differs && !known.is_empty() && is_derived(&case.event) {
            known.extend(self.revisions_of_derived(&case.event)?);
        }
        let written = if let Some(same) = known.iter().find(|one| one.says_the_same(&offered)) {
            let (seq, recorded_at) = (same.seq, same.recorded_at);
            Written { verdict: Verdict::Duplicate, seq, recorded_at }
        } else if let Some(same) =
            known.iter().find(|one| one.says_the_same_but_for_bytes(&offered))
        {
            self.take_late_files(&case.event, same)?
        } else {
            self.aim(&mut case, found, input);
            self.take_new(case.event, case.print, &known)?
        };
        if !case.unfolded {
            input.record = Some(known.first().map_or(written.seq, |first| first.seq));
        }
        Ok(written)
    }

    /// Records an event that is new, or new under its key.
    fn take_new(
        &mut self,
        mut event: ChatEvent,
        print: Fingerprint,
        known: &[Known],
    ) -> Result<Written> {
        let newest = known.iter().max_by_key(|one| (one.revision, one.seq));
        let Some(newest) = newest else {
            let text = event.content.text.clone().filter(|_| self.counts_language(&event));
            let place = event.place.clone();
            let (seq, recorded_at) = self.record(event, Some(print));
            if let (Some(detect), Some(text), Some(place)) = (self.detector, text, place) {
                self.declare(|register, new| {
                    register.count_language(&place, &text, detect, new);
                    Ok(())
                })?;
            }
            return Ok(Written { verdict: Verdict::Accepted, seq, recorded_at });
        };
        if let Some(origin) = &mut event.origin {
            origin.revision = newest.revision.saturating_add(1);
        }
        event.kind = EventKind::Edit;
        event.target = Some(newest.seq);
        let print = self.print_of(&event);
        let (seq, recorded_at) = self.record(event, Some(print));
        Ok(Written { verdict: Verdict::Revised, seq, recorded_at })
    }

    fn counts_language(&self, event: &ChatEvent) -> bool {
        use EventKind::{Action, Alert, Message, Story};
        self.detector.is_some() && matches!(event.kind, Message | Action | Story | Alert)
    }

    /// A revision of a record without an id bears its own fingerprint, as an edit: its former words are its key.
    fn revisions_of_derived(&self, event: &ChatEvent) -> Result<Vec<Known>> {
        let mut revision = event.clone();
        revision.kind = EventKind::Edit;
        let print = self.print_of(&revision);
        let found = self.find_one(print)?;
        Ok(self.known(print, &found, |record| is_of_origin(record, &revision)))
    }

    /// Points an event to what it edits, retracts or answers, or says that it is not there.
    fn aim(&self, case: &mut Case, found: &Found, input: &Input) {
        case.event.target = match &case.target {
            None => return,
            Some(Target::Seq(seq)) => Some(*seq),
            Some(Target::Record) => input.record,
            Some(Target::Key { key, print }) => {
                let source = case.event.origin.as_ref().map(|origin| origin.source);
                let known = self.known(*print, found, |record| {
                    record.event.origin.as_ref().is_some_and(|origin| {
                        Some(origin.source) == source
                            && matches!(&origin.key, OriginKey::Given(given) if given == key)
                    })
                });
                // An edit replaces the newest version; an answer or a retraction means the message.
                let meant =
                    if case.event.kind == EventKind::Edit { known.last() } else { known.first() };
                meant.map(|one| one.seq)
            }
        };
        if case.event.target.is_none() {
            let what = match &case.target {
                Some(Target::Key { key, .. }) => {
                    format!("it refers to {key:?}, which is not in the archive")
                }
                Some(Target::Seq(_) | Target::Record) | None => {
                    "it refers to a record that is in quarantine".to_owned()
                }
            };
            quarantine::add_remark(&mut case.event.content, &what);
        }
    }

    /// Records files that are there now and were missing when their message was recorded (house.md §6.6).
    fn take_late_files(&mut self, event: &ChatEvent, same: &Known) -> Result<Written> {
        let before = self.archive.read(same.seq).map_err(|source| Error::Archive { source })?;
        let had = before.map(|record| record.event.content.attachments).unwrap_or_default();
        let mut newest = None;
        for attachment in &event.content.attachments {
            let Custody::Held { file, .. } = &attachment.custody else { continue };
            if had.contains(attachment) {
                continue;
            }
            let mut upload = event.clone();
            upload.kind = EventKind::Upload;
            upload.target = Some(same.seq);
            upload.content = Content {
                attachments: vec![attachment.clone()],
                remark: Some("the file came after its message".to_owned()),
                ..Content::default()
            };
            if let Some(origin) = &mut upload.origin {
                origin.key = OriginKey::Given(format!("late:{}:{file}", same.seq));
            }
            let print = self.print_of(&upload);
            let found = self.find_one(print)?;
            if self.known(print, &found, |record| is_of_origin(record, &upload)).is_empty() {
                newest = Some(self.record(upload, Some(print)));
            }
        }
        Ok(match newest {
            Some((seq, recorded_at)) => Written { verdict: Verdict::Revised, seq, recorded_at },
            None => Written {
                verdict: Verdict::Duplicate,
                seq: same.seq,
                recorded_at: same.recorded_at,
            },
        })
    }

    fn find_one(&self, print: Fingerprint) -> Result<Found> {
        let durable = self.archive.size();
        let mut lists = [Vec::new()];
        self.origins.find_settled(&[print], &mut lists)?;
        let [mut seqs] = lists;
        let settled = HashMap::from([(print, seqs.clone())]);
        self.origins.find_recent(print, &mut seqs);
        seqs.retain(|seq| seq.get() <= durable);
        let records = self.archive.read_many(&seqs).map_err(|source| Error::Archive { source })?;
        let records = seqs.into_iter().zip(records);
        let records = records.filter_map(|(seq, record)| Some((seq, record?))).collect();
        Ok(Found { settled, records, durable })
    }
}

fn is_derived(event: &ChatEvent) -> bool {
    event.origin.as_ref().is_some_and(|origin| matches!(origin.key, OriginKey::Derived { .. }))
}

fn content_of(draft: Draft) -> Content {
    Content {
        text: draft.text,
        rich_text: draft.rich_text,
        title: draft.title,
        thread: draft.thread,
        edited_at: draft.edited_at,
        // Where it stood matters where something was odd; in all others it would only cost bytes.
        locator: draft.locator.filter(|_| draft.remark.is_some()),
        remark: draft.remark,
        raw: draft.raw,
        act: draft.act,
        attachments: draft.attachments.into_iter().map(attachment_of).collect(),
        other_fields: Vec::new(),
    }
}

fn attachment_of(file: DraftFile) -> Attachment {
    let custody = match file.content {
        FileContent::Kept { file, bytes } => Custody::Held { file, bytes },
        FileContent::Missing { reason, claimed_bytes } => {
            Custody::Missing { reason, claimed_bytes }
        }
        FileContent::Path(_) | FileContent::Bytes(_) | FileContent::Member(_) => Custody::Missing {
            reason: "its bytes were not handed to the archive".to_owned(),
            claimed_bytes: None,
        },
    };
    Attachment { name: file.name, media_type: file.media_type, address: file.address, custody }
}
