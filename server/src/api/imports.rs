//! Imports: a stream that is spooled, or a path named by a caller in this very process.

use std::path::{Path as FilePath, PathBuf};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::Response;
use axum::{Extension, Json};
use http_body_util::BodyExt as _;
use ingest::{FormatChoice, Import, ImportInput, ImportReport};
use serde::Deserialize;
use serde_json::{Value, json};

use super::jobs::{accepted, shown};
use super::parameters::Parameters;
use super::unpack;
use crate::auth::{Caller, Way};
use crate::jobs::{Progress, Task, View, blocking};
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// Bytes of a request that only names a path.
const NAMING_BYTES_MAX: usize = 1 << 20;

/// How the input is to be read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    name: Option<String>,
    path: Option<PathBuf>,
    attachments: Option<PathBuf>,
    format: Option<String>,
    source: Option<String>,
    zone: Option<String>,
    check: bool,
    coverage: bool,
}

/// `POST /imports`
pub(super) async fn begin(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(asked): Parameters<Asked>,
    request: Request,
) -> Result<Response> {
    let form = request.headers().get(header::CONTENT_TYPE).and_then(|form| form.to_str().ok());
    let form = form.unwrap_or_default().to_owned();
    let view = if form.starts_with("application/json") {
        by_path(&shared, &caller, request.into_body()).await?
    } else {
        by_stream(&shared, &caller, asked, &form, request.into_body()).await?
    };
    Ok(accepted(&view))
}

/// Begins an import of a path. Only a caller in this process has the very rights that the path is read with.
async fn by_path(shared: &Shared, caller: &Caller, body: Body) -> Result<View> {
    if caller.way != Way::Process {
        let detail = "a server reads no paths; send the input itself";
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    let limited = http_body_util::Limited::new(body, NAMING_BYTES_MAX);
    let bytes = limited.collect().await.map_err(|error| {
        Problem::new(Kind::BadRequest, format!("the body of the request: {error}"))
    })?;
    let asked: Asked = crate::wire::body(&bytes.to_bytes())?;
    let Some(path) = asked.path.clone() else {
        return Err(Problem::new(Kind::BadRequest, "name the path of the input"));
    };
    let input = input(&asked, path, asked.attachments.clone())?;
    start(shared, caller, input, &asked, None).await
}

/// Spools a streamed input and begins its import. The spool is emptied when the job ends.
async fn by_stream(
    shared: &Shared,
    caller: &Caller,
    asked: Asked,
    form: &str,
    body: Body,
) -> Result<View> {
    let folder = shared.spool().join(shared.jobs.draw_id()?);
    let swept = Swept(folder.clone());
    let limit = shared.config.limits.import_bytes_max;
    let name = asked.name.as_deref().unwrap_or("input");
    let is_plain = FilePath::new(name).file_name().is_some_and(|last| last == name);
    if !is_plain {
        return Err(Problem::new(Kind::BadRequest, format!("{name:?} is no file name")));
    }
    let is_bundle = form == crate::cli::BUNDLE_MEDIA_TYPE;
    let inner = folder.join("input");
    std::fs::create_dir_all(&inner).map_err(|error| Problem::of_path("make", &inner, &error))?;
    let (path, attachments) = if is_bundle {
        let zip = folder.join("bundle.zip");
        unpack::spool(body, &zip, limit).await?;
        let folder = folder.clone();
        blocking(move || unpack::unbundle(&zip, &folder, limit)).await?
    } else {
        let path = inner.join(name);
        unpack::spool(body, &path, limit).await?;
        (path, None)
    };
    let input = input(&asked, path, attachments)?;
    start(shared, caller, input, &asked, Some(swept)).await
}

/// A folder of the spool that is removed when nobody needs it any more.
struct Swept(PathBuf);

impl Drop for Swept {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn input(asked: &Asked, path: PathBuf, attachments: Option<PathBuf>) -> Result<ImportInput> {
    let zone = asked.zone.as_deref().map(str::parse::<ingest::Zone>).transpose();
    let zone = zone.map_err(|error| Problem::of(Kind::BadRequest, &error))?;
    let format: FormatChoice = asked
        .format
        .as_deref()
        .unwrap_or("auto")
        .parse()
        .map_err(|error| Problem::of(Kind::BadRequest, &error))?;
    Ok(ImportInput { path, format, source: asked.source.clone(), attachments, zone })
}

async fn start(
    shared: &Shared,
    caller: &Caller,
    input: ImportInput,
    asked: &Asked,
    swept: Option<Swept>,
) -> Result<View> {
    let (holder, caller) = (Shared::clone(shared), caller.clone());
    let (is_check, with_coverage) = (asked.check, asked.coverage);
    let id = shared.jobs.draw_id()?;
    let work = move |progress: &Progress| {
        let report = run(&holder, &caller, &input, is_check, progress);
        drop(swept);
        Ok(document(&report?, with_coverage))
    };
    shared.jobs.start(Task::Import, &id, work).await
}

fn run(
    shared: &Shared,
    caller: &Caller,
    input: &ImportInput,
    is_check: bool,
    progress: &Progress,
) -> Result<ImportReport> {
    let mut show = |step: ingest::Progress| {
        progress.expect(step.total);
        progress.reach(step.done);
    };
    if is_check {
        return Ok(Import::check(input, &mut show)?);
    }
    let report = Import::run(&shared.ingest, input, &mut show)?;
    metrics::counter!("muniment_import_events_total").increment(report.accepted);
    let act = chat::Act::new("import")
        .with("import_id", report.import_id.as_str())
        .with("accepted", report.accepted)
        .with("quarantined", report.quarantined);
    shared.audit.record_now(caller, act)?;
    Ok(report)
}

/// Returns the report as the contract names its fields.
fn document(report: &ImportReport, with_coverage: bool) -> Value {
    let quarantine: Vec<_> = report
        .quarantine
        .iter()
        .map(|note| json!({ "seq": note.seq.map(chat::Seq::get), "locator": note.locator, "reason": note.reason }))
        .collect();
    let mut document = json!({
        "import_id": report.import_id,
        "source": report.source,
        "format": report.format,
        "input_sha256": report.input_sha256,
        "bytes": report.bytes,
        "files": report.files,
        "read": report.read,
        "accepted": report.accepted,
        "revised": report.revised,
        "duplicates": report.duplicates,
        "quarantined": report.quarantined,
        "unfolded": report.unfolded,
        "attachments": report.attachments,
        "attachments_missing": report.attachments_missing,
        "held": report.held,
        "first_seq": report.first_seq.map(chat::Seq::get),
        "last_seq": report.last_seq.map(chat::Seq::get),
        "seconds": (report.seconds * 1e3).round() / 1e3,
        "quarantine": quarantine,
        "passed_over": report.passed_over,
    });
    if with_coverage {
        document["coverage"] = report.coverage.iter().map(coverage).collect();
    }
    document
}

fn coverage(row: &ingest::Coverage) -> Value {
    json!({
        "source": row.source,
        "room": row.room,
        "day": row.day,
        "source_count": row.source_count,
        "held_count": row.held_count,
    })
}

/// `GET /imports/{id}`
pub(super) async fn view(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    shown(&shared, Task::Import, &id)
}
