//! Builds the clauses of a query from its lexemes. NOT binds before AND before OR; terms side by side are joined by AND.
//!
//! The recursion is as deep as parentheses and negations are, and those are counted before each step down.

use unicode_script::{Script, UnicodeScript as _};

use chat::limits::{
    QUERY_BYTES_MAX, QUERY_CLAUSES_MAX, QUERY_DEPTH_MAX, QUERY_PREFIX_LETTERS_MIN, QUERY_SLOP_MAX,
    QUERY_SLOP_WORDS_MAX,
};

use crate::analysis::{for_each_token, is_ignorable, lower, tokens};
use crate::ast::{AskedWord, Clause};
use crate::error::{QueryError, shown};
use crate::field::Typed;
use crate::lexer::{Lexeme, Located, lexemes};
use crate::zone::Zone;

/// Returns the clauses of a query text.
pub(crate) fn parse(text: &str, zone: Zone) -> Result<Clause, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        let column = text[..text.floor_char_boundary(QUERY_BYTES_MAX)].chars().count() + 1;
        let found = format!("a query of {} bytes", text.len());
        let expected = format!("at most {QUERY_BYTES_MAX}; split it into several searches");
        return Err(QueryError::new(column, found, expected, "budget after:2024"));
    }
    let lexemes = lexemes(text)?;
    if lexemes.is_empty() {
        return Ok(Clause::Everything);
    }
    let end_column = text.chars().count() + 1;
    let mut parser = Parser { lexemes: &lexemes, end_column, leaves: 0, zone };
    let root = parser.any(0)?;
    match parser.lexemes.first() {
        None => Ok(root),
        Some(left) => Err(QueryError::new(
            left.column,
            shown(left.piece),
            "no parenthesis closed that was not opened; put it in quotes if it is part of the text",
            "(budget OR plan) draft",
        )),
    }
}

struct Parser<'a, 'q> {
    lexemes: &'a [Located<'q>],
    end_column: usize,
    leaves: usize,
    zone: Zone,
}

impl<'a, 'q> Parser<'a, 'q> {
    fn peek(&self) -> Option<&'a Lexeme<'q>> {
        self.lexemes.first().map(|located| &located.lexeme)
    }

    fn step(&mut self) {
        self.lexemes = self.lexemes.get(1..).unwrap_or_default();
    }

    fn any(&mut self, depth: usize) -> Result<Clause, QueryError> {
        let mut clauses = Vec::new();
        loop {
            let clause = self.all(depth)?;
            if let Clause::Any(nested) = clause {
                clauses.extend(nested);
            } else {
                clauses.push(clause);
            }
            if self.peek() != Some(&Lexeme::Or) {
                return Ok(joined(clauses, Clause::Any));
            }
            self.step();
        }
    }

    fn all(&mut self, depth: usize) -> Result<Clause, QueryError> {
        let mut clauses = Vec::new();
        loop {
            let clause = self.unary(depth)?;
            if let Clause::All(nested) = clause {
                clauses.extend(nested);
            } else {
                clauses.push(clause);
            }
            match self.peek() {
                None | Some(Lexeme::Or | Lexeme::Close) => return Ok(joined(clauses, Clause::All)),
                Some(Lexeme::And) => self.step(),
                Some(_) => {}
            }
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Clause, QueryError> {
        let Some(located) = self.lexemes.first() else {
            return Err(self.nothing_there());
        };
        match &located.lexeme {
            Lexeme::Not => {
                let depth = deeper(depth, located)?;
                self.step();
                Ok(Clause::Not(Box::new(self.unary(depth)?)))
            }
            Lexeme::Open => {
                let depth = deeper(depth, located)?;
                self.step();
                let clause = self.any(depth)?;
                self.close(located)?;
                Ok(clause)
            }
            Lexeme::Close | Lexeme::And | Lexeme::Or => Err(QueryError::new(
                located.column,
                shown(located.piece),
                "a word, a phrase or a field; an operator meant as a word is written small or in quotes",
                "(budget OR plan) NOT draft",
            )),
            leaf @ (Lexeme::Word(_)
            | Lexeme::Prefix(_)
            | Lexeme::Verbatim(_)
            | Lexeme::Phrase { .. }
            | Lexeme::Field { .. }) => {
                self.step();
                self.count(located)?;
                self.leaf(leaf, located)
            }
        }
    }

    fn nothing_there(&self) -> QueryError {
        let expected = "a word, a phrase or a field after the operator or parenthesis";
        QueryError::new(self.end_column, "the end", expected, "(budget OR plan) NOT draft")
    }

    fn close(&mut self, opened: &Located<'_>) -> Result<(), QueryError> {
        if self.peek() == Some(&Lexeme::Close) {
            self.step();
            return Ok(());
        }
        let expected = "a parenthesis that closes it, or quotes around it";
        let found = "a parenthesis that is never closed";
        Err(QueryError::new(opened.column, found, expected, "(budget OR plan) draft"))
    }

    fn count(&mut self, located: &Located<'_>) -> Result<(), QueryError> {
        self.leaves += 1;
        if self.leaves <= QUERY_CLAUSES_MAX {
            return Ok(());
        }
        let found = format!("clause {} of the query", self.leaves);
        let expected = format!("at most {QUERY_CLAUSES_MAX}; split it into several searches");
        Err(QueryError::new(located.column, found, expected, "budget OR plan"))
    }

    fn leaf(&self, lexeme: &Lexeme<'_>, located: &Located<'_>) -> Result<Clause, QueryError> {
        match lexeme {
            Lexeme::Word(word) => {
                let mut found = terms(word, located)?;
                Ok(match found.pop() {
                    Some(term) if found.is_empty() => Clause::Word(asked(word, term)),
                    last => {
                        found.extend(last);
                        Clause::Phrase { tokens: found, slop: 0 }
                    }
                })
            }
            Lexeme::Phrase { text, slop } => {
                let tokens = terms(text, located)?;
                let slop = slop.map_or(Ok(0), |digits| read_slop(digits, tokens.len(), located))?;
                Ok(Clause::Phrase { tokens, slop })
            }
            Lexeme::Prefix(word) => prefix(word, located),
            Lexeme::Verbatim(text) => {
                terms(text, located).map(|_| Clause::Verbatim(text.clone().into_owned()))
            }
            Lexeme::Field { name, value } => {
                let typed = Typed { name, value, column: located.column };
                typed.read(self.zone).map(Clause::Field)
            }
            Lexeme::Open | Lexeme::Close | Lexeme::And | Lexeme::Or | Lexeme::Not => {
                unreachable!("operators are no leaves")
            }
        }
    }
}

/// Returns a clause over several, or the only one there is.
fn joined(mut clauses: Vec<Clause>, join: impl Fn(Vec<Clause>) -> Clause) -> Clause {
    match clauses.pop() {
        Some(only) if clauses.is_empty() => only,
        Some(last) => {
            clauses.push(last);
            join(clauses)
        }
        None => Clause::Everything,
    }
}

fn deeper(depth: usize, located: &Located<'_>) -> Result<usize, QueryError> {
    if depth < QUERY_DEPTH_MAX {
        return Ok(depth + 1);
    }
    let found = format!("{} at depth {}", shown(located.piece), depth + 1);
    let expected = format!("parentheses and negations at most {QUERY_DEPTH_MAX} deep");
    Err(QueryError::new(located.column, found, expected, "(budget OR plan) NOT draft"))
}

/// Returns the word of which a term is the only one.
fn asked(written: &str, term: String) -> AskedWord {
    let mut accented = lower(written);
    let mut whole = 0..0;
    for_each_token(&accented, |token| whole = token.start..token.end);
    accented = accented[whole].to_owned();
    // Pictures lose their joiners in lower case, and have no accents but a colour of skin.
    let is_same = tokens(&accented).first().is_some_and(|token| token.term == term);
    if !is_same || !accented.contains(char::is_alphabetic) {
        accented.clone_from(&term);
    }
    AskedWord { term, accented }
}

fn terms(text: &str, located: &Located<'_>) -> Result<Vec<String>, QueryError> {
    let terms: Vec<_> = tokens(text).into_iter().map(|token| token.term).collect();
    if terms.is_empty() {
        let found = format!("{}, in which there is nothing to search for", shown(located.piece));
        let expected = "letters, digits or an emoji: punctuation is not indexed";
        return Err(QueryError::new(located.column, found, expected, "\"profit & loss\""));
    }
    Ok(terms)
}

fn read_slop(digits: &str, words: usize, located: &Located<'_>) -> Result<u32, QueryError> {
    let refuse = |found: String, expected: String| {
        QueryError::new(located.column, found, expected, "\"first second\"~5")
    };
    if words > QUERY_SLOP_WORDS_MAX {
        let expected = format!("at most {QUERY_SLOP_WORDS_MAX} words before a `~`");
        return Err(refuse(format!("a phrase of {words} words"), expected));
    }
    digits.parse().ok().filter(|&slop| slop <= QUERY_SLOP_MAX).ok_or_else(|| {
        refuse(shown(&format!("~{digits}")), format!("at most {QUERY_SLOP_MAX} words between"))
    })
}

fn prefix(word: &str, located: &Located<'_>) -> Result<Clause, QueryError> {
    let mut found = terms(word, located)?;
    let covers_whole_end = ends_in_token(word);
    match found.pop() {
        Some(term) if found.is_empty() && covers_whole_end => {
            if term.chars().count() < QUERY_PREFIX_LETTERS_MIN && !is_syllable(&term) {
                let expected =
                    format!("at least {QUERY_PREFIX_LETTERS_MIN} letters before the star");
                return Err(QueryError::new(
                    located.column,
                    shown(located.piece),
                    expected,
                    "budg*",
                ));
            }
            Ok(Clause::Prefix(term))
        }
        _ => Err(QueryError::new(
            located.column,
            format!("{}, which is several words before a star", shown(located.piece)),
            "a star at the end of one word; text in scripts without spaces is found without a star",
            "budg* \"foo bar\"",
        )),
    }
}

/// Returns whether the term is one syllable of Korean or one Han character, either of which says as much as several letters.
fn is_syllable(term: &str) -> bool {
    let of_those = |one: char| matches!(one.script(), Script::Hangul | Script::Han);
    term.chars().all(of_those)
}

/// Returns whether the last token reaches to the end of what can be seen of the word, so that a star after it continues that
/// token.
fn ends_in_token(word: &str) -> bool {
    let mut end = 0;
    for_each_token(word, |token| end = token.end);
    word[end..].chars().all(is_ignorable)
}
