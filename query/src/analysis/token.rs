//! Tokens: the words of a text, folded, with their place in it.
//!
//! A token is a run of letters, digits and marks; an emoji, whatever its presentation and its colour of skin; or a single character (with its marks) of a script that is
//! written without spaces. Everything else separates, whether it can be seen or not; but a soft hyphen, and joiners within scripts whose
//! letters join, are as if they were not there. Positions count tokens, so separators make no difference. A token's range never
//! ends with what cannot be seen.
//!
//! A run whose folded form is longer than [`TERM_BYTES_MAX`] is cut into several tokens at that bound, always in the same
//! places: a search for the whole is a search for the same pieces in a row, and nothing of it is forgotten.

use super::character::{is_mark, is_term_character, parts_words, stands_alone};
use super::emoji::{JOINER, emoji_bytes, is_presentation, is_skin_tone};
use super::fold::{Cluster, Folder, word_cluster};

/// Bytes of one folded term.
pub const TERM_BYTES_MAX: usize = 255;

/// A token that borrows its term from the analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenView<'a> {
    /// The folded word.
    pub term: &'a str,
    /// How many tokens stand before it.
    pub position: u32,
    /// Where it starts in the text as given, in bytes.
    pub start: usize,
    /// Where it ends in the text as given, in bytes.
    pub end: usize,
}

/// A token with its own term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The folded word.
    pub term: String,
    /// How many tokens stand before it.
    pub position: u32,
    /// Where it starts in the text as given, in bytes.
    pub start: usize,
    /// Where it ends in the text as given, in bytes.
    pub end: usize,
}

/// Returns the tokens of a text in order.
///
/// ```
/// let tokens = query::analysis::tokens("Ｆｏｏ-bar 👍🏽");
/// let terms: Vec<_> = tokens.iter().map(|token| token.term.as_str()).collect();
/// assert_eq!(terms, ["foo", "bar", "👍"]);
/// assert_eq!((tokens[1].start, tokens[1].end), (10, 13));
/// ```
pub fn tokens(text: &str) -> Vec<Token> {
    let mut list = Vec::new();
    for_each_token(text, |token| {
        list.push(Token {
            term: token.term.to_owned(),
            position: token.position,
            start: token.start,
            end: token.end,
        });
    });
    list
}

/// Calls `sink` with each token in order. No memory is taken per token.
pub fn for_each_token(text: &str, sink: impl FnMut(TokenView<'_>)) {
    Tokenizer::new(text, sink).run();
}

/// The word under construction and the text it is cut from.
struct Tokenizer<'a, F> {
    text: &'a str,
    sink: F,
    folder: Folder,
    term: String,
    start: usize,
    end: usize,
    position: u32,
    /// The term is one character of a script without spaces: only marks may join it.
    alone: bool,
}

impl<'a, F: FnMut(TokenView<'_>)> Tokenizer<'a, F> {
    fn new(text: &'a str, sink: F) -> Self {
        let folder = Folder::default();
        Self {
            text,
            sink,
            folder,
            term: String::new(),
            start: 0,
            end: 0,
            position: 0,
            alone: false,
        }
    }

    fn run(mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => self.ascii_word(at),
                0x80.. => self.cluster(at),
                // The first half of a keycap, if what makes it one follows.
                b'#' | b'*' if bytes.get(at + 1).is_some_and(|next| !next.is_ascii()) => {
                    self.cluster(at)
                }
                _ => {
                    self.separate();
                    at + 1
                }
            };
        }
        self.separate();
    }

    /// Takes a run of ASCII letters and digits and returns where it ended. What follows beyond ASCII may combine with
    /// the last of them, so that one is left to [`Self::cluster`].
    fn ascii_word(&mut self, at: usize) -> usize {
        let rest = &self.text.as_bytes()[at..];
        let run = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let meets_other = rest.get(run).is_some_and(|byte| !byte.is_ascii());
        let end = at + run - usize::from(meets_other);
        if end == at {
            return self.cluster(at);
        }
        let word = &self.text[at..end];
        self.folder.after_ascii();
        if self.alone {
            self.emit();
        }
        if self.term.is_empty() && !meets_other && run <= TERM_BYTES_MAX {
            self.whole_word(word, at, end);
            return end;
        }
        for (offset, byte) in word.bytes().enumerate() {
            self.append(char::from(byte.to_ascii_lowercase()), at + offset, at + offset + 1);
        }
        end
    }

    /// Hands on a word of ASCII that nothing else belongs to; as it stands, where it is in lower case.
    fn whole_word(&mut self, word: &str, start: usize, end: usize) {
        if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.term.push_str(word);
            self.term.make_ascii_lowercase();
            (self.start, self.end) = (start, end);
            self.emit();
            return;
        }
        let token = TokenView { term: word, position: self.position, start, end };
        self.position = self.position.saturating_add(1);
        (self.sink)(token);
    }

    /// Takes an emoji or one cluster and returns where it ended.
    fn cluster(&mut self, at: usize) -> usize {
        if let Some(bytes) = emoji_bytes(&self.text[at..]) {
            self.separate();
            self.emoji(at, at + bytes);
            return at + bytes;
        }
        let first = self.text[at..].chars().next().unwrap_or_default();
        if parts_words(first, '\0') {
            self.separate();
            return at + first.len_utf8();
        }
        let Cluster { end, visible_end } = word_cluster(self.text, at);
        let mut folder = std::mem::take(&mut self.folder);
        for character in folder.fold_cluster(&self.text[at..end]).chars() {
            self.take(character, at, visible_end);
        }
        self.folder = folder;
        if !self.term.is_empty() && visible_end > at {
            self.end = visible_end;
        }
        end
    }

    fn emoji(&mut self, start: usize, end: usize) {
        self.start = start;
        self.end = end;
        let characters = self.text[start..end].chars();
        let mut is_joined = false;
        for character in characters.filter(|&one| !is_presentation(one)) {
            // A colour of skin by itself is a picture of its own; elsewhere it goes, and no joiner stays before nothing.
            if character == JOINER {
                is_joined = !self.term.is_empty();
            } else if !is_skin_tone(character) || self.term.is_empty() {
                let bytes = character.len_utf8() + if is_joined { JOINER.len_utf8() } else { 0 };
                if self.term.len() + bytes <= TERM_BYTES_MAX {
                    self.term.extend(is_joined.then_some(JOINER));
                    self.term.push(character);
                }
                is_joined = false;
            }
        }
        self.emit();
    }

    /// Takes one folded character that came from the bytes `start..end`.
    fn take(&mut self, character: char, start: usize, end: usize) {
        if !is_term_character(character) {
            self.emit();
            return;
        }
        let mark = is_mark(character);
        let alone = !mark && stands_alone(character);
        if alone || (self.alone && !mark) {
            self.emit();
        }
        self.append(character, start, end);
        self.alone |= alone;
    }

    /// Appends to the term, or begins the next where this one is full. A mark is never parted from its letter: those past
    /// the bound are dropped.
    fn append(&mut self, character: char, start: usize, end: usize) {
        if self.term.len() + character.len_utf8() > TERM_BYTES_MAX {
            if is_mark(character) {
                self.end = end;
                return;
            }
            self.emit();
        }
        if self.term.is_empty() {
            self.start = start;
        }
        self.term.push(character);
        self.end = end;
    }

    fn emit(&mut self) {
        self.alone = false;
        if self.term.is_empty() {
            return;
        }
        (self.sink)(TokenView {
            term: &self.term,
            position: self.position,
            start: self.start,
            end: self.end,
        });
        self.position = self.position.saturating_add(1);
        self.term.clear();
    }

    fn separate(&mut self) {
        self.emit();
        self.folder.reset();
    }
}
