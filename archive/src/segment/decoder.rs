//! The bytes of a segment file to its footer, its blocks and its rows, without I/O: the caller brings the bytes.
//!
//! Every length is checked against a limit before it is allocated, the checksum before the seal, the seal before the
//! contents. No bytes make it panic.

use std::sync::Arc;

use zstd::dict::DecoderDictionary;

use super::block::{Block, BlockFrame};
use super::column::{Columns, TextDictionary};
use super::entity::Entities;
use super::fault::Fault;
use super::footer::{BlockEntry, Footer};
use super::layout::{OpenPart, PartPlace, SegmentHeader, open_part};
use super::numbers::DICTIONARY;

/// Reads the bytes from an offset of the file; the error is the caller's.
pub type ReadPart<'a, E> = &'a mut dyn FnMut(&PartPlace) -> Result<Vec<u8>, E>;

/// What every block of a segment is decoded with: footer, table of ids, text dictionary.
pub struct Segment {
    footer: Footer,
    entities: Arc<Entities>,
    dictionary: Option<DecoderDictionary<'static>>,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Segment").field("header", &self.footer.header).finish_non_exhaustive()
    }
}

impl Segment {
    /// Opens a segment: `place` is where the trailer says that the footer is, `read` brings parts as they are on disk.
    pub fn open<E: From<Fault>>(
        header: &SegmentHeader,
        place: &PartPlace,
        read: ReadPart<'_, E>,
        open: OpenPart<'_>,
    ) -> Result<Self, E> {
        let footer = open_part(place, &read(place)?, open)?;
        let footer = Footer::decode(&footer, header)?;
        let table = open_part(&footer.entities, &read(&footer.entities)?, open)?;
        let entities = Arc::new(Entities::decode(&table)?);
        let dictionary = match &footer.dictionary {
            None => None,
            Some(place) => Some(decode_dictionary(&open_part(place, &read(place)?, open)?)?),
        };
        Ok(Self { footer, entities, dictionary })
    }

    /// Returns what the footer says.
    pub const fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Decodes a block from its parts as they are on disk; without the content part, headers and short fields alone.
    pub fn block(
        &self,
        entry: &BlockEntry,
        metadata: &[u8],
        content: Option<&[u8]>,
        open: OpenPart<'_>,
    ) -> Result<Block, Fault> {
        let metadata = open_part(&entry.metadata, metadata, open)?;
        let content = content.map(|framed| open_part(&entry.content, framed, open)).transpose()?;
        let frame = BlockFrame {
            first: entry.first.get(),
            last: entry.last.get(),
            rows: usize::try_from(entry.rows).unwrap_or(usize::MAX),
            lane: self.footer.header.lane,
        };
        let dictionary = self.dictionary.as_ref();
        Block::decode(&frame, &metadata, content.as_deref(), &self.entities, dictionary)
    }
}

fn decode_dictionary(part: &[u8]) -> Result<DecoderDictionary<'static>, Fault> {
    let columns = Columns::unpack(part, None)?;
    if columns.foreign(&[DICTIONARY]).is_some() {
        return Err(Fault::Form { what: "the dictionary" });
    }
    TextDictionary::new(columns.get(DICTIONARY).unwrap_or_default().to_vec()).decoder()
}
