//! Columns inside a part: each compressed apart, or stored raw where that is smaller (`docs/format.md` §5.4).

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use super::bytes::{Bytes, put_count};
use super::fault::Fault;
use super::layout::PART_BYTES_MAX;

const FORM_RAW: u8 = 0;
const FORM_ZSTD: u8 = 1;
const FORM_ZSTD_DICTIONARY: u8 = 2;

/// The dictionary that a segment's text was compressed with, ready for use.
#[derive(Debug)]
pub(crate) struct TextDictionary {
    bytes: Vec<u8>,
}

impl TextDictionary {
    /// Takes the bytes as zstd trained them.
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Returns the bytes as they are stored.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the dictionary prepared for compressing at a level.
    pub(crate) fn encoder(&self, level: i32) -> Result<EncoderDictionary<'static>, Fault> {
        EncoderDictionary::try_copy(&self.bytes, level)
            .map_err(|_| Fault::Encode { what: "the dictionary" })
    }

    /// Returns the dictionary prepared for decompressing.
    pub(crate) fn decoder(&self) -> Result<DecoderDictionary<'static>, Fault> {
        DecoderDictionary::try_copy(&self.bytes).map_err(|_| Fault::Form { what: "the dictionary" })
    }
}

/// Compresses columns; keeps its buffers from one block to the next.
pub(crate) struct Packer<'d> {
    plain: Compressor<'static>,
    with_dictionary: Option<Compressor<'d>>,
}

impl<'d> Packer<'d> {
    /// Returns a packer for a level of zstd, with the segment's text dictionary if it has one.
    pub(crate) fn new(
        level: i32,
        dictionary: Option<&'d EncoderDictionary<'static>>,
    ) -> Result<Self, Fault> {
        let fault = |_| Fault::Encode { what: "a column" };
        let plain = Compressor::new(level).map_err(fault)?;
        let with_dictionary =
            dictionary.map(Compressor::with_prepared_dictionary).transpose().map_err(fault)?;
        Ok(Self { plain, with_dictionary })
    }

    /// Returns the plaintext of a part that holds these columns, ascending by number. `is_text` says which ones use the dictionary.
    pub(crate) fn pack(
        &mut self,
        columns: &[(u8, Vec<u8>)],
        is_text: fn(u8) -> bool,
    ) -> Result<Vec<u8>, Fault> {
        let mut directory = Vec::new();
        let mut stored = Vec::new();
        put_count(&mut directory, columns.len());
        for (number, raw) in columns {
            check_raw_bytes(raw.len())?;
            let (form, packed) = self.squeeze(raw, is_text(*number))?;
            let bytes = packed.as_deref().unwrap_or(raw);
            directory.extend_from_slice(&[*number, form]);
            put_count(&mut directory, raw.len());
            put_count(&mut directory, bytes.len());
            stored.extend_from_slice(bytes);
        }
        directory.append(&mut stored);
        Ok(directory)
    }

    fn squeeze(&mut self, raw: &[u8], is_text: bool) -> Result<(u8, Option<Vec<u8>>), Fault> {
        let (form, packed) = match &mut self.with_dictionary {
            Some(compressor) if is_text => (FORM_ZSTD_DICTIONARY, compressor.compress(raw)),
            Some(_) | None => (FORM_ZSTD, self.plain.compress(raw)),
        };
        let packed = packed.map_err(|_| Fault::Encode { what: "a column" })?;
        Ok(if packed.len() < raw.len() { (form, Some(packed)) } else { (FORM_RAW, None) })
    }
}

fn check_raw_bytes(found: usize) -> Result<(), Fault> {
    if found <= PART_BYTES_MAX {
        return Ok(());
    }
    Err(Fault::Limit {
        what: "the length of a column",
        found: u64::try_from(found).unwrap_or(u64::MAX),
        limit: PART_BYTES_MAX.try_into().unwrap_or(u64::MAX),
    })
}

/// The columns of one part, decompressed.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    columns: Vec<(u8, Vec<u8>)>,
}

impl Columns {
    /// Reads the plaintext of a part. All lengths are checked, alone and together, before anything is allocated.
    pub(crate) fn unpack(
        part: &[u8],
        dictionary: Option<&DecoderDictionary<'static>>,
    ) -> Result<Self, Fault> {
        let mut fields = Bytes::of(part, "a directory of columns");
        let count = fields.count()?;
        let mut entries: Vec<(u8, u8, usize, usize)> = Vec::with_capacity(count);
        let mut total = 0_usize;
        for _ in 0..count {
            let entry = (fields.u8()?, fields.u8()?, fields.length()?, fields.length()?);
            if entries.last().is_some_and(|(before, ..)| *before >= entry.0) {
                return Err(fields.form());
            }
            total = total.saturating_add(entry.2);
            check_raw_bytes(total)?;
            entries.push(entry);
        }
        let mut plain = Decompressor::new().map_err(|_| Fault::Compression { column: 0 })?;
        let mut columns = Vec::with_capacity(count);
        for (number, form, raw_bytes, stored_bytes) in entries {
            let stored = fields.take(stored_bytes)?;
            let raw = expand(&mut plain, (number, form), stored, raw_bytes, dictionary)?;
            columns.push((number, raw));
        }
        fields.finish()?;
        Ok(Self { columns })
    }

    /// Returns a column, or nothing if it was left out.
    pub(crate) fn get(&self, number: u8) -> Option<&[u8]> {
        let place = self.columns.binary_search_by_key(&number, |(at, _)| *at).ok()?;
        self.columns.get(place).map(|(_, raw)| raw.as_slice())
    }

    /// Takes a column out, empty if it was left out.
    pub(crate) fn remove(&mut self, number: u8) -> Vec<u8> {
        match self.columns.binary_search_by_key(&number, |(at, _)| *at) {
            Ok(place) => self.columns.remove(place).1,
            Err(_) => Vec::new(),
        }
    }

    /// Returns the number of a column that is not among these, if there is one.
    pub(crate) fn foreign(&self, known: &[u8]) -> Option<u8> {
        self.columns.iter().map(|(number, _)| *number).find(|number| !known.contains(number))
    }
}

fn expand(
    plain: &mut Decompressor<'_>,
    (column, form): (u8, u8),
    stored: &[u8],
    raw_bytes: usize,
    dictionary: Option<&DecoderDictionary<'static>>,
) -> Result<Vec<u8>, Fault> {
    let fault = || Fault::Compression { column };
    let raw = match form {
        FORM_RAW => stored.to_vec(),
        FORM_ZSTD => plain.decompress(stored, raw_bytes).map_err(|_| fault())?,
        FORM_ZSTD_DICTIONARY => {
            let dictionary = dictionary.ok_or_else(fault)?;
            Decompressor::with_prepared_dictionary(dictionary)
                .and_then(|mut with| with.decompress(stored, raw_bytes))
                .map_err(|_| fault())?
        }
        _ => return Err(Fault::Form { what: "the form of a column" }),
    };
    if raw.len() == raw_bytes { Ok(raw) } else { Err(fault()) }
}
