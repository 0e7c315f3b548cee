//! The archive's side of witnessing: its checkpoints go to the witnesses that the configuration names, and what they say is
//! kept beside the notes (C2SP tlog-witness).
//!
//! A witness that refuses has seen a log that ours does not continue: that is shown in the status, and never mended here.

use std::collections::BTreeMap;
use std::time::Duration;

use archive::SignedCheckpoint;
use archive::proof::cosignature::WitnessKey;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};
use crate::wiring::{Appliance, Shared};
use crate::witness::{request_text, time_words};

/// How long a witness may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A witness that the configuration names: `http://HOST:PORT KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trusted {
    authority: String,
    path: String,
    key: WitnessKey,
}

/// What each witness said last.
#[derive(Debug, Default)]
pub(crate) struct Witnessing {
    said: Mutex<BTreeMap<String, Said>>,
}

#[derive(Debug, Clone, Default)]
struct Said {
    /// The size that it has seen, as far as we know.
    seen: u64,
    /// Why it did not cosign the last time it was asked.
    fault: Option<String>,
}

impl Trusted {
    /// Reads one; says what is wrong with a text that is none.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        let form = || format!("{text:?} is not of the form http://HOST:PORT KEY");
        let (url, key) = text.trim().split_once(' ').ok_or_else(form)?;
        let rest = url.strip_prefix("http://").ok_or_else(form)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let has_port =
            authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let key = key.trim().parse().map_err(|_| {
            format!("{:?} is no public key of a witness, as `witness init` prints it", key.trim())
        })?;
        let path = path.trim_end_matches('/');
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { authority, path, key })
    }

    /// Returns the time at which this witness has cosigned a note.
    pub(crate) fn cosigned_at(&self, note: &str) -> Option<u64> {
        self.key.cosigned_at(note).ok().flatten()
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        self.key.name()
    }
}

/// Returns the witnesses that are configured. Texts that are none were refused at the start.
pub(crate) fn trusted(shared: &Appliance) -> Vec<Trusted> {
    let texts = shared.config.witnesses.trusted.iter();
    texts.filter_map(|text| Trusted::parse(text).ok()).collect()
}

/// Returns each configured witness with the newest checkpoint that it has cosigned.
pub(crate) fn document(shared: &Appliance) -> Vec<Value> {
    let newest = shared.archive.newest_cosigned().ok().flatten();
    let said = shared.witnessing.said.lock();
    let one = |witness: &Trusted| {
        let at = newest.as_ref().and_then(|signed| witness.cosigned_at(&signed.note));
        json!({
            "name": witness.name(),
            "public_key": witness.key.to_string(),
            "address": format!("http://{}{}", witness.authority, witness.path),
            "size": at.and(newest.as_ref()).map(|signed| signed.checkpoint.size),
            "cosigned_at": at.map(time_words),
            "fault": said.get(witness.name()).and_then(|said| said.fault.clone()),
        })
    };
    trusted(shared).iter().map(one).collect()
}

/// Asks all witnesses from time to time, until the server stops.
pub(crate) async fn run(shared: Shared, mut stopped: watch::Receiver<bool>) {
    let witnesses = trusted(&shared);
    if witnesses.is_empty() {
        return;
    }
    let mut due = tokio::time::interval(Duration::from_secs(shared.config.witnesses.seconds));
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = due.tick() => {}
            _ = stopped.changed() => return,
        }
        for witness in &witnesses {
            let asked = tokio::time::timeout(PATIENCE, ask(&shared, witness)).await;
            let fault = match asked {
                Ok(Ok(())) => None,
                Ok(Err(problem)) => Some(problem.to_string()),
                Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
            };
            if let Some(fault) = &fault {
                tracing::warn!(witness = witness.name(), fault, "a witness did not cosign");
            }
            shared.witnessing.said.lock().entry(witness.name().to_owned()).or_default().fault =
                fault;
        }
    }
}

/// Has a witness cosign the newest checkpoint, unless it has. One that has seen another size says so, and is asked once more.
async fn ask(shared: &Shared, witness: &Trusted) -> Result<()> {
    let Some(newest) = shared.archive.newest_checkpoint() else { return Ok(()) };
    let size = newest.checkpoint.size;
    let holder = Shared::clone(shared);
    let kept = blocking(move || Ok(holder.archive.cosignatures(size)?)).await?;
    if size == 0 || witness.cosigned_at(&(newest.note.clone() + &kept)).is_some() {
        return Ok(());
    }
    let known = shared.witnessing.said.lock().get(witness.name()).map_or(0, |said| said.seen);
    let seen = match add(shared, witness, &newest, known.min(size)).await? {
        None => size,
        Some(other) if other > size => {
            let detail = format!(
                "it has seen {other} events of this log, which has signed {size} now: the log was rolled back"
            );
            return Err(Problem::new(Kind::Unproven, detail));
        }
        Some(other) => {
            if add(shared, witness, &newest, other).await?.is_some() {
                let detail =
                    format!("it has seen another root of {other} events: the log was forked");
                return Err(Problem::new(Kind::Unproven, detail));
            }
            size
        }
    };
    shared.witnessing.said.lock().entry(witness.name().to_owned()).or_default().seen = seen;
    Ok(())
}

/// Sends a checkpoint with the proof from a size that the witness has seen, and keeps its cosignature. Returns the size that
/// it has really seen, if it is another.
async fn add(
    shared: &Shared,
    witness: &Trusted,
    newest: &SignedCheckpoint,
    seen: u64,
) -> Result<Option<u64>> {
    let size = newest.checkpoint.size;
    let holder = Shared::clone(shared);
    let path = blocking(move || {
        let none = seen == 0 || seen == size;
        Ok(if none { Vec::new() } else { holder.archive.prove_consistency(seen, size)?.path })
    })
    .await?;
    let (status, answer) = post(witness, request_text(seen, &path, &newest.note)).await?;
    let said = answer.trim();
    match status {
        StatusCode::OK => {
            let cosigned = newest.note.clone() + &answer;
            if !answer.ends_with('\n') || witness.cosigned_at(&cosigned).is_none() {
                return Err(Problem::new(Kind::Unproven, "its cosignature does not verify"));
            }
            let holder = Shared::clone(shared);
            blocking(move || Ok(holder.archive.keep_cosignature(size, &answer)?)).await?;
            Ok(None)
        }
        StatusCode::CONFLICT => said.parse().map(Some).map_err(|_| {
            Problem::new(Kind::Unavailable, "it answered 409 without the size that it has seen")
        }),
        StatusCode::UNPROCESSABLE_ENTITY => {
            let detail =
                "it refuses: the log does not continue what it has seen; the log was forked";
            Err(Problem::new(Kind::Unproven, detail))
        }
        other => {
            let words: String = said.chars().take(200).collect();
            Err(Problem::new(Kind::Unavailable, format!("it answered {other}: {words}")))
        }
    }
}

async fn post(witness: &Trusted, body: String) -> Result<(StatusCode, String)> {
    let authority = &witness.authority;
    let broken = |error: &dyn std::error::Error| {
        Problem::new(Kind::Unavailable, format!("http://{authority}: {error}"))
    };
    let stream = TcpStream::connect(authority).await.map_err(|error| broken(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(&error))?;
    tokio::spawn(connection);
    let request = Request::post(format!("{}/add-checkpoint", witness.path))
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(Body::from(body))
        .map_err(|error| broken(&error))?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status = response.status();
    let bytes = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    let bytes = bytes.map_err(|error| broken(error.as_ref()))?.to_bytes();
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use archive::proof::cosignature::Cosigner;

    use super::*;

    #[test]
    fn a_witness_is_named_by_address_and_key() {
        let cosigner = Cosigner::from_seed(&[7; 32], "witness.example/w1").unwrap();
        let key = cosigner.witness_key().to_string();
        let read = Trusted::parse(&format!("http://10.0.0.7:7381/w/ {key}")).unwrap();
        assert_eq!((read.authority.as_str(), read.path.as_str()), ("10.0.0.7:7381", "/w"));
        assert_eq!(Trusted::parse(&format!("http://h {key}")).unwrap().authority, "h:80");
        for broken in [key.clone(), format!("https://h {key}"), "http://h key".to_owned()] {
            assert!(Trusted::parse(&broken).is_err(), "{broken}");
        }
    }
}
