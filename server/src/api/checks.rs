//! Proving the archive anew, and building its index anew.

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use chat::Act;
use serde::Deserialize;
use serde_json::{Value, json};

use super::jobs::{accepted, shown};
use crate::auth::Caller;
use crate::jobs::{Progress, Task};
use crate::problem::{Kind, Problem, Result};
use crate::wire::Nothing;
use crate::wire::imports::ImportNote;
use crate::wire::verify::{Grounds, Witnessed};
use crate::wiring::{Appliance, Shared};
use crate::witness::time_words;

/// What is to be verified.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    /// The note of a checkpoint that was kept elsewhere.
    since: Option<String>,
    /// The public key that the one who asks keeps.
    public_key: Option<String>,
    /// Certificates in PEM that the one who asks trusts to stamp the time.
    authorities: Option<String>,
}

/// `POST /verifications`
pub(super) async fn verify(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response> {
    let asked: Asked = crate::wire::body(&body)?;
    let authorities = super::timestamps::read(asked.authorities.as_deref())?;
    let id = shared.jobs.draw_id()?;
    let holder = Shared::clone(&shared);
    let work = move |progress: &Progress| {
        compare_key(&holder, asked.public_key.as_deref())?;
        progress.expect(holder.archive.size());
        let report = holder.archive.verify(asked.since.as_deref(), &|done| progress.reach(done))?;
        let grounds = Grounds {
            since: asked.since.is_some(),
            key: asked.public_key.is_some(),
            witnessed: witnessed(&holder)?,
            // A folder that cannot be listed is among the findings already.
            stamps: holder.archive.timestamps(&authorities).unwrap_or_default(),
            imports: imports(&holder),
        };
        let document = crate::wire::verify::archive(&holder.archive, &report, &grounds);
        let findings = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
        metrics::gauge!("muniment_verify_last_findings").set(if findings == 0 { 0.0 } else { 1.0 });
        let act = Act::new("verify")
            .with("events", report.events)
            .with("findings", findings)
            .with("ok", findings == 0);
        // A writer that has stopped cannot record this, and then the findings matter more than their record.
        if let Err(problem) = holder.audit.record_now(&caller, act) {
            tracing::warn!(%problem, "a verification could not be recorded");
        }
        Ok(document)
    };
    Ok(accepted(&shared.jobs.start(Task::Verify, &id, work).await?))
}

/// Compares the key that was brought along with the archive's own.
fn compare_key(shared: &Appliance, brought: Option<&str>) -> Result<()> {
    let own = shared.archive.public_key().to_string();
    match brought.map(str::trim) {
        Some(brought) if brought != own => {
            let detail =
                format!("the archive's public key is {own}, and the one supplied is {brought}");
            Err(Problem::new(Kind::Unproven, detail))
        }
        _ => Ok(()),
    }
}

/// Returns what configured witnesses have cosigned, with the lines checked against their keys.
fn witnessed(shared: &Appliance) -> Result<Vec<Witnessed>> {
    let Some(newest) = shared.archive.newest_cosigned()? else { return Ok(Vec::new()) };
    let word = |witness: &crate::witnessing::Trusted| {
        Some(Witnessed {
            name: witness.name().to_owned(),
            size: newest.checkpoint.size,
            at: time_words(witness.cosigned_at(&newest.note)?),
        })
    };
    Ok(crate::witnessing::trusted(shared).iter().filter_map(word).collect())
}

/// Returns the imports that the ledger tells of. Where it cannot be read, the findings say so.
fn imports(shared: &Appliance) -> Vec<ImportNote> {
    ImportNote::all(&shared.archive).unwrap_or_else(|problem| {
        tracing::warn!(%problem, "the ledger could not be read for imports");
        Vec::new()
    })
}

/// `GET /verifications/{id}`
pub(super) async fn verification(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    shown(&shared, Task::Verify, &id)
}

/// `POST /reindexings`
pub(super) async fn reindex(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response> {
    let Nothing {} = crate::wire::body(&body)?;
    let id = shared.jobs.draw_id()?;
    let holder = Shared::clone(&shared);
    let work = move |progress: &Progress| {
        holder.audit.record_now(&caller, Act::new("reindex"))?;
        let began = Instant::now();
        progress.expect(holder.archive.size());
        let events = holder.index.reindex(&|done, _| progress.reach(done))?;
        Ok(json!({
            "events": events,
            "seconds": (began.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        }))
    };
    Ok(accepted(&shared.jobs.start(Task::Reindex, &id, work).await?))
}

/// `GET /reindexings/{id}`
pub(super) async fn reindexing(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    shown(&shared, Task::Reindex, &id)
}
