//! What may be set about an open archive, with the values that house.md §6 gives.

use std::path::PathBuf;

/// How an archive is kept. None of it changes what its bytes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the key-encryption key lies, if not in `keys/kek`.
    pub kek_file: Option<PathBuf>,
    /// Bytes of a journal file at which it is sealed.
    pub seal_bytes: u64,
    /// Age of a journal file at which it is sealed, in microseconds.
    pub seal_age_micros: i64,
    /// Bytes of the volume that content may not use: they are kept for audit and destruction.
    pub reserve_bytes: u64,
    /// Events after which a checkpoint is signed.
    pub checkpoint_events: u64,
    /// Seconds after which a checkpoint is signed if there is anything new.
    pub checkpoint_seconds: u64,
    /// Whether sealing, checkpoints and the catalog run by themselves. Without it they happen when they are asked for.
    pub runs_upkeep: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kek_file: None,
            seal_bytes: 64 << 20,
            seal_age_micros: 24 * 3_600 * 1_000_000,
            reserve_bytes: 256 << 20,
            checkpoint_events: 10_000,
            checkpoint_seconds: 60,
            runs_upkeep: true,
        }
    }
}
