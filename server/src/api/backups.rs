//! What a backup is to reach: a signed checkpoint, and how many events each room has. The files are copied by the user
//! who asks; a server writes into no folder but its own (house.md §6.9).

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use chat::Act;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::auth::secret::hex;
use crate::jobs::blocking;
use crate::problem::Result;
use crate::wire::Nothing;
use crate::wiring::Shared;

/// `POST /backups`
pub(super) async fn begin(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>> {
    let Nothing {} = crate::wire::body(&body)?;
    blocking(move || {
        let archive = &shared.archive;
        let taken_at = archive.ports().clock.now();
        shared.audit.record_now(&caller, Act::new("backup"))?;
        archive.catch_up_catalog()?;
        let counts = archive.catalog()?.counts()?;
        let rooms: BTreeMap<_, _> =
            counts.rooms.iter().map(|(room, events)| (room.to_string(), *events)).collect();
        // After the counts, so that the checkpoint covers what was counted.
        let signed = archive.checkpoint()?;
        Ok(Json(json!({
            "archive_id": archive.id().to_string(),
            "public_key": archive.public_key().to_string(),
            "taken_at": taken_at.to_string(),
            "checkpoint": signed.note,
            "size": signed.checkpoint.size,
            "root": hex(&signed.checkpoint.root),
            "counted": { "events": counts.watermark, "rooms": rooms },
        })))
    })
    .await
}
