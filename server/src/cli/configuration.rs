//! `muniment config`: what is set, where it came from, and whether it can be used.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde_json::{Value, json};

use super::output::table;
use super::{Globals, Output, accept};
use crate::problem::{Kind, Problem, Result};

/// Check and show the configuration.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  muniment config check\n  muniment config show --origin\n  \
                  MUNIMENT__LIMITS__JOBS_MAX=3 muniment config show")]
pub(crate) enum Configuration {
    /// Say whether it can be used; exit 78 if not
    #[command(
        after_help = "Example:\n  muniment --data /srv/archive config check && systemctl restart muniment"
    )]
    Check,
    /// Show every value in force
    #[command(
        after_help = "Examples:\n  muniment config show\n  muniment config show --origin --json"
    )]
    Show {
        /// Say also where each value came from
        #[arg(long)]
        origin: bool,
    },
}

impl Configuration {
    pub(crate) fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let layers = globals.layers()?;
        let config = layers.config()?;
        match self {
            Self::Check => {
                accept(config)?;
                output.result(&json!({ "ok": true }), |_| {
                    "the configuration can be used".to_owned()
                })?;
            }
            Self::Show { origin } => {
                let tree = serde_json::to_value(&config)
                    .map_err(|error| Problem::of(Kind::Internal, &error))?;
                let rows: BTreeMap<_, _> = keys(&tree).into_iter().collect();
                let origin_of = |key: &str| layers.origin(key).to_string();
                if output.is_json() {
                    let entry = |(key, value): (&String, &Value)| {
                        let entry = if origin {
                            json!({ "value": value, "origin": origin_of(key) })
                        } else {
                            value.clone()
                        };
                        (key.clone(), entry)
                    };
                    let object: serde_json::Map<_, _> = rows.iter().map(entry).collect();
                    output.line(&Value::Object(object).to_string())?;
                } else {
                    let row = |(key, value): (&String, &Value)| {
                        let mut row = vec![key.clone(), value.to_string()];
                        if origin {
                            row.push(origin_of(key));
                        }
                        row
                    };
                    let headings: &[&str] =
                        if origin { &["key", "value", "from"] } else { &["key", "value"] };
                    output.line(&table(headings, rows.iter().map(row).collect()))?;
                }
            }
        }
        Ok(0)
    }
}

/// Returns every `section.key` with its value.
fn keys(tree: &Value) -> Vec<(String, Value)> {
    let sections = tree.as_object().into_iter().flatten();
    sections
        .flat_map(|(section, keys)| {
            keys.as_object()
                .into_iter()
                .flatten()
                .map(move |(key, value)| (format!("{section}.{key}"), value.clone()))
        })
        .collect()
}
