//! `muniment completions` and `muniment man`: made from the grammar itself, so they cannot be out of date.

use std::path::PathBuf;

use clap::Args;

use super::output::bytes;
use crate::problem::{Kind, Problem, Result};

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  muniment completions bash > /etc/bash_completion.d/muniment")]
pub(crate) struct Completions {
    /// Which shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<u8> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::grammar(), "muniment", &mut script);
        bytes(&script)?;
        Ok(0)
    }
}

/// Print the manual page, or write one for every verb.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  muniment man | man -l -\n  muniment man --out /usr/local/share/man/man1"
)]
pub(crate) struct Man {
    /// Write muniment.1 and one page for each verb into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self) -> Result<u8> {
        let unwritten =
            |error: &std::io::Error| Problem::new(Kind::CannotCreate, format!("manual: {error}"));
        if let Some(folder) = self.out {
            clap_mangen::generate_to(super::grammar(), &folder)
                .map_err(|error| unwritten(&error))?;
            return Ok(0);
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(super::grammar())
            .render(&mut page)
            .map_err(|error| unwritten(&error))?;
        bytes(&page)?;
        Ok(0)
    }
}
