//! How the parts of an encrypted file are sealed and opened: each apart, bound to its file and its number (docs/format.md, "Parts").

use std::fmt;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use chat::Rng;

use super::Secret;
use crate::error::{Error, Result};

/// Bytes that sealing adds to a part: the tag of AES-GCM.
pub const SEAL_BYTES: usize = 16;

/// The id of an encrypted file, random; its data key is found in the ring under it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// Draws the id of a new file.
    pub(super) fn draw(rng: &dyn Rng) -> Result<Self> {
        let mut id = [0; 16];
        rng.fill(&mut id)
            .map_err(|source| Error::Randomness { purpose: "the id of a file", source })?;
        Ok(Self(id))
    }

    /// Takes an id from the header of a file.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes that stand in the header of the file.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// Seals the parts of one new file in order. No number is ever used twice, since the counter only moves up.
pub struct Sealer {
    id: KeyId,
    cipher: Aes256Gcm,
    next: u64,
}

impl Sealer {
    pub(super) fn new(id: KeyId, key: &Secret) -> Self {
        Self { id, cipher: cipher(key), next: 0 }
    }

    /// Returns the file's id, which its header must hold.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the number that the next part will have.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Seals a part in place, [`SEAL_BYTES`] longer afterwards, and returns its number: 0, 1, 2 …
    pub fn seal(&mut self, part: &mut Vec<u8>) -> u64 {
        let number = self.next;
        self.next = number.checked_add(1).expect("no file has 2⁶⁴ parts");
        self.cipher
            .encrypt_in_place(&nonce(number), &associated(self.id, number), part)
            .expect("a part is far below the 64 GiB that AES-GCM can seal at once");
        number
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sealer")
            .field("id", &self.id)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Opens the parts of one file, in any order and from any thread.
pub struct Opener {
    id: KeyId,
    cipher: Aes256Gcm,
}

impl Opener {
    pub(super) fn new(id: KeyId, key: &Secret) -> Self {
        Self { id, cipher: cipher(key) }
    }

    /// Opens a part in place, [`SEAL_BYTES`] shorter afterwards. Returns whether it is what was sealed in this file
    /// under this number; if not, nothing of it may be used.
    #[must_use]
    pub fn open(&self, number: u64, part: &mut Vec<u8>) -> bool {
        self.cipher.decrypt_in_place(&nonce(number), &associated(self.id, number), part).is_ok()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Opener").field("id", &self.id).finish_non_exhaustive()
    }
}

fn cipher(key: &Secret) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(**key))
}

/// The nonce is the part's number, 12 bytes big-endian: a data key serves one file, so no nonce repeats under it.
fn nonce(number: u64) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    for (at, byte) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
        *at = byte;
    }
    Nonce::from(nonce)
}

/// The associated data: file id ‖ u64 part number.
fn associated(id: KeyId, number: u64) -> [u8; 24] {
    let mut data = [0; 24];
    for (at, byte) in data.iter_mut().zip(id.0.into_iter().chain(number.to_be_bytes())) {
        *at = byte;
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Sealer, Opener) {
        let key = Secret::new([7; 32]);
        let id = KeyId::from_bytes([3; 16]);
        (Sealer::new(id, &key), Opener::new(id, &key))
    }

    #[test]
    fn a_sealed_part_opens_under_its_own_number_alone() {
        let (mut sealer, opener) = pair();
        let mut part = b"words".to_vec();
        assert_eq!(sealer.seal(&mut part), 0);
        assert_eq!(part.len(), 5 + SEAL_BYTES);
        assert!(!opener.open(1, &mut part.clone()));
        assert!(opener.open(0, &mut part));
        assert_eq!(part, b"words");
    }

    #[test]
    fn a_part_does_not_open_in_another_file() {
        let (mut sealer, _) = pair();
        let other = Opener::new(KeyId::from_bytes([4; 16]), &Secret::new([7; 32]));
        let mut part = Vec::new();
        sealer.seal(&mut part);
        assert!(!other.open(0, &mut part));
    }

    #[test]
    fn equal_parts_are_sealed_differently() {
        let (mut sealer, _) = pair();
        let (mut first, mut second) = (b"same".to_vec(), b"same".to_vec());
        sealer.seal(&mut first);
        sealer.seal(&mut second);
        assert_ne!(first, second);
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let (mut sealer, opener) = pair();
        let mut part = b"words".to_vec();
        sealer.seal(&mut part);
        for bit in 0..part.len() * 8 {
            let mut damaged = part.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!opener.open(0, &mut damaged), "bit {bit}");
        }
    }
}
