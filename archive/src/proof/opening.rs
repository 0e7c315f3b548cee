//! Openings: the four ways to show one event, and what each of them proves (proof.md §7).
//!
//! None of them carries a seed, an inner salt node or a content salt: this module is given [`Salts`] only to make the
//! salts of the fields from them.

use chat::{Recorded, Seq};
use serde_json::{Value, json};

use super::commitment::{
    Commitments, ContentHasher, field_commitment, field_salt, header_commitment, list_salt,
};
use super::hash::Digest;
use super::header::Header;
use super::hex;
use super::members::Members;
use super::refusal::Refusal;
use super::salt::{Salt, Salts};
use super::tree::leaf_hash;
use crate::record;

/// One event as it is disclosed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Shows the header, the fields given, and which tags there are.
    Open {
        /// The bytes of the header.
        header: Vec<u8>,
        /// Its salt.
        hs: Salt,
        /// The salt of the list of fields.
        ls: Salt,
        /// Every field, shown or withheld, tags strictly ascending.
        fields: Vec<OpenField>,
    },
    /// Shows the header, and nothing of the content.
    Stub {
        /// The bytes of the header.
        header: Vec<u8>,
        /// Its salt.
        hs: Salt,
        /// The content commitment.
        content: Digest,
    },
    /// Shows nothing; for the neighbours in a range.
    Entry {
        /// Header commitment and content commitment.
        entry: [u8; 64],
    },
    /// Shows nothing; for blanked events and neighbours.
    Leaf {
        /// The leaf.
        leaf: Digest,
    },
}

/// One field of an opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenField {
    /// Its tag, which shows even where the value does not.
    pub tag: u16,
    /// How much of it is shown.
    pub disclosure: Disclosure,
}

/// How much of a field is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// All of it.
    Shown {
        /// Its salt.
        salt: Salt,
        /// Its value.
        value: Vec<u8>,
    },
    /// Nothing but its commitment.
    Withheld {
        /// The commitment to it.
        commitment: Digest,
    },
}

impl OpenField {
    fn commitment(&self, seq: Seq) -> Digest {
        match &self.disclosure {
            Disclosure::Shown { salt, value } => field_commitment(seq, self.tag, salt, value),
            Disclosure::Withheld { commitment } => *commitment,
        }
    }

    fn of(seq: Seq, tag: u16, value: Vec<u8>, (cs, is_withheld): (&Salt, bool)) -> Self {
        let salt = field_salt(seq, tag, cs);
        let disclosure = if is_withheld {
            Disclosure::Withheld { commitment: field_commitment(seq, tag, &salt, &value) }
        } else {
            Disclosure::Shown { salt, value }
        };
        Self { tag, disclosure }
    }

    fn to_json(&self, is_elsewhere: &dyn Fn(u16) -> bool) -> Value {
        let tag = self.tag;
        match &self.disclosure {
            Disclosure::Shown { salt, .. } if is_elsewhere(tag) => {
                json!({ "tag": tag, "salt": hex::encode(salt) })
            }
            Disclosure::Shown { salt, value } => {
                json!({ "tag": tag, "salt": hex::encode(salt), "value": hex::encode(value) })
            }
            Disclosure::Withheld { commitment } => {
                json!({ "tag": tag, "commitment": hex::encode(commitment) })
            }
        }
    }

    fn from_json(value: &Value, elsewhere: Elsewhere<'_>) -> Result<Self, Refusal> {
        let members = Members::at_most(value, &["tag", "salt", "value", "commitment"])
            .map_err(|_| Refusal::FieldForm)?;
        let tag = members.number("tag").map_err(|_| Refusal::FieldForm)?;
        let tag = u16::try_from(tag).ok().filter(|tag| *tag != 0).ok_or(Refusal::Tag)?;
        let has = ["salt", "value", "commitment"].map(|name| members.has(name));
        let disclosure = match has {
            [true, true, false] => {
                Disclosure::Shown { salt: members.array("salt")?, value: members.bytes("value")? }
            }
            [true, false, false] => Disclosure::Shown {
                salt: members.array("salt")?,
                value: elsewhere(tag).ok_or(Refusal::FieldForm)?,
            },
            [false, false, true] => {
                Disclosure::Withheld { commitment: members.array("commitment")? }
            }
            _ => return Err(Refusal::FieldForm),
        };
        Ok(Self { tag, disclosure })
    }
}

/// Gives the value of a field that an opening leaves out because its event's own line holds the same bytes.
pub type Elsewhere<'a> = &'a dyn Fn(u16) -> Option<Vec<u8>>;

impl Opening {
    /// Returns the `open` form of an event, without the values of the tags that are withheld.
    pub fn of(recorded: &Recorded, salts: &Salts, is_withheld: &dyn Fn(u16) -> bool) -> Self {
        let seq = recorded.seq;
        let fields = record::fields(&recorded.event).into_iter();
        Self::Open {
            header: record::header(recorded).encode(),
            hs: salts.hs,
            ls: list_salt(seq, &salts.cs),
            fields: fields
                .map(|field| {
                    let is_withheld = is_withheld(field.tag);
                    OpenField::of(seq, field.tag, field.value, (&salts.cs, is_withheld))
                })
                .collect(),
        }
    }

    /// Returns the bytes of the header, in the forms that show it.
    pub fn header_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Open { header, .. } | Self::Stub { header, .. } => Some(header),
            Self::Entry { .. } | Self::Leaf { .. } => None,
        }
    }

    /// Returns the value of a field, if it is there and shown.
    pub fn value(&self, tag: u16) -> Option<&[u8]> {
        let Self::Open { fields, .. } = self else { return None };
        match &fields.iter().find(|field| field.tag == tag)?.disclosure {
            Disclosure::Shown { value, .. } => Some(value),
            Disclosure::Withheld { .. } => None,
        }
    }

    /// Returns the leaf, and the header where it is shown; refused unless it is well formed and of the claimed event.
    pub fn check(&self, claimed: u64) -> Result<(Digest, Option<Header>), Refusal> {
        let seq = Seq::new(claimed).ok_or(Refusal::Index)?;
        let header = self.check_form(seq)?;
        Ok((self.leaf(seq), header))
    }

    /// Refuses what can be refused without a hash; returns the header where it is shown.
    pub(crate) fn check_form(&self, seq: Seq) -> Result<Option<Header>, Refusal> {
        let header = self.header_bytes().map(Header::decode).transpose()?;
        if header.as_ref().is_some_and(|header| header.seq != seq.get()) {
            return Err(Refusal::HeaderSeq);
        }
        if let Self::Open { fields, .. } = self {
            check_tags(fields.iter().map(|field| field.tag))?;
        }
        Ok(header)
    }

    /// Returns the leaf that this opening is of.
    pub(crate) fn leaf(&self, seq: Seq) -> Digest {
        let leaf = |hs: &Salt, header: &[u8], content| {
            Commitments { header: header_commitment(hs, header), content }.leaf()
        };
        match self {
            Self::Open { header, hs, ls, fields } => {
                let mut content = ContentHasher::new(seq, ls);
                for field in fields {
                    content.add(field.tag, &field.commitment(seq));
                }
                leaf(hs, header, content.finish())
            }
            Self::Stub { header, hs, content } => leaf(hs, header, *content),
            Self::Entry { entry } => leaf_hash(entry),
            Self::Leaf { leaf } => *leaf,
        }
    }

    /// Returns the JSON form.
    pub fn to_json(&self) -> Value {
        self.to_json_without(&|_| false)
    }

    /// Returns the JSON form without the values of tags whose bytes stand elsewhere, in the event's own line.
    pub fn to_json_without(&self, is_elsewhere: &dyn Fn(u16) -> bool) -> Value {
        match self {
            Self::Open { header, hs, ls, fields } => json!({
                "form": "open",
                "header": hex::encode(header),
                "hs": hex::encode(hs),
                "ls": hex::encode(ls),
                "fields": fields.iter().map(|field| field.to_json(is_elsewhere)).collect::<Value>(),
            }),
            Self::Stub { header, hs, content } => json!({
                "form": "stub",
                "header": hex::encode(header),
                "hs": hex::encode(hs),
                "content": hex::encode(content),
            }),
            Self::Entry { entry } => json!({ "form": "entry", "entry": hex::encode(entry) }),
            Self::Leaf { leaf } => json!({ "form": "leaf", "leaf": hex::encode(leaf) }),
        }
    }

    /// Reads the JSON form.
    pub fn from_json(value: &Value) -> Result<Self, Refusal> {
        Self::from_json_with(value, &|_| None)
    }

    /// Reads the JSON form, taking the values that it leaves out from elsewhere.
    pub fn from_json_with(value: &Value, elsewhere: Elsewhere<'_>) -> Result<Self, Refusal> {
        let form = value.get("form").and_then(Value::as_str).ok_or(Refusal::Form)?;
        let members = |names: &[&str]| Members::exactly(value, &[&["form"], names].concat());
        Ok(match form {
            "open" => {
                let members = members(&["header", "hs", "ls", "fields"])?;
                Self::Open {
                    header: members.bytes("header")?,
                    hs: members.array("hs")?,
                    ls: members.array("ls")?,
                    fields: members
                        .list("fields", |field| OpenField::from_json(field, elsewhere))?,
                }
            }
            "stub" => {
                let members = members(&["header", "hs", "content"])?;
                Self::Stub {
                    header: members.bytes("header")?,
                    hs: members.array("hs")?,
                    content: members.array("content")?,
                }
            }
            "entry" => Self::Entry { entry: members(&["entry"])?.array("entry")? },
            "leaf" => Self::Leaf { leaf: members(&["leaf"])?.array("leaf")? },
            _ => return Err(Refusal::Form),
        })
    }
}

/// Refuses tags that are 0 or do not strictly ascend.
pub(crate) fn check_tags(tags: impl Iterator<Item = u16>) -> Result<(), Refusal> {
    let mut before = None;
    for tag in tags {
        if tag == 0 {
            return Err(Refusal::Tag);
        }
        if before.is_some_and(|before| tag <= before) {
            return Err(Refusal::TagOrder);
        }
        before = Some(tag);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::commitment::commit;
    use crate::record::tag;
    use chat::{PlaceSeq, Timestamp};

    fn recorded() -> Recorded {
        Recorded {
            seq: Seq::FIRST,
            place_seq: Some(PlaceSeq::FIRST),
            place_prev: None,
            recorded_at: Timestamp::from_micros(1),
            event: chat::testing::message(1, 2, 3, "Grüße, 世界 🙂"),
        }
    }

    fn leaf(recorded: &Recorded, salts: &Salts) -> Digest {
        let fields = record::fields(&recorded.event);
        let fields = fields.iter().map(|field| (field.tag, field.value.as_slice()));
        commit(&record::header(recorded).encode(), recorded.seq, fields, salts).leaf()
    }

    #[test]
    fn every_choice_of_withheld_fields_opens_the_same_leaf() {
        let (recorded, salts) = (recorded(), Salts { hs: [1; 16], cs: [0xc5; 16] });
        let tags = record::fields(&recorded.event).len();
        for choice in 0..1_u32 << tags {
            let mut place = 0..;
            let order: Vec<_> = record::fields(&recorded.event).iter().map(|f| f.tag).collect();
            let withheld: Vec<u16> =
                order.into_iter().filter(|_| choice >> place.next().unwrap() & 1 == 1).collect();
            let opening = Opening::of(&recorded, &salts, &|tag| withheld.contains(&tag));
            let (found, header) = opening.check(1).unwrap();
            assert_eq!((found, header), (leaf(&recorded, &salts), Some(record::header(&recorded))));
            assert_eq!(opening.value(tag::TEXT).is_some(), !withheld.contains(&tag::TEXT));
            assert_eq!(Opening::from_json(&opening.to_json()).as_ref(), Ok(&opening));
        }
    }

    #[test]
    fn a_withheld_value_and_the_content_salt_are_nowhere_in_the_json() {
        let (recorded, salts) = (recorded(), Salts { hs: [1; 16], cs: [0xc5; 16] });
        let opening = Opening::of(&recorded, &salts, &|tag| tag == tag::TEXT);
        let json = opening.to_json().to_string();
        let text = recorded.event.content.text.as_deref().unwrap();
        assert!(!json.contains(&hex::encode(text.as_bytes())));
        assert!(!json.contains(&hex::encode(&salts.cs)));
        assert!(!json.contains(&hex::encode(&field_salt(Seq::FIRST, tag::TEXT, &salts.cs))));
    }

    #[test]
    fn a_value_that_stands_elsewhere_is_taken_from_there() {
        let (recorded, salts) = (recorded(), Salts { hs: [1; 16], cs: [0xc5; 16] });
        let opening = Opening::of(&recorded, &salts, &|_| false);
        let json = opening.to_json_without(&|tag| tag == tag::TEXT);
        assert_eq!(Opening::from_json(&json), Err(Refusal::FieldForm));
        let text = opening.value(tag::TEXT).map(<[u8]>::to_vec);
        let back = Opening::from_json_with(&json, &|tag| text.clone().filter(|_| tag == tag::TEXT));
        assert_eq!(back, Ok(opening));
    }
}
