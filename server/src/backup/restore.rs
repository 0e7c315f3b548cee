//! Restoring a backup onto an empty place, and proving that it is what was backed up.

use std::path::{Path, PathBuf};

use archive::disk::LocalDisk;
use archive::durable;
use chat::Seq;
use serde_json::{Value, json};

use super::copy::{Copied, cannot_create, copy};
use super::keyring::{Keyring, beside};
use super::manifest::{Counted, Manifest, NAME, NEXT};
use crate::jobs::Progress;
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Appliance;

/// Events read at a time.
const BATCH_EVENTS: usize = 4_096;

/// A restore whose files are in place beside the data directory, not yet proven.
#[derive(Debug)]
pub(crate) struct Restore {
    /// The list of the backup.
    pub(crate) manifest: Manifest,
    /// Where the files are until all is proven.
    pub(crate) work: PathBuf,
    data: PathBuf,
}

/// Copies a backup and its keys to a place beside the data directory, which has to be empty or absent.
pub(crate) fn restore(
    from: &Path,
    keys: &Path,
    data: &Path,
    progress: &Progress,
) -> Result<Restore> {
    check_empty(data)?;
    let keyring = Keyring::read(keys)?;
    let manifest = fitting(from, keys, &keyring)?;
    let data = std::path::absolute(data).map_err(|error| Problem::of_path("find", data, &error))?;
    let work = beside(&data, ".restoring");
    clear(&work)?;
    durable::create_folder(&LocalDisk, &work)?;
    progress.expect(manifest.files.iter().map(|file| file.bytes).sum());
    let mut done = 0;
    // What says that the folder holds an archive comes last.
    let (last, first): (Vec<_>, Vec<_>) =
        manifest.files.iter().partition(|file| file.path == "archive.json");
    for file in first.into_iter().chain(last) {
        let source = from.join(&file.stored);
        let mode = file.path.ends_with(".sqlite").then_some(0o600);
        let copied = copy(&source, &work.join(&file.path), file.bytes, mode)?;
        if copied != Copied::Done(file.sha256.clone()) {
            let detail = format!(
                "{} is not what was backed up: expected {} bytes with the SHA-256 {}",
                source.display(),
                file.bytes,
                file.sha256
            );
            return Err(Problem::new(Kind::Unproven, detail));
        }
        done += file.bytes;
        progress.reach(done);
    }
    keyring.write(&work.join("keys"))?;
    Ok(Restore { manifest, work, data })
}

/// Refuses a data directory that holds anything.
fn check_empty(data: &Path) -> Result<()> {
    let first = match std::fs::read_dir(data) {
        Ok(mut entries) => entries.next(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(cannot_create("read", data, &error)),
    };
    if first.is_none() {
        return Ok(());
    }
    let detail = format!("{} is not empty; restore into a new folder", data.display());
    Err(Problem::new(Kind::CannotCreate, detail))
}

/// Returns the list that belongs to the keys. A run that was interrupted may have left two.
fn fitting(from: &Path, keys: &Path, keyring: &Keyring) -> Result<Manifest> {
    let digest = keyring.digest();
    let mut found = false;
    for name in [NAME, NEXT] {
        if let Some(manifest) = Manifest::read(from, name)? {
            found = true;
            if manifest.keys_sha256 == digest {
                return Ok(manifest);
            }
        }
    }
    let detail = if found {
        format!(
            "the keys in {} are not those of the backup in {}: give the folder that `backup` last wrote with it",
            keys.display(),
            from.display()
        )
    } else {
        format!("{} holds no backup: there is no {NAME}", from.display())
    };
    Err(Problem::new(Kind::BadData, detail))
}

/// Removes what an interrupted restore left.
fn clear(work: &Path) -> Result<()> {
    match std::fs::remove_dir_all(work) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(cannot_create("clear", work, &error))
        }
        _ => Ok(()),
    }
}

impl Restore {
    /// Proves the opened archive equal to what was backed up: every byte of the log, the root of the checkpoint, and how
    /// many events each room has. Returns the report; `findings` says what is not as it was.
    pub(crate) fn prove(&self, shared: &Appliance, progress: &Progress) -> Result<Value> {
        let archive = &shared.archive;
        let verified =
            archive.verify(Some(&self.manifest.checkpoint), &|done| progress.reach(done))?;
        let mut findings: Vec<String> =
            verified.findings.iter().map(|finding| finding.what.clone()).collect();
        let checkpoint =
            archive.public_key().open(&self.manifest.checkpoint).map_err(|refusal| {
                Problem::new(Kind::Unproven, format!("the checkpoint of the backup: {refusal}"))
            })?;
        if archive.size() < checkpoint.size || archive.root(checkpoint.size)? != checkpoint.root {
            findings.push(format!("the log does not reach the root at {} events", checkpoint.size));
        }
        let counted = count(shared, self.manifest.counted.events)?;
        for (room, events) in &self.manifest.counted.rooms {
            let found = counted.rooms.get(room).copied().unwrap_or(0);
            if found != *events {
                findings.push(format!("room {room} has {found} events, {events} were backed up"));
            }
        }
        shared.index.catch_up()?;
        archive.catch_up_catalog()?;
        Ok(json!({
            "ok": findings.is_empty(),
            "findings": findings,
            "archive_id": self.manifest.archive_id,
            "public_key": self.manifest.public_key,
            "taken_at": self.manifest.taken_at,
            "events": archive.size(),
            "size": checkpoint.size,
            "root": crate::auth::secret::hex(&checkpoint.root),
            "rooms": self.manifest.counted.rooms.len(),
            "segments": verified.segments,
            "blobs": verified.blobs,
            "indexed": shared.index.watermark(),
        }))
    }

    /// Gives the proven archive its place.
    pub(crate) fn settle(&self) -> Result<()> {
        let cannot = |error: std::io::Error| cannot_create("make", &self.data, &error);
        match std::fs::remove_dir(&self.data) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot(error));
            }
            _ => {}
        }
        rustix::fs::renameat(rustix::fs::CWD, &self.work, rustix::fs::CWD, &self.data)
            .map_err(|error| cannot(error.into()))?;
        Ok(durable::sync_folder_of(&LocalDisk, &self.data)?)
    }
}

/// Counts the events of each room among the first so many.
fn count(shared: &Appliance, events: u64) -> Result<Counted> {
    let mut counted = Counted { events, ..Counted::default() };
    let mut tail = shared.archive.tail(Seq::FIRST);
    loop {
        let batch = tail.next_batch(BATCH_EVENTS)?;
        let within = batch.iter().take_while(|recorded| recorded.seq.get() <= events);
        let mut taken = 0_usize;
        for recorded in within {
            taken += 1;
            if let Some(place) = &recorded.event.place {
                *counted.rooms.entry(place.room.to_string()).or_default() += 1;
            }
        }
        if batch.is_empty() || taken < batch.len() {
            return Ok(counted);
        }
    }
}
