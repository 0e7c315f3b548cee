//! Records that could not be understood: listed, shown raw, tried again.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use chat::{Act, EventKind, Fact, Recorded, Seq};
use index::{Order, Page, Scope, SnapshotChoice};
use ingest::Replayed;
use serde::Deserialize;
use serde_json::{Value, json};

use super::parameters::{Parameters, whole_number};
use crate::auth::{Caller, scope};
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wire::search::parse;
use crate::wiring::{Appliance, Shared};

/// Records that are tried again before what became of them is put into the log.
const REPLAYED_AT_ONCE: usize = 1_000;

/// How many are listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default, deserialize_with = "whole_number")]
    limit: Option<usize>,
}

/// `GET /quarantine`
pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Value>> {
    blocking(move || {
        let scope = scope::of(&caller)?;
        let query = parse("kind:quarantined", "UTC")?;
        let limit = asked.limit.unwrap_or(chat::limits::PAGE_HITS_MAX);
        let limit = limit.min(chat::limits::PAGE_HITS_MAX);
        let page = Page { limit, order: Order::Oldest, cursor: None };
        let found = shared.index.search(&query, &scope, &SnapshotChoice::Newest, &page)?;
        let seqs: Vec<Seq> = found.hits.iter().map(|hit| hit.seq).collect();
        let replayed = shared.ingest.replayed()?;
        let describe = |recorded: &Recorded| summary(recorded, replayed.get(&recorded.seq));
        let records: Vec<_> =
            shared.archive.read_many(&seqs)?.iter().flatten().map(describe).collect();
        let act = Act::new("list-quarantine").with("count", found.count);
        shared.audit.record_now(&caller, act)?;
        Ok(Json(json!({ "count": found.count, "records": records })))
    })
    .await
}

fn summary(recorded: &Recorded, replayed_as: Option<&Seq>) -> Value {
    let content = &recorded.event.content;
    json!({
        "seq": recorded.seq.get(),
        "recorded_at": recorded.recorded_at.to_string(),
        "locator": content.locator,
        "reason": content.remark,
        "bytes": content.raw.as_ref().map(Vec::len),
        "replayed_as": replayed_as.map(|seq| seq.get()),
    })
}

/// `GET /quarantine/{seq}`
pub(super) async fn show(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(seq): Path<String>,
) -> Result<Json<Value>> {
    let seq = super::show::sequence(&seq)?;
    blocking(move || record(&shared, &caller, &scope::of(&caller)?, seq)).await.map(Json)
}

/// Shows a record within the scope as it came in, and records who looked.
pub(super) fn record(
    shared: &Appliance,
    caller: &Caller,
    scope: &Scope,
    seq: Seq,
) -> Result<Value> {
    let recorded = quarantined(shared, scope, seq)?;
    shared.audit.record_now(caller, Act::new("show-quarantined").with("seq", seq.get()))?;
    let mut document = summary(&recorded, shared.ingest.replayed()?.get(&seq));
    let raw = recorded.event.content.raw.unwrap_or_default();
    document["raw_text"] = json!(String::from_utf8_lossy(&raw));
    document["raw_hex"] = json!(crate::auth::secret::hex(&raw));
    Ok(document)
}

/// Reads a record within the scope. One outside is no record, in the same words as any other event.
fn quarantined(shared: &Appliance, scope: &Scope, seq: Seq) -> Result<Recorded> {
    let recorded = shared.archive.read(seq)?;
    let is_record = |recorded: &Recorded| {
        recorded.event.kind == EventKind::Quarantined && scope.covers_event(recorded)
    };
    recorded.filter(is_record).ok_or_else(|| {
        Problem::new(Kind::NotFound, format!("event {seq} is no quarantined record"))
    })
}

/// Which are to be tried again; all where none is named.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Chosen {
    seqs: Vec<u64>,
    zone: Option<String>,
}

/// `POST /quarantine/replay`
pub(super) async fn replay(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Value>> {
    let order: Chosen = crate::wire::body(&body)?;
    blocking(move || {
        let scope = scope::of_upkeep(&caller)?;
        let seqs = chosen(&shared, &scope, &order.seqs)?;
        let zone = order.zone.as_deref().map(str::parse).transpose();
        let zone = zone.map_err(|error: ingest::Error| Problem::of(Kind::BadRequest, &error))?;
        let (mut understood, mut already, mut kept) = (0_usize, 0_usize, Vec::new());
        for some in seqs.chunks(REPLAYED_AT_ONCE) {
            let records: Vec<_> =
                some.iter().map(|seq| quarantined(&shared, &scope, *seq)).collect::<Result<_>>()?;
            let mut pairs = Vec::new();
            for (record, outcome) in records.iter().zip(shared.ingest.replay(&records, zone)?) {
                match outcome {
                    Replayed::Understood(event) => pairs.push((record.seq, event)),
                    Replayed::Already(_) => already += 1,
                    Replayed::Not(reason) => {
                        kept.push(json!({ "seq": record.seq.get(), "reason": reason }));
                    }
                }
            }
            understood += pairs.len();
            shared.audit.record_now(&caller, act_of(some.len(), &pairs))?;
        }
        Ok(Json(json!({
            "tried": seqs.len(),
            "understood": understood,
            "replayed_before": already,
            "quarantined": kept.len(),
            "reasons": kept,
        })))
    })
    .await
}

/// Returns the act that says which records were understood, and as which events. The ingest service reads it: what it names is
/// not tried again.
fn act_of(tried: usize, pairs: &[(Seq, Seq)]) -> Act {
    let numbers = |pick: fn(&(Seq, Seq)) -> Seq| {
        let number = |pair| Fact::Number(i64::try_from(pick(pair).get()).unwrap_or(i64::MAX));
        Fact::List(pairs.iter().map(number).collect())
    };
    Act::new("quarantine-replayed")
        .with("tried", u64::try_from(tried).unwrap_or(u64::MAX))
        .with("records", numbers(|pair| pair.0))
        .with("events", numbers(|pair| pair.1))
}

fn chosen(shared: &Appliance, scope: &Scope, numbers: &[u64]) -> Result<Vec<Seq>> {
    if numbers.is_empty() {
        let query = parse("kind:quarantined", "UTC")?;
        let page = Page::newest(0);
        let found = shared.index.search(&query, scope, &SnapshotChoice::Newest, &page)?;
        return Ok(shared.index.seqs(&query, scope, &found.snapshot)?);
    }
    let read = |number: &u64| {
        Seq::new(*number).ok_or_else(|| {
            Problem::new(Kind::BadRequest, format!("{number} is no sequence number"))
        })
    };
    numbers.iter().map(read).collect()
}
