//! One event: its versions, files, proof and neighbours in its room.

use archive::proof::opening::Opening;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::{Extension, Json};
use chat::{Act, Custody, EventKind, Recorded, Seq};
use index::Scope;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::neighbours::Vicinity;
use super::parameters::{Parameters, whole_number};
use super::search::event as shown;
use crate::auth::{Caller, scope};
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wire::event::Event;
use crate::wiring::{Appliance, Shared};

/// Neighbours on either side, at most.
const CONTEXT_MAX: usize = 100;
/// Versions of one message that are shown.
const VERSIONS_MAX: usize = 1_000;

/// Reads a sequence number from a path.
pub(crate) fn sequence(text: &str) -> Result<Seq> {
    text.parse().map_err(|error| Problem::of(Kind::BadRequest, &error))
}

/// Reads an event within the scope. One outside is not there, in the same words as one that is not there for anybody. An
/// officer's act is shown by `audit` alone.
pub(super) fn read(shared: &Appliance, scope: &Scope, seq: Seq) -> Result<Recorded> {
    let recorded = shared.archive.read(seq)?;
    let is_shown = |recorded: &Recorded| {
        recorded.event.kind != EventKind::Officer && scope.covers_event(recorded)
    };
    recorded.filter(is_shown).ok_or_else(|| absent(Kind::NotFound, seq))
}

/// Returns the one answer for an event that is not there for the caller, whyever.
pub(super) fn absent(kind: Kind, seq: Seq) -> Problem {
    let detail = format!(
        "event {seq} does not exist, is destroyed, is not yours to see, or is an officer's act (those are shown by `muniment audit`)"
    );
    Problem::new(kind, detail)
}

/// What surrounds an event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Around {
    #[serde(default, deserialize_with = "whole_number")]
    context: Option<usize>,
}

/// An event with what surrounds it.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    pub(crate) event: Event,
    /// What a ledger event changed, as it was before: the facts of its act, where an earlier event gave them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) former: Map<String, Value>,
    /// All versions of the message, oldest first; empty where there is only one.
    pub(crate) versions: Vec<Event>,
    /// Events of the room before it, oldest first.
    pub(crate) before: Vec<Event>,
    /// Events of the room after it, oldest first.
    pub(crate) after: Vec<Event>,
    /// The foreign record, where it is kept and is text.
    pub(crate) raw_text: Option<String>,
    /// Its leaf in the tree.
    pub(crate) leaf: String,
    /// The inclusion proof to the newest signed checkpoint.
    pub(crate) proof: Value,
}

/// `GET /events/{seq}`
pub(super) async fn event(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(seq): Path<String>,
    Parameters(around): Parameters<Around>,
) -> Result<Json<View>> {
    view(&shared, &caller, sequence(&seq)?, around.context.unwrap_or(0)).await.map(Json)
}

/// Shows an event and records who opened it.
pub(crate) async fn view(
    shared: &Shared,
    caller: &Caller,
    seq: Seq,
    context: usize,
) -> Result<View> {
    let (shared, caller) = (Shared::clone(shared), caller.clone());
    if context > CONTEXT_MAX {
        return Err(Problem::new(
            Kind::BadRequest,
            format!("context {context} is over {CONTEXT_MAX}"),
        ));
    }
    blocking(move || look(&shared, &caller, &scope::of(&caller)?, (seq, context))).await
}

/// Looks at an event within the scope, and records it.
pub(super) fn look(
    shared: &Appliance,
    caller: &Caller,
    scope: &Scope,
    (seq, context): (Seq, usize),
) -> Result<View> {
    let recorded = read(shared, scope, seq)?;
    let vicinity = Vicinity::of(shared, scope);
    let after = vicinity.after(&recorded, context)?;
    let later = vicinity.versions(&recorded, VERSIONS_MAX)?;
    let versions = versions(&vicinity, &recorded, later)?;
    let before = vicinity.before(&recorded, context)?;
    let (proof, leaf) = prove(shared, seq, None)?;
    let as_shown = |recorded: &Recorded| shown(shared, &shared.archive, recorded);
    let raw = recorded.event.content.raw.as_ref();
    let view = View {
        event: as_shown(&recorded),
        former: vicinity.former(&recorded)?,
        versions: versions.iter().map(as_shown).collect(),
        before: before.iter().map(as_shown).collect(),
        after: after.iter().map(as_shown).collect(),
        raw_text: raw.map(|raw| String::from_utf8_lossy(raw).into_owned()),
        leaf,
        proof,
    };
    let neighbours = u64::try_from(view.before.len() + view.after.len()).unwrap_or(u64::MAX);
    let act = Act::new("show").with("seq", seq.get()).with("neighbours", neighbours);
    shared.audit.record_now(caller, act)?;
    Ok(view)
}

fn is_version(recorded: &Recorded) -> bool {
    matches!(recorded.event.kind, EventKind::Edit | EventKind::Retract | EventKind::Replace)
}

/// Returns all versions of a message that the caller may see, oldest first; none where there is only one.
fn versions(
    vicinity: &Vicinity<'_>,
    recorded: &Recorded,
    later: Vec<Recorded>,
) -> Result<Vec<Recorded>> {
    let mut versions = vec![recorded.clone()];
    while versions.len() < VERSIONS_MAX {
        let Some(first) = versions.first().filter(|first| is_version(first)) else { break };
        let Some(target) = first.event.target else { break };
        let former = vicinity.shared().archive.read(target)?;
        let Some(former) = former.filter(|former| vicinity.covers(former)) else { break };
        versions.insert(0, former);
    }
    versions.extend(later);
    versions.truncate(VERSIONS_MAX);
    Ok(if versions.len() > 1 { versions } else { Vec::new() })
}

/// Proves an event to a signed checkpoint: the newest, or the one of this size. One is signed if none covers it yet.
fn prove(shared: &Appliance, seq: Seq, size: Option<u64>) -> Result<(Value, String)> {
    let signed = match size {
        Some(size) => shared.archive.checkpoint_at(size)?.ok_or_else(|| {
            Problem::new(Kind::NotFound, format!("no checkpoint of {size} events was signed"))
        })?,
        None => match shared.archive.newest_checkpoint() {
            Some(signed) if signed.checkpoint.size >= seq.get() => signed,
            _ => shared.archive.checkpoint()?,
        },
    };
    let proof = shared.archive.prove(seq, signed.checkpoint.size, &|_| false)?;
    let leaf = leaf_of(&proof.opening, seq)?;
    let json = json!({ "size": signed.checkpoint.size, "inclusion": proof.to_json(), "checkpoint": signed.note });
    Ok((json, leaf))
}

fn leaf_of(opening: &Opening, seq: Seq) -> Result<String> {
    let (leaf, _) = opening.check(seq.get()).map_err(|refusal| {
        Problem::new(
            Kind::Corrupt,
            format!("the archive's own proof of event {seq} is refused: {refusal}"),
        )
    })?;
    Ok(crate::auth::secret::hex(&leaf))
}

/// To which checkpoint to prove.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Towards {
    #[serde(default, deserialize_with = "whole_number")]
    size: Option<u64>,
}

/// `GET /events/{seq}/proof`
pub(super) async fn proof(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(seq): Path<String>,
    Parameters(towards): Parameters<Towards>,
) -> Result<Json<Value>> {
    let seq = sequence(&seq)?;
    blocking(move || proven(&shared, &caller, &scope::of(&caller)?, (seq, towards.size)))
        .await
        .map(Json)
}

/// Proves an event within the scope, and records who asked.
pub(super) fn proven(
    shared: &Appliance,
    caller: &Caller,
    scope: &Scope,
    (seq, size): (Seq, Option<u64>),
) -> Result<Value> {
    read(shared, scope, seq)?;
    let (proof, leaf) = prove(shared, seq, size)?;
    shared.audit.record_now(caller, Act::new("prove").with("seq", seq.get()))?;
    Ok(json!({
        "seq": seq.get(),
        "leaf": leaf,
        "public_key": shared.archive.public_key().to_string(),
        "proof": proof,
    }))
}

/// `GET /events/{seq}/attachments/{number}`
pub(super) async fn attachment(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((seq, number)): Path<(String, usize)>,
) -> Result<Response> {
    let seq = sequence(&seq)?;
    let (name, bytes) =
        blocking(move || opened(&shared, &caller, &scope::of(&caller)?, (seq, number))).await?;
    let mut response = Response::new(streamed(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_DISPOSITION, disposition(&name));
    Ok(response)
}

/// Opens a file of an event within the scope, and records who did.
pub(super) fn opened(
    shared: &Appliance,
    caller: &Caller,
    scope: &Scope,
    (seq, number): (Seq, usize),
) -> Result<(String, Box<dyn std::io::Read + Send>)> {
    let recorded = read(shared, scope, seq)?;
    let missing =
        |why: String| Problem::new(Kind::NotFound, format!("event {seq}, file {number}: {why}"));
    let attachments = &recorded.event.content.attachments;
    let attachment =
        attachments.get(number).ok_or_else(|| missing("there is no such file".to_owned()))?;
    let file = match &attachment.custody {
        Custody::Held { file, .. } => file,
        Custody::Missing { reason, .. } => return Err(missing(reason.clone())),
    };
    let content =
        shared.archive.file(file)?.ok_or_else(|| missing("its bytes are gone".to_owned()))?;
    let act = Act::new("open-file")
        .with("seq", seq.get())
        .with("number", u64::try_from(number).unwrap_or(0));
    shared.audit.record_now(caller, act)?;
    Ok((attachment.name.clone(), content))
}

/// Returns a blocking reader's bytes as a body. A hash that differs at the end breaks the body off.
pub(crate) fn streamed(mut content: Box<dyn std::io::Read + Send>) -> Body {
    let (near, far) = tokio::io::duplex(1 << 18);
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut near = near;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    let sent = tokio::io::AsyncWriteExt::write_all(&mut near, &buffer[..count]);
                    if handle.block_on(sent).is_err() {
                        break;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a file could not be read to its end");
                    break;
                }
            }
        }
    });
    Body::from_stream(tokio_util::io::ReaderStream::with_capacity(far, 1 << 16))
}

/// Returns the header that has a browser save a file under its name and never show it (RFC 6266).
fn disposition(name: &str) -> HeaderValue {
    use std::fmt::Write as _;
    let mut text = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("a String takes every write");
        }
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::disposition;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        let header = disposition("a\"\r\nSet-Cookie: x/../ü");
        assert_eq!(
            header.to_str().unwrap(),
            "attachment; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x%2F..%2F%C3%BC"
        );
    }
}
