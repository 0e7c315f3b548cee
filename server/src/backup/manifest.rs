//! The list of a backup: `backup.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::problem::{Kind, Problem, Result};

/// The list of the backup that holds.
pub(super) const NAME: &str = "backup.json";
/// The list of a backup whose keys may not have been put in place yet.
pub(super) const NEXT: &str = "backup.next.json";
/// What the list says it is.
pub(super) const FORM: &str = "muniment backup 1";
/// Bytes of a list.
const BYTES_MAX: u64 = 1 << 30;

/// Everything that a backup holds, and what it must be again when it is restored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Says that it is such a list.
    pub(super) form: String,
    /// The archive.
    pub(crate) archive_id: String,
    /// The key that its checkpoints are verified with.
    pub(crate) public_key: String,
    /// When the backup was begun, on the archive's clock.
    pub(crate) taken_at: String,
    /// The signed checkpoint that it reaches.
    pub(crate) checkpoint: String,
    /// Events that the checkpoint covers.
    pub(crate) size: u64,
    /// Events of each room among the first so many.
    pub(crate) counted: Counted,
    /// Digest of the folder of keys that opens it.
    pub(super) keys_sha256: String,
    /// The files.
    pub(super) files: Vec<File>,
}

/// How many events each room had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    /// Among the first so many events of the log.
    pub(crate) events: u64,
    /// By the id of the room.
    pub(crate) rooms: BTreeMap<String, u64>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Where it belongs in a data directory.
    pub(super) path: String,
    /// Where it lies in the backup.
    pub(super) stored: String,
    /// Its bytes.
    pub(super) bytes: u64,
    /// Their SHA-256.
    pub(super) sha256: String,
}

impl Manifest {
    /// Reads a list; nothing if there is none of this name.
    pub(super) fn read(folder: &Path, name: &str) -> Result<Option<Self>> {
        let path = folder.join(name);
        let disk = archive::disk::LocalDisk;
        let Some(bytes) = archive::durable::read(&disk, &path, BYTES_MAX)? else {
            return Ok(None);
        };
        let read: Self = serde_json::from_slice(&bytes).map_err(|error| {
            let detail = format!("{} is no list of a backup: {error}", path.display());
            Problem::new(Kind::BadData, detail)
        })?;
        if read.form != FORM {
            let detail =
                format!("{} is of the form {:?}, {FORM:?} is read", path.display(), read.form);
            return Err(Problem::new(Kind::BadData, detail));
        }
        let strange =
            read.files.iter().find(|file| !is_plain(&file.path) || !is_plain(&file.stored));
        match strange {
            Some(file) => {
                let detail =
                    format!("{} names {:?}, which leads elsewhere", path.display(), file.path);
                Err(Problem::new(Kind::BadData, detail))
            }
            None => Ok(Some(read)),
        }
    }

    /// Writes the list whole or not at all.
    pub(super) fn write(&self, folder: &Path, name: &str) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| Problem::of(Kind::Internal, &error))?;
        Ok(archive::durable::write(&archive::disk::LocalDisk, &folder.join(name), &text)?)
    }
}

/// Returns whether a path stays within its folder.
fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
        && !path.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn a_list_cannot_name_a_file_outside_of_its_folder() {
        assert!(is_plain("segments/1-9-0.talk"));
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/"] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
