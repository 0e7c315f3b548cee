//! Reasons of the clauses that speak of words.

use crate::analysis::{Part, fold, tokens};
use crate::ast::{AskedWord, Clause};
use crate::error::shown;
use crate::matcher::{Analysed, Word, WordTest, fewest_between, found_words, terms};

/// Returns whether a clause of words holds, and why.
pub(super) fn reason(clause: &Clause, event: &Analysed) -> (bool, String) {
    let found = found_words(clause, event);
    if found.is_empty() {
        return (false, missing(clause, event));
    }
    let why = match clause {
        Clause::Word(asked) => word(asked, &found, event),
        Clause::Phrase { tokens, .. } => {
            format!("found {}", written(&found, tokens.len(), event))
        }
        Clause::Verbatim(text) => {
            format!("found {} as written", written_whole(&found, tokens(text).len(), event))
        }
        Clause::Prefix(_) => format!("found {}{}", written(&found, 1, event), others(found.len())),
        Clause::Everything
        | Clause::All(_)
        | Clause::Any(_)
        | Clause::Not(_)
        | Clause::Field(_) => String::new(),
    };
    (true, why)
}

fn word(asked: &AskedWord, found: &[usize], event: &Analysed) -> String {
    let exact = found.iter().position(|&index| event.word(index).term() == asked.term);
    let first = exact.unwrap_or(0);
    let shown_word = written(&found[first..], 1, event);
    let more = others(found.len());
    match (exact, event.language()) {
        (None, Some(language)) => {
            let test = WordTest::new(asked, event);
            let shared = found.first().and_then(|&index| test.shared(event.word(index)));
            let stem = shared.unwrap_or_default();
            format!(
                "found {shown_word}, which has the stem {} in {}{more}",
                shown(stem),
                language.name()
            )
        }
        _ => format!("found {shown_word}{more}"),
    }
}

fn others(found: usize) -> String {
    match found {
        0 | 1 => String::new(),
        2 => ", and 1 more".to_owned(),
        _ => format!(", and {} more", found - 1),
    }
}

/// Returns the first words found, as they are written, and where.
fn written(found: &[usize], count: usize, event: &Analysed) -> String {
    let words: Vec<Word<'_>> = found.iter().take(count).map(|&index| event.word(index)).collect();
    let texts: Vec<_> = words.iter().map(|word| word.written()).collect();
    placed(&texts.join(" "), words.first().map(|word| word.part()))
}

/// Returns the first words found, which stand in a row, with all that stands around them up to white space.
fn written_whole(found: &[usize], count: usize, event: &Analysed) -> String {
    let word = |index: Option<&usize>| index.map(|&index| event.word(index));
    let (Some(first), Some(last)) =
        (word(found.first()), word(found[..count.min(found.len())].last()))
    else {
        return String::new();
    };
    let text = first.part_text();
    let (start, end) = (first.bytes().0, last.bytes().1);
    let before = text[..start].trim_end_matches(|one: char| !one.is_whitespace()).len();
    let behind = text[end..].find(char::is_whitespace).map_or(text.len(), |at| end + at);
    placed(&text[before..behind], Some(first.part()))
}

fn placed(text: &str, part: Option<Part>) -> String {
    let place = match part {
        Some(Part::Title) => "the title",
        Some(Part::Topic) => "the topic",
        Some(Part::FileName(_)) => "a file's name",
        Some(Part::Text) | None => "the text",
    };
    format!("{} in {place}", shown(text))
}

fn missing(clause: &Clause, event: &Analysed) -> String {
    if event.words().len() == 0 {
        return "the event has no words".to_owned();
    }
    match clause {
        Clause::Word(asked) => missing_word(asked, event),
        Clause::Prefix(start) => format!("no word begins with {}", shown(start)),
        Clause::Phrase { tokens, slop } => missing_phrase(tokens, *slop, event),
        Clause::Verbatim(text) => missing_verbatim(text, event),
        Clause::Everything
        | Clause::All(_)
        | Clause::Any(_)
        | Clause::Not(_)
        | Clause::Field(_) => String::new(),
    }
}

fn missing_word(asked: &AskedWord, event: &Analysed) -> String {
    let (term, test) = (asked.term.as_str(), WordTest::new(asked, event));
    match (event.language(), test.stems()) {
        (Some(language), [_, ..]) => {
            let stems: Vec<_> = test.stems().iter().map(|stem| shown(stem)).collect();
            let (term, stems) = (shown(term), stems.join(" or "));
            format!("no word is {term} or stems to {stems} in {}", language.name())
        }
        (Some(language), []) => {
            format!("no word is {}, and {} has no stems here", shown(term), language.name())
        }
        (None, _) => format!(
            "no word is {}, and stems are not compared because the language is not known",
            shown(term)
        ),
    }
}

fn missing_phrase(phrase: &[String], slop: u32, event: &Analysed) -> String {
    let words = terms(event);
    let mut absent: Vec<String> = Vec::new();
    for term in phrase {
        let shown_term = shown(term);
        if !words.iter().any(|(_, word)| word == term) && !absent.contains(&shown_term) {
            absent.push(shown_term);
        }
    }
    if !absent.is_empty() {
        absent.truncate(5);
        return format!("not among the words: {} (a phrase compares no stems)", absent.join(", "));
    }
    match fewest_between(phrase, &words) {
        None => "the words are there, but never all of them in this order".to_owned(),
        Some(between) => {
            let others = if between == 1 { "1 other" } else { &format!("{between} others") };
            let allowed =
                if slop == 0 { "none is".to_owned() } else { format!("at most {slop} are") };
            format!(
                "the words stand in this order with {others} between them at least, {allowed} allowed"
            )
        }
    }
}

fn missing_verbatim(text: &str, event: &Analysed) -> String {
    let folded: Vec<_> = tokens(text).into_iter().map(|token| token.term).collect();
    let count = folded.len();
    let found = found_words(&Clause::Phrase { tokens: folded, slop: 0 }, event);
    if found.is_empty() {
        return format!("no words are {}, however written", shown(&fold(text)));
    }
    let found = written_whole(&found, count, event);
    format!("the words are there, but not as written: found {found}")
}
