//! The two doors of a running server: a TCP port on loopback and the control socket in the data directory.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::auth::{Caller, Way};
use crate::cli::{CONTROL_SOCKET, caller_of};
use crate::problem::{Kind, Problem, Result};
use crate::shutdown::Signals;
use crate::wiring::Shared;

/// How long a connection may take to say what it wants.
const HEADER_PATIENCE: Duration = Duration::from_secs(15);
/// How long answers under way are waited for at a stop.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// The address that pages are served on, as requests by the control socket carry it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served(pub(crate) SocketAddr);

/// A server that listens and has not begun to answer.
#[derive(Debug)]
pub(crate) struct Server {
    tcp: TcpListener,
    control: UnixListener,
    socket: PathBuf,
    address: SocketAddr,
    /// Heard before anyone is told that the server is ready.
    signals: Signals,
}

impl Server {
    /// Takes the port and the control socket.
    pub(crate) async fn bind(shared: &Shared, listen: SocketAddr) -> Result<Self> {
        let tcp = TcpListener::bind(listen).await.map_err(|error| {
            Problem::new(Kind::Unavailable, format!("cannot listen on {listen}: {error}"))
        })?;
        let address = tcp.local_addr().map_err(|error| {
            Problem::new(Kind::Unavailable, format!("cannot listen on {listen}: {error}"))
        })?;
        let socket = shared.data.join(CONTROL_SOCKET);
        let control = bind_control(&socket)?;
        let signals = Signals::listen()?;
        Ok(Self { tcp, control, socket, address, signals })
    }

    /// Returns the address that it listens on.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the process is asked to stop, then drains, closes the archive and returns.
    pub(crate) async fn run(self, shared: Shared) -> Result<()> {
        let router = crate::api::router(&shared);
        let (stop, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut asked = std::pin::pin!(self.signals.asked());
        let address = self.address;
        let manager = crate::notify::Manager::from_environment();
        let mut signs = manager.watchdog().map(tokio::time::interval);
        let witnessing =
            tokio::spawn(crate::witnessing::run(Shared::clone(&shared), stopped.clone()));
        let settling = tokio::spawn(crate::settling::run(
            Shared::clone(&shared),
            crate::settling::REST,
            stopped.clone(),
        ));
        manager.ready();
        loop {
            tokio::select! {
                () = &mut asked => break,
                Ok((stream, _)) = self.tcp.accept() => {
                    let service = router.clone();
                    connections.spawn(serve(TokioIo::new(stream), service, None, stopped.clone()));
                }
                Ok((stream, _)) = self.control.accept() => {
                    let (shared, service, stopped) = (Shared::clone(&shared), router.clone(), stopped.clone());
                    connections.spawn(async move {
                        if let Some(caller) = peer(&shared, &stream).await {
                            let vouched = Some((caller, Served(address)));
                            serve(TokioIo::new(stream), service, vouched, stopped).await;
                        }
                    });
                }
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                // A log that has stopped recovers by a restart alone: then no sign of life is given.
                () = due(&mut signs) => if shared.archive.state().failed.is_none() {
                    manager.alive();
                },
            }
        }
        manager.stopping();
        drop((self.tcp, self.control));
        drop(std::fs::remove_file(&self.socket));
        stop.send_replace(true);
        let answered = async { while connections.join_next().await.is_some() {} };
        drop(tokio::time::timeout(ANSWER_PATIENCE, answered).await);
        drop(tokio::time::timeout(ANSWER_PATIENCE, witnessing).await);
        drop(settling.await);
        let patience = Duration::from_secs(shared.config.server.drain_seconds_max);
        let jobs = std::sync::Arc::clone(&shared.jobs);
        let left = crate::jobs::blocking(move || Ok(jobs.drain(patience))).await?;
        if left > 0 {
            tracing::warn!(jobs = left, "jobs are cut short; they can be run again");
        }
        shared.close().await
    }
}

/// Returns when a sign of life is due; never, where nobody asks for one.
async fn due(signs: &mut Option<tokio::time::Interval>) {
    match signs {
        Some(signs) => drop(signs.tick().await),
        None => std::future::pending().await,
    }
}

/// Makes the control socket, for this user alone. A socket that nobody listens on is a leftover and is replaced; the
/// lock on the archive, which this process holds, says that nobody does.
fn bind_control(socket: &Path) -> Result<UnixListener> {
    let fault = |error: std::io::Error| Problem::of_path("make the control socket", socket, &error);
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
        _ => {}
    }
    let control = UnixListener::bind(socket).map_err(fault)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600)).map_err(fault)?;
    Ok(control)
}

/// Returns the officer at the other end of the control socket: the user who runs this server, or root. Nobody else.
async fn peer(shared: &Shared, stream: &UnixStream) -> Option<Caller> {
    let uid = match rustix::net::sockopt::socket_peercred(stream) {
        Ok(credentials) => credentials.uid.as_raw(),
        Err(error) => {
            tracing::warn!(%error, "the peer of the control socket cannot be known");
            return None;
        }
    };
    if uid != 0 && uid != rustix::process::getuid().as_raw() {
        tracing::warn!(uid, "another user was turned away from the control socket");
        return None;
    }
    match caller_of(shared, uid, Way::Socket).await {
        Ok(caller) => Some(caller),
        Err(problem) => {
            tracing::error!(%problem, "the officer of the control socket cannot be known");
            None
        }
    }
}

/// Answers one connection. A caller that the transport vouches for goes with every request of it.
async fn serve<S>(
    stream: TokioIo<S>,
    router: axum::Router,
    vouched: Option<(Caller, Served)>,
    stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (router, vouched) = (router.clone(), vouched.clone());
        async move {
            let mut request: Request = request.map(axum::body::Body::new);
            if let Some((caller, served)) = vouched {
                request.extensions_mut().insert(caller);
                request.extensions_mut().insert(served);
            }
            let answered: Result<Response, std::convert::Infallible> =
                router.oneshot(request).await;
            answered
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .serve_connection(stream, service);
    let mut connection = std::pin::pin!(connection);
    let mut stopped = stopped;
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
