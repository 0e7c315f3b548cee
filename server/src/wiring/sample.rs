//! The sample archive of `quickstart`: some weeks in the chat rooms of a company that does not exist. Made up by us.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::Shared;
use crate::cli::{Begin, Client, Output};
use crate::problem::{Kind, Problem, Result};

/// The files of the sample: name, content.
const FILES: &[(&str, &[u8])] = &[
    ("larkfield.jsonl", include_bytes!("../../sample/larkfield.jsonl")),
    ("files/cold-chain-log.csv", include_bytes!("../../sample/files/cold-chain-log.csv")),
    ("files/recount-notes.txt", include_bytes!("../../sample/files/recount-notes.txt")),
    ("files/harbour-slots.txt", include_bytes!("../../sample/files/harbour-slots.txt")),
];

/// The source that the sample's lines name.
const SOURCE: &str = "larkfield";

/// Loads the sample through the ordinary import, unless it was loaded before. Returns the number of events.
pub(crate) async fn load(shared: &Shared, client: &Client, output: &Output) -> Result<Option<u64>> {
    if shared.names().sources().values().any(|name| name == SOURCE) {
        return Ok(None);
    }
    let folder = shared.spool().join("sample");
    for (name, content) in FILES {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        std::fs::create_dir_all(parent)
            .map_err(|error| Problem::of_path("make", parent, &error))?;
        let disk = shared.archive.ports().disk.as_ref();
        archive::durable::write(disk, &path, content)?;
    }
    let body = json!({
        "path": folder.join("larkfield.jsonl"),
        "attachments": folder.join("files"),
        "format": "jsonl",
    });
    let request = Request::post("/api/v1/imports")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .map_err(|error| Problem::of(Kind::Internal, &error))?;
    let report = client.job(Begin { request, work: "loading", unit: "events" }, output).await?;
    drop(std::fs::remove_dir_all(&folder));
    Ok(report.get("accepted").and_then(Value::as_u64))
}
