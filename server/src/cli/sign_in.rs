//! `muniment sign-in`: a link into the desk of a server that runs.

use clap::Args;
use serde_json::json;

use super::client::{Access, Client};
use super::output::word;
use super::transport::Transport;
use super::{Globals, Output};
use crate::problem::{Kind, Problem, Result};

const EXAMPLES: &str = "\
Examples:
  muniment sign-in                             a link for the browser on this machine
  muniment --data /srv/archive sign-in
  muniment --json sign-in | jq -r .link

The link works once and for some minutes; ask for as many as there are browsers. It is handed out to the user who runs
the server, or to root, over the control socket in the data directory; a token opens no session.";

/// Print a link that signs you in to the desk once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignIn {}

impl SignIn {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        if globals.server.is_some() {
            let detail = "--server: a sign-in link is handed out over the control socket alone; \
                          run this on the machine of the server with --data";
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        let data = globals.data();
        if !Transport::listens(&data).await {
            let detail = format!(
                "no server runs on {}; this starts one and prints a link: muniment serve --link",
                data.display()
            );
            return Err(Problem::new(Kind::Unavailable, detail));
        }
        let client = Client::open(globals, Access::Writes).await?;
        let answer = client.post("/api/v1/sign-in-links", &json!({})).await;
        client.close().await?;
        let answer = answer?;
        if !output.is_json() {
            output.note(&format!(
                "signs {} in once, within {} minutes:",
                word(&answer, "/officer"),
                word(&answer, "/minutes")
            ));
        }
        output.result(&answer, |answer| word(answer, "/link"))?;
        Ok(0)
    }
}
