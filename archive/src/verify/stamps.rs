//! Time stamps: each that is kept still holds for its checkpoint.

use chat::Seq;

use super::report::{FindingKind, Findings};
use crate::archive::Archive;
use crate::proof::timestamp::Authorities;

/// Checks all time stamps; returns how many hold. Whether an authority is to be trusted is not a matter of the archive.
pub(super) fn verify(archive: &Archive, findings: &mut Findings) -> u64 {
    let kept = match archive.timestamps(&Authorities::default()) {
        Ok(kept) => kept,
        Err(error) => {
            findings.add_error(FindingKind::Checkpoint, &error);
            return 0;
        }
    };
    let mut held = 0_u64;
    for stamp in kept {
        match stamp.stamp {
            Ok(_) => held = held.saturating_add(1),
            Err(reason) => {
                let what = format!("the time stamp of {} events: {reason}", stamp.size);
                let seqs = Seq::new(stamp.size).map(|last| (Seq::FIRST, last));
                findings.add(FindingKind::Checkpoint, what, seqs);
            }
        }
    }
    held
}
