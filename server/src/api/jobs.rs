//! How a job is shown to those who began it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::jobs::{State, Task, View};
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// Returns the answer to a request that began a job: 202 and where to look.
pub(super) fn accepted(view: &View) -> Response {
    let mut response = (StatusCode::ACCEPTED, Json(document(view))).into_response();
    if let Ok(address) = HeaderValue::from_str(&address(view)) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// Returns how a job stands.
pub(super) fn shown(shared: &Shared, task: Task, id: &str) -> Result<Json<Value>> {
    Ok(Json(document(&find(shared, task, id)?)))
}

/// Returns a job, or says that there is none.
pub(super) fn find(shared: &Shared, task: Task, id: &str) -> Result<View> {
    shared.jobs.view(task, id).ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            format!("no job {id:?} among the {}; the newest ones are remembered", task.word()),
        )
    })
}

fn address(view: &View) -> String {
    format!("/api/v1/{}/{}", view.task.word(), view.id)
}

fn document(view: &View) -> Value {
    let mut document = json!({
        "id": view.id,
        "address": address(view),
        "started_at": view.started_at.to_string(),
        "done": view.progress.done(),
        "total": view.progress.total(),
    });
    match &view.state {
        State::Running => document["state"] = json!("running"),
        State::Done(result) => {
            document["state"] = json!("done");
            document["result"] = result.clone();
        }
        State::Failed(problem) => {
            document["state"] = json!("failed");
            document["problem"] = problem.document();
        }
    }
    document
}
