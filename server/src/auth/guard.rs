//! The gate before every route: who asks, and do they hold the one permission that the route names.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use policy::Permission;

use super::{Caller, Way, hosts};
use crate::api::route::Need;
use crate::config;
use crate::problem::{Kind, Problem, Result};
use crate::wiring::Shared;

/// The name of the session cookie over plain HTTP: there a browser accepts neither `Secure` nor the `__Host-` prefix.
const COOKIE: &str = "muniment-session";
/// Its name where TLS is spoken: no other host, no part of this one and no plain page can have set it (RFC 6265bis §4.1.3.2).
const SECURE_COOKIE: &str = "__Host-muniment-session";

/// Returns the name of the session cookie, and what is said of it beside its value.
pub(crate) fn cookie(tls: &config::Tls) -> (&'static str, &'static str) {
    if tls.is_on() {
        (SECURE_COOKIE, "Path=/; HttpOnly; SameSite=Strict; Secure")
    } else {
        (COOKIE, "Path=/; HttpOnly; SameSite=Strict")
    }
}

/// Checks Host and Origin of any request, also of one that no route matches.
pub(crate) async fn hosts(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match hosts::check(request.method(), request.uri(), request.headers(), &shared.config) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Lets a request through to its route if the caller may have what the route needs.
pub(crate) async fn admit(
    State((shared, need)): State<(Shared, Need)>,
    mut request: Request,
    next: Next,
) -> Response {
    let permission = match need {
        Need::Permission(permission) => permission,
        Need::Socket => return here(&[Way::Socket], request, next).await,
        Need::Machine => return here(&[Way::Socket, Way::Process], request, next).await,
        Need::Nothing => return next.run(request).await,
    };
    if permission == Permission::Metrics && shared.config.metrics.open {
        return next.run(request).await;
    }
    let vouched = request.extensions().get::<Caller>().cloned();
    let headers = request.headers().clone();
    let admitted = async move {
        let caller = match vouched {
            Some(caller) => caller,
            None => caller(&shared, &headers).await?,
        };
        caller.must(permission).map(|()| caller)
    };
    match admitted.await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Lets a request through that came in one of these ways, whatever else it presents.
async fn here(ways: &[Way], request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(caller) if ways.contains(&caller.way) => next.run(request).await,
        _ => Problem::new(
            Kind::Forbidden,
            "this is done on the machine of the archive, by the user who runs it: with the command line, without --server",
        )
        .into_response(),
    }
}

/// Returns who asks, by the token or session presented, whatever the address. (A caller that the transport vouches for,
/// by the control socket or in the same process, is known before.)
async fn caller(shared: &Shared, headers: &HeaderMap) -> Result<Caller> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(authorization) = header(header::AUTHORIZATION) {
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        let caller = shared.credentials.token(token.trim()).await?;
        return caller.ok_or_else(|| {
            Problem::new(Kind::Unauthenticated, "this token is not known, or was revoked")
        });
    }
    let (name, _) = cookie(&shared.config.tls);
    if let Some(cookie) = header(header::COOKIE).and_then(|all| session_cookie(all, name)) {
        let caller = shared.credentials.session(cookie).await?;
        return caller.ok_or_else(|| {
            Problem::new(
                Kind::Unauthenticated,
                "the session has ended; this prints a new link to sign in: muniment sign-in",
            )
        });
    }
    Err(Problem::new(
        Kind::Unauthenticated,
        "a session or a token is needed, from this machine too. For a browser, this prints a link that signs in once: \
         muniment sign-in. For a script: muniment token issue --help",
    ))
}

/// Returns the value of our cookie among those of a Cookie header.
fn session_cookie<'h>(header: &'h str, ours: &str) -> Option<&'h str> {
    header.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == ours).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::{COOKIE, SECURE_COOKIE, session_cookie};

    #[test]
    fn our_cookie_is_found_among_others() {
        assert_eq!(session_cookie("a=b; muniment-session=x; c=d", COOKIE), Some("x"));
        assert_eq!(session_cookie("muniment-session-2=x", COOKIE), None);
        assert_eq!(session_cookie("", COOKIE), None);
        assert_eq!(session_cookie("muniment-session=x", SECURE_COOKIE), None);
        assert_eq!(session_cookie("__Host-muniment-session=x", SECURE_COOKIE), Some("x"));
    }
}
