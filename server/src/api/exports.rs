//! Exports: a set is frozen and recorded before anything is written; the package is a job.

use std::path::PathBuf;

use archive::Archive;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::{Extension, Json};
use chat::{Act, Seq};
use export::{ExportSet, NotSearched, Package, Purpose, QueryWords, Selection, Size, Withheld};
use index::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::{self, Context};
use super::jobs::{accepted, find, shown};
use crate::auth::secret::hex;
use crate::auth::{Caller, scope};
use crate::jobs::{Progress, Task, View, blocking};
use crate::problem::{Kind, Problem, Result};
use crate::wire::search::parse;
use crate::wiring::{Appliance, Shared};

/// Bytes of a frozen set's file.
const SET_BYTES_MAX: u64 = 1 << 30;
/// Events that are read at a time where each is asked whether it is within the scope.
const READ_AT_ONCE: usize = 4_096;

/// What is to be exported.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Order {
    /// The events that match.
    pub(crate) query: Option<String>,
    /// The events by number.
    pub(crate) seqs: Option<Vec<u64>>,
    /// The events of an earlier set.
    pub(crate) set: Option<String>,
    /// Every event from one number to another, such as `100..250`, proven to be all.
    pub(crate) range: Option<String>,
    /// Only those of this room, by name or id; with `range`.
    pub(crate) room: Option<String>,
    /// Fields to keep out of every event, such as `raw`.
    pub(crate) withhold: Vec<String>,
    /// The state in which the query was asked before.
    pub(crate) snapshot: Option<String>,
    /// `csv`, `bundle`.
    pub(crate) formats: Vec<String>,
    /// `none`, `thread`, `day` or a number.
    pub(crate) context: Option<String>,
    /// `internal` or `production`.
    #[serde(rename = "for")]
    pub(crate) purpose: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The matter.
    pub(crate) matter: Option<String>,
    /// Zone of dates in the query.
    pub(crate) zone: Option<String>,
}

impl Order {
    /// Refuses what a set has settled for itself.
    fn refuse_beside_set(&self) -> Result<()> {
        let beside = [
            ("query", self.query.is_some()),
            ("seqs", self.seqs.is_some()),
            ("range", self.range.is_some()),
            ("room", self.room.is_some()),
            ("snapshot", self.snapshot.is_some()),
            ("context", self.context.is_some()),
            ("for", self.purpose.is_some()),
            ("reason", self.reason.is_some()),
            ("matter", self.matter.is_some()),
            ("zone", self.zone.is_some()),
            ("withhold", !self.withhold.is_empty()),
        ];
        let Some((name, _)) = beside.into_iter().find(|(_, is_given)| *is_given) else {
            return Ok(());
        };
        let detail = format!("a set is repeated as it was frozen; {name} is part of it already");
        Err(Problem::new(Kind::BadRequest, detail))
    }
}

/// `POST /exports`
pub(super) async fn begin(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response> {
    let order: Order = crate::wire::body(&body)?;
    Ok(accepted(&freeze_and_pack(&shared, &caller, order).await?))
}

/// Freezes the set, records the act and begins to write the package.
pub(crate) async fn freeze_and_pack(
    shared: &Shared,
    caller: &Caller,
    order: Order,
) -> Result<View> {
    let formats = order
        .formats
        .iter()
        .map(|word| {
            export::Format::from_word(word).ok_or_else(|| {
                let known = export::Format::ALL.map(export::Format::word).join(", ");
                Problem::new(Kind::BadRequest, format!("format {word:?} is none of {known}"))
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let id = shared.jobs.draw_id()?;
    let (holder, asker, name) = (Shared::clone(shared), caller.clone(), id.clone());
    let set = blocking(move || {
        let set = freeze(&holder, &asker, &scope::of_export(&asker)?, &order)?;
        let act = act(&set, &name, &order);
        holder.audit.record_now(&asker, act)?;
        Ok(set)
    })
    .await?;
    let (holder, name) = (Shared::clone(shared), id.clone());
    shared
        .jobs
        .start(Task::Export, &id, move |progress| pack(&holder, &set, &formats, &name, progress))
        .await
}

/// Returns the set that an order names, frozen and kept under its id. Nothing outside the scope is in it; an earlier set
/// that reaches outside is not there.
pub(super) fn freeze(
    shared: &Shared,
    caller: &Caller,
    scope: &Scope,
    order: &Order,
) -> Result<ExportSet> {
    let disk = shared.archive.ports().disk.as_ref();
    if let Some(id) = &order.set {
        order.refuse_beside_set()?;
        let missing = || Problem::new(Kind::NotFound, format!("there is no export set {id:?}"));
        if id.len() != 24 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(missing());
        }
        let bytes = archive::durable::read(disk, &set_path(shared, id), SET_BYTES_MAX)?;
        let set = ExportSet::from_bytes(&bytes.ok_or_else(missing)?);
        // It was written whole and is only read: whatever is wrong with it has happened to it since.
        let set = set.map_err(|error| {
            let path = set_path(shared, id);
            Problem::new(Kind::Corrupt, format!("{}: {error}", path.display()))
        })?;
        let Selection { seqs, related, .. } = set.selection();
        let is_theirs = first_outside(shared, scope, seqs)?.is_none()
            && first_outside(shared, scope, related)?.is_none();
        return if is_theirs { Ok(set) } else { Err(missing()) };
    }
    let set = ExportSet::freeze(select(shared, caller, scope, order)?)?;
    let path = set_path(shared, &set.id().to_string());
    archive::durable::create_folder(disk, &shared.data.join("exports"))?;
    archive::durable::write_secret(disk, &path, &set.to_bytes(), 0o600)?;
    Ok(set)
}

fn set_path(shared: &Appliance, id: &str) -> PathBuf {
    shared.data.join("exports").join(format!("{id}.set"))
}

/// What an order names in one state of the log.
struct Chosen {
    query: Option<query::Query>,
    snapshot: Size,
    hits: Vec<Seq>,
    complete: Option<export::Complete>,
    unseen: NotSearched,
}

/// Finds the events that an order names: exactly one of a query, numbers and a range.
fn choose(shared: &Shared, scope: &Scope, order: &Order) -> Result<Chosen> {
    if order.room.is_some() && order.range.is_none() {
        return Err(Problem::new(Kind::BadRequest, "room is of use with range alone"));
    }
    if let (Some(range), None, None) = (&order.range, &order.query, &order.seqs) {
        let (size, root) = shared.archive.head();
        let of_room = order.room.as_deref();
        let (hits, complete) = super::passage::select(shared, range.parse()?, of_room, size)?;
        // What stands on either side is proven by its header alone, and a header tells who and where.
        let beside = [complete.before, complete.after].into_iter().flatten();
        let all: Vec<_> = hits.iter().copied().chain(beside).collect();
        if let Some(seq) = first_outside(shared, scope, &all)? {
            return Err(super::show::absent(Kind::BadRequest, seq));
        }
        let (snapshot, unseen) = (Size { size, root }, NotSearched::default());
        return Ok(Chosen { query: None, snapshot, hits, complete: Some(complete), unseen });
    }
    let zone = order.zone.as_deref().unwrap_or(&shared.config.time.zone);
    let query = order.query.as_deref().map(|text| parse(text, zone)).transpose()?;
    let snapshot = match &order.snapshot {
        Some(id) => crate::wire::search::State::parse(id)?,
        None => shared.index.newest(),
    };
    let hits = match (&query, &order.seqs, &order.range) {
        (Some(query), None, None) => shared.index.seqs(query, scope, &snapshot)?,
        (None, Some(numbers), None) => numbered(shared, scope, numbers, snapshot.size)?,
        _ => {
            let detail = "name exactly one of query, seqs, range and set";
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    };
    let unseen = shared.index.not_searched(scope, &snapshot)?;
    let unseen = NotSearched {
        attachments_without_text: unseen.attachments_without_text,
        quarantined: unseen.quarantined,
    };
    let snapshot = Size { size: snapshot.size, root: snapshot.root };
    Ok(Chosen { query, snapshot, hits, complete: None, unseen })
}

/// Returns the fields that an order withholds, and those that repeat them.
fn withheld(order: &Order) -> Result<Vec<Withheld>> {
    let fields = order.withhold.iter().map(|word| {
        Withheld::from_word(word).ok_or_else(|| {
            let known = Withheld::ALL.map(Withheld::word).join(", ");
            Problem::new(Kind::BadRequest, format!("withhold: {word:?} is none of {known}"))
        })
    });
    Ok(Withheld::with_repetitions(&fields.collect::<Result<Vec<_>>>()?))
}

/// Selects the events that an order names, and what surrounds them.
fn select(shared: &Shared, caller: &Caller, scope: &Scope, order: &Order) -> Result<Selection> {
    let Chosen { query, snapshot, hits, complete, unseen } = choose(shared, scope, order)?;
    let purpose = Purpose::from_word(order.purpose.as_deref().unwrap_or("internal"))
        .ok_or_else(|| Problem::new(Kind::BadRequest, "for: is none of internal, production"))?;
    let context_word = order.context.as_deref().unwrap_or("none");
    let context: Context = context_word.parse()?;
    if complete.is_some() && context != Context::Alone {
        let detail = "a range is complete without context; ask for none";
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    let around = context::look(shared, scope, (&hits, context), snapshot.size)?;
    let signed = cover(&shared.archive, snapshot.size)?;
    let mut nonce = [0; 16];
    let ports = shared.archive.ports();
    ports.rng.fill(&mut nonce).map_err(|error| {
        Problem::new(Kind::Unavailable, format!("the system gives no random numbers: {error}"))
    })?;
    let names = shared.names();
    Ok(Selection {
        archive: shared.archive.id(),
        public_key: shared.archive.public_key().to_string(),
        demo: shared.archive.description().creation.demo,
        nonce,
        hits: (context != Context::Alone).then_some(hits),
        seqs: around.rows,
        context: context_word.to_owned(),
        related: around.related,
        snapshot,
        checkpoint: signed,
        query: query.map(|query| QueryWords {
            text: query.text().to_owned(),
            interpreted: query.interpreted(),
        }),
        who: caller.name.clone(),
        why: order.reason.clone(),
        matter: order.matter.clone(),
        purpose,
        frozen_at: ports.clock.now(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        not_searched: unseen,
        source_names: names.sources(),
        room_categories: names.categories(),
        withheld: withheld(order)?,
        complete,
    })
}

/// Reads numbers that were given, each of which has to be an event that can be exported.
fn numbered(shared: &Appliance, scope: &Scope, numbers: &[u64], size: u64) -> Result<Vec<Seq>> {
    let mut seqs = Vec::with_capacity(numbers.len());
    for number in numbers {
        let seq = Seq::new(*number).filter(|seq| seq.get() <= size).ok_or_else(|| {
            Problem::new(
                Kind::BadRequest,
                format!("event {number} does not exist; there are {size}"),
            )
        })?;
        seqs.push(seq);
    }
    seqs.sort_unstable();
    seqs.dedup();
    for (seq, recorded) in seqs.iter().zip(shared.archive.read_many(&seqs)?) {
        let is_there = recorded.is_some_and(|recorded| {
            recorded.event.kind != chat::EventKind::Officer && scope.covers_event(&recorded)
        });
        if !is_there {
            return Err(super::show::absent(Kind::BadRequest, *seq));
        }
    }
    Ok(seqs)
}

/// Returns the first of some events that is outside the scope. Of a destroyed one nothing is left to be seen.
fn first_outside(shared: &Appliance, scope: &Scope, seqs: &[Seq]) -> Result<Option<Seq>> {
    if scope.is_everything() {
        return Ok(None);
    }
    for chunk in seqs.chunks(READ_AT_ONCE) {
        let events = shared.archive.read_many(chunk)?;
        let outside = events.iter().flatten().find(|recorded| !scope.covers_event(recorded));
        if let Some(recorded) = outside {
            return Ok(Some(recorded.seq));
        }
    }
    Ok(None)
}

/// Returns the note of a signed checkpoint that covers the snapshot.
fn cover(archive: &Archive, size: u64) -> Result<String> {
    // One that a witness has cosigned says more, if it reaches as far.
    if let Some(cosigned) = archive.newest_cosigned()?.filter(|one| one.checkpoint.size >= size) {
        return Ok(cosigned.note);
    }
    match archive.newest_checkpoint() {
        Some(signed) if signed.checkpoint.size >= size => Ok(signed.note),
        _ => Ok(archive.checkpoint()?.note),
    }
}

fn act(set: &ExportSet, id: &str, order: &Order) -> Act {
    let selection = set.selection();
    let count = |list: &[Seq]| u64::try_from(list.len()).unwrap_or(u64::MAX);
    let words = selection.withheld.iter().map(|field| field.word().to_owned());
    let words: Vec<String> = words.collect();
    Act::new("export")
        .with("export_id", id)
        .with("set", set.id().to_string())
        .with("events", count(&selection.seqs))
        .with("snapshot_size", selection.snapshot.size)
        .with("formats", order.formats.clone())
        .with("purpose", selection.purpose.word())
        .with_some("query", selection.query.as_ref().map(|words| words.text.as_str()))
        .with_some("range", order.range.as_deref())
        .with_some("room", order.room.as_deref())
        .with_some("withheld", (!words.is_empty()).then_some(words))
        .with_some("reason", order.reason.as_deref())
        .with_some("matter", order.matter.as_deref())
}

/// Writes the package into the spool, where it waits to be fetched until the server stops.
fn pack(
    shared: &Shared,
    set: &ExportSet,
    formats: &[export::Format],
    id: &str,
    progress: &Progress,
) -> Result<Value> {
    progress.expect(u64::try_from(set.selection().seqs.len()).unwrap_or(u64::MAX));
    let disk = shared.archive.ports().disk.as_ref();
    let out = package_path(shared, id);
    let report = Package::write(set, shared.archive.as_ref(), formats, &out, disk)?;
    progress.reach(report.events);
    metrics::counter!("muniment_export_events_total").increment(report.events);
    let (_, checkpoint) = set.selection().opened()?;
    let formats: Vec<_> = report
        .formats
        .iter()
        .map(|count| json!({ "format": count.format, "rows": count.rows, "files": count.files }))
        .collect();
    Ok(json!({
        "export_id": id,
        "set": set.id().to_string(),
        "events": report.events,
        "formats": formats,
        "checkpoint": { "size": checkpoint.size, "root": hex(&checkpoint.root) },
        "exceptions": report.exceptions,
        "sha256": report.sha256,
    }))
}

fn package_path(shared: &Appliance, id: &str) -> PathBuf {
    shared.spool().join(format!("{id}.zip"))
}

/// `GET /exports/{id}`
pub(super) async fn view(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    shown(&shared, Task::Export, &id)
}

/// `GET /exports/{id}/package`
pub(super) async fn package(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response> {
    let view = find(&shared, Task::Export, &id)?;
    if let crate::jobs::State::Failed(problem) = view.state {
        return Err(problem);
    }
    if matches!(view.state, crate::jobs::State::Running) {
        let detail = format!("export {id} is still being written");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    shared
        .audit
        .record(&caller, Act::new("fetch-export").with("export_id", view.id.as_str()))
        .await?;
    let path = package_path(&shared, &view.id);
    let file = tokio::fs::File::open(&path).await.map_err(|error| {
        if error.kind() != std::io::ErrorKind::NotFound {
            return Problem::of_path("read", &path, &error);
        }
        let detail = "a package waits to be fetched until the server stops; export its set again";
        Problem::new(Kind::Gone, detail)
    })?;
    let body = Body::from_stream(tokio_util::io::ReaderStream::with_capacity(file, 1 << 18));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    let name = format!("attachment; filename=\"muniment-{}.zip\"", view.id);
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
