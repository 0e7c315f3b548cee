//! JSON strings that are borrowed where they can be, and ids that some systems write as numbers.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A JSON string; borrowed from the input unless it has escapes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

/// A JSON string, or a whole number as its digits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Word<'a>(pub(crate) Cow<'a, str>);

/// The words of a text or word that may be absent.
pub(crate) trait Owned {
    /// Returns the words as a string of their own.
    fn owned(self) -> Option<String>;
}

impl Owned for Option<Text<'_>> {
    fn owned(self) -> Option<String> {
        self.map(|text| text.0.into_owned())
    }
}

impl Owned for Option<Word<'_>> {
    fn owned(self) -> Option<String> {
        self.map(|word| word.0.into_owned())
    }
}

struct Words {
    numbers: bool,
}

impl Words {
    fn number<E: Error>(&self, number: impl fmt::Display) -> Result<Cow<'static, str>, E> {
        if self.numbers {
            return Ok(number.to_string().into());
        }
        Err(E::custom(format_args!("found the number {number}, expected a string")))
    }
}

impl<'de> Visitor<'de> for Words {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.numbers { "a string or a whole number" } else { "a string" })
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        self.number(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        self.number(number)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_str(Words { numbers: false }).map(Self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Words { numbers: true }).map(Self)
    }
}
