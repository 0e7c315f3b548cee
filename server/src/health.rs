//! Whether the process runs, whether it can do its work, and its counts. No names and no words of the archive.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use crate::problem::{Kind, Problem, Result};
use crate::wiring::{Appliance, Shared};

/// Events that the index may lag behind before the process says that it is not ready.
const LAG_EVENTS_MAX: u64 = 1_000_000;
/// Upper bounds of the buckets of durations, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

/// Begins to count. The first call of a process decides; a later one (tests open several) gets a recorder of its own.
pub(crate) fn begin() -> Result<PrometheusHandle> {
    let fault =
        |error: metrics_exporter_prometheus::BuildError| Problem::of(Kind::Internal, &error);
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)
        .map_err(fault)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    drop(metrics::set_global_recorder(recorder));
    Ok(handle)
}

/// `GET /livez`
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "alive": true }))
}

/// `GET /readyz`
pub(crate) async fn ready(State(shared): State<Shared>) -> Response {
    let reasons = reasons(&shared);
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}

fn reasons(shared: &Appliance) -> Vec<String> {
    let state = shared.archive.state();
    let mut reasons = Vec::new();
    if state.failed.is_some() {
        reasons.push("the log has stopped; restart to recover".to_owned());
    }
    let reserve = shared.config.archive.reserve_bytes;
    if state.free_bytes.is_some_and(|free| free < reserve) {
        reasons.push(format!("fewer than {reserve} bytes are free: no more events are accepted"));
    }
    let lag = shared.index.lag();
    if lag.events > LAG_EVENTS_MAX {
        reasons.push(format!("the index is {} events behind", lag.events));
    }
    reasons
}

/// `GET /metrics`
pub(crate) async fn metrics(State(shared): State<Shared>) -> Response {
    let state = shared.archive.state();
    let lag = shared.index.lag();
    let gauges = [
        ("muniment_archive_events", state.events),
        ("muniment_journal_bytes", state.journal_bytes),
        ("muniment_cached_bytes", state.cached_bytes),
        ("muniment_disk_free_bytes", state.free_bytes.unwrap_or(0)),
        ("muniment_index_lag_events", lag.events),
        ("muniment_checkpoint_events", state.checkpoint_size),
    ];
    for (name, value) in gauges {
        metrics::gauge!(name).set(approximate(value));
    }
    let jobs = u64::try_from(shared.jobs.running()).unwrap_or(u64::MAX);
    metrics::gauge!("muniment_jobs_running").set(approximate(jobs));
    metrics::gauge!("muniment_archive_failed").set(if state.failed.is_some() { 1.0 } else { 0.0 });
    let form = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, form)], shared.counts.render()).into_response()
}

/// Returns a count as the float that Prometheus takes; past 2⁵³ the last digits are lost.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a gauge is a float by definition"
)]
const fn approximate(count: u64) -> f64 {
    count as f64
}

/// `GET /version`
pub(crate) async fn version() -> Json<Value> {
    Json(json!({ "name": "muniment", "version": env!("CARGO_PKG_VERSION") }))
}
