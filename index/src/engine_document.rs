//! A document as the engine reads it: in place, without a copy in the engine's own form.

use std::iter::{Chain, Empty, Once, once};

use tantivy::schema::Field;
use tantivy::schema::document::{ReferenceValue, ReferenceValueLeaf, Value};

use crate::document::Document;
use crate::schema::FIELDS;

/// One value of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Datum<'a> {
    /// Words that travel through the engine's tokenizer.
    Words(&'a str),
    /// A whole value.
    Whole(&'a [u8]),
    /// A time.
    Signed(i64),
    /// A sequence number.
    Unsigned(u64),
}

impl<'a> Value<'a> for Datum<'a> {
    type ArrayIter = Empty<Self>;
    type ObjectIter = Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match *self {
            Self::Words(words) => ReferenceValueLeaf::Str(words),
            Self::Whole(bytes) => ReferenceValueLeaf::Bytes(bytes),
            Self::Signed(number) => ReferenceValueLeaf::I64(number),
            Self::Unsigned(number) => ReferenceValueLeaf::U64(number),
        })
    }
}

/// Texts that lie end to end, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct EachText<'a> {
    bytes: &'a [u8],
    ends: std::slice::Iter<'a, (Field, usize)>,
    start: usize,
}

impl<'a> EachText<'a> {
    /// Returns the texts that end at these places.
    pub(crate) fn new(bytes: &'a [u8], ends: &'a [(Field, usize)]) -> Self {
        Self { bytes, ends: ends.iter(), start: 0 }
    }
}

impl<'a> Iterator for EachText<'a> {
    type Item = (Field, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (field, end) = *self.ends.next()?;
        let text = self.bytes.get(self.start..end).unwrap_or_default();
        self.start = end;
        Some((field, text))
    }
}

/// The whole values of a document with their fields.
type Values<'a> = std::iter::Map<EachText<'a>, fn((Field, &'a [u8])) -> Valued<'a>>;
type Valued<'a> = (Field, Datum<'a>);
type Numbers<'a> = std::iter::Flatten<std::array::IntoIter<Option<Valued<'a>>, 3>>;

impl tantivy::Document for Document {
    type Value<'a> = Datum<'a>;
    type FieldsValuesIter<'a> = Chain<Chain<Once<Valued<'a>>, Values<'a>>, Numbers<'a>>;

    /// Nearly in the order of the fields, which spares the engine the sorting.
    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let numbers = [
            Some((FIELDS.at, Datum::Signed(self.at))),
            Some((FIELDS.seq, Datum::Unsigned(self.seq))),
            self.target.map(|target| (FIELDS.target, Datum::Unsigned(target))),
        ];
        once((self.exact, Datum::Words(&self.words)))
            .chain(self.whole_values())
            .chain(numbers.into_iter().flatten())
    }
}

impl Document {
    fn whole_values(&self) -> Values<'_> {
        fn whole((field, text): (Field, &[u8])) -> Valued<'_> {
            (field, Datum::Whole(text))
        }
        let whole: fn(_) -> _ = whole;
        self.texts.iter().map(whole)
    }
}
