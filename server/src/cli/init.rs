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

/// Returns the name of the calling user: as the table of users has it, else as the environment says, else its number.
pub(super) fn user_name() -> String {
    let uid = rustix::process::getuid().as_raw();
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named_in(&table, uid)
        .or_else(|| std::env::var("USER").ok().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| format!("user {uid}"))
}

/// Returns the name of a user in a table of users (passwd(5)): the full name where one is given, else the login name.
fn named_in(table: &str, uid: u32) -> Option<String> {
    let line = table
        .lines()
        .find(|line| line.split(':').nth(2).and_then(|number| number.parse().ok()) == Some(uid))?;
    let mut fields = line.split(':');
    let login = fields.next()?;
    // The first member of the fifth field is the full name; `&` in it would stand for the login name.
    let full = fields.nth(3).and_then(|field| field.split(',').next()).unwrap_or_default().trim();
    let name = if full.is_empty() || full.contains('&') { login } else { full };
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::named_in;

    #[test]
    fn a_user_is_called_as_the_table_of_users_says() {
        let table = "root:x:0:0:root:/root:/bin/sh\nada:x:7:7:Ada Lovelace,,,:/home/ada:/bin/sh\n\
                     feed:x:8:8::/:/bin/false\nbroken\n";
        for (uid, name) in
            [(0, Some("root")), (7, Some("Ada Lovelace")), (8, Some("feed")), (9, None)]
        {
            assert_eq!(named_in(table, uid).as_deref(), name, "{uid}");
        }
    }
}
