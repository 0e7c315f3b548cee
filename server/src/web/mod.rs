//! The pages: plain HTML that works without a script. Foreign words are text nodes and nothing else; askama escapes them.

pub(crate) mod desk;
pub(crate) mod entry;
mod words;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::problem::{Kind, Problem};

/// `GET /`
pub(crate) async fn home() -> Redirect {
    Redirect::to("/desk")
}

/// `GET /assets/desk.css`
pub(crate) async fn style() -> Response {
    let form = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, form)], include_str!("../../assets/desk.css")).into_response()
}

/// A page that says what went wrong.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'p> {
    title: &'p str,
    detail: &'p str,
    status: u16,
    needs_sign_in: bool,
}

/// Returns a problem as a page.
pub(crate) fn problem_page(problem: &Problem) -> Response {
    let document = problem.document();
    let page = ProblemPage {
        title: document["title"].as_str().unwrap_or_default(),
        detail: &problem.detail,
        status: problem.kind.status().as_u16(),
        needs_sign_in: problem.kind == Kind::Unauthenticated,
    };
    rendered(problem.kind.status(), &page)
}

/// Returns a rendered template, or says that it could not be rendered.
fn rendered(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let form = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, form)], html).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
