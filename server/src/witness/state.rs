//! What a witness keeps: its key, the logs it trusts, and the largest checkpoint of each that it has cosigned.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use archive::disk::LocalDisk;
use archive::durable;
use archive::proof::Digest;
use archive::proof::checkpoint::VerifierKey;
use archive::proof::claim::Consistency;
use archive::proof::cosignature::Cosigner;
use chat::{Clock, Disk as _, DiskLock, Rng};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::request::{Asked, Refused};
use crate::auth::secret::hex;
use crate::problem::{Kind, Problem, Result};

const ABOUT: &str = "witness.json";
const KEY: &str = "key";
const LOGS: &str = "logs";
const LOCK: &str = "lock";
/// Bytes of one of its files.
const FILE_BYTES_MAX: u64 = 4 << 20;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// An open witness. Only one process has it open at a time.
pub(crate) struct Witness {
    folder: PathBuf,
    cosigner: Cosigner,
    /// By origin. Held while a checkpoint is checked and stored, so that the two are one step.
    logs: Mutex<BTreeMap<String, Log>>,
    _lock: Box<dyn DiskLock>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Witness").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What is known of one log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    public_key: String,
    size: u64,
    root: String,
    note: String,
    cosigned_at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    name: String,
    public_key: String,
}

impl Witness {
    /// Makes a witness with a fresh key in an empty or new folder.
    pub(crate) fn create(folder: &Path, name: &str, rng: &dyn Rng) -> Result<Self> {
        if !durable::list(&LocalDisk, folder)?.is_empty() {
            let detail = format!("{} is not empty; name a new folder", folder.display());
            return Err(Problem::new(Kind::CannotCreate, detail));
        }
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill(seed.as_mut_slice()).map_err(|error| {
            Problem::new(Kind::Unavailable, format!("the system gives no random numbers: {error}"))
        })?;
        let cosigner = cosigner(&seed, name)?;
        durable::create_folder(&LocalDisk, &folder.join(LOGS))?;
        durable::write_secret(&LocalDisk, &folder.join(KEY), seed.as_slice(), 0o400)?;
        let about = About { name: name.to_owned(), public_key: cosigner.witness_key().to_string() };
        write(&folder.join(ABOUT), &about)?;
        Self::open(folder)
    }

    /// Opens a witness. Refused as locked where another process has it open.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let about = about(folder)?;
        let path = folder.join(LOCK);
        let lock =
            LocalDisk.lock(&path).map_err(|error| Problem::of_path("lock", &path, &error))?;
        let Some(lock) = lock else {
            let detail = format!("another process has the witness in {} open", folder.display());
            return Err(Problem::new(Kind::Locked, detail));
        };
        let seed = durable::read(&LocalDisk, &folder.join(KEY), 32)?.map(Zeroizing::new);
        let seed =
            seed.and_then(|seed| Some(Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).ok()?)));
        let seed = seed.ok_or_else(|| {
            let detail = format!("{} holds no key of 32 bytes", folder.join(KEY).display());
            Problem::new(Kind::Configuration, detail)
        })?;
        let cosigner = cosigner(&seed, &about.name)?;
        if cosigner.witness_key().to_string() != about.public_key {
            let detail = format!("the key in {} is not that of {ABOUT}", folder.display());
            return Err(Problem::new(Kind::Corrupt, detail));
        }
        let logs = Mutex::new(logs(folder)?);
        Ok(Self { folder: folder.to_owned(), cosigner, logs, _lock: lock })
    }

    /// Returns the key that its cosignatures are checked with, as text.
    pub(crate) fn public_key(&self) -> String {
        self.cosigner.witness_key().to_string()
    }

    /// Trusts a log from now on. A log that is known keeps what was seen of it.
    pub(crate) fn trust(&self, key: &str) -> Result<()> {
        let key = log_key(key)?;
        let mut logs = self.logs.lock();
        if let Some(known) = logs.get(key.name()) {
            if known.public_key == key.to_string() {
                return Ok(());
            }
            let detail = format!("the log {} is trusted under another key", key.name());
            return Err(Problem::new(Kind::Conflict, detail));
        }
        let log = Log {
            public_key: key.to_string(),
            size: 0,
            root: String::new(),
            note: String::new(),
            cosigned_at: 0,
        };
        write(&self.path_of(key.name()), &log)?;
        logs.insert(key.name().to_owned(), log);
        Ok(())
    }

    /// Checks a checkpoint against what was seen of its log, stores it, and returns the signature line. On an error nothing
    /// is stored.
    pub(crate) fn cosign(&self, body: &[u8], clock: &dyn Clock) -> Result<String, Refused> {
        let asked = Asked::parse(body)?;
        let mut logs = self.logs.lock();
        let log = logs.get_mut(asked.origin).ok_or(Refused::UnknownLog)?;
        let key: VerifierKey = log.public_key.parse().map_err(|_| Refused::Unsigned)?;
        let checkpoint = key.open(asked.note).map_err(|_| Refused::Unsigned)?;
        if checkpoint.size == 0 || asked.old > checkpoint.size {
            return Err(Refused::Malformed("the checkpoint is smaller than `old`, or empty"));
        }
        if asked.old != log.size {
            return Err(Refused::Conflict(log.size));
        }
        continues(log, &asked, checkpoint.size, &checkpoint.root)?;
        let time = clock.now().micros().div_euclid(MICROS_PER_SECOND).unsigned_abs();
        let line = self.cosigner.cosign(asked.note, time);
        let line = line.map_err(|_| Refused::Malformed("the note has not the form of one"))?;
        let seen = Log {
            public_key: log.public_key.clone(),
            size: checkpoint.size,
            root: hex(&checkpoint.root),
            note: asked.note.to_owned(),
            cosigned_at: time,
        };
        // Stored before anyone learns of it: a crash behind this line has seen it, one before has not said so.
        write(&self.path_of(asked.origin), &seen).map_err(Refused::Fault)?;
        *log = seen;
        Ok(line)
    }

    fn path_of(&self, origin: &str) -> PathBuf {
        self.folder.join(LOGS).join(file_name(origin))
    }
}

/// Refuses a checkpoint that does not continue what was seen of its log.
fn continues(log: &Log, asked: &Asked<'_>, size: u64, root: &Digest) -> Result<(), Refused> {
    if log.size == 0 {
        return if asked.proof.is_empty() { Ok(()) } else { Err(Refused::Unproven) };
    }
    let seen: chat::FileId = log.root.parse().map_err(|_| Refused::Unproven)?;
    let seen: &Digest = seen.as_bytes();
    if size == log.size && root != seen {
        return Err(Refused::Conflict(log.size));
    }
    let proof = Consistency { from: log.size, to: size, path: asked.proof.clone() };
    proof.verify((log.size, seen), (size, root)).map_err(|_| Refused::Unproven)
}

/// Returns what a witness has seen, read from its folder alone, so that it can be asked while the witness serves.
pub(crate) fn show(folder: &Path) -> Result<Value> {
    let about = about(folder)?;
    let logs: Vec<_> = logs(folder)?
        .into_iter()
        .map(|(origin, log)| {
            json!({
                "origin": origin,
                "public_key": log.public_key,
                "size": log.size,
                "root": log.root,
                "cosigned_at": (log.size > 0).then(|| time_words(log.cosigned_at)),
            })
        })
        .collect();
    Ok(json!({ "name": about.name, "public_key": about.public_key, "logs": logs }))
}

/// Returns seconds since 1970 as people and scripts read them.
pub(crate) fn time_words(seconds: u64) -> String {
    let micros = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(MICROS_PER_SECOND);
    chat::Timestamp::from_micros(micros).to_string()
}

fn cosigner(seed: &[u8; 32], name: &str) -> Result<Cosigner> {
    Cosigner::from_seed(seed, name).map_err(|_| {
        let detail = format!("{name:?} is no name of a witness: it has neither white space nor +");
        Problem::new(Kind::BadRequest, detail)
    })
}

fn log_key(text: &str) -> Result<VerifierKey> {
    text.trim().parse().map_err(|_| {
        let detail =
            format!("{text:?} is no public key of a log; see `public_key` of: muniment status");
        Problem::new(Kind::BadRequest, detail)
    })
}

fn file_name(origin: &str) -> String {
    format!("{}.json", hex(&Sha256::digest(origin)))
}

fn about(folder: &Path) -> Result<About> {
    read(&folder.join(ABOUT))?.ok_or_else(|| {
        let detail =
            format!("{} holds no witness; make one with: muniment witness init", folder.display());
        Problem::new(Kind::Configuration, detail)
    })
}

/// Reads what was seen of every log, and checks that each file is what was written.
fn logs(folder: &Path) -> Result<BTreeMap<String, Log>> {
    let folder = folder.join(LOGS);
    let mut logs = BTreeMap::new();
    for name in durable::list(&LocalDisk, &folder)? {
        if Path::new(&name).extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let path = folder.join(&name);
        let Some(log): Option<Log> = read(&path)? else { continue };
        let key = log_key(&log.public_key)?;
        let holds = log.size == 0
            || key
                .open(&log.note)
                .is_ok_and(|seen| (seen.size, hex(&seen.root)) == (log.size, log.root.clone()));
        if !holds || name != file_name(key.name()) {
            let detail = format!("{} is not what was stored", path.display());
            return Err(Problem::new(Kind::Corrupt, detail));
        }
        logs.insert(key.name().to_owned(), log);
    }
    Ok(logs)
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(bytes) = durable::read(&LocalDisk, path, FILE_BYTES_MAX)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Problem::new(Kind::Corrupt, format!("{} cannot be read: {error}", path.display()))
    })
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let bytes =
        serde_json::to_vec_pretty(value).map_err(|error| Problem::of(Kind::Internal, &error))?;
    Ok(durable::write(&LocalDisk, path, &bytes)?)
}
