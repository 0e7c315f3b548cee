//! What a service manager is told: that we are ready, that we are alive, that we stop (`sd_notify(3)`).
//!
//! One datagram of plain text each, to the socket that `NOTIFY_SOCKET` names. Without it nothing is said.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager that started this process, if there is one.
#[derive(Debug)]
pub(crate) struct Manager {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// Reads from the environment where to report, and how often it wants a sign of life.
    pub(crate) fn from_environment() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| {
            connect(name.as_bytes())
                .inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET cannot be reached"))
                .ok()
        });
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_ours =
            number("WATCHDOG_PID").is_none_or(|process| process == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 1);
        Self { socket, watchdog: watchdog.map(|micros| Duration::from_micros(micros / 2)) }
    }

    /// Returns how often a sign of life is due: twice as often as it is missed.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.watchdog.filter(|_| self.socket.is_some())
    }

    /// Reports that requests are answered.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    /// Reports that the process is alive.
    pub(crate) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    /// Reports that the process drains and ends.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// A manager that does not listen is no reason to stop.
    fn say(&self, state: &str) {
        if let Some(Err(error)) = self.socket.as_ref().map(|socket| socket.send(state.as_bytes())) {
            tracing::warn!(%error, state, "the service manager could not be told");
        }
    }
}

/// Connects to a path, or to an abstract name after `@`.
fn connect(name: &[u8]) -> std::io::Result<UnixDatagram> {
    let address = match name.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}
