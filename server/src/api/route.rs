//! What a route is: a method, a path, the one permission that it needs, and who answers. There is no other way in.

use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};
use policy::Permission;

use crate::wiring::Shared;

/// What a caller needs to be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// This permission.
    Permission(Permission),
    /// To have come by the control socket: to be the user who runs the server, or root, on the machine itself.
    Socket,
    /// To work on the machine of the archive: to have come by the control socket, or to be the process that has opened it.
    Machine,
    /// Nothing: it shows nothing of the archive, or is the way in itself. Every such route is listed by name in a test.
    Nothing,
}

/// One line of the table that the router is built from.
pub(crate) struct Route {
    /// The method.
    pub(crate) method: Method,
    /// The path, with its parameters in braces.
    pub(crate) path: &'static str,
    /// What a caller needs.
    pub(crate) need: Need,
    /// What it does, for the description of the API.
    pub(crate) summary: &'static str,
    /// Who answers.
    pub(crate) handler: fn(MethodFilter) -> MethodRouter<Shared>,
}

impl Route {
    /// Returns the filter for the route's method.
    pub(crate) fn filter(&self) -> MethodFilter {
        MethodFilter::try_from(self.method.clone()).unwrap_or(MethodFilter::GET)
    }

    /// Returns whether it belongs to the API that `openapi.json` describes.
    pub(crate) fn is_api(&self) -> bool {
        self.path.starts_with("/api/")
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {} ({:?})", self.method, self.path, self.need)
    }
}

/// Writes the table: `METHOD "path" need "summary" => handler;` a line.
macro_rules! routes {
    ($($method:ident $path:literal $need:expr, $summary:literal => $handler:path;)*) => {
        &[$($crate::api::route::Route {
            method: axum::http::Method::$method,
            path: $path,
            need: $need,
            summary: $summary,
            handler: |filter| axum::routing::on(filter, $handler),
        },)*]
    };
}
pub(crate) use routes;
