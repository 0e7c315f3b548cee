//! The directory of a zip, read entry by entry: a name that stands in it twice is found, where a reader that keeps entries
//! by name would silently know one of the two only.

use std::collections::HashSet;
use std::io::{self, BufRead, Read as _, Seek, SeekFrom};

use chat::limits;

const ENTRY_MAGIC: [u8; 4] = *b"PK\x01\x02";
/// Bytes of an entry before its name.
const ENTRY_BYTES: usize = 46;

/// Returns the first name that stands twice in the directory that begins at this byte.
pub(super) fn repeated_name(
    input: &mut (impl BufRead + Seek),
    start: u64,
) -> io::Result<Option<Vec<u8>>> {
    input.seek(SeekFrom::Start(start))?;
    let mut names = HashSet::new();
    // One more than is allowed: that there are too many is said elsewhere.
    while names.len() <= limits::ZIP_MEMBERS_MAX {
        let mut entry = [0; ENTRY_BYTES];
        if !is_whole(input.read_exact(&mut entry))? || entry[..4] != ENTRY_MAGIC {
            break;
        }
        let number = |at: usize| usize::from(u16::from_le_bytes([entry[at], entry[at + 1]]));
        let mut name = vec![0; number(28)];
        if !is_whole(input.read_exact(&mut name))? {
            break;
        }
        let rest = u64::try_from(number(30) + number(32)).unwrap_or_default();
        io::copy(&mut input.by_ref().take(rest), &mut io::sink())?;
        if names.contains(&name) {
            return Ok(Some(name));
        }
        names.insert(name);
    }
    Ok(None)
}

/// Returns whether all bytes were there; only the end of the file is no fault of the disk.
fn is_whole(read: io::Result<()>) -> io::Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(fault) => Err(fault),
    }
}
