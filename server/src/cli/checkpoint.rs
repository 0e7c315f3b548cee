//! `muniment checkpoint`: the newest signed checkpoint, as a C2SP signed note.

use clap::Args;
use serde_json::json;

use super::client::{Access, Client};
use super::{Globals, Output};
use crate::problem::Result;

/// Print the newest signed checkpoint.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  muniment checkpoint > monday.note && muniment verify --since monday.note"
)]
pub(crate) struct Checkpoint {}

impl Checkpoint {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let client = Client::open(globals, Access::Reads).await?;
        let answer = client.get("/api/v1/checkpoint?form=json").await;
        let answer = client.end(answer).await?;
        if output.is_json() {
            output.result(&json!(answer), |_| String::new())?;
        } else {
            super::output::bytes(answer["note"].as_str().unwrap_or_default().as_bytes())?;
        }
        Ok(0)
    }
}
