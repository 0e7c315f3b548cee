//! Taking a backup.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use archive::backup::Item;
use archive::disk::LocalDisk;
use archive::durable;
use chat::Disk as _;
use serde_json::{Value, json};

use super::copy::{Copied, cannot_create, copy};
use super::keyring::{self, Keyring};
use super::manifest::{Counted, FORM, File, Manifest, NAME, NEXT};
use crate::jobs::Progress;
use crate::problem::{Kind, Problem, Result};

/// How often the list is made anew when files move while they are copied.
const ATTEMPTS_MAX: usize = 50;
/// Where the files lie in a backup.
const FILES: &str = "files";
/// Held while a backup is taken, so that no other is taken into the same folder.
const LOCK: &str = "lock";

/// What is to be backed up, and where to.
#[derive(Debug)]
pub(crate) struct Take {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// The folder of the backup.
    pub(crate) out: PathBuf,
    /// The folder of the keys.
    pub(crate) keys: PathBuf,
    /// The state to reach, as the server gave it.
    pub(crate) state: Value,
}

/// What one run copied.
#[derive(Debug, Default)]
struct Tally {
    files: u64,
    bytes: u64,
}

/// Copies what the folder does not hold yet, replaces the keys, and returns what was done.
pub(crate) fn take(order: &Take, progress: &Progress) -> Result<Value> {
    durable::create_folder(&LocalDisk, &order.out)?;
    let path = order.out.join(LOCK);
    let lock = LocalDisk.lock(&path).map_err(|error| cannot_create("lock", &path, &error))?;
    let Some(_lock) = lock else {
        let detail = format!("another backup into {} is running", order.out.display());
        return Err(Problem::new(Kind::Locked, detail));
    };
    let size = order.state["size"].as_u64().unwrap_or(0);
    let before = Manifest::read(&order.out, NAME)?;
    let mut known: HashMap<_, _> = before
        .into_iter()
        .flat_map(|manifest| manifest.files)
        .map(|file| ((file.stored.clone(), file.bytes), file.sha256))
        .collect();
    let mut tally = Tally::default();
    for _ in 0..ATTEMPTS_MAX {
        let Some(items) = archive::backup::contents(&LocalDisk, &order.data, size)? else {
            continue;
        };
        let Some(mut files) = copy_all(order, &items, &mut known, &mut tally, progress)? else {
            continue;
        };
        let keys = Keyring::read(&order.data.join("keys"))?;
        let ids = keys.ids();
        if items.iter().filter_map(|item| item.key).any(|key| !ids.contains(&key)) {
            // A file was written anew under another key meanwhile.
            continue;
        }
        copy_small(order, &mut files, &mut tally)?;
        let manifest = manifest(order, size, keys.digest(), files)?;
        publish(order, &manifest, &keys)?;
        return Ok(report(order, &manifest, &keys, &tally));
    }
    let detail = "files moved all the time while they were copied; the backup before this one holds, try again";
    Err(Problem::new(Kind::Unavailable, detail))
}

/// Refuses folders that would mix keys, backup and archive.
pub(crate) fn check_places(order: &Take) -> Result<()> {
    let real = |path: &Path| -> Result<PathBuf> {
        let absolute = std::path::absolute(path);
        let absolute = absolute.map_err(|error| Problem::of_path("find", path, &error))?;
        // What is not there yet is taken by its name.
        Ok(absolute.canonicalize().unwrap_or(absolute))
    };
    let (data, out, keys) = (real(&order.data)?, real(&order.out)?, real(&order.keys)?);
    let pairs = [(&keys, &out, "--keys", "--out"), (&out, &keys, "--out", "--keys")];
    for (inner, outer, name, other) in pairs {
        if inner.starts_with(outer) {
            let detail = format!("{name} lies within {other}: a backup and its keys belong apart");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    }
    for (path, name) in [(&out, "--out"), (&keys, "--keys")] {
        if path.starts_with(&data) || data.starts_with(path) {
            let detail = format!("{name} and the data directory lie within one another");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    }
    keyring::check(&order.keys)
}

/// Copies the files that the folder does not hold yet; nothing if one of them moved.
fn copy_all(
    order: &Take,
    items: &[Item],
    known: &mut HashMap<(String, u64), String>,
    tally: &mut Tally,
    progress: &Progress,
) -> Result<Option<Vec<File>>> {
    progress.expect(items.iter().map(|item| item.bytes).sum());
    let mut files = Vec::with_capacity(items.len());
    let mut reached = 0_u64;
    for item in items {
        // A journal file grows: each length of it is a file of its own, so that an earlier list keeps its own.
        let suffix = if item.path.starts_with("journal/") {
            format!(".{}", item.bytes)
        } else {
            String::new()
        };
        let stored = format!("{FILES}/{}{suffix}", item.path);
        let key = (stored.clone(), item.bytes);
        let target = order.out.join(&stored);
        // A file that someone took away is copied again.
        let is_there = std::fs::metadata(&target).is_ok_and(|file| file.len() == item.bytes);
        let sha256 = match known.get(&key).filter(|_| is_there) {
            Some(sha256) => sha256.clone(),
            None => match copy(&order.data.join(&item.path), &target, item.bytes, None)? {
                Copied::Moved => return Ok(None),
                Copied::Done(sha256) => {
                    tally.files += 1;
                    tally.bytes += item.bytes;
                    known.insert(key, sha256.clone());
                    sha256
                }
            },
        };
        files.push(File { path: item.path.clone(), stored, bytes: item.bytes, sha256 });
        reached += item.bytes;
        progress.reach(reached);
    }
    Ok(Some(files))
}

/// Copies what is the server's own: the configuration, frozen sets of exports. The copy of the credentials was made before, by the database itself.
fn copy_small(order: &Take, files: &mut Vec<File>, tally: &mut Tally) -> Result<()> {
    let mut paths = vec!["muniment.toml".to_owned()];
    for name in durable::list(&LocalDisk, &order.data.join("exports"))? {
        if Path::new(&name).extension().is_some_and(|extension| extension == "set") {
            paths.push(format!("exports/{name}"));
        }
    }
    let auth = order.out.join(AUTH);
    let mut sources: Vec<_> =
        paths.into_iter().map(|path| (order.data.join(&path), path)).collect();
    sources.push((auth.clone(), "auth.sqlite".to_owned()));
    for (from, path) in sources {
        let Ok(metadata) = std::fs::metadata(&from) else { continue };
        let (bytes, unnamed) = (metadata.len(), order.out.join(UNNAMED));
        let Copied::Done(sha256) = copy(&from, &unnamed, bytes, Some(0o600))? else { continue };
        let stored = format!("{FILES}/{path}.{}", sha256.get(..16).unwrap_or_default());
        let target = order.out.join(&stored);
        if let Some(folder) = target.parent() {
            durable::create_folder(&LocalDisk, folder)?;
        }
        durable::publish(&LocalDisk, &unnamed, &target)?;
        tally.files += 1;
        tally.bytes += bytes;
        files.push(File { path, stored, bytes, sha256 });
    }
    Ok(durable::remove_if_there(&LocalDisk, &auth)?)
}

/// Where the copy of the credentials lies until it has its name.
pub(crate) const AUTH: &str = "auth.copy";
/// Where a file lies until its digest gives it a name.
const UNNAMED: &str = "unnamed";

fn manifest(order: &Take, size: u64, keys_sha256: String, files: Vec<File>) -> Result<Manifest> {
    let text = |name: &str| order.state[name].as_str().unwrap_or_default().to_owned();
    let counted: Counted = serde_json::from_value(order.state["counted"].clone())
        .map_err(|error| Problem::of(Kind::Internal, &error))?;
    Ok(Manifest {
        form: FORM.to_owned(),
        archive_id: text("archive_id"),
        public_key: text("public_key"),
        taken_at: text("taken_at"),
        checkpoint: text("checkpoint"),
        size,
        counted,
        keys_sha256,
        files,
    })
}

/// Makes the new backup the one that holds. At every moment one list and the keys that belong to it are whole.
fn publish(order: &Take, manifest: &Manifest, keys: &Keyring) -> Result<()> {
    manifest.write(&order.out, NEXT)?;
    keys.replace(&order.keys)?;
    durable::publish(&LocalDisk, &order.out.join(NEXT), &order.out.join(NAME))?;
    let named: BTreeSet<_> =
        manifest.files.iter().map(|file| order.out.join(&file.stored)).collect();
    prune(&order.out.join(FILES), &named)
}

/// Removes the files that the list does not name.
fn prune(folder: &Path, named: &BTreeSet<PathBuf>) -> Result<()> {
    for name in durable::list(&LocalDisk, folder)? {
        let path = folder.join(name);
        if path.is_dir() {
            prune(&path, named)?;
        } else if !named.contains(&path) {
            durable::remove_if_there(&LocalDisk, &path)?;
        }
    }
    Ok(())
}

fn report(order: &Take, manifest: &Manifest, keys: &Keyring, tally: &Tally) -> Value {
    json!({
        "archive_id": manifest.archive_id,
        "size": manifest.size,
        "root": order.state["root"],
        "taken_at": manifest.taken_at,
        "files": manifest.files.len(),
        "bytes": manifest.files.iter().map(|file| file.bytes).sum::<u64>(),
        "copied_files": tally.files,
        "copied_bytes": tally.bytes,
        "out": order.out.display().to_string(),
        "keys": order.keys.display().to_string(),
        "kek_included": keys.has_kek(),
    })
}
