//! `POST /events`: a feed's events, one JSON object a line, acknowledged when they are on disk.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use chat::Recorded;
use http_body_util::BodyExt as _;
use ingest::source::jsonl::parse_line;
use ingest::{Draft, DraftKey, FileContent, Outcome, Reading, Sourced, Verdict};
use serde_json::{Value, json};

use crate::auth::secret::hex;
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wiring::{Appliance, Shared};

/// `POST /events`
pub(super) async fn append(State(shared): State<Shared>, request: Request) -> Result<Json<Value>> {
    let limit = shared.config.limits.request_bytes_max;
    let body = read(request.into_body(), limit).await?;
    blocking(move || {
        let drafts = drafts(&body)?;
        let outcomes = shared.ingest.accept(drafts)?;
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

/// Turns lines into drafts. One line that cannot be taken refuses the whole request, so that a feed learns of it.
fn drafts(body: &[u8]) -> Result<Vec<Draft>> {
    let reading = Reading::default();
    let mut drafts = Vec::new();
    for (number, line) in (1_u64..).zip(body.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        for sourced in parse_line(line, &format!("request:{number}"), &reading) {
            drafts.push(whole(sourced, number)?);
        }
    }
    Ok(drafts)
}

/// Refuses what a feed may not send: what is unreadable, what has no id, what names files of this machine.
fn whole(sourced: Sourced, number: u64) -> Result<Draft> {
    let refuse = |kind, detail: String| {
        Err(Problem::new(kind, format!("line {number}: {detail}")).with("line", number))
    };
    let mut draft = match sourced {
        Sourced::Draft(draft) => *draft,
        Sourced::Unreadable(unreadable) => return refuse(Kind::BadData, unreadable.reason),
    };
    if !matches!(draft.key, DraftKey::Given(_)) {
        return refuse(Kind::BadData, "an event that is posted needs an `id`".to_owned());
    }
    if let Err(refusal) = draft.check() {
        return refuse(Kind::TooLarge, refusal.to_string());
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

/// Tries to understand a quarantined line again. Returns whether it is an event now; if so it is recorded as one.
pub(super) fn replay(shared: &Appliance, recorded: &Recorded) -> Result<bool> {
    let content = &recorded.event.content;
    let Some(raw) = &content.raw else { return Ok(false) };
    let locator = content.locator.clone().unwrap_or_default();
    let mut drafts = Vec::new();
    for sourced in parse_line(raw, &locator, &Reading::default()) {
        match sourced {
            Sourced::Draft(draft) if draft.check().is_ok() => drafts.push(*draft),
            Sourced::Draft(_) | Sourced::Unreadable(_) => return Ok(false),
        }
    }
    if drafts.is_empty() {
        return Ok(false);
    }
    let outcomes = shared.ingest.accept(drafts)?;
    Ok(!outcomes.iter().any(|outcome| matches!(outcome.verdict, Verdict::Quarantined { .. })))
}
