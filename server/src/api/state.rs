//! The state of the archive and its newest checkpoint.

use axum::extract::{Query as Parameters, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use chat::Act;
use index::{Page, SnapshotChoice};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::secret::hex;
use crate::auth::{Caller, scope};
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wire::search::parse;
use crate::wiring::{Appliance, Shared};

/// In which form the checkpoint is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    form: Option<String>,
}

/// `GET /checkpoint`: signs the present state and hands the note out.
pub(super) async fn checkpoint(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(form): Parameters<Form>,
) -> Result<Response> {
    let signed = blocking(move || {
        let signed = shared.archive.checkpoint()?;
        let act = Act::new("checkpoint").with("size", signed.checkpoint.size);
        shared.audit.record_now(&caller, act)?;
        Ok(signed)
    })
    .await?;
    match form.form.as_deref() {
        Some("json") => Ok(Json(json!({
            "size": signed.checkpoint.size,
            "root": hex(&signed.checkpoint.root),
            "note": signed.note,
        }))
        .into_response()),
        None | Some("note") => {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            Ok(([(header::CONTENT_TYPE, plain)], signed.note).into_response())
        }
        Some(other) => {
            Err(Problem::new(Kind::BadRequest, format!("form {other:?} is none of note, json")))
        }
    }
}

/// `GET /status`
pub(super) async fn status(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>> {
    blocking(move || {
        let scope = scope::of(&caller)?;
        let quarantined = parse("kind:quarantined", "UTC")?;
        let found =
            shared.index.search(&quarantined, &scope, &SnapshotChoice::Newest, &Page::newest(0))?;
        Ok(Json(document(&shared, found.count)))
    })
    .await
}

fn document(shared: &Appliance, quarantined: u64) -> Value {
    let state = shared.archive.state();
    let description = shared.archive.description();
    let lag = shared.index.lag();
    let newest = shared.archive.newest_checkpoint();
    json!({
        "archive_id": shared.archive.id().to_string(),
        "public_key": shared.archive.public_key().to_string(),
        "demo": description.creation.demo,
        "recordkeeping": description.creation.recordkeeping.word(),
        "created_at": description.created_at.to_string(),
        "data": shared.data.display().to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "events": state.events,
        "checkpoint": newest.map(|signed| json!({
            "size": signed.checkpoint.size,
            "root": hex(&signed.checkpoint.root),
        })),
        "sizes": {
            "journal_bytes": state.journal_bytes,
            "sealed_bytes": state.sealed_bytes,
            "raw_bytes": state.raw_bytes,
            "segments": state.segments,
            "files": state.blobs,
            "file_bytes": state.blob_bytes,
        },
        "last_seal": state.last_seal.map(|at| at.to_string()),
        "index": { "events": shared.index.watermark(), "lag_events": lag.events, "lag_micros": lag.micros },
        "quarantined": quarantined,
        "witnesses": [],
        "single_officer": true,
        "jobs_running": shared.jobs.running(),
        "encrypted": { "journal": true, "segments": true, "files": true, "index": false, "auth": false },
        "disk": { "free_bytes": state.free_bytes },
        "failed": state.failed,
    })
}
