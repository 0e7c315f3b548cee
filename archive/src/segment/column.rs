//! Columns inside a part: each compressed apart, or stored raw where that is smaller (`docs/format.md` §5.4).

use std::cell::RefCell;
use std::ops::Range;

use zstd::bulk::Compressor;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::DCtx;

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

/// The columns of one part, decompressed, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    columns: Vec<(u8, Range<usize>)>,
    raw: Vec<u8>,
}

/// What the directory of a part says of one column.
struct Entry {
    number: u8,
    form: u8,
    raw_bytes: usize,
    stored_bytes: usize,
}

impl Columns {
    /// Reads the plaintext of a part. All lengths are checked, alone and together, before anything is allocated.
    pub(crate) fn unpack(
        part: &[u8],
        dictionary: Option<&DecoderDictionary<'static>>,
    ) -> Result<Self, Fault> {
        let mut fields = Bytes::of(part, "a directory of columns");
        let (entries, total) = read_directory(&mut fields)?;
        let mut columns = Self { columns: Vec::with_capacity(entries.len()), raw: vec![0; total] };
        let mut rest = columns.raw.as_mut_slice();
        let mut start = 0_usize;
        for Entry { number, form, raw_bytes, stored_bytes } in entries {
            let stored = fields.take(stored_bytes)?;
            let fault = Fault::Compression { column: number };
            let (room, after) =
                std::mem::take(&mut rest).split_at_mut_checked(raw_bytes).ok_or(fault)?;
            expand((number, form), stored, room, dictionary)?;
            rest = after;
            let end = start.saturating_add(raw_bytes);
            columns.columns.push((number, start..end));
            start = end;
        }
        fields.finish()?;
        Ok(columns)
    }

    /// Returns a column, or nothing if it was left out.
    pub(crate) fn get(&self, number: u8) -> Option<&[u8]> {
        let place = self.columns.binary_search_by_key(&number, |(at, _)| *at).ok()?;
        self.columns.get(place).and_then(|(_, range)| self.raw.get(range.clone()))
    }

    /// Returns the number of a column that is not among these, if there is one.
    pub(crate) fn foreign(&self, known: &[u8]) -> Option<u8> {
        self.columns.iter().map(|(number, _)| *number).find(|number| !known.contains(number))
    }

    /// Returns the bytes that it holds in memory.
    pub(crate) const fn memory_bytes(&self) -> usize {
        self.raw.capacity()
    }
}

/// Reads what stands before the columns, and returns how long they are together.
fn read_directory(fields: &mut Bytes<'_>) -> Result<(Vec<Entry>, usize), Fault> {
    let count = fields.count()?;
    let mut entries: Vec<Entry> = Vec::with_capacity(count.min(usize::from(u8::MAX)));
    let mut total = 0_usize;
    for _ in 0..count {
        let entry = Entry {
            number: fields.u8()?,
            form: fields.u8()?,
            raw_bytes: fields.length()?,
            stored_bytes: fields.length()?,
        };
        if entries.last().is_some_and(|before| before.number >= entry.number) {
            return Err(fields.form());
        }
        total = total.saturating_add(entry.raw_bytes);
        check_raw_bytes(total)?;
        entries.push(entry);
    }
    Ok((entries, total))
}

thread_local! {
    /// What zstd decompresses with: 160 KB that are not worth making anew for a column of a few hundred bytes.
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// Decompresses a column into the room that it must fill.
fn expand(
    (column, form): (u8, u8),
    stored: &[u8],
    room: &mut [u8],
    dictionary: Option<&DecoderDictionary<'static>>,
) -> Result<(), Fault> {
    let fault = || Fault::Compression { column };
    let raw_bytes = room.len();
    let filled = match form {
        FORM_RAW if stored.len() == raw_bytes => {
            room.copy_from_slice(stored);
            raw_bytes
        }
        FORM_RAW => return Err(fault()),
        FORM_ZSTD => DECOMPRESSOR
            .with_borrow_mut(|zstd| zstd.decompress(room, stored))
            .map_err(|_| fault())?,
        FORM_ZSTD_DICTIONARY => {
            let dictionary = dictionary.ok_or_else(fault)?.as_ddict();
            DECOMPRESSOR
                .with_borrow_mut(|zstd| zstd.decompress_using_ddict(room, stored, dictionary))
                .map_err(|_| fault())?
        }
        _ => return Err(Fault::Form { what: "the form of a column" }),
    };
    if filled == raw_bytes { Ok(()) } else { Err(fault()) }
}
