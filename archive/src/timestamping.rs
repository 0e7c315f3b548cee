//! RFC 3161 time stamps of checkpoints, kept beside their notes: `checkpoints/<size>.<hash>.tsr` (docs/format.md §4).
//!
//! A file holds one response of an authority as it came. Its loss takes no proof of the log away, only that authority's
//! word of when.

use crate::archive::Archive;
use crate::durable;
use crate::error::{Error, Result};
use crate::proof::timestamp::{self, Authorities, RESPONSE_BYTES_MAX, Stamp, StampRefusal};
use crate::proof::{Digest, hash, hex};

const SUFFIX: &str = ".tsr";
/// Bytes of the response's hash that its file is named by.
const NAME_BYTES: usize = 8;

/// A time stamp that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptStamp {
    /// Events of the checkpoint that it stamps.
    pub size: u64,
    /// The response as it came; empty where its file cannot be read.
    pub response: Vec<u8>,
    /// What it says, or why it says nothing any more.
    pub stamp: Result<Stamp, StampRefusal>,
}

impl Archive {
    /// Keeps an authority's response beside the checkpoint that it stamps, durably, and returns it checked. The same one
    /// is kept once. Refused if it stamps none of this archive's checkpoints, does not hold, or leads to none of the
    /// authorities where any is given.
    pub fn keep_timestamp(&self, response: &[u8], authorities: &Authorities) -> Result<KeptStamp> {
        let disk = self.ports().disk.as_ref();
        let mut sizes = self.signer.sizes(disk)?;
        sizes.sort_unstable();
        let mut refusal = StampRefusal::Homeless;
        for size in sizes.into_iter().rev() {
            let Ok(Some(signed)) = self.signer.at(disk, size) else { continue };
            match timestamp::check(response, &signed.note, self.public_key(), authorities) {
                Ok(stamp) if !authorities.is_empty() && !stamp.is_trusted => {
                    refusal = StampRefusal::Untrusted { authority: stamp.authority };
                    break;
                }
                Ok(stamp) => {
                    durable::write(disk, &self.path_of_timestamp(size, response), response)?;
                    return Ok(KeptStamp { size, response: response.to_vec(), stamp: Ok(stamp) });
                }
                Err(StampRefusal::Imprint { .. }) => {}
                Err(other) => {
                    refusal = other;
                    break;
                }
            }
        }
        Err(Error::StampRefused { reason: refusal })
    }

    /// Returns every time stamp that is kept, by ascending size, each checked again.
    pub fn timestamps(&self, authorities: &Authorities) -> Result<Vec<KeptStamp>> {
        let disk = self.ports().disk.as_ref();
        let folder = self.folder.join("checkpoints");
        let mut kept = Vec::new();
        for name in durable::list(disk, &folder)? {
            let Some(size) = size_of(&name) else { continue };
            let bytes_max = u64::try_from(RESPONSE_BYTES_MAX).unwrap_or(u64::MAX);
            // One file that is damaged, or grown beyond measure, must not hide the others.
            let (response, stamp) = match durable::read(disk, &folder.join(&name), bytes_max) {
                Ok(None) => continue,
                Ok(Some(response)) => {
                    let stamp = self.check_timestamp(size, &response, authorities);
                    (response, stamp)
                }
                Err(error) => {
                    (Vec::new(), Err(StampRefusal::Unreadable { cause: error.to_string() }))
                }
            };
            kept.push(KeptStamp { size, response, stamp });
        }
        kept.sort_by_key(|kept| kept.size);
        Ok(kept)
    }

    fn check_timestamp(
        &self,
        size: u64,
        response: &[u8],
        authorities: &Authorities,
    ) -> Result<Stamp, StampRefusal> {
        // A checkpoint that does not verify is found as such; its stamps must not hide the others'.
        let signed = self.signer.at(self.ports().disk.as_ref(), size).ok().flatten();
        let signed = signed.ok_or(StampRefusal::Homeless)?;
        timestamp::check(response, &signed.note, self.public_key(), authorities)
    }

    fn path_of_timestamp(&self, size: u64, response: &[u8]) -> std::path::PathBuf {
        let digest: Digest = hash::sha256(&[response]);
        let name = hex::encode(digest.get(..NAME_BYTES).unwrap_or_default());
        self.folder.join("checkpoints").join(format!("{size:020}.{name}{SUFFIX}"))
    }
}

fn size_of(name: &str) -> Option<u64> {
    let (digits, _) = name.strip_suffix(SUFFIX)?.split_once('.')?;
    let is_plain = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}
