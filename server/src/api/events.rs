//! `POST /events`: a feed's events, one JSON object a line, acknowledged when they are on disk.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use chat::limits::RAW_BYTES_MAX;
use http_body_util::BodyExt as _;
use ingest::source::jsonl::drafts_of_line;
use ingest::{Draft, DraftKey, FileContent, Locator, Outcome, Reading, Sourced, Verdict};
use serde_json::{Value, json};

use crate::auth::secret::hex;
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// `POST /events`
pub(super) async fn append(State(shared): State<Shared>, request: Request) -> Result<Json<Value>> {
    let limit = shared.config.limits.request_bytes_max;
    let body = read(request.into_body(), limit).await?;
    blocking(move || {
        let outcomes = shared.ingest.accept_pieces(pieces(&body)?)?;
        count(&outcomes);
        Ok(Json(answer(&outcomes)))
    })
    .await
}

/// Reads a body up to a limit, and says the limit where it is longer.
async fn read(body: Body, limit: usize) -> Result<Vec<u8>> {
    let mut body = body;
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(Kind::BadRequest, format!("the events broke off: {error}"))
        })?;
        if let Ok(more) = frame.into_data() {
            if bytes.len() + more.len() > limit {
                let detail =
                    format!("the request is over {limit} bytes; send fewer events at a time");
                return Err(Problem::new(Kind::TooLarge, detail).with("limit", limit));
            }
            bytes.extend_from_slice(&more);
        }
    }
    Ok(bytes)
}

/// Turns lines into events and, where a line is none, into bytes to be kept in quarantine.
pub(super) fn pieces(body: &[u8]) -> Result<Vec<Sourced>> {
    let reading = Reading::default();
    let name: Arc<str> = "request".into();
    let mut pieces = Vec::new();
    for (number, line) in (1_u64..).zip(body.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if line.len() > RAW_BYTES_MAX {
            let detail = format!("the line is over {RAW_BYTES_MAX} bytes");
            return Err(of_line(number, Kind::TooLarge, &detail).with("limit", RAW_BYTES_MAX));
        }
        match drafts_of_line(line, &Locator::line(&name, number), &reading) {
            Ok(drafts) => {
                for draft in drafts {
                    pieces.push(Sourced::Draft(Box::new(posted(draft, number)?)));
                }
            }
            Err(piece) => pieces.push(Sourced::Unreadable(piece)),
        }
    }
    Ok(pieces)
}

fn of_line(number: u64, kind: Kind, detail: &str) -> Problem {
    Problem::new(kind, format!("line {number}: {detail}")).with("line", number)
}

/// Refuses the whole request for an event that has no id or is too large, so that the feed learns of it; a feed names no
/// files of this machine.
fn posted(mut draft: Draft, number: u64) -> Result<Draft> {
    if !matches!(draft.key, DraftKey::Given(_)) {
        return Err(of_line(number, Kind::BadData, "an event that is posted needs an `id`"));
    }
    if let Err(refusal) = draft.check() {
        return Err(of_line(number, Kind::TooLarge, &refusal.to_string()));
    }
    for file in &mut draft.attachments {
        if !matches!(file.content, FileContent::Missing { .. }) {
            let reason = "a feed posts no files".to_owned();
            file.content = FileContent::Missing { reason, claimed_bytes: None };
        }
    }
    draft.locator = None;
    Ok(draft)
}

fn count(outcomes: &[Outcome]) {
    for outcome in outcomes {
        metrics::counter!("muniment_events_total", "verdict" => word(&outcome.verdict))
            .increment(1);
    }
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::Revised => "revised",
        Verdict::Duplicate => "duplicate",
        Verdict::Quarantined { .. } => "quarantined",
    }
}

fn answer(outcomes: &[Outcome]) -> Value {
    let number = |wanted: &str| outcomes.iter().filter(|one| word(&one.verdict) == wanted).count();
    let receipts: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            json!({
                "seq": outcome.receipt.seq.get(),
                "leaf": outcome.receipt.leaf.map(|leaf| hex(&leaf)),
                "recorded_at": outcome.receipt.recorded_at.to_string(),
                "verdict": word(&outcome.verdict),
            })
        })
        .collect();
    json!({
        "accepted": number("accepted"),
        "revised": number("revised"),
        "duplicates": number("duplicate"),
        "quarantined": number("quarantined"),
        "receipts": receipts,
    })
}
