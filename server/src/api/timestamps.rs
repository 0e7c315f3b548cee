//! RFC 3161 time stamps of checkpoints: what an authority answered is kept beside the note, and shown.

use archive::proof::timestamp::Authorities;
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chat::Act;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wire::timestamp::document;
use crate::wiring::Shared;

/// A response of an authority.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// Its DER in base64.
    response: String,
    /// Certificates in PEM that the one who asks trusts.
    authorities: Option<String>,
}

/// `POST /timestamps`
pub(super) async fn attach(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>> {
    let answer: Answer = crate::wire::body(&body)?;
    let unreadable = |_| Problem::new(Kind::BadRequest, "the response is no base64");
    let response = BASE64.decode(answer.response.trim()).map_err(unreadable)?;
    let authorities = read(answer.authorities.as_deref())?;
    blocking(move || {
        let kept = shared.archive.keep_timestamp(&response, &authorities)?;
        let at = kept.stamp.as_ref().map(|stamp| stamp.at.to_string()).unwrap_or_default();
        let act = Act::new("timestamp").with("size", kept.size).with("at", at);
        shared.audit.record_now(&caller, act)?;
        Ok(Json(document(&kept)))
    })
    .await
}

/// `GET /timestamps`: all that are kept, each checked again.
pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>> {
    blocking(move || {
        let kept = shared.archive.timestamps(&Authorities::default())?;
        let count = u64::try_from(kept.len()).unwrap_or(u64::MAX);
        shared.audit.record_now(&caller, Act::new("list-timestamps").with("count", count))?;
        Ok(Json(json!({ "timestamps": kept.iter().map(document).collect::<Vec<_>>() })))
    })
    .await
}

/// Reads the certificates of authorities that someone brought along; none where they brought none.
pub(super) fn read(pem: Option<&str>) -> Result<Authorities> {
    let read = pem.map(Authorities::from_pem).transpose().map_err(|reason| {
        Problem::new(Kind::BadRequest, format!("the authorities' certificates: {reason}"))
    })?;
    Ok(read.unwrap_or_default())
}
