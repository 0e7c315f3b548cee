//! One place of a lane's file: an event that lives, or what a destruction has left of it (proof.md §9).

use crate::proof::Header;
use crate::record::Field;

/// What a segment holds of one event. Its values are its own, or borrowed from where the event lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot<V = Vec<u8>> {
    /// The whole event.
    Live {
        /// Its header.
        header: Header,
        /// Its fields, tags strictly ascending.
        fields: Vec<Field<V>>,
    },
    /// A destroyed event whose header is kept.
    Stub {
        /// Its header.
        header: Header,
        /// Its content commitment.
        content: [u8; 32],
    },
    /// A destroyed event of which only the place in the tree is kept.
    Blank {
        /// Its sequence number.
        seq: u64,
        /// Its leaf.
        leaf: [u8; 32],
    },
}

impl<V: AsRef<[u8]>> Slot<V> {
    /// Returns the sequence number.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::Live { header, .. } | Self::Stub { header, .. } => header.seq,
            Self::Blank { seq, .. } => *seq,
        }
    }

    /// Returns the header, unless the event is blank.
    pub const fn header(&self) -> Option<&Header> {
        match self {
            Self::Live { header, .. } | Self::Stub { header, .. } => Some(header),
            Self::Blank { .. } => None,
        }
    }

    /// Returns the bytes of header and values, or of what is kept in their stead.
    pub(crate) fn raw_bytes(&self) -> usize {
        let header = |header: &Header| header.ids.len().saturating_mul(17).saturating_add(44);
        match self {
            Self::Live { header: head, fields } => {
                let bytes = fields.iter().map(|field| field.value.as_ref().len());
                bytes.fold(header(head), usize::saturating_add)
            }
            Self::Stub { header: head, .. } => header(head).saturating_add(32),
            Self::Blank { .. } => 40,
        }
    }
}
