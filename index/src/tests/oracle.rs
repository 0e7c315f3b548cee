//! The independent scan: it looks at every event for every question, the slow and plain way. It takes the cutting and
//! folding of words from `query::analysis`, and nothing else: no clause, no matcher, no list.

use std::collections::{HashMap, HashSet};

use chat::{Custody, EventKind, Recorded, RoomId, Timestamp};
use query::analysis::{
    Language, RoomLanguages, event_language, extension, fold, has_link, lower, mentions, stem,
    tokens,
};

use crate::Window;

/// A question in the tests' own terms.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Word(String),
    Phrase(Vec<String>, u32),
    Prefix(String),
    Written(String),
    From(String),
    To(String),
    Participant(String),
    Room(String),
    Category(String),
    Source(String),
    Kind(EventKind),
    Has(&'static str),
    Ext(String),
    File(String),
    Thread(String),
    Lang(Language),
    Is(&'static str),
    After(Timestamp),
    Before(Timestamp),
    Seqs(u64, u64),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

/// An event with its words, each with its position, and as it is written.
struct Read {
    recorded: Recorded,
    is_gone: bool,
    language: Option<Language>,
    words: Vec<(String, usize, String)>,
}

/// Every event, and what the ledger says of rooms and sources.
pub(super) struct Scan {
    events: Vec<Read>,
}

impl Scan {
    /// Reads the log.
    pub(super) fn of(log: &[Recorded]) -> Self {
        let mut rooms = RoomLanguages::default();
        let mut events = Vec::new();
        for recorded in log {
            let room = recorded.event.place.as_ref().and_then(|place| rooms.of(&place.room));
            let language = event_language(recorded, room);
            let (words, recorded) = (words(recorded), recorded.clone());
            rooms.apply(&recorded);
            events.push(Read { recorded, is_gone: false, language, words });
        }
        Self { events }
    }

    /// Forgets events.
    pub(super) fn forget(&mut self, seqs: &roaring::RoaringTreemap) {
        for read in &mut self.events {
            read.is_gone |= seqs.contains(read.recorded.seq.get());
        }
    }

    /// Returns the matches among the first `size` events, newest first.
    pub(super) fn find(&self, ask: &Ask, size: usize, windows: Option<&[Window]>) -> Vec<u64> {
        let events = &self.events[..size];
        let beside = Beside::of(events);
        let mut asked = HashSet::new();
        kinds(ask, false, &mut asked);
        let mut found: Vec<_> = events
            .iter()
            .filter(|read| !read.is_gone && covered(read.recorded.event.kind, &asked))
            .filter(|read| windows.is_none_or(|windows| is_seen(&read.recorded, windows)))
            .filter(|read| holds(ask, read, &beside))
            .map(|read| (read.recorded.event.at, read.recorded.seq.get()))
            .collect();
        found.sort_unstable();
        found.into_iter().rev().map(|(_, seq)| seq).collect()
    }
}

/// Returns whether an event is seen through any of the windows.
pub(super) fn is_seen(recorded: &Recorded, windows: &[Window]) -> bool {
    let event = &recorded.event;
    windows.iter().any(|window| {
        let mut shut = Vec::new();
        if let Some(rooms) = &window.rooms {
            shut.push(!event.place.iter().any(|place| rooms.contains(&place.room)));
        }
        if let Some(persons) = &window.persons {
            shut.push(!event.actor.iter().any(|person| persons.contains(&person.id)));
        }
        if let Some(sources) = &window.sources {
            shut.push(!event.origin.iter().any(|origin| sources.contains(&origin.source)));
        }
        shut.extend(window.from.map(|from| event.at < from));
        shut.extend(window.until.map(|until| event.at >= until));
        !shut.contains(&true)
    })
}

fn covered(kind: EventKind, asked: &HashSet<EventKind>) -> bool {
    use EventKind::{Action, Alert, Edit, Message, Story, Topic, Upload};
    let spoken = [Message, Action, Story, Alert, Edit, Upload, Topic].contains(&kind);
    kind != EventKind::Officer && (spoken || asked.contains(&kind))
}

fn kinds(ask: &Ask, negated: bool, found: &mut HashSet<EventKind>) {
    if let Ask::Kind(kind) = ask
        && !negated
    {
        found.insert(*kind);
    }
    if let Ask::And(all) | Ask::Or(all) = ask {
        for ask in all {
            kinds(ask, negated, found);
        }
    }
    if let Ask::Not(inner) = ask {
        kinds(inner, !negated, found);
    }
}

fn words(recorded: &Recorded) -> Vec<(String, usize, String)> {
    let content = &recorded.event.content;
    let mut parts: Vec<&str> =
        content.text.iter().chain(&content.title).map(String::as_str).collect();
    parts.extend(content.attachments.iter().map(|file| file.name.as_str()));
    let (mut words, mut first) = (Vec::new(), 0);
    for part in parts {
        let tokens = tokens(part);
        let count = tokens.len();
        words.extend(tokens.into_iter().enumerate().map(|(place, token)| {
            (token.term, first + place, part[token.start..token.end].to_owned())
        }));
        first += count + 100;
    }
    words
}

/// What later events and the ledger say.
struct Beside {
    edited: HashSet<u64>,
    retracted: HashSet<u64>,
    category: HashMap<RoomId, String>,
    source: HashMap<String, String>,
    /// Who takes part in each room of direct messages.
    direct: HashMap<RoomId, HashSet<String>>,
    /// The ids of persons and rooms and what the ledger calls them.
    called: Vec<(String, String)>,
    /// The sources of persons and rooms.
    home: HashMap<String, String>,
    /// What lists of members say: room, time, place in the log, names.
    lists: Vec<(RoomId, Timestamp, u64, Vec<String>)>,
    /// Who entered (true) and left (false): person, room, time, place in the log.
    turns: Vec<(String, RoomId, Timestamp, u64, bool)>,
}

impl Beside {
    fn is_called(&self, id: &str, name: &str) -> bool {
        self.called.iter().any(|(known, called)| known == id && called == name)
    }

    /// Returns whether the author bears a name, in the event or elsewhere.
    fn is_from(&self, event: &chat::ChatEvent, name: &String) -> bool {
        let id = event.actor.as_ref().map(|person| person.id.to_string());
        names_of(event).contains(name) || id.is_some_and(|id| self.is_called(&id, name))
    }

    /// Returns what whoever is called so is called otherwise at a source, with their ids, which hold everywhere.
    fn other_names(&self, name: &str, source: Option<&String>) -> Vec<String> {
        let mut names = vec![name.to_owned()];
        for (id, _) in self.called.iter().filter(|(id, called)| called == name || id == name) {
            names.push(id.clone());
            if source.is_some() && self.home.get(id) == source {
                names.extend(
                    self.called.iter().filter(|(of, _)| of == id).map(|(_, name)| name.clone()),
                );
            }
        }
        names
    }

    fn learn(&mut self, event: &chat::ChatEvent, act: &chat::Act) {
        let room = event.place.as_ref().map(|place| place.room.to_string());
        let Some(id) = act.text("person").map(str::to_owned).or(room) else { return };
        if let Some(source) = act.text("source") {
            self.home.entry(id.clone()).or_insert_with(|| source.to_owned());
        }
        let mut names: Vec<_> =
            ["name", "foreign_id", "email"].iter().filter_map(|fact| act.text(fact)).collect();
        if let Some(chat::Fact::List(also)) = act.facts.get("also") {
            for name in also {
                if let chat::Fact::Text(name) = name {
                    names.push(name);
                }
            }
        }
        self.called.extend(names.into_iter().map(|name| (id.clone(), fold(name))));
    }
}

impl Beside {
    fn of(events: &[Read]) -> Self {
        let (edited, retracted) = fates(events);
        let mut beside = Self {
            edited,
            retracted,
            category: HashMap::new(),
            source: HashMap::new(),
            direct: HashMap::new(),
            called: Vec::new(),
            home: HashMap::new(),
            lists: Vec::new(),
            turns: Vec::new(),
        };
        for read in events.iter().filter(|read| !read.is_gone) {
            let event = &read.recorded.event;
            if let Some(taking_part) = event.place.as_ref().map(|place| place.room)
                && let Some(names) = beside.direct.get_mut(&taking_part)
            {
                names.extend(names_of(event));
            }
            beside.note_turn(&read.recorded);
            let Some(act) = &event.content.act else { continue };
            beside.note_list(&read.recorded, act);
            beside.learn(event, act);
            if let (Some(place), Some("direct")) = (&event.place, act.text("kind")) {
                let names = beside.direct.entry(place.room).or_default();
                if let Some(chat::Fact::List(members)) = act.facts.get("members") {
                    for member in members {
                        if let chat::Fact::Text(name) = member {
                            names.insert(fold(name));
                        }
                    }
                }
            }
            if let (Some(place), Some(category)) = (&event.place, act.text("category")) {
                beside.category.insert(place.room, fold(category));
            }
            if let (EventKind::Room, Some(source), Some(name)) =
                (event.kind, act.text("source"), act.text("name"))
            {
                beside.source.insert(source.to_owned(), fold(name));
            }
        }
        beside
    }
}

impl Beside {
    /// Returns whether somebody called so takes part in the event's room, one of direct messages.
    fn is_partner(&self, event: &chat::ChatEvent, name: &str) -> bool {
        let Some(room) = event.place.as_ref().map(|place| place.room) else { return false };
        let home = self.home.get(&room.to_string());
        self.direct.get(&room).is_some_and(|partners| {
            self.other_names(name, home).iter().any(|name| partners.contains(name))
        })
    }

    fn note_turn(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let enters = event.kind == EventKind::Join;
        if enters || event.kind == EventKind::Leave || event.kind == EventKind::Kick {
            let id = event.actor.as_ref().unwrap().id.to_string();
            let room = event.place.as_ref().unwrap().room;
            self.turns.push((id, room, event.at, recorded.seq.get(), enters));
        }
    }

    fn note_list(&mut self, recorded: &Recorded, act: &chat::Act) {
        let Some(chat::Fact::List(members)) = act.facts.get("members") else { return };
        let names = members.iter().filter_map(|member| {
            if let chat::Fact::Text(name) = member { Some(fold(name)) } else { None }
        });
        let room = recorded.event.place.as_ref().unwrap().room;
        self.lists.push((room, recorded.event.at, recorded.seq.get(), names.collect()));
    }

    /// Returns whether somebody called so was in the room at a moment.
    fn was_there(&self, name: &String, room: RoomId, at: Timestamp) -> bool {
        let mut ids: HashSet<_> = self.called.iter().filter(|(_, called)| called == name).collect();
        ids.retain(|(id, _)| id.parse::<chat::PersonId>().is_ok());
        let mut ids: HashSet<String> = ids.into_iter().map(|(id, _)| id.clone()).collect();
        let is_id = name.parse::<chat::PersonId>().is_ok();
        ids.extend(is_id.then(|| name.clone()));
        let home = self.home.get(&room.to_string());
        let of_room = || self.lists.iter().filter(|(of, ..)| *of == room);
        let is_known = is_id || ids.iter().any(|id| home.is_some() && self.home.get(id) == home);
        if !is_known && of_room().any(|(.., names)| names.contains(name)) {
            return true;
        }
        ids.iter().any(|id| {
            let mut steps: Vec<(Timestamp, u64, char)> = Vec::new();
            for (_, _, at, seq, enters) in
                self.turns.iter().filter(|(of, place, ..)| of == id && *place == room)
            {
                steps.push((*at, *seq, if *enters { 'e' } else { 'x' }));
            }
            for (_, at, seq, names) in of_room() {
                let is_meant = |named: &String| {
                    let is_home = home.is_some() && self.home.get(id) == home;
                    named == id || (is_home && self.is_called(id, named))
                };
                if names.iter().any(is_meant) {
                    steps.push((*at, *seq, 'l'));
                }
            }
            steps.sort_unstable();
            is_within(&steps, at)
        })
    }
}

/// Cuts the steps behind every leaving: each piece is a stay, which begins with its first step, or nobody knows when.
fn is_within(steps: &[(Timestamp, u64, char)], at: Timestamp) -> bool {
    let has_begun = |piece: &[(Timestamp, u64, char)]| match piece[0] {
        (from, _, 'e') => from <= at,
        _ => true,
    };
    steps.split_inclusive(|(_, _, step)| *step == 'x').any(|piece| {
        let last = piece[piece.len() - 1];
        has_begun(piece) && (last.2 != 'x' || at <= last.0)
    })
}

/// Returns the events that a later version replaced, and those of which a version was taken back.
fn fates(events: &[Read]) -> (HashSet<u64>, HashSet<u64>) {
    // What an edit goes back to, step by step: sequence numbers count from 1 without a gap.
    let original = |mut seq: chat::Seq| loop {
        let place = usize::try_from(seq.get()).unwrap() - 1;
        let Read { recorded, is_gone, .. } = &events[place];
        let event = &recorded.event;
        match event.target.filter(|_| event.kind == EventKind::Edit && !is_gone) {
            Some(target) => seq = target,
            None => return seq.get(),
        }
    };
    let mut versions: HashMap<u64, Vec<u64>> = HashMap::new();
    let there = || events.iter().filter(|read| !read.is_gone);
    for read in there() {
        let seq = read.recorded.seq;
        versions.entry(original(seq)).or_default().push(seq.get());
    }
    let replaced = versions.values().flat_map(|all| &all[..all.len() - 1]).copied().collect();
    let retractions = there().filter(|read| read.recorded.event.kind == EventKind::Retract);
    let targets = retractions.filter_map(|read| read.recorded.event.target);
    let fallen =
        targets.filter_map(|target| versions.get(&original(target)).cloned()).flatten().collect();
    (replaced, fallen)
}

/// Returns the stems of a word: that of its folded form, and the folded stem of it as it is written in lower case.
fn stems(written: &str, term: &str, language: Language) -> [String; 2] {
    let accented = if language.has_stemmer() {
        fold(&stem(&lower(written), language))
    } else {
        term.to_owned()
    };
    [stem(term, language).into_owned(), accented]
}

/// Returns what an event's author is known by.
fn names_of(event: &chat::ChatEvent) -> Vec<String> {
    let Some(person) = &event.actor else { return Vec::new() };
    let names = [Some(&person.name), person.foreign_id.as_ref(), person.email.as_ref()];
    let names = names.into_iter().flatten().map(|name| fold(name));
    names.chain([person.id.to_string()]).collect()
}

/// Returns the name of the file that an event says was sent up or fetched.
fn moved(event: &chat::ChatEvent) -> Option<&str> {
    let is_moved = event.kind == EventKind::Upload || event.kind == EventKind::Download;
    let text = event.content.text.as_deref().filter(|text| !text.is_empty());
    text.filter(|_| is_moved && event.content.attachments.is_empty())
}

fn holds(ask: &Ask, read: &Read, beside: &Beside) -> bool {
    let event = &read.recorded.event;
    let content = &event.content;
    let text = content.text.as_deref().unwrap_or_default();
    let seq = read.recorded.seq.get();
    match ask {
        Ask::Word(word) => read.words.iter().any(|(term, _, written)| {
            let in_common = |language| {
                let of_token = stems(written, term, language);
                stems(word, &fold(word), language).iter().any(|stem| of_token.contains(stem))
            };
            term == word || *term == fold(word) || read.language.is_some_and(in_common)
        }),
        Ask::Phrase(phrase, slop) => follows(phrase, *slop, &read.words),
        Ask::Prefix(prefix) => read.words.iter().any(|(term, ..)| term.starts_with(prefix)),
        Ask::Written(word) => read.words.iter().any(|(_, _, written)| written == word),
        Ask::From(name) => beside.is_from(event, name),
        Ask::To(name) => {
            let source = event.origin.as_ref().map(|origin| origin.source.to_string());
            let said = mentions(text);
            let is_partner = beside.is_partner(event, name);
            beside.other_names(name, source.as_ref()).iter().any(|name| said.contains(name))
                || (is_partner && !beside.is_from(event, name))
        }
        Ask::Participant(name) => {
            let was_there = |place: &chat::Place| beside.was_there(name, place.room, event.at);
            beside.is_from(event, name)
                || beside.is_partner(event, name)
                || event.place.as_ref().is_some_and(was_there)
        }
        Ask::Room(name) => event.place.as_ref().is_some_and(|place| {
            let id = place.room.to_string();
            fold(&place.name) == *name || id == *name || beside.is_called(&id, name)
        }),
        Ask::Category(name) => {
            event.place.as_ref().is_some_and(|place| beside.category.get(&place.room) == Some(name))
        }
        Ask::Source(name) => event.origin.as_ref().is_some_and(|origin| {
            let id = origin.source.to_string();
            id == *name || beside.source.get(&id) == Some(name)
        }),
        Ask::Kind(kind) => event.kind == *kind,
        Ask::Has("file") => !content.attachments.is_empty() || moved(event).is_some(),
        Ask::Has("link") => has_link(text),
        Ask::Has(_) => event.kind == EventKind::Edit || content.edited_at.is_some(),
        Ask::Ext(ending) => {
            content.attachments.iter().any(|file| extension(&file.name).as_ref() == Some(ending))
                || moved(event).and_then(extension).as_ref() == Some(ending)
        }
        Ask::File(name) if moved(event).is_some_and(|file| fold(file) == *name) => true,
        Ask::File(name) => content.attachments.iter().any(|file| {
            let hash = match &file.custody {
                Custody::Held { file, .. } => file.to_string(),
                Custody::Missing { .. } => String::new(),
            };
            fold(&file.name) == *name || hash == *name
        }),
        Ask::Thread(thread) => content.thread.as_deref().map(fold).as_ref() == Some(thread),
        Ask::Lang(language) => read.language == Some(*language),
        Ask::Is("edited") => beside.edited.contains(&seq),
        Ask::Is("retracted") => beside.retracted.contains(&seq),
        Ask::Is(_) => !beside.edited.contains(&seq) && !beside.retracted.contains(&seq),
        Ask::After(time) => event.at >= *time,
        Ask::Before(time) => event.at < *time,
        Ask::Seqs(first, last) => *first <= seq && seq <= *last,
        Ask::And(all) => all.iter().all(|ask| holds(ask, read, beside)),
        Ask::Or(any) => any.iter().any(|ask| holds(ask, read, beside)),
        Ask::Not(inner) => !holds(inner, read, beside),
    }
}

/// Returns whether the words stand there in order, with at most `slop` positions free between them, by trying every way.
fn follows(phrase: &[String], slop: u32, words: &[(String, usize, String)]) -> bool {
    fn rest(phrase: &[String], free: usize, at: usize, words: &[(String, usize, String)]) -> bool {
        let Some((next, others)) = phrase.split_first() else { return true };
        words
            .iter()
            .filter(|(_, place, _)| *place > at && *place - at - 1 <= free)
            .filter(|(term, ..)| term == next)
            .any(|(_, place, _)| rest(others, free - (place - at - 1), *place, words))
    }
    let Some((first, others)) = phrase.split_first() else { return false };
    let starts = words.iter().filter(|(term, ..)| term == first);
    let free = usize::try_from(slop).unwrap();
    starts.into_iter().any(|(_, place, _)| rest(others, free, *place, words))
}
