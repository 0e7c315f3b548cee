//! The parsed form of a query: what is asked, free of how it was typed.

use chat::{EventKind, Seq, Timestamp};

use crate::analysis::{Language, accented_stem, stem};

/// One condition on an event. Terms are folded (see [`crate::analysis`]); values of fields are folded as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Clause {
    /// Every event that the query covers: the empty query.
    Everything,
    /// Each of these; two or more, none of them an `All`.
    All(Vec<Self>),
    /// At least one of these; two or more, none of them an `Any`.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// A word whose term equals this one's, or that has a stem in common with it in the event's language.
    Word(AskedWord),
    /// These terms, exactly and in order. There must be positions p₁ < p₂ < … < pₖ that hold them with
    /// pₖ − p₁ + 1 − k ≤ slop: between the first and the last stand at most `slop` other tokens, all together.
    Phrase {
        /// The terms in order; at least one.
        tokens: Vec<String>,
        /// How many other tokens may stand between them; 0 for an exact phrase.
        slop: u32,
    },
    /// A term that begins like this.
    Prefix(String),
    /// This text as it is written: tokens in a row that equal those of this text, case and accents included, with the same between them
    /// and the same before and after as far as it goes (composed and decomposed letters are the same, and so is any white space).
    Verbatim(String),
    /// A condition on something other than the words.
    Field(Field),
}

/// A word that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AskedWord {
    /// The folded term.
    pub term: String,
    /// The word in lower case with its accents, which decide some of its stems; the term where there are none.
    pub accented: String,
}

impl AskedWord {
    /// Returns the stems under which the word is found in a language, beside its term: one, or two where its accents make a
    /// difference.
    pub fn stems(&self, language: Language) -> Vec<String> {
        let mut stems = vec![stem(&self.term, language).into_owned()];
        stems.extend(accented_stem(&self.accented, language));
        stems
    }
}

/// A condition on something other than the words. Text values are folded whole values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// The author's name, foreign id, e-mail address or id.
    From(String),
    /// Someone mentioned in the text, or the author's partner in a room of direct messages.
    To(String),
    /// Someone who wrote the event or could read it then, as far as entries, leavings and lists of members tell
    /// (see [`crate::Presence`]): the author's or a partner's name as with `From` and `To`, or that of somebody in the room.
    Participant(String),
    /// The room's name or id.
    Room(String),
    /// The name of the category that the room is in.
    Category(String),
    /// The name or id of the source.
    Source(String),
    /// The kind of event.
    Kind(EventKind),
    /// Whether the event has something.
    Has(Has),
    /// The name of an attachment, or the SHA-256 of its bytes.
    File(String),
    /// The extension of an attachment's name, without its dot.
    Extension(String),
    /// The language of the event.
    Language(Language),
    /// The source's id of the thread.
    Thread(String),
    /// A mark.
    Is(Mark),
    /// When it happened, on the source's clock. At least one bound is there.
    Time {
        /// The first moment that counts.
        from: Option<Timestamp>,
        /// The first moment that counts no more.
        until: Option<Timestamp>,
    },
    /// Its place in the log, both ends included.
    Seqs {
        /// The first that counts.
        first: Seq,
        /// The last that counts.
        last: Seq,
    },
}

/// Something that an event may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Has {
    /// An attachment, held or missing.
    File,
    /// A link in its text (see [`crate::analysis::has_link`]).
    Link,
    /// A change: it is an edit, or its source says that it was edited.
    Edit,
}

impl Has {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::File, Self::Link, Self::Edit];

    /// Returns the word after `has:`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Link => "link",
            Self::Edit => "edit",
        }
    }
}

/// What later events did to an event, as of a snapshot. It is kept beside the index, never in the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// A later version replaced it.
    Edited,
    /// It was taken back.
    Retracted,
    /// It is the version that stands: neither edited since nor taken back.
    Current,
}

impl Mark {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Edited, Self::Retracted, Self::Current];

    /// Returns the word after `is:`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Retracted => "retracted",
            Self::Current => "current",
        }
    }
}
