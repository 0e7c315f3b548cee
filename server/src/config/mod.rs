//! The configuration: defaults, overlaid by `muniment.toml`, by `MUNIMENT__SECTION__KEY` variables, by flags.
//!
//! No file is needed for a first start. A key that means nothing is an error with its line, never ignored: a typing
//! error in a limit must not quietly leave the default in force.

#[cfg(test)]
mod hostile;
mod overlay;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(crate) use overlay::Layers;
pub(crate) use tls::Tls;

/// Everything that can be set.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// `[server]`
    pub(crate) server: Server,
    /// `[tls]`
    pub(crate) tls: Tls,
    /// `[keys]`
    pub(crate) keys: Keys,
    /// `[archive]`
    pub(crate) archive: Archive,
    /// `[sessions]`
    pub(crate) sessions: Sessions,
    /// `[limits]`
    pub(crate) limits: Limits,
    /// `[logs]`
    pub(crate) logs: Logs,
    /// `[metrics]`
    pub(crate) metrics: Metrics,
    /// `[time]`
    pub(crate) time: Time,
    /// `[witnesses]`
    pub(crate) witnesses: Witnesses,
}

/// Where it listens and by which names it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// The address to listen on. Beyond loopback it is refused without a certificate.
    pub(crate) listen: SocketAddr,
    /// Host names accepted beside those of loopback, such as that of a proxy on the same machine. The first is that of the
    /// links it prints, where it listens beyond loopback.
    pub(crate) host_names: Vec<String>,
    /// How long a stop waits for running jobs.
    pub(crate) drain_seconds_max: u64,
}

/// Where the keys are.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Keys {
    /// The file of the key-encryption key, if it is not `keys/kek` in the data directory.
    pub(crate) kek_file: Option<PathBuf>,
}

/// How the log is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Archive {
    /// Journal bytes at which a segment is sealed.
    pub(crate) seal_bytes: u64,
    /// Hours after which a segment is sealed though it is small.
    pub(crate) seal_hours: u32,
    /// Free bytes below which no more events are accepted; audit and destruction may still use them.
    pub(crate) reserve_bytes: u64,
}

/// How long a signed-in officer stays so (reliability.md §6).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sessions {
    /// Minutes without a request after which a session ends.
    pub(crate) idle_minutes: u32,
    /// Hours after which a session ends in any case.
    pub(crate) total_hours: u32,
    /// Minutes for which a sign-in link can be used.
    pub(crate) link_minutes: u32,
}

/// What is refused as too much.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "a limit is named as one, its unit last")]
pub(crate) struct Limits {
    /// Requests worked on at once; one more is answered 429.
    pub(crate) requests_max: usize,
    /// Bytes of one request that posts events.
    pub(crate) request_bytes_max: usize,
    /// Bytes of one streamed import.
    pub(crate) import_bytes_max: u64,
    /// Seconds that a search may take; one that takes longer is stopped and answered 422.
    pub(crate) search_seconds_max: u64,
    /// Jobs (imports, exports, verifications) running or waiting at once; one more is answered 429.
    pub(crate) jobs_max: usize,
}

/// What is logged, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Logs {
    /// Which records: `error`, `warn`, `info`, `debug`, or directives as of `RUST_LOG`.
    pub(crate) filter: String,
    /// `auto` (text on a terminal, JSON otherwise), `json` or `text`.
    pub(crate) form: LogForm,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogForm {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

/// Who may read counts and times.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// Whether `/metrics` is shown to anyone who reaches the port; otherwise it needs a token with the scope `metrics`.
    pub(crate) open: bool,
}

/// Who outside is told of checkpoints.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Witnesses {
    /// Witnesses to trust, each as `http://HOST:PORT KEY`, the key as `witness init` prints it.
    pub(crate) trusted: Vec<String>,
    /// Seconds between two times that they are asked.
    pub(crate) seconds: u64,
}

/// How dates without a zone are read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Time {
    /// The zone of dates in queries, such as `Europe/Berlin`. Never changes what is stored.
    pub(crate) zone: String,
}

impl Default for Server {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 7380));
        Self { listen, host_names: Vec::new(), drain_seconds_max: 30 }
    }
}

impl Default for Archive {
    fn default() -> Self {
        Self { seal_bytes: 64 << 20, seal_hours: 24, reserve_bytes: 256 << 20 }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle_minutes: 15, total_hours: 12, link_minutes: 15 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_max: 256,
            request_bytes_max: chat::limits::REQUEST_BYTES_MAX,
            import_bytes_max: 64 << 30,
            search_seconds_max: 30,
            jobs_max: 16,
        }
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self { filter: "info".to_owned(), form: LogForm::Auto }
    }
}

impl Default for Witnesses {
    fn default() -> Self {
        Self { trusted: Vec::new(), seconds: 60 }
    }
}

impl Default for Time {
    fn default() -> Self {
        Self { zone: "UTC".to_owned() }
    }
}

impl Config {
    /// Returns what is missing for an address that other machines reach.
    fn fault_beyond_loopback(&self) -> Option<String> {
        let listen = self.server.listen;
        if !self.tls.is_on() {
            return Some(format!(
                "server.listen = {listen}: beyond loopback it listens with TLS alone; set tls.certificate and tls.key, or \
                 tls.self_signed = true for a first start, or listen on 127.0.0.1 or [::1]"
            ));
        }
        self.server.host_names.is_empty().then(|| {
            format!(
                "server.listen = {listen}: set server.host_names to the names that it answers to, such as \
                 [\"archive.example\"]"
            )
        })
    }

    /// Returns what is wrong with values that are well formed, each with its key.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(self.tls.fault().map(str::to_owned));
        if !self.server.listen.ip().is_loopback() {
            faults.extend(self.fault_beyond_loopback());
        }
        if self.time.zone != "UTC" && self.time.zone.parse::<chrono_tz::Tz>().is_err() {
            faults.push(format!(
                "time.zone = {:?} is no zone of the IANA database, such as Europe/Berlin",
                self.time.zone
            ));
        }
        for text in &self.witnesses.trusted {
            if let Err(fault) = crate::witnessing::Trusted::parse(text) {
                faults.push(format!("witnesses.trusted: {fault}"));
            }
        }
        let positive = [
            ("limits.requests_max", u64::try_from(self.limits.requests_max).unwrap_or(u64::MAX)),
            ("limits.search_seconds_max", self.limits.search_seconds_max),
            ("limits.jobs_max", u64::try_from(self.limits.jobs_max).unwrap_or(u64::MAX)),
            ("sessions.idle_minutes", self.sessions.idle_minutes.into()),
            ("sessions.total_hours", self.sessions.total_hours.into()),
            ("sessions.link_minutes", self.sessions.link_minutes.into()),
            ("archive.seal_bytes", self.archive.seal_bytes),
            ("witnesses.seconds", self.witnesses.seconds),
        ];
        for (key, value) in positive {
            if value == 0 {
                faults.push(format!("{key} = 0: it must be at least 1"));
            }
        }
        faults
    }
}
