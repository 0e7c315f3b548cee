//! Files on their way into the archive: bounded, hashed and durable before the event that names them.

use std::io::{self, Read};

use archive::Archive;
use chat::limits;

use crate::draft::FileContent;
use crate::error::{Error, Result};

/// Why a file is not taken.
const TOO_LARGE: &str = "it is larger than a file may be";

/// Passes bytes on up to a limit, and remembers whether it was their source that failed.
struct Watched<'a> {
    input: &'a mut dyn Read,
    left: u64,
    fault: Option<String>,
}

impl Read for Watched<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let outcome = self.input.read(out).and_then(|taken| {
            let left = self.left.checked_sub(u64::try_from(taken).unwrap_or(u64::MAX));
            self.left = left.ok_or_else(|| io::Error::other(TOO_LARGE))?;
            Ok(taken)
        });
        if let Err(fault) = &outcome {
            self.fault = Some(format!("its bytes could not be read: {fault}"));
        }
        outcome
    }
}

/// Puts the bytes into the archive's blob store; on return they are durable.
///
/// Bytes beyond the limit or that cannot be read leave the file missing, with the reason: its event is recorded all the
/// same. A failure of the archive itself is an error.
pub(crate) fn keep(archive: &Archive, content: &mut dyn Read) -> Result<FileContent> {
    let left = limits::ATTACHMENT_BYTES_MAX;
    let mut watched = Watched { input: content, left, fault: None };
    match archive.keep_file(&mut watched) {
        Ok(kept) => Ok(FileContent::Kept { file: kept.file, bytes: kept.bytes }),
        Err(source) => match watched.fault {
            Some(reason) => Ok(FileContent::Missing { reason, claimed_bytes: None }),
            None => Err(Error::Archive { source }),
        },
    }
}
