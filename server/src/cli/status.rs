//! `muniment status`: the state of the archive in one look.

use clap::Args;
use serde_json::Value;

use super::client::{Access, Client};
use super::output::table;
use super::{Globals, Output};
use crate::problem::Result;

/// Show the state of the archive.
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, globals: &Globals, output: &Output) -> Result<u8> {
        let client = Client::open(globals, Access::Reads).await?;
        let answer = client.get("/api/v1/status").await;
        client.close().await?;
        output.result(&answer?, words)?;
        Ok(0)
    }
}

fn words(status: &Value) -> String {
    let mut rows = Vec::new();
    if status["demo"] == true {
        rows.push(vec!["DEMO".to_owned(), "sample archive of made-up data".to_owned()]);
    }
    collect("", status, &mut rows);
    table(&["what", "state"], rows)
}

/// Adds a row for every plain member, with the path to it as its name.
fn collect(path: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(&path, member, rows);
            }
        }
        Value::Null => {}
        Value::String(text) => rows.push(vec![path.to_owned(), text.clone()]),
        Value::Array(list) if list.is_empty() => {}
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            rows.push(vec![path.to_owned(), value.to_string()]);
        }
    }
}
