//! A streamed input on its way to the spool: bounded, and with no name that leads out of it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use axum::body::Body;
use chat::limits;
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::problem::{Kind, Problem, Result};

/// Writes a body to a new file and refuses more than so many bytes.
pub(super) async fn spool(body: Body, path: &Path, bytes_max: u64) -> Result<()> {
    let fault = |error: io::Error| Problem::of_path("write", path, &error);
    let mut file = tokio::fs::File::create_new(path).await.map_err(fault)?;
    let mut body = body;
    let mut written = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(Kind::BadRequest, format!("the input broke off: {error}"))
        })?;
        let Ok(bytes) = frame.into_data() else { continue };
        written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if written > bytes_max {
            let detail = format!("the input is over {bytes_max} bytes (limits.import_bytes_max)");
            return Err(Problem::new(Kind::TooLarge, detail).with("limit", bytes_max));
        }
        file.write_all(&bytes).await.map_err(fault)?;
    }
    file.flush().await.map_err(fault)
}

/// Unpacks a bundle (`input/…`, `attachments/…`) into a folder of the spool. Returns the input and the attachments.
pub(super) fn unbundle(
    zip: &Path,
    folder: &Path,
    bytes_max: u64,
) -> Result<(PathBuf, Option<PathBuf>)> {
    let bad = |detail: String| Problem::new(Kind::BadData, format!("the bundled input: {detail}"));
    let file = File::open(zip).map_err(|error| Problem::of_path("read", zip, &error))?;
    let mut bundle = zip::ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    if bundle.len() > limits::ZIP_MEMBERS_MAX {
        return Err(bad(format!(
            "{} members, at most {} are taken",
            bundle.len(),
            limits::ZIP_MEMBERS_MAX
        )));
    }
    let mut left = bytes_max;
    for index in 0..bundle.len() {
        let mut member = bundle.by_index(index).map_err(|error| bad(error.to_string()))?;
        if member.is_dir() {
            continue;
        }
        let name = member.name().map_err(|error| bad(error.to_string()))?.into_owned();
        let name = plain(&name).ok_or_else(|| bad(format!("the name {name:?} leads out of it")))?;
        let path = folder.join(name);
        let written = write_member(&mut member, &path, left)
            .map_err(|error| Problem::of_path("write", &path, &error))?;
        left = left.checked_sub(written).ok_or_else(|| {
            Problem::new(Kind::TooLarge, format!("the input is over {bytes_max} bytes"))
                .with("limit", bytes_max)
        })?;
    }
    let mut inputs = std::fs::read_dir(folder.join("input"))
        .map_err(|_| bad("it has no folder input/".to_owned()))?
        .flatten();
    let input = inputs.next().ok_or_else(|| bad("its folder input/ is empty".to_owned()))?.path();
    let attachments = folder.join("attachments");
    Ok((input, attachments.is_dir().then_some(attachments)))
}

/// Writes a member; one byte more than allowed is read at most, so that the caller sees the excess.
fn write_member(member: &mut impl io::Read, path: &Path, bytes_max: u64) -> io::Result<u64> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = File::create_new(path)?;
    io::copy(&mut member.take(bytes_max.saturating_add(1)), &mut file)
}

/// Returns a member's name as a path, if all its parts are plain names.
fn plain(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let depth = path.components().count();
    let fits =
        is_plain && depth > 0 && depth <= limits::ZIP_DEPTH_MAX * 4 && !name.contains(['\\', '\0']);
    fits.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_that_climbs_is_refused() {
        assert!(plain("input/a/b.json").is_some());
        for name in ["../a", "/a", "input/../../a", "a\\b", "", "a\0"] {
            assert!(plain(name).is_none(), "{name:?}");
        }
    }
}
