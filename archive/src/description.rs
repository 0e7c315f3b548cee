//! What an archive says of itself: `archive.json`, written once, when it is made (docs/format.md, "The folder").

use std::path::Path;

use chat::{ArchiveId, Disk, Timestamp};
use serde_json::{Map, Value};

use crate::durable;
use crate::error::{Error, Result};
use crate::proof::checkpoint::origin;
use crate::proof::{SigningKey, VerifierKey};

/// Version of everything that an archive's folder holds.
pub const FORMAT_VERSION: u64 = 1;

const NAME: &str = "archive.json";
/// The first line of what is signed: no origin, so that it is never taken for a checkpoint.
const SIGNED_AS: &str = "muniment archive v1";
const FILE_BYTES_MAX: u64 = 64 << 10;

/// How a firm keeps its records, as the books-and-records rules tell the two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recordkeeping {
    /// Nothing changes unseen: every change is itself recorded (SEC 17a-4(f)(2)(i)(A)).
    #[default]
    AuditTrail,
    /// Nothing changes before it expires (SEC 17a-4(f)(2)(i)(B)).
    Worm,
}

impl Recordkeeping {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AuditTrail => "audit-trail",
            Self::Worm => "worm",
        }
    }

    /// Returns what a word stands for, if anything.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::AuditTrail, Self::Worm].into_iter().find(|kept| kept.word() == word)
    }
}

/// What is decided when an archive is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Creation {
    /// How records are kept.
    pub recordkeeping: Recordkeeping,
    /// Whether it is a demonstration, whose exports say so.
    pub demo: bool,
}

/// What an archive says of itself. None of it ever changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its id.
    pub archive: ArchiveId,
    /// The key that its checkpoints are verified with.
    pub public_key: VerifierKey,
    /// When it was made.
    pub created_at: Timestamp,
    /// What was decided then.
    pub creation: Creation,
    /// What the archive's key signed it with. Archives made before there was one have none.
    pub(crate) signature: Option<String>,
}

impl Description {
    /// Returns what is signed: all of it but the key, which the signature is checked with.
    fn text(&self) -> String {
        let Self { archive, created_at, creation: Creation { recordkeeping, demo }, .. } = self;
        let word = recordkeeping.word();
        format!("{SIGNED_AS}\n{archive}\n{created_at}\n{word}\ndemo {demo}\n")
    }

    /// Signs the description with the archive's key.
    pub(crate) fn signed(mut self, key: &SigningKey) -> Result<Self> {
        let text = self.text();
        let note = key.sign_text(&text).map_err(|reason| Error::Refused {
            object: "the archive's description".to_owned(),
            reason,
        })?;
        self.signature = note.strip_prefix(&text).map(str::to_owned);
        Ok(self)
    }

    /// Returns whether its key signed it, or it is of the time before it was signed.
    fn is_authentic(&self) -> bool {
        let is_named = self.public_key.name() == origin(self.archive);
        is_named
            && self.signature.as_ref().is_none_or(|signature| {
                let note = format!("{}{signature}", self.text());
                self.public_key.open_text(&note).is_ok_and(|text| text == self.text())
            })
    }

    /// Fails if the archive's keys sign with another key than the description names.
    pub(crate) fn check_key(&self, folder: &Path, key: &VerifierKey) -> Result<()> {
        if *key == self.public_key {
            return Ok(());
        }
        Err(Error::corrupt(&folder.join(NAME), 0, "its public key is not that of keys/signing"))
    }

    /// Writes the description durably. From here on the folder holds an archive.
    pub(crate) fn write(&self, disk: &dyn Disk, folder: &Path) -> Result<()> {
        durable::write(disk, &folder.join(NAME), self.to_json().as_bytes())
    }

    fn to_json(&self) -> String {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
        put("archive_id", self.archive.to_string().into());
        put("created_at", self.created_at.to_string().into());
        put("demo", self.creation.demo.into());
        put("format", FORMAT_VERSION.into());
        put("public_key", self.public_key.to_string().into());
        put("recordkeeping", self.creation.recordkeeping.word().into());
        if let Some(signature) = &self.signature {
            put("signature", signature.as_str().into());
        }
        format!("{:#}\n", Value::Object(object))
    }

    /// Reads the description of a folder, or nothing if it holds no archive.
    pub(crate) fn read(disk: &dyn Disk, folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(NAME);
        let Some(bytes) = durable::read(disk, &path, FILE_BYTES_MAX)? else { return Ok(None) };
        let damaged = || Error::corrupt(&path, 0, "it is no description of an archive");
        let object: Value = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        match object.get("format").and_then(Value::as_u64) {
            Some(FORMAT_VERSION) => {}
            Some(found) => {
                let folder = folder.to_owned();
                return Err(Error::FormatUnknown { folder, found, expected: FORMAT_VERSION });
            }
            None => return Err(damaged()),
        }
        let description = Self::from_json(&object).ok_or_else(damaged)?;
        // It is never edited: what differs from what was written, or is not what was signed, is damage.
        if description.to_json().as_bytes() != bytes || !description.is_authentic() {
            return Err(damaged());
        }
        Ok(Some(description))
    }

    fn from_json(object: &Value) -> Option<Self> {
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        Some(Self {
            archive: text("archive_id")?.parse().ok()?,
            public_key: text("public_key")?.parse().ok()?,
            created_at: Timestamp::parse_rfc3339(text("created_at")?).ok()?,
            creation: Creation {
                recordkeeping: Recordkeeping::from_word(text("recordkeeping")?)?,
                demo: object.get("demo").and_then(Value::as_bool)?,
            },
            signature: text("signature").map(str::to_owned),
        })
    }
}

/// Returns whether a name may stand in a folder before an archive is made there.
pub(crate) fn may_precede(name: &str) -> bool {
    matches!(name, "muniment.toml" | "lock")
}

/// Returns whether a folder holds an archive's description.
pub(crate) fn is_there(names: &[String]) -> bool {
    names.iter().any(|name| name == NAME)
}
