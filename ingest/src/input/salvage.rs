//! What can be saved of a zip whose directory is gone: the members whose own header and bytes are whole.
//!
//! A zip has its directory at its end, so a copy that was cut off has none. But each member also begins with a header of its
//! own; they are walked from the front until one is not whole. Every member is unpacked once and held against its checksum
//! before any of it is believed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use chat::limits;
use flate2::Crc;

use super::bounded::{Bounded, counted};
use super::zipped::{judge_name, name_of, refuse};
use crate::error::{Error, Result};

const LOCAL_MAGIC: [u8; 4] = *b"PK\x03\x04";
const DIRECTORY_MAGIC: [u8; 4] = *b"PK\x01\x02";
const DESCRIPTOR_MAGIC: [u8; 4] = *b"PK\x07\x08";
/// Bytes of a local header before the name.
const HEADER_BYTES: usize = 30;
/// The extra field that holds sizes of 4 GiB and more.
const ZIP64_FIELD: u16 = 1;

/// The whole members of a damaged zip.
#[derive(Debug)]
pub(super) struct Salvaged {
    path: PathBuf,
    members: BTreeMap<String, Member>,
    fault: String,
}

/// Where the packed bytes of a member lie.
#[derive(Debug, Clone, Copy)]
struct Member {
    start: u64,
    packed: u64,
    method: Method,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Stored,
    Deflate,
    Zstd,
}

/// A member's own header.
struct Header {
    name: String,
    method: Option<Method>,
    is_encrypted: bool,
    /// Sizes and checksum stand behind the bytes, not here.
    is_streamed: bool,
    crc: u32,
    packed: u64,
    plain: u64,
    /// Where its bytes begin.
    start: u64,
}

/// What came out of unpacking a member.
struct Measure {
    packed: u64,
    plain: u64,
    crc: u32,
}

/// Why the walk ends: the words for it, or a fault of the disk.
type Walked<T> = std::result::Result<T, String>;

impl Salvaged {
    /// Walks a zip that cannot be opened because of `why`.
    pub(super) fn open(path: &Path, why: &str) -> Result<Self> {
        let unreadable = |fault| Error::unreadable(path, fault);
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut walk = Walk { file, length, at: 0 };
        let mut members = BTreeMap::new();
        let end = loop {
            match walk.member() {
                Ok(Some((name, member))) => {
                    judge_name(&name)?;
                    if members.len() >= limits::ZIP_MEMBERS_MAX {
                        let allowed = format!("{} members", limits::ZIP_MEMBERS_MAX);
                        return refuse(&name, "there are too many members", allowed);
                    }
                    let is_folder = name.ends_with('/');
                    if !is_folder && members.insert(name.clone(), member).is_some() {
                        return refuse(&name, "its name is there twice", "each name once".into());
                    }
                }
                Ok(None) => break "its directory".to_owned(),
                Err(words) => break words,
            }
        };
        let fault = format!(
            "{why}; {} members before that are whole, what is not whole begins with {end}",
            members.len()
        );
        Ok(Self { path: path.to_owned(), members, fault })
    }

    pub(super) fn members(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    /// Returns what is wrong with the zip.
    pub(super) fn fault(&self) -> Error {
        Error::InputMalformed {
            place: self.path.display().to_string(),
            found: self.fault.clone(),
            expected: "a whole zip with its directory at the end; is the file cut off?",
        }
    }

    /// Opens a member; what it grows to is bounded by what it has packed.
    pub(super) fn open_member(
        &self,
        name: &str,
        consumed: &AtomicU64,
    ) -> Result<Option<Box<dyn Read + 'static>>> {
        let Some(member) = self.members.get(name) else { return Ok(None) };
        let open = || -> io::Result<Box<dyn Read>> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(member.start))?;
            let packed = BufReader::new(file.take(member.packed));
            let plain: Box<dyn Read> = match member.method {
                Method::Stored => Box::new(packed),
                Method::Deflate => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
                Method::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?),
            };
            Ok(Box::new(Bounded::known(plain, member.packed)))
        };
        consumed.fetch_add(member.packed, Ordering::Relaxed);
        open().map(Some).map_err(|fault| Error::unreadable(&self.path, fault))
    }
}

/// A way through the local headers.
struct Walk {
    file: File,
    length: u64,
    at: u64,
}

impl Walk {
    /// Returns the next member, nothing where the directory begins, or what is not whole.
    fn member(&mut self) -> Walked<Option<(String, Member)>> {
        let Some(header) = self.header()? else { return Ok(None) };
        let words = |what: &str| format!("the member {:?}: {what}", header.name);
        if header.is_encrypted {
            return Err(words("it is encrypted"));
        }
        let method =
            header.method.ok_or_else(|| words("it is packed in a way that is not read"))?;
        if header.is_streamed && method != Method::Deflate {
            return Err(words("its length stands in the directory alone"));
        }
        let left = self.length.saturating_sub(header.start);
        let packed = if header.is_streamed { left } else { header.packed };
        if packed > left {
            return Err(words("it is cut off"));
        }
        let measured = self.measure(header.start, packed, method);
        let measured =
            measured.map_err(|fault| words(&format!("it cannot be unpacked: {fault}")))?;
        let end = header.start.saturating_add(measured.packed);
        let (is_whole, next) = if header.is_streamed {
            self.descriptor(end, &measured).map_or((false, end), |next| (true, next))
        } else {
            let same = measured.crc == header.crc && measured.plain == header.plain;
            (same && measured.packed == header.packed, end)
        };
        if !is_whole {
            return Err(words("its checksum does not hold"));
        }
        self.at = next;
        let member = Member { start: header.start, packed: measured.packed, method };
        Ok(Some((header.name, member)))
    }

    fn header(&mut self) -> Walked<Option<Header>> {
        let at = self.at;
        let cut = |_| format!("byte {at}: no whole header of a member");
        let mut fixed = [0; HEADER_BYTES];
        let magic = self.read_at(at, 4).map_err(cut)?;
        if magic == DIRECTORY_MAGIC {
            return Ok(None);
        }
        if magic != LOCAL_MAGIC {
            return Err(format!("byte {at}: no header of a member"));
        }
        fixed.copy_from_slice(&self.read_at(at, HEADER_BYTES).map_err(cut)?);
        let flags = u16_at(&fixed, 6);
        let (name_bytes, extra_bytes) = (u16_at(&fixed, 26), u16_at(&fixed, 28));
        let name_at = at.saturating_add(u64::try_from(HEADER_BYTES).unwrap_or(0));
        let name = self.read_at(name_at, usize::from(name_bytes)).map_err(cut)?;
        let extra_at = name_at.saturating_add(u64::from(name_bytes));
        let extra = self.read_at(extra_at, usize::from(extra_bytes)).map_err(cut)?;
        let (packed, plain) = sizes(u32_at(&fixed, 18), u32_at(&fixed, 22), &extra);
        Ok(Some(Header {
            name: name_of(&name),
            method: match u16_at(&fixed, 8) {
                0 => Some(Method::Stored),
                8 => Some(Method::Deflate),
                93 => Some(Method::Zstd),
                _ => None,
            },
            is_encrypted: flags & 1 != 0,
            is_streamed: flags & 8 != 0,
            crc: u32_at(&fixed, 14),
            packed,
            plain,
            start: extra_at.saturating_add(u64::from(extra_bytes)),
        }))
    }

    fn read_at(&mut self, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut read = vec![0; bytes];
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(&mut read)?;
        Ok(read)
    }

    /// Unpacks a member into nothing but its length and checksum.
    fn measure(&mut self, start: u64, packed: u64, method: Method) -> io::Result<Measure> {
        self.file.seek(SeekFrom::Start(start))?;
        let (input, count) = counted((&mut self.file).take(packed));
        let mut input = BufReader::new(input);
        let (plain, crc, taken) = match method {
            Method::Stored => {
                let (plain, crc) = sum(&mut input)?;
                (plain, crc, packed)
            }
            Method::Deflate => {
                let decoder = flate2::bufread::DeflateDecoder::new(input);
                let mut decoder = Growing { decoder, count };
                let (plain, crc) = sum(&mut decoder.bounded())?;
                (plain, crc, decoder.decoder.total_in())
            }
            Method::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(&mut input)?;
                let (plain, crc) = sum(&mut Bounded::growing(&mut decoder, count))?;
                (plain, crc, packed)
            }
        };
        Ok(Measure { packed: taken, plain, crc })
    }

    /// Returns where the next member begins if what stands behind the bytes says what they are.
    fn descriptor(&mut self, end: u64, measured: &Measure) -> Option<u64> {
        let magic = self.read_at(end, 4).ok()?;
        let from = if magic == DESCRIPTOR_MAGIC { end.checked_add(4)? } else { end };
        let short = self.read_at(from, 12).ok()?;
        if u32_at(&short, 0) != measured.crc {
            return None;
        }
        let said = (u64::from(u32_at(&short, 4)), u64::from(u32_at(&short, 8)));
        if said == (measured.packed, measured.plain) {
            return from.checked_add(12);
        }
        let long = self.read_at(from, 20).ok()?;
        let said = (u64_at(&long, 4), u64_at(&long, 12));
        (said == (measured.packed, measured.plain)).then(|| from.checked_add(20))?
    }
}

/// A decoder whose output stays in proportion to what it has taken.
struct Growing<R> {
    decoder: R,
    count: std::rc::Rc<std::cell::Cell<u64>>,
}

impl<R: Read> Growing<R> {
    fn bounded(&mut self) -> Bounded<&mut R> {
        Bounded::growing(&mut self.decoder, std::rc::Rc::clone(&self.count))
    }
}

/// Returns the length and the checksum of all that is to be read.
fn sum(input: &mut dyn Read) -> io::Result<(u64, u32)> {
    let mut crc = Crc::new();
    let mut plain = 0_u64;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let taken = input.read(&mut buffer)?;
        match buffer.get(..taken) {
            Some([]) | None => return Ok((plain, crc.sum())),
            Some(bytes) => crc.update(bytes),
        }
        plain = plain.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
    }
}

/// Returns packed and plain size; those of 4 GiB and more stand in an extra field, the plain one first.
fn sizes(packed: u32, plain: u32, extra: &[u8]) -> (u64, u64) {
    let mut wide = zip64_of(extra).unwrap_or_default().chunks_exact(8).map(|size| u64_at(size, 0));
    let mut size = |narrow: u32| match narrow {
        u32::MAX => wide.next().unwrap_or(u64::MAX),
        narrow => u64::from(narrow),
    };
    let plain = size(plain);
    (size(packed), plain)
}

fn zip64_of(mut extra: &[u8]) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let bytes = usize::from(u16_at(extra, 2));
        let (field, rest) = extra.split_at_checked(bytes.checked_add(4)?)?;
        if u16_at(field, 0) == ZIP64_FIELD {
            return field.get(4..);
        }
        extra = rest;
    }
    None
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
    found.copied().unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;

    /// A zip of members with 3,000 bytes of noise each; streamed ones have their sizes behind their bytes.
    fn zip(is_streamed: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let write = |zip: &mut dyn FnMut(&str, &[u8])| {
            let rng = chat::testing::SeededRng::new(23);
            for name in ["a.json", "b/c.json", "d.json"] {
                let noise: Vec<u8> =
                    (0..3_000).map(|_| u8::try_from(rng.next() >> 59).unwrap()).collect();
                zip(name, &noise);
            }
        };
        if is_streamed {
            let mut zip = zip::ZipWriter::new_stream(&mut bytes);
            write(&mut |name, noise| {
                zip.start_file(name, SimpleFileOptions::default()).unwrap();
                zip.write_all(noise).unwrap();
            });
            zip.finish().unwrap();
        } else {
            let mut zip = zip::ZipWriter::new(io::Cursor::new(&mut bytes));
            write(&mut |name, noise| {
                zip.start_file(name, SimpleFileOptions::default()).unwrap();
                zip.write_all(noise).unwrap();
            });
            zip.finish().unwrap();
        }
        bytes
    }

    fn salvaged(bytes: &[u8]) -> Result<Salvaged> {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(bytes).unwrap();
        Salvaged::open(file.path(), "no directory")
    }

    #[test]
    fn wherever_a_zip_is_cut_off_the_members_before_the_cut_are_saved() {
        for is_streamed in [false, true] {
            let whole = zip(is_streamed);
            let mut counts = Vec::new();
            for length in (0..whole.len()).step_by(37) {
                let saved = salvaged(&whole[..length]).unwrap();
                assert!(saved.fault().to_string().contains("cut off"));
                counts.push(saved.members.len());
            }
            assert!(counts.is_sorted(), "a longer piece never saves less");
            assert_eq!((counts.first(), counts.last()), (Some(&0), Some(&3)), "{is_streamed}");
        }
    }

    #[test]
    fn a_member_that_was_changed_is_not_believed() {
        let whole = zip(false);
        for at in (40..1_600).step_by(97) {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            drop(bytes.split_off(bytes.len() - 30));
            assert_eq!(salvaged(&bytes).unwrap().members.len(), 0, "byte {at}");
        }
    }

    #[test]
    fn names_are_judged_as_in_a_whole_zip() {
        let mut bytes = zip(false);
        let at = bytes.windows(6).position(|name| name == b"a.json").unwrap();
        bytes[at..at + 6].copy_from_slice(b"../son");
        assert!(matches!(salvaged(&bytes), Err(Error::MemberRefused { .. })));
    }
}
