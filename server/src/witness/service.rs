//! The service: one route, `POST /add-checkpoint`, with the statuses of C2SP tlog-witness.

use std::future::Future;
use std::sync::Arc;

use archive::disk::SystemClock;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use super::request::Refused;
use super::state::Witness;
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};

/// Bytes of a request: 63 hashes and a note with many signatures.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// Answers until it is asked to stop. Whoever reaches it may ask: it cosigns for the logs it knows alone, and a checkpoint
/// is no secret.
pub(crate) async fn serve(
    witness: Arc<Witness>,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let router = axum::Router::new()
        .route("/add-checkpoint", post(add))
        .route("/livez", get(async || "alive\n"))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(witness);
    axum::serve(listener, router).with_graceful_shutdown(stop).await.map_err(|error| {
        Problem::new(Kind::Unavailable, format!("the witness stopped listening: {error}"))
    })
}

async fn add(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let answered = blocking(move || Ok(witness.cosign(&body, &SystemClock))).await;
    match answered {
        Ok(Ok(line)) => line.into_response(),
        Ok(Err(refused)) => answer(refused),
        Err(problem) => problem.into_response(),
    }
}

fn answer(refused: Refused) -> Response {
    match refused {
        Refused::Malformed(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response(),
        Refused::UnknownLog => (StatusCode::NOT_FOUND, "no such log is known\n").into_response(),
        Refused::Unsigned => {
            (StatusCode::FORBIDDEN, "no signature of the log's key holds\n").into_response()
        }
        Refused::Conflict(size) => {
            let form = HeaderValue::from_static("text/x.tlog.size");
            let mut response = (StatusCode::CONFLICT, format!("{size}\n")).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, form);
            response
        }
        Refused::Unproven => {
            let words = "the checkpoint does not continue what was seen of this log\n";
            (StatusCode::UNPROCESSABLE_ENTITY, words).into_response()
        }
        Refused::Fault(problem) => {
            tracing::error!(%problem, "a checkpoint could not be stored");
            problem.into_response()
        }
    }
}
