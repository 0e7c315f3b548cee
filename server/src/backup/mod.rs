//! Backups: a folder that holds the log up to a checkpoint and no key, and a folder that holds the keys and nothing else.
//!
//! What is copied is sealed, so it is copied as it lies, by the user who asks, while the server goes on; only the checkpoint
//! is the server's. A run that is interrupted leaves the backup before it whole: files are added beside those of the
//! earlier one, the new list is written under another name, the keys are exchanged in one step, the list gets its name,
//! and only then what no list names is removed. A restore takes the list that belongs to the keys it is given.

mod copy;
mod keyring;
mod manifest;
mod restore;
mod take;

pub(crate) use restore::{Restore, restore};
pub(crate) use take::{AUTH as AUTH_COPY, Take, check_places as check, take};
