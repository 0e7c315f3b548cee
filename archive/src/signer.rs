//! The signer: checkpoints, one file each, stored durably before they are handed out (proof.md §6).

use std::path::{Path, PathBuf};

use chat::{Disk, Family, Timestamp};
use parking_lot::Mutex;

use crate::durable;
use crate::error::{Error, Result};
use crate::fuse::whole_message;
use crate::proof::tree::Frontier;
use crate::proof::{Checkpoint, SigningKey, VerifierKey};

const SUFFIX: &str = ".note";

/// A checkpoint and the note that carries its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Size and root of the log.
    pub checkpoint: Checkpoint,
    /// The C2SP signed note, signature lines included.
    pub note: String,
    /// When the newest event that it covers was recorded: it was signed after that. Nothing where that event is destroyed or
    /// cannot be read, or there is none. The note itself holds no time.
    pub at: Option<Timestamp>,
}

/// Signs checkpoints of one archive. It never signs a smaller size, nor another root for the same one.
#[derive(Debug)]
pub(crate) struct Signer {
    key: SigningKey,
    folder: PathBuf,
    newest: Mutex<Newest>,
    /// Checkpoints above the newest that can be read: what is wrong with them.
    damaged: Vec<String>,
}

#[derive(Debug)]
struct Newest {
    signed: Option<SignedCheckpoint>,
    /// The largest size that was ever signed, be its note damaged since: nothing up to it is signed again.
    size: u64,
}

impl Signer {
    /// Opens the folder of checkpoints and reads the newest.
    pub(crate) fn open(disk: &dyn Disk, folder: PathBuf, key: SigningKey) -> Result<Self> {
        // A name that a crash left unsynced is made durable before the checkpoint is handed out again.
        disk.sync_folder(&folder).map_err(Error::io("sync folder", &folder))?;
        let names = durable::list(disk, &folder)?;
        let mut sizes: Vec<u64> = names.iter().filter_map(|name| size_of(name)).collect();
        sizes.sort_unstable();
        let size = sizes.last().copied().unwrap_or(0);
        let (mut signed, mut damaged) = (None, Vec::new());
        while let Some(size) = sizes.pop().filter(|_| signed.is_none()) {
            match load(disk, &folder, key.verifier_key(), size) {
                Ok(found) => signed = found,
                Err(error) if error.family() == Family::Corrupt => {
                    tracing::error!(%error, "a checkpoint is damaged; an older one stands in for it");
                    damaged.push(whole_message(&error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Self { key, folder, newest: Mutex::new(Newest { signed, size }), damaged })
    }

    /// Returns the newest checkpoint that can be read, if there is one.
    pub(crate) fn newest(&self) -> Option<SignedCheckpoint> {
        self.newest.lock().signed.clone()
    }

    /// Returns the largest size that was ever signed, be its note damaged since.
    pub(crate) fn size(&self) -> u64 {
        self.newest.lock().size
    }

    /// Returns what is wrong with the checkpoints that are newer than the newest that can be read.
    pub(crate) fn damaged(&self) -> &[String] {
        &self.damaged
    }

    /// Returns the checkpoint of a size, if one was signed.
    pub(crate) fn at(&self, disk: &dyn Disk, size: u64) -> Result<Option<SignedCheckpoint>> {
        load(disk, &self.folder, self.key.verifier_key(), size)
    }

    /// Returns the sizes of all checkpoints that are stored, ascending.
    pub(crate) fn sizes(&self, disk: &dyn Disk) -> Result<Vec<u64>> {
        let names = durable::list(disk, &self.folder)?;
        Ok(names.iter().filter_map(|name| size_of(name)).collect())
    }

    /// Signs the present size and root, and stores the note durably; returns the newest if it covers as much.
    ///
    /// A size whose note is damaged is not signed again. Until the log has grown, the newest note that can be read stands in
    /// for it; fails if there is none.
    pub(crate) fn sign(&self, disk: &dyn Disk, tree: &Frontier) -> Result<SignedCheckpoint> {
        let mut newest = self.newest.lock();
        let signed_size = newest.signed.as_ref().map(|signed| signed.checkpoint.size);
        if signed_size.is_some_and(|size| size >= tree.size())
            || 0 < tree.size() && tree.size() <= newest.size
        {
            let path = path_of(&self.folder, newest.size);
            let gone =
                || Error::corrupt(&path, 0, "the only checkpoint of so many events is damaged");
            return newest.signed.clone().ok_or_else(gone);
        }
        let origin = self.key.verifier_key().name().to_owned();
        let checkpoint = Checkpoint { origin, size: tree.size(), root: tree.root() };
        let note = self.key.sign(&checkpoint).map_err(|reason| Error::Refused {
            object: format!("a checkpoint of {} events", tree.size()),
            reason,
        })?;
        durable::write(disk, &path_of(&self.folder, tree.size()), note.as_bytes())?;
        let signed = SignedCheckpoint { checkpoint, note, at: None };
        *newest = Newest { size: tree.size(), signed: Some(signed.clone()) };
        Ok(signed)
    }

    /// Signs another text than a checkpoint.
    pub(crate) fn sign_text(&self, text: &str) -> Result<String> {
        self.key
            .sign_text(text)
            .map_err(|reason| Error::Refused { object: "the text to be signed".to_owned(), reason })
    }
}

fn load(
    disk: &dyn Disk,
    folder: &Path,
    key: &VerifierKey,
    size: u64,
) -> Result<Option<SignedCheckpoint>> {
    let path = path_of(folder, size);
    let bytes_max = u64::try_from(crate::proof::checkpoint::NOTE_BYTES_MAX).unwrap_or(u64::MAX);
    let Some(bytes) = durable::read(disk, &path, bytes_max)? else { return Ok(None) };
    let note = String::from_utf8(bytes).map_err(|_| Error::corrupt(&path, 0, "it is no text"))?;
    let checkpoint = key.open(&note).map_err(|refusal| {
        Error::corrupt(&path, 0, format!("the checkpoint does not verify ({refusal})"))
    })?;
    if checkpoint.size != size {
        return Err(Error::corrupt(&path, 0, format!("it is of {} events", checkpoint.size)));
    }
    Ok(Some(SignedCheckpoint { checkpoint, note, at: None }))
}

fn path_of(folder: &Path, size: u64) -> PathBuf {
    folder.join(format!("{size:020}{SUFFIX}"))
}

fn size_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let plain = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}
