//! The state of the archive: every figure of it, and beside the figures what a person should look at.

use archive::ArchiveState;
use serde_json::{Map, Value, json};

use crate::auth::secret::hex;
use crate::wiring::Appliance;

/// Seconds that the index may be behind before a person should know.
const LAG_SECONDS_CALM: f64 = 60.0;
const MICROS_PER_SECOND: f64 = 1e6;

/// What the status says that has to be asked for before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    /// Records in quarantine.
    pub(crate) quarantined: u64,
    /// Officers that were ever appointed.
    pub(crate) officers: usize,
}

/// Returns the state of an archive as the API shows it.
pub(crate) fn document(shared: &Appliance, counted: Counted) -> Value {
    let state = shared.archive.state();
    let description = shared.archive.description();
    let newest = shared.archive.newest_checkpoint();
    let mut status = json!({
        "archive_id": shared.archive.id().to_string(),
        "public_key": shared.archive.public_key().to_string(),
        "demo": description.creation.demo,
        "recordkeeping": description.creation.recordkeeping.word(),
        "created_at": description.created_at.to_string(),
        "data": shared.data.display().to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "events": state.events,
        "checkpoint": newest.map(|signed| json!({
            "size": signed.checkpoint.size,
            "root": hex(&signed.checkpoint.root),
        })),
        "sizes": sizes(&state),
        "ratio": ratio(&state),
        "ratio_of": "sealed_bytes to raw_bytes: the sealed files, proofs included, to the headers and values in them; \
                     not the unsealed journal, attached files, the index",
        "last_seal": state.last_seal.map(|at| at.to_string()),
        "index": index(shared),
        "catalog": { "events": state.catalog_events, "fault": state.catalog_fault },
        "quarantined": counted.quarantined,
        "holds": 0,
        "witnesses": crate::witnessing::document(shared),
        "officers": counted.officers,
        "single_officer": counted.officers <= 1,
        "jobs_running": shared.jobs.running(),
        "encrypted": encrypted(),
        "disk": disk(shared, &state),
        "sealing_fault": state.sealing_fault,
        "damaged": damaged(&state),
        "failed": state.failed,
    });
    let attention = Value::Object(attention(&status));
    status["attention"] = attention;
    status
}

fn sizes(state: &ArchiveState) -> Value {
    json!({
        "journal_bytes": state.journal_bytes,
        "sealed_bytes": state.sealed_bytes,
        "raw_bytes": state.raw_bytes,
        "cached_bytes": state.cached_bytes,
        "segments": state.segments,
        "files": state.blobs,
        "file_bytes": state.blob_bytes,
    })
}

/// Returns the damage that is known since the start, as `verify` would name it.
fn damaged(state: &ArchiveState) -> Vec<Value> {
    let one = |finding: &archive::Finding| {
        json!({
            "kind": finding.kind.word(),
            "what": finding.what,
            "seq_range": finding.seqs.map(|(first, last)| [first.get(), last.get()]),
        })
    };
    state.findings.iter().map(one).collect()
}

/// Returns how large the sealed files are for each byte in them; nothing before anything is sealed.
fn ratio(state: &ArchiveState) -> Option<f64> {
    let share = approximate(state.sealed_bytes) / approximate(state.raw_bytes);
    (state.raw_bytes > 0).then(|| (share * 1e4).round() / 1e4)
}

fn index(shared: &Appliance) -> Value {
    let lag = shared.index.lag();
    let seconds = std::time::Duration::from_micros(u64::try_from(lag.micros).unwrap_or(0));
    json!({
        "events": shared.index.watermark(),
        "lag_events": lag.events,
        "lag_seconds": (seconds.as_secs_f64() * MICROS_PER_SECOND).round() / MICROS_PER_SECOND,
        "failure": shared.index.failure(),
    })
}

/// Says what a thief of the disk can read. There is no view of rooms yet; it will be readable, as the index is.
fn encrypted() -> Value {
    json!({
        "journal": true,
        "segments": true,
        "files": true,
        "index": false,
        "catalog": false,
        "room_view": false,
        "spool": false,
    })
}

fn disk(shared: &Appliance, state: &ArchiveState) -> Value {
    let reserve = shared.config.archive.reserve_bytes;
    let volume = rustix::fs::statvfs(&shared.data).ok();
    json!({
        "free_bytes": state.free_bytes,
        "total_bytes": volume.map(|volume| volume.f_blocks.saturating_mul(volume.f_frsize)),
        "reserve_bytes": reserve,
        "takes_events": state.failed.is_none() && state.free_bytes.is_none_or(|free| free >= reserve),
    })
}

/// Returns by member of the status what a person should look at, and why.
fn attention(status: &Value) -> Map<String, Value> {
    let mut look = Map::new();
    let mut add = |member: &str, why: &str| look.insert(member.to_owned(), why.into());
    if status["demo"] == true {
        add("demo", "an archive of made-up data; nothing in it is evidence");
    }
    let witnesses = status["witnesses"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cosigned = witnesses.iter().any(|witness| !witness["size"].is_null());
    if witnesses.is_empty() {
        add("witnesses", "no outside witness: nothing proves when; keep checkpoints elsewhere");
    } else if let Some(fault) = witnesses.iter().find_map(|witness| witness["fault"].as_str()) {
        add("witnesses", fault);
    } else if !cosigned {
        add("witnesses", "none of them has cosigned a checkpoint yet");
    }
    if status["single_officer"] == true {
        add("single_officer", "nobody can approve another's act");
    }
    if status["quarantined"] != 0 {
        add("quarantined", "records that could not be understood: muniment quarantine list");
    }
    if status["index"]["lag_seconds"].as_f64().unwrap_or(0.0) > LAG_SECONDS_CALM {
        add("index", "far behind the log; the tail is searched all the same, more slowly");
    }
    if !status["index"]["failure"].is_null() {
        add("index", "it has stopped: muniment reindex");
    }
    if !status["catalog"]["fault"].is_null() {
        add("catalog", "it stays behind; the log does not need it");
    }
    let free = status["disk"]["free_bytes"].as_u64().unwrap_or(u64::MAX);
    let reserve = status["disk"]["reserve_bytes"].as_u64().unwrap_or(0);
    if free < reserve {
        add("disk", "under the reserve: no more events are taken; search and export go on");
    } else if free < reserve.saturating_mul(4) {
        add("disk", "little is left above the reserve");
    }
    if !status["sealing_fault"].is_null() {
        add("sealing_fault", "the journal keeps the events, and sealing is tried again");
    }
    if status["damaged"].as_array().is_some_and(|found| !found.is_empty()) {
        add(
            "damaged",
            "stored bytes are not what was stored: muniment verify, then restore a backup",
        );
    }
    if !status["failed"].is_null() {
        add("failed", "the log has stopped: restart to recover");
    }
    look
}

/// Returns a count as a float; past 2⁵³ the last digits are lost.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a ratio is for people")]
const fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm() -> Value {
        json!({
            "demo": false, "witnesses": [{ "name": "w", "size": 7, "fault": null }], "single_officer": false, "quarantined": 0,
            "index": { "lag_seconds": 0.0, "failure": null }, "catalog": { "fault": null },
            "disk": { "free_bytes": 4000, "reserve_bytes": 1000 }, "failed": null,
            "sealing_fault": null, "damaged": [],
        })
    }

    #[test]
    fn a_sound_archive_asks_for_no_look() {
        assert_eq!(attention(&calm()), Map::new());
    }

    #[test]
    fn each_thing_that_is_not_as_it_should_be_is_named() {
        let cases = [
            ("/demo", json!(true), "demo"),
            ("/witnesses", json!([]), "witnesses"),
            ("/witnesses/0/fault", json!("it refuses"), "witnesses"),
            ("/witnesses/0/size", json!(null), "witnesses"),
            ("/single_officer", json!(true), "single_officer"),
            ("/quarantined", json!(2), "quarantined"),
            ("/index/lag_seconds", json!(61.0), "index"),
            ("/index/failure", json!("disk"), "index"),
            ("/catalog/fault", json!("gone"), "catalog"),
            ("/disk/free_bytes", json!(3999), "disk"),
            ("/disk/free_bytes", json!(999), "disk"),
            ("/failed", json!("sync"), "failed"),
            ("/sealing_fault", json!("disk full"), "sealing_fault"),
            ("/damaged", json!([{ "kind": "segment" }]), "damaged"),
        ];
        for (pointer, value, member) in cases {
            let mut status = calm();
            *status.pointer_mut(pointer).unwrap() = value;
            let found: Vec<_> = attention(&status).into_iter().map(|(name, _)| name).collect();
            assert_eq!(found, [member], "{pointer}");
        }
    }
}
