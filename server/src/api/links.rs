//! Issuing links that sign an officer in.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::idempotency::ShownOnce;
use crate::auth::Caller;
use crate::problem::Result;
use crate::serving::Served;
use crate::wiring::Shared;

/// `POST /sign-in-links`: a link for the officer that the user at the control socket is.
pub(super) async fn issue(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Extension(Served(origin)): Extension<Served>,
) -> Result<(Extension<ShownOnce>, Json<Value>)> {
    let issued = shared.credentials.issue_link(&caller, &caller.name).await?;
    let link = Json(json!({
        "id": issued.id,
        "officer": caller.name,
        "link": format!("{origin}/sign-in?link={}", issued.secret.reveal()),
        "minutes": shared.config.sessions.link_minutes,
    }));
    Ok((Extension(ShownOnce), link))
}
