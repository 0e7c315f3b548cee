//! `muniment token`: credentials for feeds and scripts.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Access, Client};
use super::output::{table, word};
use super::{Globals, Output};
use crate::problem::Result;

/// Tokens for feeds and scripts.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  muniment token issue --name 'fx feed' --scope append > feed.token\n  \
                  muniment token list\n  muniment token revoke TOKEN-ID"
)]
pub(crate) enum Token {
    /// Issue a token; its secret is shown once
    #[command(
        after_help = "Example:\n  muniment token issue --name 'fx feed' --scope append > feed.token"
    )]
    Issue {
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do: append, read, export, admin or metrics; may be repeated
        #[arg(long, required = true, value_delimiter = ',')]
        scope: Vec<policy::Permission>,
    },
    /// List all tokens, revoked ones too
    #[command(
        after_help = "Example:\n  muniment token list --json | jq -r 'select(.revoked_at == null) | .id'"
    )]
    List,
    /// Revoke a token; from then on it opens nothing
    #[command(after_help = "Example:\n  muniment token revoke TOKEN-ID")]
    Revoke {
        /// The token's id, as `list` shows it
        id: String,
    },
}

impl Token {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let access = if matches!(self, Self::List) { Access::Reads } else { Access::Writes };
        let client = Client::open(globals, access).await?;
        let answer = match &self {
            Self::Issue { name, scope } => {
                let scopes: Vec<_> = scope.iter().map(|scope| scope.word()).collect();
                client.post("/api/v1/tokens", &json!({ "name": name, "scopes": scopes })).await
            }
            Self::List => client.get("/api/v1/tokens").await,
            Self::Revoke { id } => client.delete(&format!("/api/v1/tokens/{id}")).await,
        };
        let answer = client.end(answer).await?;
        self.print(&answer, output)?;
        Ok(0)
    }

    fn print(&self, answer: &Value, output: &Output) -> Result<()> {
        match self {
            Self::Issue { .. } => {
                if !output.is_json() {
                    output.note(&format!(
                        "token {} may {}; this is the only time its secret is shown",
                        word(answer, "/id"),
                        word(answer, "/scopes")
                    ));
                }
                output.result(answer, |answer| word(answer, "/token"))
            }
            Self::List => {
                let tokens = answer["tokens"].as_array().cloned().unwrap_or_default();
                if output.is_json() {
                    return tokens.iter().try_for_each(|token| output.line(&token.to_string()));
                }
                let row = |token: &Value| {
                    ["/id", "/name", "/scopes", "/issued_at", "/revoked_at"]
                        .map(|name| word(token, name))
                        .to_vec()
                };
                let headings = ["id", "name", "scopes", "issued", "revoked"];
                output.line(&table(&headings, tokens.iter().map(row).collect()))
            }
            Self::Revoke { id } => output.result(answer, |_| format!("token {id} is revoked")),
        }
    }
}
