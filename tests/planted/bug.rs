//! A planted bug: one place of one file that is made wrong, and the test that must notice.

use std::path::Path;

/// One planted bug, as its file in `tests/planted` states it.
#[derive(Debug, Clone)]
pub(crate) struct Bug {
    /// The name of its file, without the ending.
    pub(crate) name: String,
    /// What is wrong once it is planted.
    pub(crate) what: String,
    /// The member whose test must notice.
    pub(crate) package: String,
    /// The source file, from the root.
    pub(crate) file: String,
    /// The text that stands there once.
    pub(crate) find: String,
    /// The text that is planted in its stead.
    pub(crate) replace: String,
    /// The name of the test that must fail.
    pub(crate) caught_by: String,
}

impl Bug {
    fn parse(path: &Path) -> Option<Self> {
        let table: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
        let text = |key: &str| table.get(key)?.as_str().map(str::to_owned);
        Some(Self {
            name: path.file_stem()?.to_str()?.to_owned(),
            what: text("what")?,
            package: text("package")?,
            file: text("file")?,
            find: text("find")?,
            replace: text("replace")?,
            caught_by: text("caught_by")?,
        })
    }
}

/// Returns every planted bug by name.
pub(crate) fn all() -> Vec<Bug> {
    let folder = std::fs::read_dir(tests::root().join("tests/planted")).expect("it is there");
    let mut paths: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let bug = |path: &std::path::PathBuf| Bug::parse(path).expect("a bug has all its members");
    paths.iter().map(bug).collect()
}
