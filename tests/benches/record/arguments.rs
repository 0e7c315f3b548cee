//! What was asked for on the command line.

use std::path::PathBuf;

use crate::Fault;

/// The arguments behind `--`.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// Rows by name; none means all.
    pub(crate) rows: Vec<String>,
    /// Where the figures are written as JSON.
    pub(crate) json: Option<PathBuf>,
    /// The work of a process that a row has started for itself.
    pub(crate) child: Option<Vec<String>>,
}

impl Arguments {
    /// Reads them. `cargo bench` adds `--bench`, which says nothing here.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut read = Self::default();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {}
                "--json" => {
                    read.json = Some(words.next().ok_or("--json needs the path of a file")?.into());
                }
                "--child" => {
                    read.child = Some(words.collect());
                    return Ok(read);
                }
                flag if flag.starts_with('-') => {
                    return Err(
                        format!("{flag} is not known; there are --json FILE and rows").into()
                    );
                }
                _ => read.rows.push(word),
            }
        }
        Ok(read)
    }
}
