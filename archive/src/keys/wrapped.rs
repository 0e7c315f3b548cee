//! Secrets wrapped by the key-encryption key: `keys/epoch`, `keys/secret`, `keys/signing` (docs/format.md, "Keys").
//!
//! `magic (8) ‖ u8 count ‖ count × (u32 number ‖ 12-byte nonce ‖ 48 sealed bytes) ‖ CRC32C`. Each secret is sealed
//! with the associated data `magic ‖ archive id ‖ number`, so that no file can stand in for another.

use std::path::PathBuf;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use chat::{ArchiveId, Disk};

use super::{KeyPlace, Secret};
use crate::disk::Ports;
use crate::durable;
use crate::error::{Error, Result};

/// One kind of wrapped file: its name, and the magic that binds its secrets to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// The name in the folder `keys`.
    pub(super) name: &'static str,
    magic: [u8; 8],
}

/// The epoch key, which wraps the ring. Two of them stand here only while the ring is being replaced.
pub(super) const EPOCH: Kind = Kind { name: "epoch", magic: *b"mun-epoc" };
/// What the keys of blob names and origins are derived from.
pub(super) const SECRET: Kind = Kind { name: "secret", magic: *b"mun-secr" };
/// The seed of the signing key.
pub(super) const SIGNING: Kind = Kind { name: "signing", magic: *b"mun-sign" };

/// Read by its owner, written anew only by replacing the file.
const MODE: u32 = 0o400;
const FILE_BYTES_MAX: u64 = 4096;
/// Bytes of a sealed secret with its nonce: 12 + 32 + 16.
pub(super) const WRAPPED_BYTES: usize = 60;
const ITEM_BYTES: usize = 4 + WRAPPED_BYTES;

/// Wraps secrets and writes their file durably.
pub(super) fn write(
    ports: &Ports,
    place: &KeyPlace,
    kek: &Secret,
    kind: Kind,
    secrets: &[(u32, Secret)],
) -> Result<()> {
    let mut bytes = kind.magic.to_vec();
    bytes.push(u8::try_from(secrets.len()).expect("one or two secrets are wrapped at once"));
    for (number, secret) in secrets {
        bytes.extend_from_slice(&number.to_be_bytes());
        let associated = associated(kind, place.archive, *number);
        bytes.extend_from_slice(&wrap(ports, kek, secret, &associated)?);
    }
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    durable::write_secret(ports.disk.as_ref(), &place.folder.join(kind.name), &bytes, MODE)
}

/// Reads the secrets of a file, ascending by number.
pub(super) fn read(
    disk: &dyn Disk,
    place: &KeyPlace,
    kek: &Secret,
    kind: Kind,
) -> Result<Vec<(u32, Secret)>> {
    let path = place.folder.join(kind.name);
    let bytes = durable::read(disk, &path, FILE_BYTES_MAX)?
        .ok_or_else(|| Error::FileGone { path: path.clone(), seqs: None })?;
    let items = items(kind, &bytes)
        .ok_or_else(|| Error::corrupt(&path, 0, "its form or its checksum is wrong"))?;
    let mut secrets = Vec::with_capacity(items.len());
    for (number, wrapped) in items {
        let secret = unwrap(kek, wrapped, &associated(kind, place.archive, number));
        secrets.push((number, secret.ok_or_else(|| foreign(place, kind))?));
    }
    Ok(secrets)
}

/// Reads the one secret of a file.
pub(super) fn read_one(
    disk: &dyn Disk,
    place: &KeyPlace,
    kek: &Secret,
    kind: Kind,
) -> Result<Secret> {
    let path: PathBuf = place.folder.join(kind.name);
    let mut secrets = read(disk, place, kek, kind)?;
    match (secrets.pop(), secrets.is_empty()) {
        (Some((_, secret)), true) => Ok(secret),
        (Some(_) | None, _) => Err(Error::corrupt(&path, 8, "one secret is expected")),
    }
}

fn items(kind: Kind, bytes: &[u8]) -> Option<Vec<(u32, &[u8])>> {
    let (body, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_be_bytes(*checksum) {
        return None;
    }
    let (count, items) = body.strip_prefix(&kind.magic)?.split_first()?;
    let (items, left) = items.as_chunks::<ITEM_BYTES>();
    if !left.is_empty() || items.len() != usize::from(*count) {
        return None;
    }
    items
        .iter()
        .map(|item| {
            item.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
        })
        .collect()
}

fn foreign(place: &KeyPlace, kind: Kind) -> Error {
    Error::KeyForeign {
        path: super::kek_path(place),
        reason: format!("it does not open keys/{}", kind.name),
    }
}

fn associated(kind: Kind, archive: ArchiveId, number: u32) -> Vec<u8> {
    [kind.magic.as_slice(), archive.as_bytes(), &number.to_be_bytes()].concat()
}

/// Seals a secret under a fresh nonce: `nonce ‖ sealed bytes`.
pub(super) fn wrap(
    ports: &Ports,
    key: &Secret,
    secret: &Secret,
    associated: &[u8],
) -> Result<Vec<u8>> {
    let mut nonce = [0; 12];
    ports
        .rng
        .fill(&mut nonce)
        .map_err(|source| Error::Randomness { purpose: "a nonce", source })?;
    let mut sealed = Vec::with_capacity(WRAPPED_BYTES);
    sealed.extend_from_slice(secret.as_slice());
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(**key))
        .encrypt_in_place(&Nonce::from(nonce), associated, &mut sealed)
        .expect("32 bytes are within what AES-GCM can seal");
    sealed.splice(0..0, nonce);
    Ok(sealed)
}

/// Opens what [`wrap`] made, or nothing if the key or the associated data is another.
pub(super) fn unwrap(key: &Secret, wrapped: &[u8], associated: &[u8]) -> Option<Secret> {
    let (nonce, sealed) = wrapped.split_first_chunk::<12>()?;
    let mut opened = zeroize::Zeroizing::new(sealed.to_vec());
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(**key))
        .decrypt_in_place(&Nonce::from(*nonce), associated, &mut *opened)
        .ok()?;
    <[u8; 32]>::try_from(opened.as_slice()).ok().map(Secret::new)
}
