//! The user's own files on their way to and from a server: an input as a stream, a package as a file or folder.
//!
//! A folder, or an input with a folder of attachments, travels as a zip without compression (`input/…`,
//! `attachments/…`); a single file travels as it is. A package arrives as a zip and gets its name only when it is whole.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::Response;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio_util::io::ReaderStream;
use zip::write::SimpleFileOptions;

use crate::problem::{Kind, Problem, Result};

/// The media type of a bundled input.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.muniment.import+zip";
/// Bytes between the thread that packs and the connection that sends.
const PIPE_BYTES: usize = 1 << 20;

/// Returns the bytes of a file as a body.
pub(crate) fn file(path: &Path) -> Result<Body> {
    let file = File::open(path).map_err(|error| Problem::of_path("read", path, &error))?;
    Ok(Body::from_stream(ReaderStream::with_capacity(tokio::fs::File::from_std(file), 1 << 18)))
}

/// Returns standard input as a body.
pub(crate) fn standard_input() -> Body {
    crate::api::show::streamed(Box::new(io::stdin()))
}

/// Packs an input and its attachments while they are sent. If packing fails the stream ends without the zip's
/// directory, so that the server refuses it as truncated instead of taking a part for the whole.
pub(crate) fn stream(input: &Path, attachments: Option<PathBuf>, is_stream: bool) -> Body {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let pipe = Pipe { handle: tokio::runtime::Handle::current(), stream: near };
    let input = input.to_owned();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = pack(&input, attachments.as_deref(), is_stream, pipe) {
            tracing::error!(%error, "packing the input failed");
        }
    });
    Body::from_stream(ReaderStream::with_capacity(far, 1 << 18))
}

/// A blocking end of a pipe whose other end is asynchronous.
struct Pipe {
    handle: tokio::runtime::Handle,
    stream: DuplexStream,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.handle.block_on(self.stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.handle.block_on(self.stream.flush())
    }
}

fn pack(input: &Path, attachments: Option<&Path>, is_stream: bool, pipe: Pipe) -> io::Result<()> {
    let mut zip = zip::ZipWriter::new_stream(pipe);
    if is_stream {
        add(&mut zip, "input/standard-input", &mut io::stdin().lock())?;
    } else {
        let name = input.file_name().unwrap_or_default().to_string_lossy().into_owned();
        pack_below(&mut zip, input, &format!("input/{name}"))?;
    }
    if let Some(folder) = attachments {
        pack_below(&mut zip, folder, "attachments")?;
    }
    zip.finish()?;
    Ok(())
}

type Packer = zip::ZipWriter<zip::write::StreamWriter<Pipe>>;

/// Adds a file, or every plain file below a folder. Links are not followed: they could lead out of what was named.
fn pack_below(zip: &mut Packer, path: &Path, name: &str) -> io::Result<()> {
    let mut waiting = vec![(path.to_owned(), name.to_owned())];
    while let Some((path, name)) = waiting.pop() {
        if std::fs::metadata(&path)?.is_file() {
            add(zip, &name, &mut File::open(&path)?)?;
            continue;
        }
        for entry in std::fs::read_dir(&path)? {
            let entry = entry?;
            if !entry.file_type()?.is_symlink() {
                let below = format!("{name}/{}", entry.file_name().to_string_lossy());
                waiting.push((entry.path(), below));
            }
        }
    }
    Ok(())
}

fn add(zip: &mut Packer, name: &str, content: &mut dyn Read) -> io::Result<()> {
    let stored = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .large_file(true);
    zip.start_file(name, stored)?;
    io::copy(content, zip)?;
    Ok(())
}

/// Writes a package that arrives to the name the user gave: a zip if it ends so, a folder otherwise. The name is taken
/// in one step, when everything is there and synced; what has the name already stays untouched.
pub(crate) async fn receive(response: Response<Body>, out: &Path) -> Result<()> {
    let refuse = |error: io::Error| {
        Problem::new(Kind::CannotCreate, format!("cannot make {}: {error}", out.display()))
    };
    if out.try_exists().map_err(refuse)? {
        let detail = format!("{} is there already; name another", out.display());
        return Err(Problem::new(Kind::CannotCreate, detail));
    }
    let is_zip = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    clear_leftovers(out).map_err(refuse)?;
    let unfinished = unfinished(out, "package");
    let written = write_zip(response, &unfinished).await;
    let out = out.to_owned();
    crate::jobs::blocking(move || {
        let placed = written.and_then(|()| {
            if is_zip { publish(&unfinished, &out) } else { unpack(&unfinished, &out) }
        });
        drop(std::fs::remove_file(&unfinished));
        placed
    })
    .await
}

fn unfinished(out: &Path, what: &str) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!(".{name}.{what}.{}.unfinished", std::process::id()))
}

/// Returns whether a process may still be at work; it may where the system does not tell.
fn is_running(process: u32) -> bool {
    !Path::new("/proc/self").is_dir() || Path::new(&format!("/proc/{process}")).is_dir()
}

/// Removes what processes that are no more have left beside a name. Whoever is still at work keeps its own.
fn clear_leftovers(out: &Path) -> io::Result<()> {
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(entries) = std::fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let found = entry.file_name().to_string_lossy().into_owned();
        let middle = found
            .strip_prefix(&format!(".{name}."))
            .and_then(|rest| rest.strip_suffix(".unfinished"));
        let number = middle.and_then(|middle| {
            middle.strip_prefix("package.").or_else(|| middle.strip_prefix("folder."))
        });
        let Some(process) = number.and_then(|number| number.parse::<u32>().ok()) else { continue };
        if is_running(process) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

async fn write_zip(response: Response<Body>, path: &Path) -> Result<()> {
    let refuse = |error: io::Error| {
        Problem::new(Kind::CannotCreate, format!("cannot write {}: {error}", path.display()))
    };
    let mut file = tokio::fs::File::create_new(path).await.map_err(refuse)?;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(Kind::Unavailable, format!("the package broke off: {error}"))
        })?;
        if let Ok(bytes) = frame.into_data() {
            file.write_all(&bytes).await.map_err(refuse)?;
        }
    }
    file.sync_all().await.map_err(refuse)
}

/// Unpacks a package beside its name and then gives it the name. The package is our own; names that climb are refused all the same.
fn unpack(zip: &Path, out: &Path) -> Result<()> {
    let refuse = |error: io::Error| {
        Problem::new(Kind::CannotCreate, format!("cannot write {}: {error}", out.display()))
    };
    let folder = unfinished(out, "folder");
    let unpacked = (|| {
        let mut package = zip::ZipArchive::new(File::open(zip)?)?;
        std::fs::create_dir(&folder)?;
        for index in 0..package.len() {
            let mut member = package.by_index(index)?;
            let Some(name) = member.enclosed_name() else {
                return Err(io::Error::other(format!("member {:?} climbs out", member.name())));
            };
            let path = folder.join(name);
            if member.is_dir() {
                std::fs::create_dir_all(&path)?;
                continue;
            }
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let mut file = File::create_new(&path)?;
            io::copy(&mut member, &mut file)?;
            file.sync_all()?;
        }
        Ok(())
    })();
    let placed = unpacked.map_err(refuse).and_then(|()| publish(&folder, out));
    if placed.is_err() {
        drop(std::fs::remove_dir_all(&folder));
    }
    placed
}

fn publish(from: &Path, to: &Path) -> Result<()> {
    archive::durable::publish(&archive::disk::LocalDisk, from, to)
        .map_err(|error| Problem::of(Kind::CannotCreate, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_processes_that_are_no_more_are_cleared_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("case-7");
        let own = unfinished(&out, "package");
        let dead = home.path().join(".case-7.folder.4294967295.unfinished");
        let others = [".case-8.package.4294967295.unfinished", "case-7.zip", ".case-7.notes"];
        std::fs::create_dir_all(dead.join("csv")).unwrap();
        File::create(home.path().join(".case-7.package.4294967295.unfinished")).unwrap();
        for path in others.iter().map(|name| home.path().join(name)).chain([own.clone()]) {
            File::create(path).unwrap();
        }
        clear_leftovers(&out).unwrap();
        let left = std::fs::read_dir(home.path()).unwrap().count();
        assert_eq!((left, own.is_file(), dead.is_dir()), (4, true, false));
    }
}
