//! How analysed words travel through the engine: the tokens of `query::analysis` are joined into one text that the
//! engine's tokenizer takes apart again, so that the engine never analyses anything by itself.
//!
//! Tokens hold letters, digits and marks alone, so a space between two tokens and a control character before a jump
//! of the position cannot be mistaken for part of one.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The name under which the tokenizer is registered.
pub(crate) const SPELLED: &str = "spelled";

/// Begins a token whose position is not the one after the token before: the position in decimal digits follows, then a space.
const JUMP: char = '\u{1}';

/// Tokens joined into one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spelling {
    text: String,
    next_position: u32,
}

impl Spelling {
    /// Adds a token. Positions may jump, forwards or to the same place.
    pub(crate) fn push(&mut self, term: &str, position: u32) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        if position != self.next_position {
            self.text.push(JUMP);
            self.text.push_str(&position.to_string());
            self.text.push(' ');
        }
        self.text.push_str(term);
        self.next_position = position.saturating_add(1);
    }

    /// Returns the joined text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Forgets all tokens.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.next_position = 0;
    }
}

/// Takes a joined text apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpelledTokenizer {
    token: Token,
}

/// The tokens of one joined text.
#[derive(Debug)]
pub(crate) struct SpelledStream<'a> {
    rest: Option<&'a str>,
    next_position: usize,
    token: &'a mut Token,
}

impl Tokenizer for SpelledTokenizer {
    type TokenStream<'a> = SpelledStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> SpelledStream<'a> {
        self.token.reset();
        let rest = if text.is_empty() { None } else { Some(text) };
        SpelledStream { rest, next_position: 0, token: &mut self.token }
    }
}

impl<'a> SpelledStream<'a> {
    fn next_word(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let (word, rest) = match text.split_once(' ') {
            Some((word, rest)) => (word, Some(rest)),
            None => (text, None),
        };
        self.rest = rest;
        Some(word)
    }
}

impl TokenStream for SpelledStream<'_> {
    fn advance(&mut self) -> bool {
        let mut position = self.next_position;
        let Some(mut word) = self.next_word() else { return false };
        if let Some(jump) = word.strip_prefix(JUMP) {
            position = jump.parse().unwrap_or(position);
            match self.next_word() {
                Some(next) => word = next,
                None => return false,
            }
        }
        self.next_position = position.saturating_add(1);
        self.token.position = position;
        self.token.text.clear();
        self.token.text.push_str(word);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, usize)> {
        let mut tokenizer = SpelledTokenizer::default();
        let mut stream = tokenizer.token_stream(text);
        let mut read = Vec::new();
        while stream.advance() {
            read.push((stream.token().text.clone(), stream.token().position));
        }
        read
    }

    #[test]
    fn tokens_and_their_positions_come_back_as_they_were() {
        let tokens = [("a", 0), ("bc", 1), ("日", 2), ("x", 102), ("y", 103), ("z", 103), ("w", 7)];
        let mut spelling = Spelling::default();
        for (term, position) in tokens {
            spelling.push(term, position);
        }
        let position = |position: u32| usize::try_from(position).unwrap();
        let expected: Vec<_> =
            tokens.iter().map(|(term, at)| ((*term).to_owned(), position(*at))).collect();
        assert_eq!(read(spelling.text()), expected);
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(read(Spelling::default().text()), []);
        let mut late = Spelling::default();
        late.push("late", 5);
        assert_eq!(read(late.text()), [("late".to_owned(), 5)]);
    }
}
