//! What the house's own tests and benches share: where the workspace lies, and what files it holds.
//!
//! The main nouns are [`root`], [`Source`] and [`sources`]. Nothing here is used by a shipped member: no crate may depend
//! on `tests`, and the floor plan in `tests/tidy` holds that.

use std::path::{Path, PathBuf};

/// Folders that are not ours to judge.
const SKIPPED: &[&str] =
    &["target", ".git", ".venv", "node_modules", "muniment-data", "muniment-demo"];

/// Returns the folder of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// Returns the folder of the samples that are not in the repository, if it is there.
pub fn samples() -> Option<PathBuf> {
    let folder =
        std::env::var_os("MUNIMENT_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// One text file of the workspace.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path from the root, with forward slashes.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Returns every file with this ending, in the order of their paths.
pub fn sources(ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    gather(&root(), ending, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn gather(folder: &Path, ending: &str, found: &mut Vec<Source>) {
    let entries = std::fs::read_dir(folder).expect("a folder of the workspace can be listed");
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
            gather(&path, ending, found);
        } else if path.is_file() && name.ends_with(ending) {
            let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
            let path = path.strip_prefix(root()).expect("gathered below the root");
            found.push(Source { path: path.to_string_lossy().replace('\\', "/"), text });
        }
    }
}
