//! `Idempotency-Key`: a POST that is sent again gets the first answer, and does nothing twice.
//!
//! A key is its caller's own, whatever the route. Beside it stands the digest of the whole request: method, target,
//! media type and body. The same key with another request is a contradiction. Only answers that succeeded are kept, so
//! what failed can be tried again under the same key.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, Limited};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use super::answers::{Answer, Kept};
use crate::auth::{Caller, Way};
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// Bytes of a key.
const KEY_BYTES_MAX: usize = 255;
/// Bytes of an answer that is kept. Only receipts of posted events are longer, and the log itself repeats those.
const KEPT_BYTES_MAX: usize = 64 << 10;
/// Bytes of an answer at all.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Says of a response that it holds a secret that is shown once: it must not be kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownOnce;

/// Answers a POST that was answered before as it was answered then.
pub(super) async fn repeat(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match answer(&shared, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(shared: &Shared, request: Request, next: Next) -> Result<Response> {
    let caller = request.extensions().get::<Caller>();
    let (Some(given), Some(caller)) = (given(request.headers())?, caller) else {
        return Ok(next.run(request).await);
    };
    let key = key(caller, given);
    let _claim = shared.answers.claim(key)?;
    let seen = Arc::new(Mutex::new(begun(&request)));
    let first = shared.answers.recall(&key).await?;
    let request = match first {
        None => watched(request, &seen),
        Some(first) => {
            let limit = usize::try_from(shared.config.limits.import_bytes_max);
            match recall(first, request, &seen, limit.unwrap_or(usize::MAX)).await? {
                Recalled::Answer(response) => return Ok(response),
                Recalled::Again(request) => *request,
            }
        }
    };
    let response = next.run(request).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    let digest = seen.lock().clone().finalize().into();
    let (response, answer) = kept(response, digest).await?;
    shared.answers.remember(&key, &answer, shared.archive.ports().clock.now()).await?;
    Ok(response)
}

/// Returns the key that a request bears.
fn given(headers: &HeaderMap) -> Result<Option<&[u8]>> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        let detail =
            format!("Idempotency-Key has {} bytes, 1 to {KEY_BYTES_MAX} are taken", key.len());
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    Ok(Some(key.as_bytes()))
}

/// Returns the place of a key among those of all callers. An officer is the same one by whatever way.
fn key(caller: &Caller, given: &[u8]) -> [u8; 32] {
    let (sort, who) = match &caller.way {
        Way::Token(id) => ("token", id.as_str()),
        Way::Process | Way::Socket | Way::Session(_) => ("officer", caller.name.as_str()),
    };
    let mut hash = Sha256::new();
    for part in [sort.as_bytes(), who.as_bytes(), given] {
        add(&mut hash, part);
    }
    hash.finalize().into()
}

fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(part);
}

/// Begins the digest of a request with all but its body.
fn begun(request: &Request) -> Sha256 {
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let form = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], |form| form.as_bytes());
    let mut hash = Sha256::new();
    for part in [request.method().as_str().as_bytes(), target.as_bytes(), form] {
        add(&mut hash, part);
    }
    hash
}

/// Returns the request with a body that is taken into the digest while it is read.
fn watched(request: Request, seen: &Arc<Mutex<Sha256>>) -> Request {
    let seen = Arc::clone(seen);
    request.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(bytes) = frame.data_ref() {
                seen.lock().update(bytes);
            }
            frame
        }))
    })
}

/// What becomes of a request whose key is known.
enum Recalled {
    Answer(Response),
    Again(Box<Request>),
}

/// Reads the whole request and gives the first answer, if it is the same request. An answer that was not kept is given
/// anew: the request goes on with the body that was read.
async fn recall(
    first: Answer,
    request: Request,
    seen: &Arc<Mutex<Sha256>>,
    limit: usize,
) -> Result<Recalled> {
    let again = first.kept == Kept::Again;
    let (head, body) = request.into_parts();
    let mut body = Limited::new(body, limit);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(Kind::BadRequest, format!("the body of the request: {error}"))
        })?;
        if let Some(more) = frame.data_ref() {
            seen.lock().update(more);
            if again {
                bytes.extend_from_slice(more);
            }
        }
        if bytes.len() > chat::limits::REQUEST_BYTES_MAX {
            return Err(contradiction());
        }
    }
    let digest: [u8; 32] = seen.lock().clone().finalize().into();
    if digest != first.request {
        return Err(contradiction());
    }
    match first.kept.clone() {
        Kept::Body(body) => Ok(Recalled::Answer(first.repeated(body))),
        Kept::Again => Ok(Recalled::Again(Box::new(Request::from_parts(head, bytes.into())))),
        Kept::Secret => {
            let detail = "this request was answered before with a secret that is shown once; \
                          ask anew under another Idempotency-Key";
            Err(Problem::new(Kind::Conflict, detail))
        }
    }
}

fn contradiction() -> Problem {
    Problem::new(
        Kind::Conflict,
        "this Idempotency-Key was used with another request; draw a new one",
    )
}

/// Returns the response and what is kept of it.
async fn kept(response: Response, request: [u8; 32]) -> Result<(Response, Answer)> {
    let is_secret = response.extensions().get::<ShownOnce>().is_some();
    let (head, body) = response.into_parts();
    let bytes: Bytes = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.map_err(|error| {
        Problem::new(Kind::Internal, format!("the answer could not be read: {error}"))
    })?;
    let location = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let kept = match (is_secret, bytes.len() > KEPT_BYTES_MAX) {
        (true, _) => Kept::Secret,
        (false, true) => Kept::Again,
        (false, false) => Kept::Body(bytes.clone()),
    };
    let answer = Answer {
        request,
        status: head.status.as_u16(),
        location: location.map(str::to_owned),
        kept,
    };
    Ok((Response::from_parts(head, Body::from(bytes)), answer))
}
