//! What witnesses said of a checkpoint, kept beside its note: `checkpoints/<size>.cosigned` (docs/format.md §4).
//!
//! The file holds signature lines and nothing else; below the note they make a note again. Its loss takes no proof of the
//! log away, only the witnesses' word, which they keep as well.

use crate::archive::Archive;
use crate::durable;
use crate::error::{Error, Result};
use crate::proof::checkpoint::NOTE_BYTES_MAX;
use crate::signer::SignedCheckpoint;

const SUFFIX: &str = ".cosigned";

impl Archive {
    /// Keeps a witness's signature line for the checkpoint of this size, durably. Lines that are kept already are kept once.
    pub fn keep_cosignature(&self, size: u64, line: &str) -> Result<()> {
        let kept = self.cosignatures(size)?;
        if kept.contains(line) {
            return Ok(());
        }
        let path = self.path_of_cosignatures(size);
        durable::write(self.ports().disk.as_ref(), &path, format!("{kept}{line}").as_bytes())
    }

    /// Returns the signature lines of witnesses that are kept for the checkpoint of this size; empty if there are none.
    pub fn cosignatures(&self, size: u64) -> Result<String> {
        let path = self.path_of_cosignatures(size);
        let bytes_max = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = durable::read(self.ports().disk.as_ref(), &path, bytes_max)?;
        let text = String::from_utf8(bytes.unwrap_or_default());
        text.map_err(|_| Error::corrupt(&path, 0, "it is no text"))
    }

    /// Returns the newest checkpoint that any witness has cosigned, its note with their lines; nothing if there is none.
    pub fn newest_cosigned(&self) -> Result<Option<SignedCheckpoint>> {
        let names = durable::list(self.ports().disk.as_ref(), &self.folder.join("checkpoints"))?;
        let sizes = names.iter().filter_map(|name| name.strip_suffix(SUFFIX)?.parse::<u64>().ok());
        let Some(size) = sizes.max() else { return Ok(None) };
        let Some(signed) = self.checkpoint_at(size)? else { return Ok(None) };
        Ok(Some(SignedCheckpoint {
            note: signed.note.clone() + &self.cosignatures(size)?,
            ..signed
        }))
    }

    fn path_of_cosignatures(&self, size: u64) -> std::path::PathBuf {
        self.folder.join("checkpoints").join(format!("{size:020}{SUFFIX}"))
    }
}
