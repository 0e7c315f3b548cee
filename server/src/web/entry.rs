//! The way in and out: a one-time link becomes a session cookie when a person presses the button, not when a mail
//! scanner or a preview fetches the address.

use askama::Template;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::rendered;
use crate::api::Parameters;
use crate::auth::Caller;
use crate::auth::guard;
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// The page with the button.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'p> {
    link: Option<&'p str>,
}

/// What the address or the form carries.
#[derive(Deserialize)]
pub(crate) struct Presented {
    link: Option<String>,
}

/// `GET /sign-in`
pub(crate) async fn page(Parameters(presented): Parameters<Presented>) -> Response {
    rendered(StatusCode::OK, &Page { link: presented.link.as_deref() })
}

/// `POST /sign-in`
pub(crate) async fn sign_in(
    State(shared): State<Shared>,
    Form(presented): Form<Presented>,
) -> Result<Response> {
    let (issued, officer) =
        shared.credentials.sign_in(presented.link.as_deref().unwrap_or_default()).await?;
    tracing::info!(officer, session = issued.id, "signed in");
    let seconds = u64::from(shared.config.sessions.total_hours) * 3600;
    let (name, manner) = guard::cookie(&shared.config.tls);
    let cookie = format!("{name}={}; Max-Age={seconds}; {manner}", issued.secret.reveal());
    let mut response = Redirect::to("/desk").into_response();
    let cookie =
        HeaderValue::from_str(&cookie).map_err(|error| Problem::of(Kind::Internal, &error))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /sign-out`
pub(crate) async fn sign_out(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Response> {
    shared.credentials.sign_out(&caller).await?;
    let mut response = Redirect::to("/sign-in").into_response();
    let (name, manner) = guard::cookie(&shared.config.tls);
    let cookie = format!("{name}=; Max-Age=0; {manner}");
    let cookie =
        HeaderValue::from_str(&cookie).map_err(|error| Problem::of(Kind::Internal, &error))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}
