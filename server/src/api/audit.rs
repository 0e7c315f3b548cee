//! Officers' acts: who searched, opened, exported, signed in. They are found here alone, newest first, and a look at them
//! is an act as well.

use axum::extract::State;
use axum::{Extension, Json};
use chat::{Act, EventKind, Recorded, Seq, Timestamp};
use query::{Clause, Field, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::parameters::{Parameters, whole_number};
use crate::auth::Caller;
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wire::event::Event;
use crate::wire::search::parse;
use crate::wiring::{Appliance, Shared};

/// Acts of a page where none are asked for.
const LIMIT_DEFAULT: usize = 100;
/// Events of the log that are looked through at first; twice as many with each further step back.
const WINDOW_EVENTS: u64 = 1_024;
/// Events of the log that are looked through in one step, at most: so many acts may be held at once.
const WINDOW_EVENTS_MAX: u64 = 65_536;
/// Events of the ledger that are read at a time.
const BATCH_EVENTS: usize = 1_024;

/// Which acts are wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The first date or moment that counts.
    since: Option<String>,
    /// The officer's name.
    actor: Option<String>,
    /// Acts of a page.
    #[serde(default, deserialize_with = "whole_number")]
    limit: Option<usize>,
    /// The `seq` of the last act of the page before.
    #[serde(default, deserialize_with = "whole_number")]
    cursor: Option<u64>,
    /// Zone of the date.
    zone: Option<String>,
}

/// `GET /audit`
pub(super) async fn list(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Value>> {
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=chat::limits::PAGE_HITS_MAX).contains(&limit) {
        let detail = format!("limit {limit} is not from 1 to {}", chat::limits::PAGE_HITS_MAX);
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    let zone = asked.zone.as_deref().unwrap_or(&shared.config.time.zone);
    let since = asked.since.as_deref().map(|since| moment(since, zone)).transpose()?;
    blocking(move || {
        let wanted = Wanted { since, actor: asked.actor.as_deref().map(query::analysis::fold) };
        // What is recorded from here on, this look among it, is on no page that follows.
        let newest = shared.archive.head().0;
        let before = asked.cursor.unwrap_or(u64::MAX).min(newest.saturating_add(1));
        let mut found = look(&shared, &wanted, before, limit.saturating_add(1))?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|recorded| recorded.seq.get());
        let act = Act::new("audit")
            .with("count", u64::try_from(found.len()).unwrap_or(u64::MAX))
            .with_some("since", asked.since.as_deref())
            .with_some("actor", asked.actor.as_deref())
            .with_some("cursor", asked.cursor);
        shared.audit.record_now(&caller, act)?;
        let acts: Vec<_> = found.iter().map(|recorded| shown(&shared, recorded)).collect();
        Ok(Json(json!({ "acts": acts, "next": next.map(|seq| seq.to_string()) })))
    })
    .await
}

/// Reads a date as the query language does.
fn moment(text: &str, zone: &str) -> Result<Timestamp> {
    query::Zone::named(zone).map_err(|error| Problem::of(Kind::BadRequest, &error))?;
    let query = parse(&format!("after:{text}"), zone).ok();
    let root = query.as_ref().map(Query::root);
    if let Some(Clause::Field(Field::Time { from: Some(from), until: None })) = root {
        return Ok(*from);
    }
    let detail = format!(
        "since {text:?} is no date; expected 2024, 2024-03, 2024-03-04 or 2024-03-04T09:15:00Z"
    );
    Err(Problem::new(Kind::BadRequest, detail).with("parameter", "since"))
}

/// What an act has to be.
struct Wanted {
    since: Option<Timestamp>,
    /// Folded.
    actor: Option<String>,
}

impl Wanted {
    fn fits(&self, recorded: &Recorded) -> bool {
        let name = recorded.event.actor.as_ref().map(|actor| query::analysis::fold(&actor.name));
        recorded.event.kind == EventKind::Officer
            && self.since.is_none_or(|since| recorded.recorded_at >= since)
            && (self.actor.is_none() || self.actor == name)
    }
}

/// Returns up to `max` acts before a place in the log, newest first. The ledger is read forward, so it is looked through
/// in windows that go back and grow. The archive's clock never runs backward within a log: the first window that begins
/// before the moment asked for is the last.
fn look(shared: &Appliance, wanted: &Wanted, before: u64, max: usize) -> Result<Vec<Recorded>> {
    let mut acts = Vec::new();
    let (mut end, mut window) = (before, WINDOW_EVENTS);
    while acts.len() < max {
        let Some(last) = end.checked_sub(1).filter(|last| *last > 0) else { break };
        let first = end.saturating_sub(window).max(1);
        let (found, is_past) = within(shared, wanted, first, last)?;
        acts.extend(found.into_iter().rev());
        if is_past {
            break;
        }
        end = first;
        window = window.saturating_mul(2).min(WINDOW_EVENTS_MAX);
    }
    acts.truncate(max);
    Ok(acts)
}

/// Returns the acts of one window, oldest first, and whether it begins before the moment that is asked for.
fn within(
    shared: &Appliance,
    wanted: &Wanted,
    first: u64,
    last: u64,
) -> Result<(Vec<Recorded>, bool)> {
    let (mut found, mut is_past) = (Vec::new(), false);
    let Some(from) = Seq::new(first) else { return Ok((found, true)) };
    let mut tail = shared.archive.ledger(from);
    while tail.position().get() <= last {
        let batch = tail.next_batch(BATCH_EVENTS)?;
        if batch.is_empty() {
            break;
        }
        let inside = batch.into_iter().filter(|recorded| recorded.seq.get() <= last);
        for recorded in inside {
            is_past |= wanted.since.is_some_and(|since| recorded.recorded_at < since);
            if wanted.fits(&recorded) {
                found.push(recorded);
            }
        }
    }
    Ok((found, is_past))
}

fn shown(shared: &Appliance, recorded: &Recorded) -> Value {
    let event = Event::of(&shared.archive, recorded, None);
    json!({
        "seq": event.seq,
        "event_id": event.event_id,
        "at": event.recorded_at,
        "actor": event.actor,
        "act": event.act,
    })
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_date_is_read_as_in_a_query_and_nothing_else_is() {
        assert_eq!(moment("2024-03", "UTC").unwrap().to_string(), "2024-03-01T00:00:00.000000Z");
        assert_eq!(
            moment("2024-03-04", "+01:00").unwrap().to_string(),
            "2024-03-03T23:00:00.000000Z"
        );
        for text in ["", "yesterday", "2024 OR a", "2024-02-30", "2024) OR (a"] {
            assert!(moment(text, "UTC").is_err(), "{text}");
        }
        assert!(moment("2024", "Nowhere/Land").unwrap_err().detail.contains("Nowhere"));
    }
}
