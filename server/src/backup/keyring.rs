//! The folder of keys: never part of a backup, and replaced as a whole, so that a key that was destroyed is gone from it too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use archive::disk::LocalDisk;
use archive::durable;
use archive::keys::KeyId;
use rustix::fs::RenameFlags;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::copy::cannot_create;
use crate::auth::secret::hex;
use crate::problem::{Kind, Problem, Result};

/// The files of the folder, and the mode of each. The first is not there where the configuration keeps it elsewhere.
const FILES: [(&str, u32); 5] =
    [("kek", 0o400), ("epoch", 0o600), ("ring", 0o600), ("secret", 0o600), ("signing", 0o600)];
/// Bytes of one of them.
const BYTES_MAX: u64 = 1 << 30;
/// How often a folder is read again that changes while it is read.
const ATTEMPTS_MAX: usize = 20;

/// A copy of all keys, in memory alone.
pub(super) struct Keyring {
    files: BTreeMap<&'static str, Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Keyring").field("files", &self.files.keys()).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads a folder of keys. The epoch is read before and after the ring, since the two are replaced one after the other.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        for _ in 0..ATTEMPTS_MAX {
            let epoch = read(folder, "epoch")?;
            let mut files = BTreeMap::new();
            for (name, _) in FILES {
                if let Some(bytes) = read(folder, name)? {
                    files.insert(name, bytes);
                }
            }
            let is_steady = read(folder, "epoch")? == epoch && files.get("epoch") == epoch.as_ref();
            let lacks =
                ["epoch", "ring", "secret", "signing"].map(|name| !files.contains_key(name));
            if lacks.contains(&true) {
                let detail = format!("{} holds no keys of an archive", folder.display());
                return Err(Problem::new(Kind::Configuration, detail));
            }
            if is_steady {
                return Ok(Self { files });
            }
        }
        let detail = format!("the keys in {} change all the time; try again", folder.display());
        Err(Problem::new(Kind::Unavailable, detail))
    }

    /// Returns the digest by which a backup knows its keys.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"muniment keys v1\n");
        for (name, bytes) in &self.files {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes.as_slice());
        }
        hex(&hash.finalize())
    }

    /// Returns whether the key-encryption key is among them.
    pub(super) fn has_kek(&self) -> bool {
        self.files.contains_key("kek")
    }

    /// Returns the ids of the keys in the ring.
    pub(super) fn ids(&self) -> BTreeSet<KeyId> {
        self.files.get("ring").map(|ring| archive::backup::ring_ids(ring)).unwrap_or_default()
    }

    /// Writes the keys into a new folder, for its owner alone.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let cannot = |error: std::io::Error| cannot_create("make", folder, &error);
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(cannot)?;
        for (name, mode) in FILES {
            if let Some(bytes) = self.files.get(name) {
                durable::write_secret(&LocalDisk, &folder.join(name), bytes, mode)?;
            }
        }
        Ok(durable::sync_folder_of(&LocalDisk, folder)?)
    }

    /// Puts the keys in the place of those that a folder holds, in one step.
    pub(super) fn replace(&self, folder: &Path) -> Result<()> {
        let next = beside(folder, ".next");
        remove_keys(&next)?;
        self.write(&next)?;
        let here = rustix::fs::CWD;
        let moved = match std::fs::symlink_metadata(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                rustix::fs::renameat(here, &next, here, folder)
            }
            Err(error) => return Err(Problem::of_path("read", folder, &error)),
            Ok(_) => rustix::fs::renameat_with(here, &next, here, folder, RenameFlags::EXCHANGE),
        };
        moved.map_err(|error| cannot_create("replace", folder, &error.into()))?;
        durable::sync_folder_of(&LocalDisk, folder)?;
        remove_keys(&next)
    }
}

/// Refuses a folder that holds anything but keys: it is about to be replaced.
pub(super) fn check(folder: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot_create("read", folder, &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| Problem::of_path("read", folder, &error))?;
        let name = entry.file_name();
        if !FILES.iter().any(|(known, _)| name == *known) {
            let detail = format!(
                "{} holds {}, which is no key; the folder is replaced as a whole, so name one of its own",
                folder.display(),
                name.display()
            );
            return Err(Problem::new(Kind::CannotCreate, detail));
        }
    }
    Ok(())
}

/// Removes a folder of keys that is no longer needed: the known files, then the folder.
fn remove_keys(folder: &Path) -> Result<()> {
    for (name, _) in FILES {
        durable::remove_if_there(&LocalDisk, &folder.join(name))?;
        let unfinished = format!("{name}{}", durable::UNFINISHED);
        durable::remove_if_there(&LocalDisk, &folder.join(unfinished))?;
    }
    match std::fs::remove_dir(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Problem::of_path("remove", folder, &error))
        }
        _ => Ok(()),
    }
}

fn read(folder: &Path, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let bytes = durable::read(&LocalDisk, &folder.join(name), BYTES_MAX)?;
    Ok(bytes.map(Zeroizing::new))
}

/// Returns the path with something behind its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
