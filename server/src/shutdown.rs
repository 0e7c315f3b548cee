//! The whole of a graceful stop: a signal, no new connections, the answers that are under way, the jobs, the archive.

use tokio::signal::unix::{SignalKind, signal};

use crate::problem::{Kind, Problem, Result};

/// Returns when the process is asked to stop: SIGTERM from a service manager, SIGINT from a keyboard.
pub(crate) async fn asked() -> Result<()> {
    let unheard = |error: std::io::Error| {
        Problem::new(Kind::Unavailable, format!("signals cannot be heard: {error}"))
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    tokio::select! {
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
    }
    Ok(())
}
