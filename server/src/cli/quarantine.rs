//! `muniment quarantine`: records that could not be understood, kept raw.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Access, Client, target};
use super::output::{indented, table, word};
use super::{Globals, Output};
use crate::problem::Result;

/// Records that could not be understood.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  muniment quarantine list\n  muniment quarantine show 4711\n  muniment quarantine replay"
)]
pub(crate) enum Quarantine {
    /// List them, oldest first
    #[command(after_help = "Example:\n  muniment quarantine list --limit 20 --json")]
    List {
        /// Records at most
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Show one, with its bytes as they were given
    #[command(after_help = "Example:\n  muniment quarantine show 4711 --json | jq -r .raw_text")]
    Show {
        /// The record, by its sequence number
        seq: chat::Seq,
    },
    /// Try to understand one again, or all
    #[command(
        after_help = "Examples:\n  muniment quarantine replay 4711\n  muniment quarantine replay"
    )]
    Replay {
        /// The records, by their sequence numbers [default: all]
        seqs: Vec<chat::Seq>,
        /// Zone of times that say none, such as Europe/Paris
        #[arg(long)]
        zone: Option<String>,
    },
}

impl Quarantine {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let access =
            if matches!(self, Self::Replay { .. }) { Access::Writes } else { Access::Reads };
        let client = Client::open(globals, access).await?;
        let answer = match &self {
            Self::List { limit } => {
                client
                    .get(&target("/api/v1/quarantine", &[("limit", Some(limit.to_string()))]))
                    .await
            }
            Self::Show { seq } => client.get(&format!("/api/v1/quarantine/{seq}")).await,
            Self::Replay { seqs, zone } => {
                let seqs: Vec<u64> = seqs.iter().map(|seq| seq.get()).collect();
                client
                    .post("/api/v1/quarantine/replay", &json!({ "seqs": seqs, "zone": zone }))
                    .await
            }
        };
        let answer = client.end(answer).await?;
        self.print(&answer, output)
    }

    fn print(&self, answer: &Value, output: &Output) -> Result<u8> {
        match self {
            Self::List { .. } => {
                let records = answer["records"].as_array().cloned().unwrap_or_default();
                if output.is_json() {
                    records.iter().try_for_each(|record| output.line(&record.to_string()))?;
                } else {
                    let row = |record: &Value| {
                        ["/seq", "/recorded_at", "/replayed_as", "/locator", "/reason"]
                            .map(|name| word(record, name))
                            .to_vec()
                    };
                    let rows = records.iter().map(row).collect();
                    output
                        .line(&table(&["seq", "recorded", "replayed as", "where", "why"], rows))?;
                }
                Ok(0)
            }
            Self::Show { .. } => {
                output.result(answer, |record| {
                    format!(
                        "#{}  {}\n{}\n\n{}",
                        word(record, "/seq"),
                        word(record, "/locator"),
                        word(record, "/reason"),
                        indented(record["raw_text"].as_str().unwrap_or_default(), "    "),
                    )
                })?;
                Ok(0)
            }
            Self::Replay { .. } => {
                output.result(answer, |answer| {
                    format!(
                        "{} tried, {} understood now, {} before, {} not",
                        word(answer, "/tried"),
                        word(answer, "/understood"),
                        word(answer, "/replayed_before"),
                        word(answer, "/quarantined"),
                    )
                })?;
                Ok(if answer["quarantined"].as_u64().unwrap_or(0) > 0 {
                    super::EXIT_LOOK
                } else {
                    0
                })
            }
        }
    }
}
