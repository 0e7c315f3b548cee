//! Questions at random, taken from what the events say so that most of them find something.

use chat::testing::SeededRng;
use chat::{EventKind, Recorded};
use query::analysis::{Language, fold, lower, mentions, tokens};

use super::corpus::draw;
use super::oracle::Ask;

/// Returns a question at random; `depth` bounds how deep it nests.
pub(super) fn ask(rng: &SeededRng, log: &[Recorded], depth: u32) -> Ask {
    let several = |least: u64| -> Vec<Ask> {
        (0..least + rng.below(2)).map(|_| ask(rng, log, depth - 1)).collect()
    };
    match rng.below(if depth == 0 { 7 } else { 12 }) {
        0..=4 => of_words(rng, log),
        5..=6 => of_fields(rng, log),
        7..=8 => Ask::And(several(2)),
        9..=10 => Ask::Or(several(2)),
        _ => Ask::Not(Box::new(ask(rng, log, depth - 1))),
    }
}

fn pick<'a, T>(rng: &SeededRng, list: &'a [T]) -> Option<&'a T> {
    (!list.is_empty()).then(|| &list[draw(rng, list.len())])
}

fn of_words(rng: &SeededRng, log: &[Recorded]) -> Ask {
    let event = &pick(rng, log).unwrap().event;
    let text = event.content.text.as_deref().unwrap_or_default();
    let words = tokens(text);
    let Some(word) = pick(rng, &words) else { return Ask::Word("budget".to_owned()) };
    match rng.below(10) {
        0 => {
            let written = lower(&text[word.start..word.end]);
            let plain = written.chars().all(char::is_alphanumeric);
            Ask::Word(if plain { written } else { word.term.clone() })
        }
        1..=3 => Ask::Word(word.term.clone()),
        4 => {
            let letters: String = word.term.chars().take(2 + draw(rng, 3)).collect();
            let fit = letters.chars().count() >= 2 && letters.chars().all(char::is_alphabetic);
            if fit { Ask::Prefix(letters) } else { Ask::Word(word.term.clone()) }
        }
        5 => {
            let written = &text[word.start..word.end];
            let plain = written.chars().all(char::is_alphanumeric);
            if plain { Ask::Written(written.to_owned()) } else { Ask::Word(word.term.clone()) }
        }
        6..=7 => phrase(rng, &words.iter().map(|word| word.term.clone()).collect::<Vec<_>>(), 0),
        _ => {
            // Every other word, sometimes turned round: then only the order decides.
            let mut some: Vec<_> = words.iter().step_by(2).map(|word| word.term.clone()).collect();
            if rng.below(4) == 0 {
                some.reverse();
            }
            phrase(rng, &some, u32::try_from(rng.below(6)).unwrap())
        }
    }
}

fn phrase(rng: &SeededRng, words: &[String], slop: u32) -> Ask {
    let from = draw(rng, words.len());
    let count = 2 + draw(rng, 3);
    let words: Vec<_> = words[from..].iter().take(count).cloned().collect();
    match words.as_slice() {
        [only] => Ask::Word(only.clone()),
        _ => Ask::Phrase(words, slop),
    }
}

fn of_fields(rng: &SeededRng, log: &[Recorded]) -> Ask {
    let recorded = pick(rng, log).unwrap();
    let event = &recorded.event;
    let fallback = || Ask::Kind(EventKind::Join);
    match rng.below(19) {
        0 if rng.below(3) == 0 => {
            Ask::From(["u7", "jorg", "countess@example.com", "u8"][draw(rng, 4)].to_owned())
        }
        0 => event.actor.as_ref().map_or_else(fallback, |person| Ask::From(fold(&person.name))),
        1 => event.actor.as_ref().map_or_else(fallback, |person| {
            Ask::From(person.email.as_deref().map_or(person.id.to_string(), fold))
        }),
        2 if rng.below(4) == 0 => Ask::Room("c1".to_owned()),
        2 => event.place.as_ref().map_or_else(fallback, |place| Ask::Room(fold(&place.name))),
        3 => event.place.as_ref().map_or_else(fallback, |place| Ask::Room(place.room.to_string())),
        4 => Ask::Category(["legal", "irc", "nowhere"][draw(rng, 3)].to_owned()),
        5 => Ask::Source(["own", "raku-irc", "nothing"][draw(rng, 3)].to_owned()),
        6 if event.kind == EventKind::Officer => fallback(),
        6 => Ask::Kind(event.kind),
        7 => Ask::Has(["file", "link", "edit"][draw(rng, 3)]),
        8 => Ask::Ext(["pdf", "xlsx"][draw(rng, 2)].to_owned()),
        9 => Ask::File(
            ["plan.final.pdf", "notes", "budget.xlsx", &"07".repeat(32)][draw(rng, 4)].to_owned(),
        ),
        10 => event
            .content
            .thread
            .as_deref()
            .map_or_else(fallback, |thread| Ask::Thread(fold(thread))),
        11 => Ask::Lang(Language::named(["en", "de", "ru", "ja", "fr"][draw(rng, 5)]).unwrap()),
        12 => Ask::Is(["edited", "retracted", "current"][draw(rng, 3)]),
        13 => Ask::After(event.at),
        14 => Ask::Before(event.at),
        15 => {
            let mut named = mentions(event.content.text.as_deref().unwrap_or_default());
            named.extend(["ada", "grace", "jorg weiss", "u123", "u7", "u8"].map(str::to_owned));
            Ask::To(named.swap_remove(draw(rng, named.len())))
        }
        16 => event.actor.as_ref().map_or_else(fallback, |person| {
            let id = [fold(&person.name), person.id.to_string()];
            Ask::Participant(id[draw(rng, 2)].clone())
        }),
        17 => {
            let names = ["u7", "jorg", "ghost", "somebody", "ada", "grace", "countess@example.com"];
            Ask::Participant(names[draw(rng, 7)].to_owned())
        }
        _ => Ask::Seqs(recorded.seq.get(), recorded.seq.get() + rng.below(2_000)),
    }
}

/// Writes a question in the query language.
pub(super) fn text(ask: &Ask) -> String {
    let joined = |all: &[Ask], by: &str| {
        let all: Vec<_> = all.iter().map(text).collect();
        format!("({})", all.join(by))
    };
    match ask {
        Ask::Word(word) => word.clone(),
        Ask::Phrase(words, 0) => format!("\"{}\"", words.join(" ")),
        Ask::Phrase(words, slop) => format!("\"{}\"~{slop}", words.join(" ")),
        Ask::Prefix(prefix) => format!("{prefix}*"),
        Ask::Written(word) => format!("={word}"),
        Ask::From(name) => format!("from:\"{name}\""),
        Ask::To(name) => format!("to:\"{name}\""),
        Ask::Participant(name) => format!("participant:\"{name}\""),
        Ask::Room(name) => format!("room:\"{name}\""),
        Ask::Category(name) => format!("category:\"{name}\""),
        Ask::Source(name) => format!("source:\"{name}\""),
        Ask::Kind(kind) => format!("kind:{}", kind.word()),
        Ask::Has(what) => format!("has:{what}"),
        Ask::Ext(ending) => format!("ext:{ending}"),
        Ask::File(name) => format!("file:\"{name}\""),
        Ask::Thread(thread) => format!("thread:\"{thread}\""),
        Ask::Lang(language) => format!("lang:{language}"),
        Ask::Is(mark) => format!("is:{mark}"),
        Ask::After(time) => format!("after:{time}"),
        Ask::Before(time) => format!("before:{time}"),
        Ask::Seqs(first, last) => format!("seq:{first}..{last}"),
        Ask::And(all) => joined(all, " AND "),
        Ask::Or(any) => joined(any, " OR "),
        Ask::Not(inner) => format!("NOT ({})", text(inner)),
    }
}
