//! Identifiers as distinct types: a room cannot be passed where a person is meant, nor a count where a sequence number is.

use std::fmt;
use std::str::FromStr;

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {found:?} is not {expected}")]
pub struct IdError {
    /// Which identifier was asked for.
    pub kind: &'static str,
    /// What was found instead.
    pub found: String,
    /// The form that would have been accepted.
    pub expected: &'static str,
}

/// Decodes exactly `N` bytes from lower-case hex.
fn hex_bytes<const N: usize>(kind: &'static str, text: &str) -> Result<[u8; N], IdError> {
    let expected = if N == 16 { "32 lower-case hex digits" } else { "64 lower-case hex digits" };
    let refuse = || IdError { kind, found: text.chars().take(80).collect(), expected };
    let digits = text.as_bytes();
    if digits.len() != N.saturating_mul(2) {
        return Err(refuse());
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Ok(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => Err(refuse()),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = match pair {
            [high, low] => value(*high)? << 4 | value(*low)?,
            _ => return Err(refuse()),
        };
    }
    Ok(bytes)
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes that are stored and hashed.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                hex_bytes($kind, text).map(Self)
            }
        }
    };
}

byte_id!(
    /// One archive; drawn at `init`, part of every checkpoint's origin (proof.md §6).
    ArchiveId, 16, "archive id"
);
byte_id!(
    /// One room. Random, never computed from a name or a foreign key (proof.md §3).
    RoomId, 16, "room id"
);
byte_id!(
    /// One person as one source knows them. Random, never computed from a name or an address.
    PersonId, 16, "person id"
);
byte_id!(
    /// One system that events come from: a workspace, a pool, a service.
    SourceId, 16, "source id"
);
byte_id!(
    /// The SHA-256 of a file's bytes. On disk the file bears a keyed name, never this one.
    FileId, 32, "file id"
);

/// Place of an event in the log: dense, from 1, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// The first event of every archive.
    pub const FIRST: Self = Self(1);

    /// Returns the sequence number, or nothing for 0 and for numbers past 2⁶³ − 1, which no checkpoint can cover.
    pub const fn new(number: u64) -> Option<Self> {
        if number == 0 || number > i64::MAX.unsigned_abs() { None } else { Some(Self(number)) }
    }

    /// Returns the number, at least 1.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the leaf index in the tree: the sequence number less one (proof.md §5).
    pub const fn leaf_index(self) -> u64 {
        self.0.saturating_sub(1)
    }

    /// Returns the number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the number `count` after this one.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Seq {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse().ok().and_then(Self::new).ok_or_else(|| IdError {
            kind: "sequence number",
            found: text.chars().take(80).collect(),
            expected: "a whole number from 1",
        })
    }
}

/// Place of an event within its room: dense, from 1, in the order of recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceSeq(u64);

impl PlaceSeq {
    /// The first event of every room.
    pub const FIRST: Self = Self(1);

    /// Returns the number, or nothing for 0.
    pub const fn new(number: u64) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// Returns the number, at least 1.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for PlaceSeq {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// How an event is cited outside: `<archive id>/<seq>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The archive that holds the event.
    pub archive: ArchiveId,
    /// Its place in that archive's log.
    pub seq: Seq,
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.archive, self.seq)
    }
}

impl FromStr for EventId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (archive, seq) = text.split_once('/').ok_or_else(|| IdError {
            kind: "event id",
            found: text.chars().take(80).collect(),
            expected: "an archive id, a slash and a sequence number",
        })?;
        Ok(Self { archive: archive.parse()?, seq: seq.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = RoomId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string().parse::<RoomId>(), Ok(id));
        let event = EventId { archive: ArchiveId::from_bytes([7; 16]), seq: Seq::FIRST };
        assert_eq!(event.to_string().parse::<EventId>(), Ok(event));
    }

    #[test]
    fn a_malformed_id_is_refused_with_what_was_expected() {
        for text in ["", "ab", &"AB".repeat(16), &"zz".repeat(16), &"ab".repeat(17)] {
            let refusal = text.parse::<RoomId>().unwrap_err();
            assert!(refusal.to_string().contains("32 lower-case hex digits"), "{refusal}");
        }
        for text in ["0", "-1", "", "9223372036854775808", "1.0"] {
            assert!(text.parse::<Seq>().is_err(), "{text}");
        }
    }
}
