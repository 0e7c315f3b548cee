//! The officers' desk: a search box, results in context, one event, an export.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::Value;

use super::rendered;
use super::words::{Stretch, cut, shown};
use crate::api::ExportOrder;
use crate::api::Parameters;
use crate::api::show::View;
use crate::auth::Caller;
use crate::cli::target;
use crate::jobs::{State as JobState, Task};
use crate::problem::{Kind, Problem, Result};
use crate::wire::event::{Event, in_words};
use crate::wire::search::{Answer, Asked, Hit};
use crate::wiring::Shared;

/// Hits of a page of the desk.
const HITS: usize = 25;
/// Events of the room shown on either side of a hit.
const BESIDE: usize = 1;
/// Neighbours shown on either side of an event.
const NEIGHBOURS: usize = 8;

/// An event in a list.
struct Line {
    seq: u64,
    at: String,
    room: String,
    actor: String,
    kind: &'static str,
    words: Vec<Stretch>,
    title: Vec<Stretch>,
    files: Vec<Vec<Stretch>>,
    /// What a ledger event did.
    act: Vec<String>,
    /// Events of the room before and after it, where they are shown with it.
    before: Vec<Self>,
    after: Vec<Self>,
}

impl Line {
    fn of_hit(hit: &Hit) -> Self {
        Self {
            seq: hit.seq,
            at: readable(&hit.at),
            room: hit.room.as_ref().map(|room| shown(&room.name)).unwrap_or_default(),
            actor: hit.actor.as_ref().map(|actor| shown(&actor.name)).unwrap_or_default(),
            kind: hit.kind,
            words: cut(hit.text.as_deref().unwrap_or_default(), &hit.highlights),
            title: cut(hit.title.as_deref().unwrap_or_default(), hit.covered("title", None)),
            files: hit
                .files
                .iter()
                .enumerate()
                .map(|(number, name)| cut(name, hit.covered("file", Some(number))))
                .collect(),
            act: act(hit.act.as_ref()),
            before: hit.before.iter().map(Self::of_event).collect(),
            after: hit.after.iter().map(Self::of_event).collect(),
        }
    }

    fn of_event(event: &Event) -> Self {
        Self {
            seq: event.seq,
            at: readable(&event.at),
            room: event.room.as_ref().map(|room| shown(&room.name)).unwrap_or_default(),
            actor: event.actor.as_ref().map(|actor| shown(&actor.name)).unwrap_or_default(),
            kind: event.kind,
            words: cut(event.text.as_deref().unwrap_or_default(), &[]),
            title: cut(event.title.as_deref().unwrap_or_default(), &[]),
            files: event.attachments.iter().map(|file| cut(&file.name, &[])).collect(),
            act: act(event.act.as_ref()),
            before: Vec::new(),
            after: Vec::new(),
        }
    }
}

/// Returns the lines that say what a ledger event did.
fn act(act: Option<&Value>) -> Vec<String> {
    let words = in_words(act.unwrap_or(&Value::Null), &Value::Null);
    words.into_iter().map(|(name, said)| shown(&format!("{name}: {said}"))).collect()
}

/// Returns a time to the second with its zone, for eyes; the exact one is in the event's own view and in every export.
fn readable(at: &str) -> String {
    at.get(..19).map_or_else(|| at.to_owned(), |text| format!("{} UTC", text.replace('T', " ")))
}

/// The desk.
#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage<'p> {
    officer: &'p str,
    demo: bool,
    query: &'p str,
    order: &'p str,
    answer: Option<&'p Answer>,
    lines: Vec<Line>,
    next: Option<String>,
    problem: Option<&'p str>,
}

/// `GET /desk`
pub(crate) async fn desk(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(mut asked): Parameters<Asked>,
) -> Result<Response> {
    let query = asked.q.clone().unwrap_or_default();
    let order = asked.order.get_or_insert_with(|| "newest".to_owned()).clone();
    asked.limit = Some(HITS);
    asked.context = Some(BESIDE);
    let mut page = DeskPage {
        officer: &caller.name,
        demo: shared.archive.description().creation.demo,
        query: &query,
        order: &order,
        answer: None,
        lines: Vec::new(),
        next: None,
        problem: None,
    };
    if query.trim().is_empty() {
        return Ok(rendered(StatusCode::OK, &page));
    }
    match crate::api::search::find(&shared, &caller, asked).await {
        Ok(answer) => {
            page.lines = answer.hits.iter().map(Line::of_hit).collect();
            page.next = answer.next.as_ref().map(|cursor| {
                let parameters = [
                    ("q", Some(query.clone())),
                    ("order", Some(order.clone())),
                    ("snapshot", Some(answer.snapshot.id.clone())),
                    ("cursor", Some(cursor.clone())),
                ];
                target("/desk", &parameters)
            });
            page.answer = Some(&answer);
            Ok(rendered(StatusCode::OK, &page))
        }
        Err(problem)
            if matches!(problem.kind, Kind::BadQuery | Kind::BadRequest | Kind::NotYet) =>
        {
            page.problem = Some(&problem.detail);
            Ok(rendered(problem.kind.status(), &page))
        }
        Err(problem) => Err(problem),
    }
}

/// One event.
#[derive(Template)]
#[template(path = "event.html")]
struct EventPage<'p> {
    officer: &'p str,
    demo: bool,
    view: &'p View,
    line: Line,
    facts: Vec<(String, String)>,
    versions: Vec<Line>,
    before: Vec<Line>,
    after: Vec<Line>,
}

/// `GET /desk/events/{seq}`
pub(crate) async fn event(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(seq): Path<String>,
) -> Result<Response> {
    let seq = crate::api::show::sequence(&seq)?;
    let view = crate::api::show::view(&shared, &caller, seq, NEIGHBOURS).await?;
    let list = |events: &[Event]| events.iter().map(Line::of_event).collect();
    let page = EventPage {
        officer: &caller.name,
        demo: shared.archive.description().creation.demo,
        line: Line::of_event(&view.event),
        facts: facts(&view),
        versions: list(&view.versions),
        before: list(&view.before),
        after: list(&view.after),
        view: &view,
    };
    Ok(rendered(StatusCode::OK, &page))
}

fn facts(view: &View) -> Vec<(String, String)> {
    let event = &view.event;
    let mut facts = vec![
        ("Event".to_owned(), event.event_id.clone()),
        ("Happened".to_owned(), event.at.clone()),
        ("Recorded".to_owned(), event.recorded_at.clone()),
        ("Leaf".to_owned(), view.leaf.clone()),
    ];
    let optional = [
        ("Source", &event.source),
        ("Title", &event.title),
        ("Thread", &event.thread),
        ("Edited", &event.edited_at),
        ("Remark", &event.remark),
    ];
    for (name, value) in optional {
        facts.extend(value.as_ref().map(|value| (name.to_owned(), shown(value))));
    }
    if let Some(act) = &event.act {
        let former = Value::Object(view.former.clone());
        let words = in_words(act, &former).into_iter();
        facts.extend(words.map(|(name, said)| (shown(&name), shown(&said))));
    }
    facts
}

/// What the export form carries.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    q: String,
    snapshot: Option<String>,
    context: Option<String>,
    reason: Option<String>,
}

/// `POST /desk/exports`
pub(crate) async fn export(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Form(wanted): Form<Wanted>,
) -> Result<Response> {
    let order = ExportOrder {
        query: Some(wanted.q),
        snapshot: wanted.snapshot,
        formats: vec!["csv".to_owned(), "bundle".to_owned()],
        context: wanted.context,
        reason: wanted.reason.filter(|reason| !reason.trim().is_empty()),
        ..ExportOrder::default()
    };
    let view = crate::api::freeze_and_pack(&shared, &caller, order).await?;
    Ok(Redirect::to(&format!("/desk/exports/{}", view.id)).into_response())
}

/// How an export stands.
#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage<'p> {
    officer: &'p str,
    demo: bool,
    id: &'p str,
    is_running: bool,
    problem: Option<String>,
    facts: Vec<(&'static str, String)>,
}

/// `GET /desk/exports/{id}`
pub(crate) async fn export_state(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response> {
    let view = shared.jobs.view(Task::Export, &id).ok_or_else(|| {
        Problem::new(Kind::NotFound, format!("no export {id:?}; the newest ones are remembered"))
    })?;
    let mut page = ExportPage {
        officer: &caller.name,
        demo: shared.archive.description().creation.demo,
        id: &view.id,
        is_running: matches!(view.state, JobState::Running),
        problem: None,
        facts: Vec::new(),
    };
    match &view.state {
        JobState::Running => page.facts.push(("Events", view.progress.total().to_string())),
        JobState::Failed(problem) => page.problem = Some(problem.to_string()),
        JobState::Done(report) => {
            let text =
                |pointer| report.pointer(pointer).map(|value| value.to_string().replace('"', ""));
            let members = [
                ("Set", "/set"),
                ("Events", "/events"),
                ("Checkpoint", "/checkpoint/size"),
                ("Exceptions", "/exceptions"),
                ("SHA-256", "/sha256"),
            ];
            page.facts.extend(members.iter().filter_map(|(name, at)| Some((*name, text(at)?))));
        }
    }
    Ok(rendered(StatusCode::OK, &page))
}
