//! What lies around every route: a limit on how many are worked on, headers that forbid more than we need, a name and
//! a time for each request, and a page instead of a document where a person is asking.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};

use crate::problem::{Kind, Problem, Said};
use crate::wiring::Shared;

/// Bytes of an error's words that are repeated.
const WORDS_BYTES_MAX: usize = 16 << 10;

/// Nothing from elsewhere, no script, no style in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Refuses a request while as many as allowed are being worked on; the client is told when to come back.
pub(super) async fn limit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Ok(permit) = shared.requests.try_acquire() else {
        metrics::counter!("muniment_requests_refused_total").increment(1);
        let detail = "as many requests as allowed are being worked on (limits.requests_max)";
        return Problem::new(Kind::Overloaded, detail).into_response();
    };
    let response = next.run(request).await;
    drop(permit);
    response
}

/// Puts the strict headers on every answer.
pub(super) async fn seal(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    put(header::CACHE_CONTROL, "no-store");
    put(header::CONTENT_SECURITY_POLICY, POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    response
}

/// Logs and counts a request: method, route and status, never its parameters, which may hold names and words.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let seconds = began.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    metrics::counter!("muniment_requests_total", "status" => status.to_string()).increment(1);
    metrics::histogram!("muniment_request_seconds").record(seconds);
    match response.extensions().get::<Said>() {
        Some(Said(problem)) if status >= 500 => {
            tracing::error!(%method, path, status, seconds, problem = %problem, "a request failed");
        }
        _ => tracing::debug!(%method, path, status, seconds, "a request was answered"),
    }
    response
}

/// Makes a problem of an error that was said by the framework, such as a parameter that cannot be read.
pub(super) async fn in_form(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_said = response.extensions().get::<Said>().is_some();
    let is_ours =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|form| form == "application/json");
    if is_said || is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = match status.as_u16() {
        404 => Kind::NotFound,
        405 => Kind::MethodNotAllowed,
        413 => Kind::TooLarge,
        400..=499 => Kind::BadRequest,
        _ => Kind::Internal,
    };
    let words = Limited::new(response.into_body(), WORDS_BYTES_MAX).collect().await;
    let words = words.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
    Problem::new(kind, words.unwrap_or_default()).into_response()
}

/// Renders a problem as a page where a browser asks for one.
pub(super) async fn page_for_people(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let response = next.run(request).await;
    match response.extensions().get::<Said>() {
        Some(Said(problem)) if wants_page && !is_api => crate::web::problem_page(problem),
        _ => response,
    }
}
