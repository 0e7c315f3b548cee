//! Files on their way into the archive.

use std::io::Read;

use archive::Archive;

use crate::draft::FileContent;
use crate::error::Result;

/// Returns a file as missing: this archive has no store of files.
#[expect(clippy::unnecessary_wraps, reason = "taking a file in can fail")]
pub(crate) fn keep(_archive: &Archive, _content: &mut dyn Read) -> Result<FileContent> {
    let reason = "this archive has no store of files".to_owned();
    Ok(FileContent::Missing { reason, claimed_bytes: None })
}
