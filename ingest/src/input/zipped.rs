//! A zip as a container. Its names are judged before anything is read; nothing of it is ever written to disk by name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use chat::limits;
use zip::ZipArchive;

use super::bounded::Bounded;
use super::directory::repeated_name;
use crate::error::{Error, Result};

/// A zip with its members by name.
pub(super) struct Zipped {
    path: PathBuf,
    zip: ZipArchive<BufReader<File>>,
    places: BTreeMap<String, usize>,
}

impl std::fmt::Debug for Zipped {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Zipped").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Zipped {
    /// Reads the directory of the zip and judges every name and number in it.
    ///
    /// A zip whose directory cannot be read is no error yet: the inner one says why.
    pub(super) fn open(path: &Path) -> Result<std::result::Result<Self, String>> {
        let file = File::open(path).map_err(|fault| Error::unreadable(path, fault))?;
        let zip = match ZipArchive::new(BufReader::new(file)) {
            Ok(zip) => zip,
            Err(fault) => return Ok(Err(fault.to_string())),
        };
        let start = zip.central_directory_start();
        let mut zipped = Self { path: path.to_owned(), zip, places: BTreeMap::new() };
        zipped.judge()?;
        refuse_repeated(path, start)?;
        Ok(Ok(zipped))
    }

    pub(super) fn members(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }

    fn judge(&mut self) -> Result<()> {
        let count = self.zip.len();
        if count > limits::ZIP_MEMBERS_MAX {
            let allowed = format!("{} members", limits::ZIP_MEMBERS_MAX);
            return refuse("(directory)", &format!("it lists {count} members"), allowed);
        }
        let names: Vec<_> = self.zip.file_names_raw().map(name_of).collect();
        for (place, name) in names.into_iter().enumerate() {
            judge_name(&name)?;
            if name.ends_with('/') {
                continue;
            }
            if self.places.insert(name.clone(), place).is_some() {
                return refuse(&name, "its name is there twice", "each name once".to_owned());
            }
        }
        match self.zip.has_overlapping_files() {
            Ok(false) => Ok(()),
            Ok(true) => {
                let fault = "two members share the same packed bytes";
                refuse("(directory)", fault, "members that lie apart".to_owned())
            }
            Err(fault) => Err(self.malformed("(directory)", &fault.to_string())),
        }
    }

    fn malformed(&self, member: &str, found: &str) -> Error {
        Error::InputMalformed {
            place: format!("{}, member {member:?}", self.path.display()),
            found: found.to_owned(),
            expected: "a member packed with deflate, zstd or not at all, and not encrypted",
        }
    }

    /// Opens a member; what it grows to is bounded by what it has packed.
    pub(super) fn open_member(
        &mut self,
        name: &str,
        consumed: &AtomicU64,
    ) -> Result<Option<Box<dyn Read + '_>>> {
        let Some(&place) = self.places.get(name) else { return Ok(None) };
        let path = self.path.clone();
        let member = self.zip.by_index(place).map_err(|fault| Error::InputMalformed {
            place: format!("{}, member {name:?}", path.display()),
            found: fault.to_string(),
            expected: "a member packed with deflate, zstd or not at all, and not encrypted",
        })?;
        let packed = member.compressed_size();
        consumed.fetch_add(packed, Ordering::Relaxed);
        Ok(Some(Box::new(Bounded::known(member, packed))))
    }
}

/// Refuses a zip that has two members of one name: which of them is meant cannot be told.
fn refuse_repeated(path: &Path, start: u64) -> Result<()> {
    let unreadable = |fault| Error::unreadable(path, fault);
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    match repeated_name(&mut file, start).map_err(unreadable)? {
        None => Ok(()),
        Some(name) => {
            refuse(&name_of(&name), "its name is there twice", "each name once".to_owned())
        }
    }
}

/// Returns the refusal of a member by name.
pub(super) fn refuse<T>(member: &str, fault: &str, allowed: String) -> Result<T> {
    let (member, fault) = (member.chars().take(200).collect(), fault.to_owned());
    Err(Error::MemberRefused { member, fault, allowed })
}

/// Refuses a name that leads out of the zip or too deep into it.
pub(super) fn judge_name(name: &str) -> Result<()> {
    if leads_out(name) {
        let allowed = "relative names without \"..\"".to_owned();
        return refuse(name, "its name leads out of the zip", allowed);
    }
    let depth = name.trim_end_matches('/').matches('/').count();
    if depth > limits::ZIP_DEPTH_MAX {
        let allowed = format!("{} folders deep", limits::ZIP_DEPTH_MAX);
        return refuse(name, "it lies too deep", allowed);
    }
    Ok(())
}

/// Names are UTF-8, whether the zip says so or not; what is none is read as windows-1252.
pub(super) fn name_of(raw: &[u8]) -> String {
    crate::source::decode(raw).0.into_owned()
}

fn leads_out(name: &str) -> bool {
    let drive = name.as_bytes().get(1) == Some(&b':');
    name.is_empty()
        || name.starts_with('/')
        || drive
        || name.contains(['\\', '\0'])
        || name.split('/').any(|part| part == ".." || part == ".")
}
