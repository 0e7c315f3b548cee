//! What lies around every route: a limit on how many are worked on, headers that forbid more than we need, a name and
//! a time for each request, and a page instead of a document where a person is asking.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};
use tracing::Instrument as _;

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
pub(super) async fn seal(State(shared): State<Shared>, request: Request, next: Next) -> Response {
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
    if shared.config.tls.is_on() {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// The header by which a request is found again in the logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a request's id that is taken over from a proxy.
const REQUEST_ID_MAX: usize = 64;

/// Names, logs and counts a request: method, route and status, never its parameters, which may hold names and words.
pub(super) async fn observe(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = match given_id(&request).map_or_else(|| shared.jobs.draw_id(), Ok) {
        Ok(id) => id,
        Err(problem) => return problem.into_response(),
    };
    // The span is of the highest level, so that every line that is logged at all bears the id.
    let span = tracing::error_span!("request", request_id = %id);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).instrument(span.clone()).await;
    let seconds = began.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    metrics::counter!("muniment_requests_total", "status" => status.to_string()).increment(1);
    metrics::histogram!("muniment_request_seconds").record(seconds);
    span.in_scope(|| match response.extensions().get::<Said>() {
        Some(Said(problem)) if status >= 500 => {
            tracing::error!(%method, path, status, seconds, problem = %problem, "a request failed");
        }
        _ => tracing::debug!(%method, path, status, seconds, "a request was answered"),
    });
    named(response, &id)
}

/// Returns the id that a proxy before us gave the request, if it is plain.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(&REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=REQUEST_ID_MAX).contains(&id.len()) && id.bytes().all(is_plain);
    fits.then(|| id.to_owned())
}

/// Puts the request's id on its answer, and into a problem document.
fn named(mut response: Response, id: &str) -> Response {
    let is_document = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|form| form == "application/problem+json");
    if is_document && let Some(Said(problem)) = response.extensions().get::<Said>() {
        let document = problem.clone().with("request_id", id).document();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(document.to_string());
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Refuses a body that is compressed: read as it is, a feed's events would go into quarantine as noise.
pub(super) async fn plain_bodies(request: Request, next: Next) -> Response {
    let codings = request.headers().get_all(header::CONTENT_ENCODING);
    let foreign = codings
        .iter()
        .find(|coding| !coding.is_empty() && !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let Some(coding) = foreign else { return next.run(request).await };
    let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
    let detail = format!(
        "Content-Encoding {coding:?} is not read; send the body as it is (a compressed file to import goes without that header)"
    );
    let mut response = Problem::new(Kind::UnsupportedMedia, detail).into_response();
    response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
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
        415 => Kind::UnsupportedMedia,
        400..=499 => Kind::BadRequest,
        _ => Kind::Internal,
    };
    let words = Limited::new(response.into_body(), WORDS_BYTES_MAX).collect().await;
    let words = words.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned());
    Problem::new(kind, words.unwrap_or_default()).into_response()
}

/// Renders a problem as a page where a person asks: a browser says so, and the pages have no other readers.
pub(super) async fn page_for_people(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_page = wants_page(request.uri().path(), accept.unwrap_or_default());
    let response = next.run(request).await;
    match response.extensions().get::<Said>() {
        Some(Said(problem)) if wants_page => crate::web::problem_page(problem),
        _ => response,
    }
}

fn wants_page(path: &str, accept: &str) -> bool {
    if path.starts_with("/api/") {
        return false;
    }
    let is_page = path.starts_with("/desk") || ["/", "/sign-in", "/sign-out"].contains(&path);
    accept.contains("text/html") || (is_page && !accept.contains("json"))
}

#[cfg(test)]
mod tests {
    use super::wants_page;

    #[test]
    fn people_get_pages_and_programs_get_documents() {
        for (path, accept, expected) in [
            ("/desk", "", true),
            ("/desk/events/999", "*/*", true),
            ("/desk", "application/json", false),
            ("/nothing", "text/html,*/*;q=0.8", true),
            ("/nothing", "", false),
            ("/readyz", "*/*", false),
            ("/api/v1/status", "text/html", false),
        ] {
            assert_eq!(wants_page(path, accept), expected, "{path} {accept}");
        }
    }
}
