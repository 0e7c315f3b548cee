//! A folder as a container: its regular files, links not followed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chat::limits;

use crate::error::{Error, Result};

/// The files below a folder by their relative names.
#[derive(Debug)]
pub(super) struct Folder {
    files: BTreeMap<String, PathBuf>,
}

impl Folder {
    /// Lists the folder, refusing more files or depth than a zip may have.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut folder = Self { files: BTreeMap::new() };
        folder.walk(path, "", 0)?;
        Ok(folder)
    }

    pub(super) fn members(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    pub(super) fn path_of(&self, name: &str) -> Option<PathBuf> {
        self.files.get(name).cloned()
    }

    /// Returns the bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        let length = |path: &PathBuf| std::fs::metadata(path).map_or(0, |known| known.len());
        self.files.values().map(length).sum()
    }

    fn walk(&mut self, path: &Path, prefix: &str, depth: usize) -> Result<()> {
        let unreadable = |fault| Error::unreadable(path, fault);
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // The type of the entry itself: a link is neither a file nor a folder here.
            let kind = entry.file_type().map_err(unreadable)?;
            if kind.is_file() {
                self.files.insert(name.clone(), entry.path());
            }
            if self.files.len() > limits::ZIP_MEMBERS_MAX {
                let fault = "there are too many files".to_owned();
                let allowed = format!("{} files", limits::ZIP_MEMBERS_MAX);
                return Err(Error::MemberRefused { member: name, fault, allowed });
            }
            if kind.is_dir() {
                if depth >= limits::ZIP_DEPTH_MAX {
                    let fault = "it lies too deep".to_owned();
                    let allowed = format!("{} folders deep", limits::ZIP_DEPTH_MAX);
                    return Err(Error::MemberRefused { member: name, fault, allowed });
                }
                self.walk(&entry.path(), &format!("{name}/"), depth + 1)?;
            }
        }
        Ok(())
    }
}
