//! Blobs as local files: `blobs/ab/<64 hex digits>`, the digits being the HMAC of the content's hash.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chat::limits::ATTACHMENT_BYTES_MAX;
use chat::{ArchiveId, DiskFile, FileId};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::KeptFile;
use super::content::{Content, Parts};
use super::layout::{
    CONTENT_BYTES_MAX, HEADER_BYTES, LAST, MORE, decode_header, encode_header, frame,
};
use crate::disk::Ports;
use crate::durable;
use crate::error::{Error, Result};
use crate::keys::{KeyId, Keys, Sealer, Secret};

/// The blobs of one archive. May be used from any thread.
#[derive(Debug)]
pub(crate) struct LocalBlobs {
    ports: Ports,
    keys: Arc<Keys>,
    archive: ArchiveId,
    folder: PathBuf,
    name_key: Secret,
    count: AtomicU64,
    bytes: AtomicU64,
}

impl LocalBlobs {
    /// Opens the folder, counts what is there and removes what a crash has left unfinished.
    pub(crate) fn open(
        ports: &Ports,
        keys: &Arc<Keys>,
        archive: ArchiveId,
        folder: PathBuf,
    ) -> Result<Self> {
        let blobs = Self {
            ports: ports.clone(),
            keys: Arc::clone(keys),
            archive,
            folder,
            name_key: keys.blob_name_key(),
            count: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        };
        let disk = blobs.ports.disk.as_ref();
        for name in durable::list(disk, &blobs.folder)? {
            if name.ends_with(durable::UNFINISHED) {
                durable::remove_if_there(disk, &blobs.folder.join(name))?;
            }
        }
        for name in blobs.names()? {
            let path = blobs.path_of_name(&name);
            let file = disk.open_read(&path).map_err(Error::io("open", &path))?;
            blobs.add(file.len().map_err(Error::io("measure", &path))?);
        }
        Ok(blobs)
    }

    fn add(&self, bytes: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns how many blobs there are, and their bytes on disk.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.count.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Returns the names of all blobs, in order.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let disk = self.ports.disk.as_ref();
        let mut names = Vec::new();
        for folder in durable::list(disk, &self.folder)? {
            if folder.len() == 2 {
                let found = durable::list(disk, &self.folder.join(&folder))?;
                names.extend(
                    found.into_iter().filter(|name| name.starts_with(&folder) && is_name(name)),
                );
            }
        }
        Ok(names)
    }

    /// Returns the ids of all blobs' keys. Fails if a blob's header is damaged.
    pub(crate) fn keys(&self) -> Result<Vec<KeyId>> {
        let disk = self.ports.disk.as_ref();
        let mut keys = Vec::new();
        for name in self.names()? {
            let path = self.path_of_name(&name);
            let file = disk.open_read(&path).map_err(Error::io("open", &path))?;
            let mut header = [0; HEADER_BYTES];
            file.read_exact_at(0, &mut header).map_err(Error::io("read", &path))?;
            let key = decode_header(&header, self.archive);
            keys.push(key.ok_or_else(|| Error::corrupt(&path, 0, "its header is damaged"))?);
        }
        Ok(keys)
    }

    /// Keeps the bytes of a file. On return they are durable. Bytes that are kept already are not written again.
    pub(crate) fn keep(&self, content: &mut dyn Read) -> Result<KeptFile> {
        let mut first = Vec::new();
        let is_whole = read_part(content, &mut first)?;
        if is_whole {
            let kept = FileId::from_bytes(Sha256::digest(&first).into());
            let bytes = u64::try_from(first.len()).unwrap_or(u64::MAX);
            if self.is_held(&kept)? {
                return Ok(KeptFile { file: kept, bytes, was_known: true });
            }
        }
        let sealer = self.keys.new_file()?;
        durable::create_folder(self.ports.disk.as_ref(), &self.folder)?;
        let key = sealer.id();
        let unfinished = self.folder.join(format!("{key:?}{}", durable::UNFINISHED));
        let written = self.write(&unfinished, sealer, (first, is_whole), content);
        let kept =
            written.and_then(|(kept, disk_bytes)| self.publish(&unfinished, kept, disk_bytes));
        if kept.as_ref().map_or(true, |kept| kept.was_known) {
            self.keys.retire(&[key]);
        }
        if kept.is_err() {
            // The first failure is the one to report; what is left over goes at the next start.
            durable::remove_if_there(self.ports.disk.as_ref(), &unfinished).ok();
        }
        kept
    }

    /// Writes all parts under an unfinished name and syncs them; returns what was written and its bytes on disk.
    fn write(
        &self,
        path: &Path,
        mut sealer: Sealer,
        (mut part, mut is_last): (Vec<u8>, bool),
        content: &mut dyn Read,
    ) -> Result<(KeptFile, u64)> {
        let file = self.ports.disk.create(path).map_err(Error::io("create", path))?;
        let mut hasher = Sha256::new();
        let mut bytes = 0_u64;
        let mut end = append(file.as_ref(), path, 0, &encode_header(self.archive, sealer.id()))?;
        loop {
            hasher.update(&part);
            bytes = bytes.saturating_add(part.len().try_into().unwrap_or(u64::MAX));
            if bytes > ATTACHMENT_BYTES_MAX {
                return Err(Error::FileTooLarge { limit: ATTACHMENT_BYTES_MAX });
            }
            let mut next = Vec::new();
            let next_is_last = if is_last { true } else { read_part(content, &mut next)? };
            part.insert(0, if is_last { LAST } else { MORE });
            sealer.seal(&mut part);
            end = append(file.as_ref(), path, end, &frame(&part))?;
            end = append(file.as_ref(), path, end, &part)?;
            if is_last {
                break;
            }
            (part, is_last) = (next, next_is_last);
        }
        file.sync().map_err(Error::io("sync", path))?;
        let file = FileId::from_bytes(hasher.finalize().into());
        Ok((KeptFile { file, bytes, was_known: false }, end))
    }

    fn publish(&self, unfinished: &Path, kept: KeptFile, disk_bytes: u64) -> Result<KeptFile> {
        let disk = self.ports.disk.as_ref();
        if self.is_held(&kept.file)? {
            durable::remove_if_there(disk, unfinished)?;
            return Ok(KeptFile { was_known: true, ..kept });
        }
        let path = self.path_of_name(&self.name(&kept.file));
        if let Some(folder) = path.parent() {
            durable::create_folder(disk, folder)?;
        }
        durable::publish(disk, unfinished, &path)?;
        self.add(disk_bytes);
        Ok(kept)
    }

    /// Returns the content of a file, or nothing if it is not kept or its key has been destroyed.
    pub(crate) fn content(&self, file: &FileId) -> Result<Option<Content>> {
        Ok(self.parts(&self.name(file))?.map(|parts| Content::new(parts, *file)))
    }

    fn is_held(&self, file: &FileId) -> Result<bool> {
        Ok(self.parts(&self.name(file))?.is_some())
    }

    /// Reads a blob whole and compares its content with its name. Returns its bytes; fails if anything of it is damaged.
    pub(crate) fn check(&self, name: &str) -> Result<u64> {
        let path = self.path_of_name(name);
        let Some(mut parts) = self.parts(name)? else {
            return Err(Error::corrupt(&path, 0, "its key is not among the keys"));
        };
        let mut hasher = Sha256::new();
        let mut bytes = 0_u64;
        while let Some(part) = parts.next()? {
            hasher.update(&part);
            bytes = bytes.saturating_add(part.len().try_into().unwrap_or(u64::MAX));
        }
        if self.name(&FileId::from_bytes(hasher.finalize().into())) == name {
            Ok(bytes)
        } else {
            Err(Error::corrupt(&path, 0, "its content is not the one that its name is made of"))
        }
    }

    fn parts(&self, name: &str) -> Result<Option<Parts>> {
        let path = self.path_of_name(name);
        let file = match self.ports.disk.open_read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("open", &path)(error)),
        };
        let file_bytes = file.len().map_err(Error::io("measure", &path))?;
        let mut header = [0; HEADER_BYTES];
        if file_bytes < HEADER_BYTES.try_into().unwrap_or(u64::MAX) {
            return Err(Error::corrupt(&path, 0, "the file is cut short"));
        }
        file.read_exact_at(0, &mut header).map_err(Error::io("read", &path))?;
        let key = decode_header(&header, self.archive);
        let key = key.ok_or_else(|| Error::corrupt(&path, 0, "its header is damaged"))?;
        let opener = self.keys.opener(key)?;
        Ok(opener.map(|opener| Parts::new(path, file, file_bytes, opener)))
    }

    /// Returns the name that a file's bytes have: without the key, nobody can tell from it what they are.
    pub(crate) fn name(&self, file: &FileId) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(self.name_key.as_slice());
        let mut mac = mac.expect("HMAC takes a key of any length");
        mac.update(file.as_bytes());
        FileId::from_bytes(mac.finalize().into_bytes().into()).to_string()
    }

    fn path_of_name(&self, name: &str) -> PathBuf {
        self.folder.join(name.get(..2).unwrap_or("00")).join(name)
    }
}

fn is_name(name: &str) -> bool {
    name.parse::<FileId>().is_ok()
}

/// Fills a part from a file's content; returns whether that was all of it.
fn read_part(content: &mut dyn Read, part: &mut Vec<u8>) -> Result<bool> {
    let most = u64::try_from(CONTENT_BYTES_MAX).unwrap_or(u64::MAX);
    let read = content.take(most).read_to_end(part).map_err(|source| Error::Content { source })?;
    Ok(read < CONTENT_BYTES_MAX)
}

fn append(file: &dyn DiskFile, path: &Path, at: u64, bytes: &[u8]) -> Result<u64> {
    file.write_all_at(at, bytes).map_err(Error::io("write", path))?;
    Ok(at.saturating_add(bytes.len().try_into().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests;
