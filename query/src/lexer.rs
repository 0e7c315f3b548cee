//! Cuts a query into lexemes: operators, words, phrases and fields, each with its column.

use std::borrow::Cow;

use crate::error::{QueryError, shown};

/// One lexeme and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located<'a> {
    pub(crate) lexeme: Lexeme<'a>,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// The piece of the query that it was read from.
    pub(crate) piece: &'a str,
}

/// What a query is made of. Values are as typed, without their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lexeme<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    Word(&'a str),
    Prefix(&'a str),
    Verbatim(Cow<'a, str>),
    Phrase { text: Cow<'a, str>, slop: Option<&'a str> },
    Field { name: &'a str, value: Cow<'a, str> },
}

/// Returns the lexemes of a query in order.
pub(crate) fn lexemes(text: &str) -> Result<Vec<Located<'_>>, QueryError> {
    let closes = |piece: &str| piece.find('/').is_some_and(|at| at > 0 && at + 1 == piece.len());
    let mut last_closing_slash = None;
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        if closes(piece.trim_end()) {
            last_closing_slash = Some(at);
        }
        at += piece.len();
    }
    let mut lexer = Lexer { text, at: 0, column: 1, last_closing_slash };
    let mut list = Vec::new();
    while let Some(located) = lexer.next()? {
        list.push(located);
    }
    Ok(list)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    column: usize,
    /// Where the last piece stands whose slash at its end could close a regular expression with spaces.
    last_closing_slash: Option<usize>,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Located<'a>>, QueryError> {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_start().len());
        let (start, column) = (self.at, self.column);
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let lexeme = match first {
            '(' => self.single(Lexeme::Open),
            ')' => self.single(Lexeme::Close),
            '-' => self.minus()?,
            '=' => self.verbatim()?,
            _ if is_quote(first) => self.phrase()?,
            _ => self.word()?,
        };
        Ok(Some(Located { lexeme, column, piece: &self.text[start..self.at] }))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn advance(&mut self, bytes: usize) {
        self.column += self.rest()[..bytes].chars().count();
        self.at += bytes;
    }

    fn single(&mut self, lexeme: Lexeme<'a>) -> Lexeme<'a> {
        self.advance(1);
        lexeme
    }

    fn minus(&mut self) -> Result<Lexeme<'a>, QueryError> {
        if ends_piece(&self.rest()[1..]) {
            let expected =
                "what to leave out directly after it, or the hyphen in quotes with its words";
            return Err(QueryError::new(self.column, "`-` alone", expected, "budget -draft"));
        }
        Ok(self.single(Lexeme::Not))
    }

    fn verbatim(&mut self) -> Result<Lexeme<'a>, QueryError> {
        let column = self.column;
        self.advance(1);
        if self.rest().starts_with(is_quote) {
            return self.quoted().map(Lexeme::Verbatim);
        }
        let word = self.run();
        if word.is_empty() {
            let expected = "a word directly after it, written as it must be found";
            return Err(QueryError::new(column, "`=` alone", expected, "=Apple"));
        }
        Ok(Lexeme::Verbatim(Cow::Borrowed(word)))
    }

    fn phrase(&mut self) -> Result<Lexeme<'a>, QueryError> {
        let text = self.quoted()?;
        let Some(after) = self.rest().strip_prefix('~') else {
            return Ok(Lexeme::Phrase { text, slop: None });
        };
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            let expected = "a number of words after it";
            return Err(QueryError::new(self.column, "`~` after a phrase", expected, "\"a b\"~5"));
        }
        self.advance(1 + digits);
        Ok(Lexeme::Phrase { text, slop: Some(&after[..digits]) })
    }

    /// Reads a quoted text. A quote within it is doubled. Quotes that word processors curl are understood.
    fn quoted(&mut self) -> Result<Cow<'a, str>, QueryError> {
        let column = self.column;
        let rest = self.rest();
        let straight = rest.starts_with('"');
        let closes = |character: char| is_quote(character) && (character == '"') == straight;
        let opening = rest.chars().next().map_or(0, char::len_utf8);
        let mut inner = rest[opening..].char_indices().peekable();
        let mut doubled = false;
        while let Some((at, character)) = inner.next() {
            if !closes(character) {
                continue;
            }
            if straight && inner.next_if(|&(_, next)| next == '"').is_some() {
                doubled = true;
                continue;
            }
            let text = &rest[opening..opening + at];
            self.advance(opening + at + character.len_utf8());
            let undoubled = || Cow::Owned(text.replace("\"\"", "\""));
            return Ok(if doubled { undoubled() } else { Cow::Borrowed(text) });
        }
        let expected = "a closing quote; a quote within quotes is doubled";
        Err(QueryError::new(column, "a quote that is never closed", expected, "\"exact phrase\""))
    }

    /// Reads up to white space, a parenthesis or a quote.
    fn run(&mut self) -> &'a str {
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')') || is_quote(c);
        let run = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.advance(run.len());
        run
    }

    fn word(&mut self) -> Result<Lexeme<'a>, QueryError> {
        let (start, column) = (self.at, self.column);
        let run = self.run();
        match run {
            "AND" => return Ok(Lexeme::And),
            "OR" => return Ok(Lexeme::Or),
            "NOT" => return Ok(Lexeme::Not),
            _ => {}
        }
        if let Some((name, value)) = field(run) {
            return self.field(name, value, column);
        }
        if run.contains("://") {
            // In an address that was pasted `?`, `*` and `~` are what they are there.
            return Ok(Lexeme::Word(run));
        }
        let closed_here = run.len() > 2 && run.ends_with('/');
        let closed_later = run.rfind('/') == Some(0) && self.last_closing_slash > Some(start);
        let regex = run.starts_with('/') && (closed_here || closed_later);
        if let Some((what, expected, example)) = not_yet(run, regex) {
            let found = format!("{what} {}", shown(run));
            return Err(QueryError::new(column, found, expected, example));
        }
        Ok(run.strip_suffix('*').map_or(Lexeme::Word(run), Lexeme::Prefix))
    }

    fn field(
        &mut self,
        name: &'a str,
        value: &'a str,
        column: usize,
    ) -> Result<Lexeme<'a>, QueryError> {
        if !value.is_empty() {
            return Ok(Lexeme::Field { name, value: Cow::Borrowed(value) });
        }
        if self.rest().starts_with(is_quote) {
            return Ok(Lexeme::Field { name, value: self.quoted()? });
        }
        let expected = "a value directly after the colon, in quotes if it has spaces; or the whole in quotes to search for it as words";
        let example = format!("{name}:\"two words\"");
        Err(QueryError::new(column, format!("{} without a value", shown(name)), expected, example))
    }
}

/// Splits `name:value`. Addresses (`https://…`) and double colons (`IO::Path`) are words.
fn field(run: &str) -> Option<(&str, &str)> {
    let (name, value) = run.split_once(':')?;
    let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    (named && !value.starts_with("//") && !value.starts_with(':')).then_some((name, value))
}

/// Returns whether a word or operator could end before this.
fn ends_piece(rest: &str) -> bool {
    rest.chars().next().is_none_or(|next| next.is_whitespace() || next == ')')
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„')
}

/// Returns what a piece means that this version understands but does not offer, and what to write instead.
fn not_yet(run: &str, regex: bool) -> Option<(&'static str, &'static str, &'static str)> {
    let near = run.strip_prefix("NEAR").or_else(|| run.strip_prefix("PRE"));
    if near.is_some_and(|distance| distance.starts_with('/')) {
        let instead = "a phrase with room between its words (NEAR and PRE are not yet offered)";
        return Some(("the operator", instead, "\"first second\"~5"));
    }
    if regex {
        let instead =
            "words or a prefix (regular expressions are not yet offered), or a path in quotes";
        return Some(("the regular expression", instead, "invoice* OR \"/usr/bin/\""));
    }
    if let Some((word, distance)) = run.rsplit_once('~')
        && distance.bytes().all(|byte| byte.is_ascii_digit())
        && word.ends_with(char::is_alphanumeric)
    {
        let instead = "the spellings themselves (fuzzy words are not yet offered)";
        return Some(("the fuzzy word", instead, "(color OR colour)"));
    }
    has_wildcard(run).then_some((
        "the wildcard",
        "a prefix with the star at its end (other wildcards are not yet offered), or the whole in quotes",
        "colo* OR \"why?\"",
    ))
}

/// Returns whether a `?`, or a `*` before the end, stands in a word. The star of a keycap emoji is none.
fn has_wildcard(run: &str) -> bool {
    let wild = |rest: &str| {
        let rest = rest.strip_prefix(['\u{fe0e}', '\u{fe0f}']).unwrap_or(rest);
        !rest.is_empty() && !rest.starts_with('\u{20e3}')
    };
    run == "*" || run.contains('?') || run.match_indices('*').any(|(at, _)| wild(&run[at + 1..]))
}
