//! Copies of files: read once, hashed while they are read, durable before they have their name.

use std::io::Read as _;
use std::path::Path;

use archive::disk::LocalDisk;
use archive::durable;
use chat::Disk as _;
use sha2::{Digest as _, Sha256};

use crate::auth::secret::hex;
use crate::problem::{Kind, Problem, Result};

/// Bytes copied at a time.
const STEP_BYTES: usize = 1 << 20;

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Copied {
    /// It is there, with this digest.
    Done(String),
    /// The source is gone, or shorter than it was.
    Moved,
}

/// Copies the first `bytes` of a file, durably. Folders on the way are made; a file of the name is replaced.
pub(super) fn copy(from: &Path, to: &Path, bytes: u64, mode: Option<u32>) -> Result<Copied> {
    let source = match std::fs::File::open(from) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Copied::Moved),
        Err(error) => return Err(Problem::of_path("read", from, &error)),
    };
    if let Some(folder) = to.parent() {
        durable::create_folder(&LocalDisk, folder)?;
    }
    let mut name = to.as_os_str().to_owned();
    name.push(durable::UNFINISHED);
    let unfinished = Path::new(&name);
    durable::remove_if_there(&LocalDisk, unfinished)?;
    let cannot = |what, error: std::io::Error| cannot_create(what, unfinished, &error);
    let target = LocalDisk.create(unfinished).map_err(|error| cannot("create", error))?;
    if let Some(mode) = mode {
        LocalDisk.restrict(unfinished, mode).map_err(|error| cannot("restrict", error))?;
    }
    let mut source = source.take(bytes);
    let (mut hash, mut done, mut step) = (Sha256::new(), 0_u64, vec![0; STEP_BYTES]);
    loop {
        let count =
            source.read(&mut step).map_err(|error| Problem::of_path("read", from, &error))?;
        if count == 0 {
            break;
        }
        hash.update(&step[..count]);
        target.write_all_at(done, &step[..count]).map_err(|error| cannot("write", error))?;
        done += u64::try_from(count).unwrap_or(0);
    }
    if done < bytes {
        durable::remove_if_there(&LocalDisk, unfinished)?;
        return Ok(Copied::Moved);
    }
    target.sync().map_err(|error| cannot("sync", error))?;
    durable::publish(&LocalDisk, unfinished, to)?;
    Ok(Copied::Done(hex(&hash.finalize())))
}

/// Returns the problem of an output that cannot be made.
pub(super) fn cannot_create(what: &str, path: &Path, error: &std::io::Error) -> Problem {
    let detail = format!("cannot {what} {}: {error}", path.display());
    Problem::new(Kind::CannotCreate, detail)
}
