//! Writes clauses as a query again: complete, with every operator spoken and every time in UTC. Parsing it gives the
//! same clauses, in any zone.

use std::fmt::{self, Write as _};

use crate::ast::{Clause, Field};
use crate::field::{last_moment, last_seq};

impl fmt::Display for Clause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => Ok(()),
            Self::All(clauses) => {
                join(clauses, " AND ", out, |inner| matches!(inner, Self::Any(_)))
            }
            Self::Any(clauses) => join(clauses, " OR ", out, |_| false),
            Self::Not(inner) => {
                out.write_str("NOT ")?;
                enclosed(inner, out, matches!(**inner, Self::All(_) | Self::Any(_)))
            }
            Self::Word(word) => out.write_str(&word.accented),
            Self::Phrase { tokens, slop } => {
                quoted(&tokens.join(" "), out)?;
                if *slop > 0 { write!(out, "~{slop}") } else { Ok(()) }
            }
            Self::Prefix(term) => write!(out, "{term}*"),
            Self::Verbatim(text) => {
                out.write_char('=')?;
                quoted(text, out)
            }
            Self::Field(field) => field.fmt(out),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(value) => named("from", value, out),
            Self::To(value) => named("to", value, out),
            Self::Participant(value) => named("participant", value, out),
            Self::Room(value) => named("room", value, out),
            Self::Category(value) => named("category", value, out),
            Self::Source(value) => named("source", value, out),
            Self::File(value) => named("file", value, out),
            Self::Extension(value) => named("ext", value, out),
            Self::Thread(value) => named("thread", value, out),
            Self::Kind(kind) => write!(out, "kind:{}", kind.word()),
            Self::Has(has) => write!(out, "has:{}", has.word()),
            Self::Language(language) => write!(out, "lang:{}", language.code()),
            Self::Is(mark) => write!(out, "is:{}", mark.word()),
            Self::Time { from: Some(from), until: Some(until) } => {
                write!(out, "during:{from}..{}", last_moment(*until))
            }
            Self::Time { from: Some(from), until: None } => write!(out, "after:{from}"),
            Self::Time { from: None, until: Some(until) } => write!(out, "before:{until}"),
            Self::Time { from: None, until: None } => Ok(()),
            Self::Seqs { first, last } if *last == last_seq() => write!(out, "seq:{first}.."),
            Self::Seqs { first, last } => write!(out, "seq:{first}..{last}"),
        }
    }
}

fn join(
    clauses: &[Clause],
    operator: &str,
    out: &mut fmt::Formatter<'_>,
    encloses: impl Fn(&Clause) -> bool,
) -> fmt::Result {
    for (number, clause) in clauses.iter().enumerate() {
        if number > 0 {
            out.write_str(operator)?;
        }
        enclosed(clause, out, encloses(clause))?;
    }
    Ok(())
}

fn enclosed(clause: &Clause, out: &mut fmt::Formatter<'_>, parentheses: bool) -> fmt::Result {
    if parentheses { write!(out, "({clause})") } else { write!(out, "{clause}") }
}

fn named(name: &str, value: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let bare = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@._-".contains(&byte));
    write!(out, "{name}:")?;
    if bare { out.write_str(value) } else { quoted(value, out) }
}

fn quoted(text: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(out, "\"{}\"", text.replace('"', "\"\""))
}
