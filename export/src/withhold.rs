//! Fields that are kept out of a package: the value goes, its commitment stays, and the event still proves.
//!
//! What repeats a withheld field is withheld with it (proof.md §7): the foreign record repeats all of them, formatted words
//! the plain ones, a source's id of an author often the name or the address, and the act of a ledger event what it declares.

use std::collections::BTreeMap;

use archive::proof::Inclusion;
use archive::proof::commitment::field_commitment;
use archive::proof::opening::{Disclosure, Opening};
use archive::record::{self, Field, tag};
use chat::Recorded;

/// A field of content that can be withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Withheld {
    /// What a ledger event says.
    Act,
    /// Names, sizes and bytes of attachments.
    Attachments,
    /// The author's name.
    Author,
    /// The author's e-mail address.
    Email,
    /// The source's id of the author.
    ForeignId,
    /// Where in its input it stood.
    Locator,
    /// The foreign key.
    Origin,
    /// The room's name.
    Place,
    /// The foreign record.
    Raw,
    /// The archive's remark.
    Remark,
    /// The words with their formatting.
    RichText,
    /// The words.
    Text,
    /// The source's id of the thread.
    Thread,
    /// The title.
    Title,
}

impl Withheld {
    /// Every field that can be withheld, by word.
    pub const ALL: [Self; 14] = [
        Self::Act,
        Self::Attachments,
        Self::Author,
        Self::Email,
        Self::ForeignId,
        Self::Locator,
        Self::Origin,
        Self::Place,
        Self::Raw,
        Self::Remark,
        Self::RichText,
        Self::Text,
        Self::Thread,
        Self::Title,
    ];

    /// Returns the word used on the command line and in the manifest.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Attachments => "attachments",
            Self::Author => "author",
            Self::Email => "email",
            Self::ForeignId => "foreign_id",
            Self::Locator => "locator",
            Self::Origin => "origin",
            Self::Place => "place",
            Self::Raw => "raw",
            Self::Remark => "remark",
            Self::RichText => "rich_text",
            Self::Text => "text",
            Self::Thread => "thread",
            Self::Title => "title",
        }
    }

    /// Returns the field that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.word() == word)
    }

    /// Returns the field that a tag belongs to; tags without a name are never withheld.
    pub const fn of_tag(tag: u16) -> Option<Self> {
        Some(match tag {
            tag::ACT => Self::Act,
            tag::ATTACHMENT_FIRST..=tag::ATTACHMENT_LAST => Self::Attachments,
            tag::AUTHOR => Self::Author,
            tag::AUTHOR_EMAIL => Self::Email,
            tag::AUTHOR_FOREIGN_ID => Self::ForeignId,
            tag::LOCATOR => Self::Locator,
            tag::ORIGIN => Self::Origin,
            tag::PLACE => Self::Place,
            tag::RAW => Self::Raw,
            tag::REMARK => Self::Remark,
            tag::RICH_TEXT => Self::RichText,
            tag::TEXT => Self::Text,
            tag::THREAD => Self::Thread,
            tag::TITLE => Self::Title,
            _ => return None,
        })
    }

    /// Returns the fields that may repeat this one.
    const fn repetitions(self) -> &'static [Self] {
        match self {
            Self::Author => &[Self::Raw, Self::Act, Self::ForeignId, Self::Email],
            Self::Email => &[Self::Raw, Self::Act, Self::ForeignId],
            Self::ForeignId | Self::Place | Self::Title => &[Self::Raw, Self::Act],
            Self::Text => &[Self::Raw, Self::Act, Self::RichText],
            Self::RichText => &[Self::Raw, Self::Act, Self::Text],
            Self::Raw | Self::Act => &[],
            Self::Attachments | Self::Locator | Self::Origin | Self::Remark | Self::Thread => {
                &[Self::Raw]
            }
        }
    }

    /// Returns fields and all that repeat them, by word and each once.
    pub fn with_repetitions(fields: &[Self]) -> Vec<Self> {
        let repeated = fields.iter().flat_map(|field| field.repetitions());
        let mut all: Vec<_> = fields.iter().chain(repeated).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Returns an event without the fields that are withheld, and its proof with their commitments in place of their values.
pub(crate) fn withhold(
    recorded: Recorded,
    mut inclusion: Inclusion,
    withheld: &[Withheld],
) -> (Recorded, Inclusion) {
    let is_withheld =
        |tag| Withheld::of_tag(tag).is_some_and(|field| withheld.binary_search(&field).is_ok());
    let mut is_less = false;
    if let Opening::Open { fields, .. } = &mut inclusion.opening {
        for field in fields.iter_mut().filter(|field| is_withheld(field.tag)) {
            if let Disclosure::Shown { salt, value } = &field.disclosure {
                let commitment = field_commitment(recorded.seq, field.tag, salt, value);
                field.disclosure = Disclosure::Withheld { commitment };
                is_less = true;
            }
        }
    }
    if !is_less {
        return (recorded, inclusion);
    }
    let mut shown: Vec<Field> = record::fields(&recorded.event);
    shown.retain(|field| !is_withheld(field.tag));
    let shown = record::decode(&record::header(&recorded), shown);
    (shown.unwrap_or(recorded), inclusion)
}

/// How many values of each field are withheld, by word.
pub(crate) type WithheldCounts = BTreeMap<String, u64>;

/// Returns the fields that an opening withholds, an attachment each. Refuses one that is not among those named.
pub(crate) fn withheld_of(
    inclusion: &Inclusion,
    named: &[Withheld],
) -> Result<Vec<Withheld>, String> {
    let Opening::Open { fields, .. } = &inclusion.opening else { return Ok(Vec::new()) };
    let is_hidden = |disclosure: &Disclosure| matches!(disclosure, Disclosure::Withheld { .. });
    let hidden = fields.iter().filter(|field| is_hidden(&field.disclosure));
    let known = hidden.map(|field| {
        let known = Withheld::of_tag(field.tag).filter(|field| named.contains(field));
        known.ok_or_else(|| {
            format!("field {} is withheld and the manifest does not say so", field.tag)
        })
    });
    known.collect()
}

/// Adds fields to their counts.
pub(crate) fn count(fields: &[Withheld], counts: &mut WithheldCounts) {
    for field in fields {
        *counts.entry(field.word().to_owned()).or_default() += 1;
    }
}
