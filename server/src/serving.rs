//! The two doors of a running server: a TCP port and the control socket in the data directory.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::auth::{Caller, Way};
use crate::cli::{CONTROL_SOCKET, caller_of};
use crate::config::Config;
use crate::problem::{Kind, Problem, Result};
use crate::shutdown::{self, Signals};
use crate::tls::Tls;
use crate::wiring::Shared;

/// How long a connection may take to say what it wants.
const HEADER_PATIENCE: Duration = Duration::from_secs(15);
/// How long answers under way are waited for at a stop.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Where pages are served, as an address begins in a browser: requests by the control socket carry it.
#[derive(Debug, Clone)]
pub(crate) struct Served(pub(crate) Arc<str>);

/// A server that listens and has not begun to answer.
#[derive(Debug)]
pub(crate) struct Server {
    tcp: TcpListener,
    control: UnixListener,
    socket: PathBuf,
    served: Served,
    tls: Option<Tls>,
    /// Asks for the certificate to be read again.
    hangup: Option<Signal>,
    /// Heard before anyone is told that the server is ready.
    signals: Signals,
}

impl Server {
    /// Takes the port and the control socket.
    pub(crate) async fn bind(shared: &Shared, listen: SocketAddr) -> Result<Self> {
        let tls = Tls::open(&shared.config, &shared.data, &shared.archive.ports().disk)?;
        let tcp = TcpListener::bind(listen).await.map_err(|error| {
            Problem::new(Kind::Unavailable, format!("cannot listen on {listen}: {error}"))
        })?;
        let address = tcp.local_addr().map_err(|error| {
            Problem::new(Kind::Unavailable, format!("cannot listen on {listen}: {error}"))
        })?;
        let socket = shared.data.join(CONTROL_SOCKET);
        let control = bind_control(&socket)?;
        let signals = Signals::listen()?;
        let hangup = tls.is_some().then(shutdown::hangup).transpose()?;
        let served = Served(origin(&shared.config, address).into());
        Ok(Self { tcp, control, socket, served, tls, hangup, signals })
    }

    /// Returns how an address of it begins in a browser, such as `http://127.0.0.1:7380`.
    pub(crate) fn origin(&self) -> &str {
        &self.served.0
    }

    /// Returns the SHA-256 of its certificate, if it speaks TLS.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        self.tls.as_ref().map(Tls::fingerprint)
    }

    /// Answers until the process is asked to stop, then drains, closes the archive and returns.
    pub(crate) async fn run(self, shared: Shared) -> Result<()> {
        let router = crate::api::router(&shared);
        let (stop, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        let Self { tcp, control, socket, served, tls, mut hangup, signals } = self;
        let mut asked = std::pin::pin!(signals.asked());
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
                Ok((stream, _)) = tcp.accept() => {
                    let acceptor = tls.as_ref().map(Tls::acceptor);
                    connections.spawn(greet(stream, acceptor, router.clone(), stopped.clone()));
                }
                () = hung_up(&mut hangup) => read_again(tls.as_ref()),
                Ok((stream, _)) = control.accept() => {
                    let (shared, service, stopped) = (Shared::clone(&shared), router.clone(), stopped.clone());
                    let served = served.clone();
                    connections.spawn(async move {
                        if let Some(caller) = peer(&shared, &stream).await {
                            let vouched = Some((caller, served));
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
        drop((tcp, control));
        drop(std::fs::remove_file(&socket));
        stop.send_replace(true);
        let answered = async { while connections.join_next().await.is_some() {} };
        drop(tokio::time::timeout(ANSWER_PATIENCE, answered).await);
        drop(tokio::time::timeout(ANSWER_PATIENCE, witnessing).await);
        drop(settling.await);
        let patience = Duration::from_secs(shared.config.server.drain_seconds_max);
        let jobs = Arc::clone(&shared.jobs);
        let left = crate::jobs::blocking(move || Ok(jobs.drain(patience))).await?;
        if left > 0 {
            tracing::warn!(jobs = left, "jobs are cut short; they can be run again");
        }
        shared.close().await
    }
}

/// Returns how addresses of the server begin. Beyond loopback it is reached by the first name that it answers to.
fn origin(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.tls.is_on() { "https" } else { "http" };
    match config.server.host_names.first().filter(|_| !address.ip().is_loopback()) {
        Some(name) => format!("{scheme}://{name}:{}", address.port()),
        None => format!("{scheme}://{address}"),
    }
}

/// Answers one connection to the port, after its handshake where TLS is spoken. Whoever is silent is not waited for.
async fn greet(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(acceptor) = acceptor else {
        return serve(TokioIo::new(stream), router, None, stopped).await;
    };
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(HEADER_PATIENCE, acceptor.accept(stream)) => greeted,
        _ = stopped.changed() => return,
    };
    match greeted {
        Ok(Ok(stream)) => serve(TokioIo::new(stream), router, None, stopped).await,
        Ok(Err(error)) => tracing::debug!(%error, "a handshake broke off"),
        Err(_) => tracing::debug!("a handshake took too long"),
    }
}

/// Returns when the certificate is to be read again; never, where there is none.
async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

/// Reads the certificate again. One that cannot be used is told and changes nothing.
fn read_again(tls: Option<&Tls>) {
    let Some(tls) = tls else { return };
    match tls.read_again() {
        Ok(()) => tracing::info!(sha256 = tls.fingerprint(), "the certificate was read again"),
        Err(problem) => tracing::error!(%problem, "the certificate stays as it was"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_begins_with_the_way_it_is_spoken_and_beyond_loopback_with_the_first_name() {
        let mut config = Config::default();
        let told = |config: &Config, address: &str| origin(config, address.parse().unwrap());
        assert_eq!(told(&config, "127.0.0.1:7380"), "http://127.0.0.1:7380");
        config.tls.self_signed = true;
        config.server.host_names = ["archive.example", "desk.example"].map(str::to_owned).into();
        assert_eq!(told(&config, "[::1]:7380"), "https://[::1]:7380");
        assert_eq!(told(&config, "0.0.0.0:7380"), "https://archive.example:7380");
        assert_eq!(told(&config, "10.1.2.3:443"), "https://archive.example:443");
    }
}
