//! Reads the value of a field.

use chat::{EventKind, Seq, Timestamp};

use crate::analysis::{Language, fold, is_searchable_kind};
use crate::ast::{Field, Has, Mark};
use crate::error::{QueryError, shown};
use crate::moment::{Interval, interval, not_in_calendar};
use crate::zone::Zone;

/// The fields that this version offers.
const NAMES: [&str; 19] = [
    "from",
    "to",
    "participant",
    "room",
    "category",
    "source",
    "kind",
    "type",
    "has",
    "file",
    "ext",
    "lang",
    "thread",
    "is",
    "after",
    "before",
    "on",
    "during",
    "seq",
];

/// The fields that this version knows and does not offer, with what to ask instead and an example of it.
const NOT_YET: [(&str, &str, &str); 3] = [
    (
        "matter",
        "the rooms, people and dates that the matter is about",
        "room:deals from:alice during:2024-01..2024-06",
    ),
    (
        "tag",
        "what the tagged events have in common, such as a room, a kind or words",
        "room:deals \"term sheet\"",
    ),
    (
        "custodian",
        "the custodians one by one, participant: joined by OR",
        "participant:alice OR participant:bob",
    ),
];

/// A field as typed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) column: usize,
}

impl Typed<'_> {
    /// Returns the condition that the field states.
    pub(crate) fn read(self, zone: Zone) -> Result<Field, QueryError> {
        let name = self.name.to_ascii_lowercase();
        match name.as_str() {
            "from" => self.folded().map(Field::From),
            "to" => {
                self.folded().map(|name| Field::To(name.trim_start_matches(['@', ' ']).to_owned()))
            }
            "participant" => self.folded().map(Field::Participant),
            "room" => self.folded().map(Field::Room),
            "category" => self.folded().map(Field::Category),
            "source" => self.folded().map(Field::Source),
            "thread" => self.folded().map(Field::Thread),
            "file" => self.folded().map(Field::File),
            "ext" => self.extension(),
            "kind" | "type" => self.kind(),
            "lang" => self.language(),
            "has" => self.has(),
            "is" => self.is(),
            "after" => self.after(zone),
            "before" => self.before(zone),
            "on" => self.on(zone),
            "during" => self.during(zone),
            "seq" => self.seqs(),
            _ => match NOT_YET.into_iter().find(|(later, ..)| *later == name) {
                Some((_, instead, example)) => Err(self.not_yet(&name, instead, example)),
                None => Err(self.unknown(&name)),
            },
        }
    }

    fn refuse(self, expected: impl Into<String>, example: impl Into<String>) -> QueryError {
        let found = format!("{} in {}:", shown(self.value), self.name);
        QueryError::new(self.column, found, expected, example)
    }

    fn not_yet(self, name: &str, instead: &str, example: &str) -> QueryError {
        let expected = format!("{instead} ({name} is not yet offered)");
        QueryError::new(self.column, shown(&format!("{}:", self.name)), expected, example)
    }

    fn unknown(self, name: &str) -> QueryError {
        let nearest = NAMES.iter().min_by_key(|known| distance(known, name)).unwrap_or(&"from");
        let near = if distance(nearest, name) <= 2 {
            format!(", perhaps {nearest}:")
        } else {
            String::new()
        };
        let expected = format!(
            "a field ({}){near}, or the whole in quotes to search for it as words",
            NAMES.join(" ")
        );
        let words = format!("\"{}:{}\"", self.name, self.value.replace('"', "\"\""));
        let found = format!("the field {}, which nothing has", shown(&format!("{}:", self.name)));
        QueryError::new(self.column, found, expected, words)
    }

    fn folded(self) -> Result<String, QueryError> {
        let folded = fold(self.value);
        if folded.trim_matches(['@', ' ']).is_empty() {
            return Err(self.refuse("a whole name, id or address", format!("{}:alice", self.name)));
        }
        Ok(folded)
    }

    fn extension(self) -> Result<Field, QueryError> {
        let extension = fold(self.value.trim_start_matches('.'));
        if extension.is_empty() || !extension.chars().all(char::is_alphanumeric) {
            return Err(self.refuse("the letters after a file name's last dot", "ext:pdf"));
        }
        Ok(Field::Extension(extension))
    }

    fn kind(self) -> Result<Field, QueryError> {
        let word = self.value.to_ascii_lowercase();
        match EventKind::from_word(&word) {
            Some(kind) if is_searchable_kind(kind) => Ok(Field::Kind(kind)),
            Some(_) => Err(self.refuse(
                "another kind: officers' acts are found by the audit alone (`muniment audit`)",
                "kind:message",
            )),
            None => {
                let kinds = EventKind::KNOWN.iter().filter(|&&kind| is_searchable_kind(kind));
                let words: Vec<_> = kinds.map(|kind| kind.word()).collect();
                Err(self.refuse(format!("one of {}", words.join(" ")), "kind:message"))
            }
        }
    }

    fn language(self) -> Result<Field, QueryError> {
        Language::named(self.value)
            .map(Field::Language)
            .ok_or_else(|| self.refuse("a language by its code or English name", "lang:de"))
    }

    fn has(self) -> Result<Field, QueryError> {
        let word = self.value.to_ascii_lowercase();
        let found = Has::ALL.into_iter().find(|has| has.word() == word);
        found.map(Field::Has).ok_or_else(|| self.refuse("file, link or edit", "has:file"))
    }

    fn is(self) -> Result<Field, QueryError> {
        let word = self.value.to_ascii_lowercase();
        if word == "held" {
            let expected = "edited, retracted or current (held is not yet offered)";
            return Err(self.refuse(expected, "is:edited"));
        }
        let found = Mark::ALL.into_iter().find(|mark| mark.word() == word);
        found.map(Field::Is).ok_or_else(|| self.refuse("edited, retracted or current", "is:edited"))
    }

    fn interval(self, text: &str, zone: Zone) -> Result<Interval, QueryError> {
        interval(text, zone).ok_or_else(|| {
            let example = match self.name {
                "during" => "during:2024-03-04..2024-03-08".to_owned(),
                name => format!("{name}:2024-03-04"),
            };
            let general = "a date as 2024, 2024-03, 2024-03-04 or a moment as 2024-03-04T09:15:00Z";
            let expected = not_in_calendar(text).unwrap_or_else(|| general.to_owned());
            self.refuse(expected, example)
        })
    }

    fn after(self, zone: Zone) -> Result<Field, QueryError> {
        let interval = self.interval(self.value, zone)?;
        Ok(Field::Time { from: Some(interval.from), until: None })
    }

    fn before(self, zone: Zone) -> Result<Field, QueryError> {
        let interval = self.interval(self.value, zone)?;
        Ok(Field::Time { from: None, until: Some(interval.from) })
    }

    fn on(self, zone: Zone) -> Result<Field, QueryError> {
        let Interval { from, until } = self.interval(self.value, zone)?;
        if until.is_some_and(|until| until <= from) {
            let expected = format!("a day that exists in {zone}; this one was skipped");
            return Err(self.refuse(expected, "on:2024-03-04"));
        }
        Ok(Field::Time { from: Some(from), until })
    }

    fn during(self, zone: Zone) -> Result<Field, QueryError> {
        let example = "during:2024-03-04..2024-03-08";
        let Some((first, last)) = self.value.split_once("..") else {
            return Err(self.refuse("two dates with two dots between them", example));
        };
        let (first, last) = (self.interval(first, zone)?, self.interval(last, zone)?);
        if last.until.is_some_and(|until| until <= first.from) {
            return Err(self.refuse("the earlier date first", example));
        }
        Ok(Field::Time { from: Some(first.from), until: last.until })
    }

    fn seqs(self) -> Result<Field, QueryError> {
        let refuse = || {
            self.refuse(
                "a sequence number from 1, or two with two dots between them",
                "seq:100..200",
            )
        };
        let (first, last) = self.value.split_once("..").unwrap_or((self.value, self.value));
        let number = |text: &str, open: Seq| match text {
            "" => Ok(open),
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map_err(|_| refuse())
            }
            _ => Err(refuse()),
        };
        let (first, last) = (number(first, Seq::FIRST)?, number(last, last_seq())?);
        if self.value == ".." {
            return Err(refuse());
        }
        if last < first {
            let example = format!("seq:{last}..{first}");
            return Err(self.refuse("the smaller number first, since both ends count", example));
        }
        Ok(Field::Seqs { first, last })
    }
}

/// Returns the last sequence number that there can be.
pub(crate) fn last_seq() -> Seq {
    Seq::new(i64::MAX.unsigned_abs()).expect("the largest i64 is a sequence number")
}

/// Returns the end of an interval as the last moment within it.
pub(crate) fn last_moment(until: Timestamp) -> Timestamp {
    until.plus_micros(-1)
}

/// Returns how many letters must be changed, added or taken away to make one word of the other. Both are short.
fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 3 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let cost = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
