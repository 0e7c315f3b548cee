//! What the process says of itself while it runs: JSON lines to standard error, text where a person is reading.
//!
//! Message texts, queries and secrets are never logged. What officers did is not here but in the log of the archive.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{LogForm, Logs};

/// Begins to log. `RUST_LOG` overrides the configured filter; each `-v` widens it. Called once a process; a second call changes nothing.
pub(crate) fn begin(logs: &Logs, verbose: u8, quiet: bool) {
    let configured = match (quiet, verbose) {
        (true, _) => "warn",
        (false, 0) => logs.filter.as_str(),
        (false, 1) => "debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(configured))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let is_text = match logs.form {
        LogForm::Json => false,
        LogForm::Text => true,
        LogForm::Auto => std::io::stderr().is_terminal(),
    };
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let begun = if is_text {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_span_list(false).try_init()
    };
    drop(begun);
}
