//! The three ways a request can go: to a router in this process, over the control socket, to a server elsewhere.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use crate::auth::{Caller, Way};
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// Hosts that a token may be sent to in clear.
const LOOPBACK_NAMES: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Name of the control socket in the data directory.
pub(crate) const SOCKET: &str = "control.sock";

/// A way for requests to go.
pub(crate) enum Transport {
    /// The archive is open in this process.
    Inside {
        /// What is open.
        shared: Shared,
        /// The router over it.
        router: Box<axum::Router>,
        /// The officer that this user is.
        caller: Caller,
    },
    /// A server on this machine has the archive open.
    Socket(PathBuf),
    /// A server that is reached by its address.
    Remote {
        /// Host and port.
        authority: String,
        /// The token, from its file.
        token: Zeroizing<String>,
        /// How its certificate is judged, and for which name, where it speaks TLS.
        tls: Option<Box<(TlsConnector, ServerName<'static>)>>,
    },
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Inside { .. } => "Transport::Inside",
            Self::Socket(_) => "Transport::Socket",
            Self::Remote { .. } => "Transport::Remote",
        })
    }
}

impl Transport {
    /// Returns the transport within this process, with the officer that the calling user is bound to.
    pub(crate) async fn inside(shared: Shared) -> Result<Self> {
        let uid = rustix::process::getuid().as_raw();
        let caller = caller_of(&shared, uid, Way::Process).await?;
        let router = Box::new(crate::api::router(&shared));
        Ok(Self::Inside { shared, router, caller })
    }

    /// Returns whether a server listens on the control socket of this data directory.
    pub(crate) async fn listens(data: &Path) -> bool {
        tokio::net::UnixStream::connect(data.join(SOCKET)).await.is_ok()
    }

    /// Returns the transport to a server by its address: with TLS to wherever its certificate is trusted, without it to
    /// loopback alone, since a token must not leave this machine in clear.
    pub(crate) fn remote(url: &str, token_file: &Path, trusted: Option<&Path>) -> Result<Self> {
        let refuse =
            |detail: &str| Err(Problem::new(Kind::BadRequest, format!("--server {url}: {detail}")));
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.trim_end_matches('/');
        let is_without_port = authority.ends_with(']') || !authority.contains(':');
        let host = if is_without_port {
            authority
        } else {
            authority.rsplit_once(':').map_or(authority, |(host, _)| host)
        };
        let (port, tls) = match (scheme, trusted) {
            ("https", Some(trusted)) => {
                let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let Ok(name) = ServerName::try_from(bare) else {
                    return refuse("this is neither a name nor an address");
                };
                (443, Some(Box::new((TlsConnector::from(crate::tls::trusting(trusted)?), name))))
            }
            ("https", None) => {
                return refuse(
                    "name the certificate to trust with --ca FILE, such as tls/cert.pem of the server's data directory",
                );
            }
            ("http", _) if LOOPBACK_NAMES.contains(&host) => (80, None),
            ("http", _) => {
                return refuse(
                    "without TLS the token would cross the network in clear; use https:// with --ca FILE, or a tunnel to loopback",
                );
            }
            _ => return refuse("an address begins with https:// or, on this machine, http://"),
        };
        let token = std::fs::read_to_string(token_file)
            .map_err(|error| Problem::of_path("read", token_file, &error))?;
        let token = Zeroizing::new(token.trim().to_owned());
        let authority =
            if is_without_port { format!("{authority}:{port}") } else { authority.to_owned() };
        Ok(Self::Remote { authority, token, tls })
    }

    /// Sends a request and returns the answer as soon as its head is there.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>> {
        match self {
            Self::Inside { router, caller, .. } => {
                request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
                request.extensions_mut().insert(caller.clone());
                let service = router.as_ref().clone();
                Ok(service.oneshot(request).await.unwrap_or_else(|never| match never {}))
            }
            Self::Socket(path) => {
                request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
                let stream = tokio::net::UnixStream::connect(path).await.map_err(|error| {
                    Problem::new(Kind::Unavailable, format!("{}: {error}", path.display()))
                })?;
                exchange(stream, request).await
            }
            Self::Remote { authority, token, tls } => {
                let host = HeaderValue::from_str(authority)
                    .map_err(|error| Problem::of(Kind::BadRequest, &error))?;
                let bearer = HeaderValue::from_str(&format!("Bearer {}", token.as_str()))
                    .map_err(|_| Problem::new(Kind::BadRequest, "the token file holds no token"))?;
                request.headers_mut().insert(header::HOST, host);
                request.headers_mut().insert(header::AUTHORIZATION, bearer);
                let stream = tokio::net::TcpStream::connect(authority).await.map_err(|error| {
                    Problem::new(Kind::Unavailable, format!("{authority}: {error}"))
                })?;
                let Some((connector, name)) = tls.as_deref() else {
                    return exchange(stream, request).await;
                };
                let stream = connector.connect(name.clone(), stream).await.map_err(|error| {
                    Problem::new(Kind::Unavailable, format!("TLS with {authority}: {error}"))
                })?;
                exchange(stream, request).await
            }
        }
    }
}

/// Returns the officer that a user of this machine is: the one the log binds to it, else one named after its number.
/// Whoever may open the data directory as its owner, or is root, holds the keys; this only gives them a name.
pub(crate) async fn caller_of(shared: &Shared, uid: u32, way: Way) -> Result<Caller> {
    let name = match shared.credentials.officer_of(uid).await? {
        Some(name) => name,
        None if uid == 0 => "root".to_owned(),
        None => format!("user {uid}"),
    };
    Ok(Caller::officer(name, way))
}

/// Sends one request over one connection.
async fn exchange<S>(stream: S, request: Request<Body>) -> Result<Response<Body>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| {
        Problem::new(Kind::Unavailable, format!("the server broke the connection off: {error}"))
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    Ok(response.map(Body::new))
}
