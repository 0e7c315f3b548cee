//! The whole of a graceful stop: a signal, no new connections, the answers that are under way, the jobs, the archive.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::problem::{Kind, Problem, Result};

/// Returns the signal that asks for what was read at the start to be read again (SIGHUP). Where nobody listens to it, it ends
/// the process.
pub(crate) fn hangup() -> Result<Signal> {
    signal(SignalKind::hangup()).map_err(|error| unheard(&error))
}

fn unheard(error: &std::io::Error) -> Problem {
    Problem::new(Kind::Unavailable, format!("signals cannot be heard: {error}"))
}

/// The signals that ask for a stop: SIGTERM from a service manager, SIGINT from a keyboard. They are heard from the moment
/// that this is made; before it, they end the process where it stands.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(|error| unheard(&error));
        let (terminate, interrupt) =
            (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }

    /// Returns when the process is asked to stop.
    pub(crate) async fn asked(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
            _ = self.interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
        }
    }
}
