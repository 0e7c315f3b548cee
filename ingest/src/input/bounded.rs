//! Readers that stop a bomb: what is unpacked stays in proportion to what was packed.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use chat::limits;

use crate::error::{Error, Result};

/// Bytes that anything may grow to, however little was packed.
const GROWTH_BYTES_MIN: u64 = 16 << 20;

/// Counts the packed bytes that an unpacking reader has taken.
#[derive(Debug)]
pub(super) struct Counted<R> {
    input: R,
    count: Rc<Cell<u64>>,
}

/// Returns a reader and its count.
pub(super) fn counted<R>(input: R) -> (Counted<R>, Rc<Cell<u64>>) {
    let count = Rc::new(Cell::new(0));
    (Counted { input, count: Rc::clone(&count) }, count)
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let taken = self.input.read(out)?;
        self.count.set(self.count.get().saturating_add(u64::try_from(taken).unwrap_or(u64::MAX)));
        Ok(taken)
    }
}

/// What is unpacked is out of proportion.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "it unpacks to more than {} times its size; it may be made to exhaust the reader",
    limits::ZIP_RATIO_MAX
)]
struct Bomb;

/// Passes unpacked bytes on until they are out of proportion.
#[derive(Debug)]
pub(super) struct Bounded<R> {
    plain: R,
    packed: Rc<Cell<u64>>,
    yielded: u64,
}

impl<R> Bounded<R> {
    /// Allows [`limits::ZIP_RATIO_MAX`] times as many bytes as were packed, whose count grows as they are taken.
    pub(super) const fn growing(plain: R, packed: Rc<Cell<u64>>) -> Self {
        Self { plain, packed, yielded: 0 }
    }

    /// Allows as much for a number of packed bytes known before.
    pub(super) fn known(plain: R, packed: u64) -> Self {
        Self::growing(plain, Rc::new(Cell::new(packed)))
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let taken = self.plain.read(out)?;
        self.yielded = self.yielded.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        let allowed = self.packed.get().saturating_mul(limits::ZIP_RATIO_MAX).max(GROWTH_BYTES_MIN);
        if self.yielded > allowed {
            return Err(io::Error::new(io::ErrorKind::InvalidData, Bomb));
        }
        Ok(taken)
    }
}

/// Reads a document that has to be held whole, up to its limit; says whether it was longer, and what ended it early. One
/// that unpacks out of proportion is no document but an attack on the reader, and refused by its name.
pub(crate) fn bounded_document(
    input: &mut dyn Read,
    name: &str,
) -> Result<(Vec<u8>, Option<String>)> {
    let mut bytes = Vec::new();
    let outcome = input.take(limits::DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes);
    let bomb = outcome.as_ref().err().and_then(|fault| fault.get_ref()?.downcast_ref::<Bomb>());
    if let Some(bomb) = bomb {
        return Err(Error::MemberRefused {
            member: name.to_owned(),
            fault: bomb.to_string(),
            allowed: format!("{} times its size", limits::ZIP_RATIO_MAX),
        });
    }
    let allowed = usize::try_from(limits::DOCUMENT_BYTES_MAX).unwrap_or(usize::MAX);
    let fault = match outcome {
        Err(fault) => Some(fault.to_string()),
        Ok(_) if bytes.len() > allowed => {
            Some(format!("it is longer than {} bytes", limits::DOCUMENT_BYTES_MAX))
        }
        Ok(_) => None,
    };
    bytes.truncate(allowed);
    Ok((bytes, fault))
}
