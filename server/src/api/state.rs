//! The state of the archive and its newest checkpoint.

use archive::proof::timestamp;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chat::Act;
use index::{Page, SnapshotChoice};
use serde::Deserialize;
use serde_json::{Value, json};

use super::parameters::Parameters;
use crate::auth::secret::hex;
use crate::auth::{Caller, scope};
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wire::search::parse;
use crate::wire::status::{Counted, document};
use crate::wiring::Shared;

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
    let (signed, request) = blocking(move || {
        let signed = shared.archive.checkpoint()?;
        let act = Act::new("checkpoint").with("size", signed.checkpoint.size);
        shared.audit.record_now(&caller, act)?;
        let request = timestamp::request(&signed.note, shared.archive.public_key())
            .map_err(|error| Problem::of(Kind::Internal, &error))?;
        Ok((signed, BASE64.encode(request)))
    })
    .await?;
    match form.form.as_deref() {
        Some("json") => Ok(Json(json!({
            "size": signed.checkpoint.size,
            "root": hex(&signed.checkpoint.root),
            "note": signed.note,
            "timestamp_request": request,
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
    let officers = shared.credentials.officers().await?;
    blocking(move || {
        let scope = scope::of(&caller)?;
        let quarantined = parse("kind:quarantined", "UTC")?;
        let found =
            shared.index.search(&quarantined, &scope, &SnapshotChoice::Newest, &Page::newest(0))?;
        Ok(Json(document(&shared, Counted { quarantined: found.count, officers })))
    })
    .await
}
