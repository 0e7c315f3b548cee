//! `muniment quickstart`: the main job in one go, on a small sample of made-up data in a folder of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::client::Client;
use super::serve::sign_in_link;
use super::{Globals, Output, tour};
use crate::problem::{Kind, Problem, Result};
use crate::serving::Server;
use crate::wiring::{Appliance, Founding, Shared, sample};

const EXAMPLES: &str = "\
Examples:
  muniment quickstart           makes ./muniment-demo, loads the sample, serves it, prints the way in
  muniment quickstart --tour    the same without a browser: find, explain, export, verify, tamper, verify again

A second start loads nothing. A busy port moves to the next free one. Remove the folder when you are done with it.";

/// Ports tried after the first.
const PORTS_MAX: u16 = 100;

/// Make a sample archive, serve it, and print the way in.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Quickstart {
    /// Show the main job on standard output instead of serving
    #[arg(long)]
    tour: bool,
}

impl Quickstart {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let data = globals.data.clone().unwrap_or_else(|| PathBuf::from("muniment-demo"));
        let globals = globals.with_data(data.clone());
        let config = globals.config()?;
        if !self.tour {
            crate::logs::begin(&config.logs, globals.verbose, true);
        }
        let founded = data.join("archive.json").try_exists().unwrap_or(false);
        let shared = if founded {
            Appliance::open(&data, config).await?
        } else {
            let founding = Founding {
                officer: super::init::user_name(),
                recordkeeping: archive::Recordkeeping::AuditTrail,
                demo: true,
            };
            Appliance::found(&data, config, founding).await?
        };
        let done = self.show(&shared, &data, output).await;
        if done.is_err() || self.tour {
            shared.close().await?;
        }
        done
    }

    async fn show(&self, shared: &Shared, data: &std::path::Path, output: &Output) -> Result<u8> {
        if !shared.archive.description().creation.demo {
            let detail = format!(
                "{} holds an archive that is no demo; run quickstart elsewhere, or name another folder with --data",
                data.display()
            );
            return Err(Problem::new(Kind::Conflict, detail));
        }
        let client = Client::inside(Shared::clone(shared)).await?;
        let loaded = sample::load(shared, &client, output).await?;
        if let Some(events) = loaded {
            output.note(&format!("loaded {events} events of made-up data into {}", data.display()));
        }
        if self.tour {
            return tour::run(&client, data, output).await;
        }
        let server = bind_free(shared).await?;
        let link = sign_in_link(shared, &server).await?;
        output.line(&format!("DEMO archive in {}", data.display()))?;
        output.line(&format!("listening on {}", server.origin()))?;
        output.line(&format!("sign in once:  {link}"))?;
        output.line("try there:     backdate        (a word that was edited away)")?;
        output.line("stop with Ctrl-C; another run of quickstart goes on with the same archive")?;
        server.run(Shared::clone(shared)).await?;
        Ok(0)
    }
}

/// Listens on the configured port or the next free one.
async fn bind_free(shared: &Shared) -> Result<Server> {
    let wanted = shared.config.server.listen;
    let mut last = None;
    for step in 0..=PORTS_MAX {
        let Some(port) = wanted.port().checked_add(step) else { break };
        match Server::bind(shared, SocketAddr::new(wanted.ip(), port)).await {
            Ok(server) => return Ok(server),
            Err(problem) => last = Some(problem),
        }
    }
    Err(last.unwrap_or_else(|| Problem::new(Kind::Unavailable, "no free port was found")))
}
