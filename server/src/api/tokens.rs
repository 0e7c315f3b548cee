//! Issuing, listing and revoking tokens.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use policy::Grant;
use serde::Deserialize;
use serde_json::{Value, json};

use super::idempotency::ShownOnce;
use crate::auth::Caller;
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// Bytes of a token's name.
const NAME_BYTES_MAX: usize = 200;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    name: String,
    scopes: Vec<String>,
}

/// `POST /tokens`
pub(super) async fn issue(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(Extension<ShownOnce>, Json<Value>)> {
    let order: Order = crate::wire::body(&body)?;
    let grant = Grant::from_words(order.scopes.iter().map(String::as_str))
        .map_err(|error| Problem::of(Kind::BadRequest, &error))?;
    if grant == Grant::default() || order.name.is_empty() || order.name.len() > NAME_BYTES_MAX {
        let detail =
            format!("a token needs a name of 1 to {NAME_BYTES_MAX} bytes and at least one scope");
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    let issued = shared.credentials.issue_token(&caller, &order.name, grant).await?;
    let token = Json(json!({
        "id": issued.id,
        "name": order.name,
        "scopes": words(grant),
        "token": issued.secret.reveal(),
    }));
    Ok((Extension(ShownOnce), token))
}

fn words(grant: Grant) -> Vec<&'static str> {
    grant.permissions().map(policy::Permission::word).collect()
}

/// `GET /tokens`
pub(super) async fn list(State(shared): State<Shared>) -> Result<Json<Value>> {
    let tokens: Vec<_> = shared
        .credentials
        .tokens()
        .await?
        .iter()
        .map(|token| {
            json!({
                "id": token.id,
                "name": token.name,
                "scopes": words(token.grant),
                "issued_at": token.issued_at.to_string(),
                "revoked_at": token.revoked_at.map(|at| at.to_string()),
            })
        })
        .collect();
    Ok(Json(json!({ "tokens": tokens })))
}

/// `DELETE /tokens/{id}`
pub(super) async fn revoke(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    match shared.credentials.revoke_token(&caller, &id).await? {
        Some(token) => Ok(Json(json!({ "id": token.id, "name": token.name, "revoked": true }))),
        None => Err(Problem::new(Kind::NotFound, format!("no living token has the id {id:?}"))),
    }
}
