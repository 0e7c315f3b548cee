//! Searching and explaining: the question goes into the log before its answer leaves.

use std::time::Instant;

use archive::Archive;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use chat::{Act, Recorded, Seq};
use index::{Cursor, Found, Page, Scope, SnapshotChoice, StateAt};
use query::Query;
use serde_json::{Value, json};

use super::neighbours::Vicinity;
use super::parameters::Parameters;
use crate::auth::{Caller, scope};
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wire::event::Event;
use crate::wire::search::{Answer, Asked, Hit, NotSearched, State as Searched, order, parse};
use crate::wiring::{Appliance, Shared};

/// Hits of a page where none are asked for.
const LIMIT_DEFAULT: usize = 20;
/// Events on either side of a hit, at most.
const CONTEXT_MAX: usize = 10;

/// `GET /search`
pub(super) async fn search(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Answer>> {
    if asked.q.is_none() {
        let detail = "q is missing: give a query, such as /api/v1/search?q=invoice; an empty one finds everything";
        return Err(Problem::new(Kind::BadRequest, detail).with("parameter", "q"));
    }
    find(&shared, &caller, asked).await.map(Json)
}

/// Finds events and records who looked for what. The snapshot precedes the audit event of this very search.
pub(crate) async fn find(shared: &Shared, caller: &Caller, asked: Asked) -> Result<Answer> {
    let began = Instant::now();
    let (shared, caller) = (Shared::clone(shared), caller.clone());
    blocking(move || {
        let scope = scope::of(&caller)?;
        let text = asked.q.as_deref().unwrap_or_default();
        let query = parse(text, asked.zone.as_deref().unwrap_or(&shared.config.time.zone))?;
        let mut answer = look(&shared, &query, &scope, &asked)?;
        let act = Act::new("search")
            .with("query", query.text())
            .with("interpreted", answer.interpreted.as_str())
            .with("snapshot_size", answer.snapshot.size)
            .with("count", answer.count)
            .with_some("cursor", asked.cursor.as_deref())
            .with_some("neighbours", asked.context.map(|_| answer.neighbours()));
        shared.audit.record_now(&caller, act)?;
        let elapsed = began.elapsed();
        metrics::histogram!("muniment_search_seconds").record(elapsed.as_secs_f64());
        answer.took_ms = (elapsed.as_secs_f64() * 1e6).round() / 1e3;
        Ok(answer)
    })
    .await
}

fn look(shared: &Appliance, query: &Query, scope: &Scope, asked: &Asked) -> Result<Answer> {
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    if limit > chat::limits::PAGE_HITS_MAX {
        let detail = format!("limit {limit} is over {}", chat::limits::PAGE_HITS_MAX);
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    if asked.context.is_some_and(|context| context > CONTEXT_MAX) {
        let detail = format!("context is over {CONTEXT_MAX}; `show` goes further around one event");
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    let page = Page {
        limit,
        order: order(asked.order.as_deref())?,
        cursor: asked.cursor.as_deref().map(Cursor::from_text),
    };
    let choice = match &asked.snapshot {
        Some(id) => SnapshotChoice::At(Searched::parse(id)?),
        None => SnapshotChoice::Newest,
    };
    let Found { answer: found, not_searched, state } =
        shared.index.find(query, scope, &choice, &page)?;
    let seqs: Vec<Seq> = found.hits.iter().map(|hit| hit.seq).collect();
    let events = shared.archive.read_many(&seqs)?;
    let destroyed = events.iter().filter(|event| event.is_none()).count();
    let (context, vicinity) = (asked.context.unwrap_or(0), Vicinity::of(shared, scope));
    let hits = events.iter().flatten().map(|recorded| {
        let mut hit = shown(shared, query, &state, recorded);
        surround(&vicinity, recorded, context, &mut hit).map(|()| hit)
    });
    let hits = hits.collect::<Result<_>>()?;
    Ok(Answer {
        query: query.text().to_owned(),
        interpreted: query.interpreted(),
        snapshot: Searched::of(&found.snapshot),
        count: found.count,
        hits,
        next: found.next.map(|cursor| cursor.to_string()),
        not_searched: NotSearched::of(not_searched),
        destroyed_since: u64::try_from(destroyed).unwrap_or(u64::MAX),
        warnings: super::warnings::of(query, shared, scope)?,
        took_ms: 0.0,
    })
}

fn shown(shared: &Appliance, query: &Query, state: &StateAt, recorded: &Recorded) -> Hit {
    let analysed = shared.index.analysed(recorded);
    let matched = query::matches(query, &analysed, state).unwrap_or_default();
    Hit::of(event(shared, &shared.archive, recorded), matched)
}

/// Adds the events of the room on either side of a hit.
fn surround(
    vicinity: &Vicinity<'_>,
    recorded: &Recorded,
    count: usize,
    hit: &mut Hit,
) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let (shared, archive) = (vicinity.shared(), &vicinity.shared().archive);
    let list = |events: Vec<Recorded>| {
        events.iter().map(|recorded| event(shared, archive, recorded)).collect()
    };
    hit.before = list(vicinity.before(recorded, count)?);
    hit.after = list(vicinity.after(recorded, count)?);
    Ok(())
}

/// Returns an event with the name of its source.
pub(crate) fn event(shared: &Appliance, archive: &Archive, recorded: &Recorded) -> Event {
    Event::of(archive, recorded, shared.source_name(recorded))
}

/// What is to be explained.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asking {
    pub(super) q: String,
    pub(super) zone: Option<String>,
}

/// `GET /events/{seq}/explain`
pub(super) async fn explain(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(seq): Path<String>,
    Parameters(asked): Parameters<Asking>,
) -> Result<Json<Value>> {
    let seq = super::show::sequence(&seq)?;
    blocking(move || explained(&shared, &caller, &scope::of(&caller)?, seq, &asked)).await.map(Json)
}

/// Explains an event within the scope, and records who asked.
pub(super) fn explained(
    shared: &Appliance,
    caller: &Caller,
    scope: &Scope,
    seq: Seq,
    asked: &Asking,
) -> Result<Value> {
    let query = parse(&asked.q, asked.zone.as_deref().unwrap_or(&shared.config.time.zone))?;
    let recorded = super::show::read(shared, scope, seq)?;
    let state = shared.index.state_for(&query, &shared.index.newest())?;
    let explanation = query::explain(&query, &shared.index.analysed(&recorded), &state);
    let act = Act::new("explain")
        .with("seq", seq.get())
        .with("query", query.text())
        .with("matched", explanation.matched);
    shared.audit.record_now(caller, act)?;
    let clauses: Vec<_> = explanation
        .clauses
        .iter()
        .map(|verdict| json!({ "clause": verdict.clause, "matched": verdict.matched, "why": verdict.why }))
        .collect();
    Ok(json!({
        "seq": seq.get(),
        "query": query.text(),
        "interpreted": query.interpreted(),
        "matched": explanation.matched,
        "clauses": clauses,
    }))
}
