//! The SHA-256 of an input: of a file its bytes, of a folder the list of its files with their hashes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::format::Plan;
use crate::error::{Error, Result};

/// Returns the hash as 64 hex digits.
///
/// For a folder it is that of the lines `<hash of the file>  <name>` in byte order of the names, as `sha256sum` prints
/// them; links are no part of it.
pub(super) fn of_input(path: &Path, plan: &Plan) -> Result<String> {
    let unreadable = |fault| Error::unreadable(path, fault);
    if !path.is_dir() {
        return of_file(path).map_err(unreadable);
    }
    let mut list = Sha256::new();
    for name in plan.container().members() {
        let hash = of_file(&path.join(&name)).map_err(unreadable)?;
        list.update(format!("{hash}  {name}\n").as_bytes());
    }
    Ok(hex(list))
}

fn of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let taken = file.read(&mut buffer)?;
        match buffer.get(..taken) {
            Some([]) | None => return Ok(hex(hash)),
            Some(bytes) => hash.update(bytes),
        }
    }
}

fn hex(hash: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("a string takes what is written to it");
    }
    text
}
