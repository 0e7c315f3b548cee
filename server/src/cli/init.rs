//! `muniment init`: makes an archive with its keys and its first officer.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::word;
use super::{Globals, Output};
use crate::problem::Result;
use crate::wiring::{Appliance, Founding};

const EXAMPLES: &str = "\
Examples:
  muniment init --officer 'Ada Lovelace'
  muniment --data /srv/archive init --officer 'Ada Lovelace' --recordkeeping worm

Keep the public key that it prints somewhere else: whoever checks an export later has to trust it.
The keys are in keys/ of the data directory. Without them nothing can be read; they belong in no backup of the rest.";

/// Make an archive.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Init {
    /// Name of the first officer, bound to the user who runs this [default: the name of that user]
    #[arg(long, value_name = "NAME")]
    officer: Option<String>,
    /// Which rule of recordkeeping it follows
    #[arg(long, value_enum, default_value = "audit-trail")]
    recordkeeping: Recordkeeping,
}

/// The two ways of 17 CFR 240.17a-4(f).
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Recordkeeping {
    /// Changes are allowed under rules, and every one is on record
    AuditTrail,
    /// Nothing can be destroyed before its time
    Worm,
}

impl Init {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let founding = Founding {
            officer: self.officer.unwrap_or_else(user_name),
            recordkeeping: match self.recordkeeping {
                Recordkeeping::AuditTrail => archive::Recordkeeping::AuditTrail,
                Recordkeeping::Worm => archive::Recordkeeping::Worm,
            },
            demo: false,
        };
        let officer = founding.officer.clone();
        let shared = Appliance::found(&globals.data(), globals.config()?, founding).await?;
        let made = json!({
            "archive_id": shared.archive.id().to_string(),
            "public_key": shared.archive.public_key().to_string(),
            "officer": officer,
            "data": globals.data().display().to_string(),
        });
        shared.close().await?;
        output.result(&made, |made| {
            format!(
                "archive     {}\npublic key  {}\nofficer     {}\ndata        {}",
                word(made, "/archive_id"),
                word(made, "/public_key"),
                word(made, "/officer"),
                word(made, "/data"),
            )
        })?;
        output.note("keep the public key somewhere else; next: muniment import, muniment serve");
        Ok(0)
    }
}

/// Returns the name of the calling user, or its number.
pub(super) fn user_name() -> String {
    std::env::var("USER")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}
