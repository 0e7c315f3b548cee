//! How a batch of offers becomes records: names to ids, known or not, then a place in the log.

use chat::{
    Attachment, ChatEvent, Content, Custody, EventKind, Origin, OriginKey, Person, Place, Seq,
};

use super::desk::{Desk, Written};
use super::judge::{Known, Standing, is_of_origin};
use super::lookup::Found;
use super::offer::{Input, Offer};
use super::quarantine;
use crate::draft::{Draft, DraftFile, DraftKey, DraftPerson, DraftTarget, FileContent, Locator};
use crate::error::Result;
use crate::origin::Fingerprint;
use crate::receipt::Verdict;
use crate::register::Resolved;

/// One offer on its way: the event it would be, and what must be looked up for it.
struct Case {
    event: ChatEvent,
    print: Fingerprint,
    target: Option<Target>,
    /// Why it is quarantined, if it is.
    quarantined: Option<String>,
    unfolded: bool,
    /// Whether its words help to find out the language of its room.
    counts_language: bool,
    /// The record's own bytes and where they stood, should it contradict another.
    own: Option<Own>,
}

/// A record as it stood in its input.
struct Own {
    record: Option<Vec<u8>>,
    locator: Option<Locator>,
}

/// What a case edits, retracts or answers.
enum Target {
    Key { key: String, print: Fingerprint },
    Seq(Seq),
    Record,
}

/// What becomes of a case.
enum Decision {
    /// It is recorded under this fingerprint.
    New(Verdict, Fingerprint),
    /// It is there.
    There(Written),
    /// It contradicts another record of its input.
    Contradicts,
}

impl Desk {
    /// Records what is new of a batch, and says of each offer what became of it.
    pub(super) fn take_offers(
        &mut self,
        offers: Vec<Offer>,
        input: &mut Input,
    ) -> Result<Vec<Written>> {
        let durable = self.archive.size();
        while self.in_flight.front().is_some_and(|flying| flying.seq.get() <= durable) {
            self.in_flight.pop_front();
        }
        self.origins.settle(durable)?;
        let mut cases = Vec::with_capacity(offers.len());
        for offer in offers {
            cases.push(self.case(offer, input)?);
        }
        let mut prints: Vec<_> = cases.iter().map(|case| case.print).collect();
        prints.extend(cases.iter().filter_map(|case| match &case.target {
            Some(Target::Key { print, .. }) => Some(*print),
            Some(Target::Seq(_) | Target::Record) | None => None,
        }));
        let found = self.find(prints)?;
        let mut written = Vec::with_capacity(cases.len());
        for case in cases {
            written.push(self.settle(case, &found, input)?);
        }
        Ok(written)
    }

    fn case(&mut self, offer: Offer, input: &mut Input) -> Result<Case> {
        let draft = match offer {
            Offer::Unreadable { piece, file } => {
                let source = piece.source.clone().or_else(|| input.source.clone());
                let ordinal = input.ordinal_of_raw(&piece.raw);
                let kept = quarantine::of_piece(*piece, file);
                return self.quarantine(source.as_deref(), kept, ordinal);
            }
            Offer::Draft(draft) => draft.into_draft(),
        };
        if input.source.as_ref() != Some(&draft.source) {
            input.source = Some(draft.source.clone());
        }
        let resolved = self.resolve(&draft.source, draft.place.as_ref(), draft.actor.as_ref())?;
        Ok(self.case_of(*draft, resolved))
    }

    fn case_of(&self, mut draft: Draft, resolved: Resolved) -> Case {
        let target = draft.target.take().map(|target| match target {
            DraftTarget::Key(key) => {
                let print = self.prints.given(resolved.source, &key);
                Target::Key { key, print }
            }
            DraftTarget::Seq(seq) => Target::Seq(seq),
            DraftTarget::Record => Target::Record,
        });
        let mut own = None;
        let key = match std::mem::replace(&mut draft.key, DraftKey::Derived) {
            DraftKey::Given(key) => {
                own = Some(Own { record: draft.record.take(), locator: draft.locator.clone() });
                OriginKey::Given(key)
            }
            DraftKey::Derived => OriginKey::Derived { ordinal: 0 },
        };
        let actor = draft.actor.take().zip(resolved.actor);
        let place = draft.place.take().zip(resolved.room);
        let unfolded = draft.unfolded;
        let event = ChatEvent {
            origin: Some(Origin { source: resolved.source, key, revision: 0 }),
            at: draft.at,
            kind: draft.kind,
            actor: actor.map(|(DraftPerson { name, foreign_id, email }, id)| Person {
                id,
                name,
                foreign_id,
                email,
            }),
            place: place.map(|(place, room)| Place { room, name: place.name }),
            target: None,
            other_ids: Vec::new(),
            content: content_of(draft),
        };
        let print = self.print_of(&event);
        let counts_language = resolved.counts_language && self.counts_language(&event);
        Case { event, print, target, quarantined: None, unfolded, counts_language, own }
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
        Ok(Case {
            event,
            print,
            target: None,
            quarantined: Some(reason),
            unfolded: false,
            counts_language: false,
            own: None,
        })
    }

    /// Decides about one case and records what has to be recorded.
    fn settle(&mut self, mut case: Case, found: &Found, input: &mut Input) -> Result<Written> {
        let mut first = None;
        let decision = match &case.quarantined {
            Some(reason) => {
                let known = self.known(case.print, found, &case.event)?;
                let verdict = Verdict::Quarantined { reason: reason.clone() };
                known.first().map_or_else(
                    || Decision::New(verdict.clone(), case.print),
                    |one| Decision::There(written(verdict.clone(), one)),
                )
            }
            None => self.decide(&mut case, found, input, &mut first)?,
        };
        let is_record = !case.unfolded;
        let is_quarantined = case.quarantined.is_some();
        let spoken = if case.counts_language { spoken(&case.event) } else { None };
        let written = match decision {
            Decision::Contradicts => return self.settle_contradiction(case, input),
            Decision::There(written) => written,
            Decision::New(verdict, print) => {
                let is_new = verdict == Verdict::Accepted;
                let (seq, recorded_at) = self.record(case.event, Some(print));
                if let Some((text, place)) = spoken.filter(|_| is_new) {
                    self.count_language(&text, &place)?;
                }
                Written { verdict, seq, recorded_at }
            }
        };
        if is_quarantined {
            input.record = None;
            return Ok(written);
        }
        input.claim(written.seq);
        if is_record {
            input.record = Some(first.unwrap_or(written.seq));
        }
        Ok(written)
    }

    /// Says what becomes of an event; `first` is the first one under its key.
    fn decide(
        &mut self,
        case: &mut Case,
        found: &Found,
        input: &mut Input,
        first: &mut Option<Seq>,
    ) -> Result<Decision> {
        let mut known = if is_derived(&case.event) {
            self.known_by_content(case, found, input)?
        } else {
            self.known(case.print, found, &case.event)?
        };
        let is_new = !known.iter().any(Known::says_the_same);
        if is_new && !known.is_empty() && is_derived(&case.event) {
            known.extend(self.revisions_of_derived(&case.event)?);
        }
        *first = known.first().map(|one| one.seq);
        if contradicts(case, &known, input) {
            return Ok(Decision::Contradicts);
        }
        let is_fixed = is_derived(&case.event) || case.unfolded;
        let standing = Standing::of(&known, &case.event, is_fixed, input.own_since);
        // What a record says of itself was recorded without it while it was in quarantine; now that it stands, it is said again.
        let is_about_record = matches!(case.target, Some(Target::Record)) && input.record.is_some();
        let is_aimed = |one: &Known| one.target.is_some() || !is_about_record;
        if let Some(same) = standing.find(|one| one.says_the_same() && is_aimed(one)) {
            return Ok(Decision::There(written(Verdict::Duplicate, same)));
        }
        if let Some(same) = standing.find(|one| one.has_same_words && is_aimed(one)) {
            input.claim(same.seq);
            return self.take_late_files(&case.event, same).map(Decision::There);
        }
        self.aim(case, found, input);
        let newest = known.iter().max_by_key(|one| (one.revision, one.seq));
        let Some(newest) = newest else {
            return Ok(Decision::New(Verdict::Accepted, case.print));
        };
        if let Some(origin) = &mut case.event.origin {
            origin.revision = newest.revision.saturating_add(1);
        }
        if is_aimed(newest) {
            case.event.kind = EventKind::Edit;
            case.event.target = Some(newest.seq);
        }
        Ok(Decision::New(Verdict::Revised, self.print_of(&case.event)))
    }

    /// Gives a record without an id the number of its equals before it in its input, and returns what is known of it then.
    ///
    /// An event that stands for another record of this input is one of those equals; one that does not came with an earlier input.
    fn known_by_content(
        &self,
        case: &mut Case,
        found: &Found,
        input: &mut Input,
    ) -> Result<Vec<Known>> {
        let is_equal = |case: &Case, found: &Found| {
            let bearers = self.bearers(case.print, found, |one| is_of_origin(one, &case.event));
            bearers.iter().any(|seq| input.has_claimed(*seq))
        };
        if !is_equal(case, found) {
            return self.known(case.print, found, &case.event);
        }
        let first = case.print;
        let mut ordinal = input.equals(first);
        loop {
            if let Some(origin) = &mut case.event.origin {
                origin.key = OriginKey::Derived { ordinal };
            }
            case.print = self.print_of(&case.event);
            let found = self.find(vec![case.print])?;
            ordinal = ordinal.saturating_add(1);
            if !is_equal(case, &found) {
                input.count_equals(first, ordinal);
                return self.known(case.print, &found, &case.event);
            }
        }
    }

    fn settle_contradiction(&mut self, case: Case, input: &mut Input) -> Result<Written> {
        let source = input.source.clone();
        let own = case.own.unwrap_or(Own { record: None, locator: None });
        let name = source.as_deref().unwrap_or(quarantine::SOURCE_UNKNOWN);
        let kept = quarantine::of_contradiction(
            &case.event,
            name,
            own.record,
            own.locator.map(|at| at.to_string()),
        );
        let ordinal = input.ordinal_of_raw(kept.raw.as_deref().unwrap_or_default());
        let case = self.quarantine(source.as_deref(), kept, ordinal)?;
        let found = self.find(vec![case.print])?;
        self.settle(case, &found, input)
    }

    fn counts_language(&self, event: &ChatEvent) -> bool {
        use EventKind::{Action, Alert, Message, Story};
        self.detector.is_some() && matches!(event.kind, Message | Action | Story | Alert)
    }

    fn count_language(&mut self, text: &str, place: &Place) -> Result<()> {
        let Some(detect) = self.detector else { return Ok(()) };
        self.declare(|register, new| {
            register.count_language(place, text, detect, new);
            Ok(())
        })
    }

    /// A revision of a record without an id bears its own fingerprint, as an edit: its former words are its key.
    fn revisions_of_derived(&self, event: &ChatEvent) -> Result<Vec<Known>> {
        let mut revision = event.clone();
        revision.kind = EventKind::Edit;
        let print = self.print_of(&revision);
        let found = self.find(vec![print])?;
        self.known(print, &found, &revision)
    }

    /// Points an event to what it edits, retracts or answers, or says that it is not there.
    fn aim(&self, case: &mut Case, found: &Found, input: &Input) {
        case.event.target = match &case.target {
            None => return,
            Some(Target::Seq(seq)) => Some(*seq),
            Some(Target::Record) => input.record,
            Some(Target::Key { key, print }) => {
                let source = case.event.origin.as_ref().map(|origin| origin.source);
                let bearers = self.bearers(*print, found, |record| {
                    record.event.origin.as_ref().is_some_and(|origin| {
                        Some(origin.source) == source
                            && matches!(&origin.key, OriginKey::Given(given) if given == key)
                    })
                });
                // An edit replaces the newest version; an answer or a retraction means the message.
                let is_edit = case.event.kind == EventKind::Edit;
                let meant = if is_edit { bearers.last() } else { bearers.first() };
                meant.copied()
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
        let before = self.record_of(same.seq)?;
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
            let found = self.find(vec![print])?;
            if self.bearers(print, &found, |record| is_of_origin(record, &upload)).is_empty() {
                newest = Some(self.record(upload, Some(print)));
            }
        }
        Ok(match newest {
            Some((seq, recorded_at)) => Written { verdict: Verdict::Revised, seq, recorded_at },
            None => written(Verdict::Duplicate, same),
        })
    }
}

const fn written(verdict: Verdict, known: &Known) -> Written {
    Written { verdict, seq: known.seq, recorded_at: known.recorded_at }
}

/// Returns whether an event says something else than an earlier record of the same input did under its key, without saying
/// that it is an edit.
fn contradicts(case: &Case, known: &[Known], input: &Input) -> bool {
    let edits = case.unfolded || case.event.content.edited_at.is_some();
    if edits || is_derived(&case.event) {
        return false;
    }
    let mut said = known.iter().filter(|one| input.has_claimed(one.seq)).peekable();
    said.peek().is_some() && !said.any(|one| one.has_same_words)
}

fn spoken(event: &ChatEvent) -> Option<(String, Place)> {
    event.content.text.clone().zip(event.place.clone())
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
        locator: draft.locator.filter(|_| draft.remark.is_some()).map(|at| at.to_string()),
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
