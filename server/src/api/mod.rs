//! The routes, and nothing beside them.
//!
//! The router is built from [`table`] alone, and every line of it names the permission that it needs, so a route
//! without a rule does not compile. Around all of them lie Host and Origin checks, limits and strict headers.

mod answers;
mod audit;
mod backups;
#[cfg(test)]
mod beyond;
mod checks;
mod context;
mod events;
mod exports;
mod idempotency;
mod imports;
mod jobs;
mod layers;
mod links;
mod nearest;
mod neighbours;
mod openapi;
mod parameters;
mod passage;
mod quarantine;
pub(crate) mod route;
mod schemas;
pub(crate) mod search;
mod shapes;
pub(crate) mod show;
mod state;
mod timestamps;
mod tokens;
mod unpack;
#[cfg(test)]
mod walk;
mod warnings;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use policy::Permission;

pub(crate) use answers::Answers;
pub(crate) use exports::{Order as ExportOrder, freeze_and_pack};
pub(crate) use parameters::{Parameters, whole_number};
use route::{Need, Route, routes};

use crate::auth::guard;
use crate::problem::{Kind, Problem};
use crate::wiring::Shared;
use crate::{health, web};

const APPEND: Need = Need::Permission(Permission::Append);
const READ: Need = Need::Permission(Permission::Read);
const EXPORT: Need = Need::Permission(Permission::Export);
const ADMIN: Need = Need::Permission(Permission::Admin);
const METRICS: Need = Need::Permission(Permission::Metrics);

/// Every route there is.
pub(crate) fn table() -> &'static [Route] {
    routes! {
        POST "/api/v1/events" APPEND, "Adds events, one JSON object a line" => events::append;
        GET "/api/v1/events/{seq}" READ, "Shows one event with versions, files and neighbours" => show::event;
        GET "/api/v1/events/{seq}/explain" READ, "Says why an event matches a query, or why not" => search::explain;
        GET "/api/v1/events/{seq}/proof" READ, "Proves one event to a signed checkpoint" => show::proof;
        GET "/api/v1/events/{seq}/attachments/{number}" READ, "Hands out one file of an event" => show::attachment;
        GET "/api/v1/search" READ, "Finds events" => search::search;
        GET "/api/v1/audit" ADMIN, "Shows officers' acts, newest first" => audit::list;
        GET "/api/v1/checkpoint" READ, "Hands out the newest signed checkpoint" => state::checkpoint;
        POST "/api/v1/timestamps" ADMIN, "Keeps an authority's time stamp of a checkpoint" => timestamps::attach;
        GET "/api/v1/timestamps" READ, "Lists time stamps of checkpoints, each checked again" => timestamps::list;
        GET "/api/v1/status" READ, "Shows the state of the archive" => state::status;
        GET "/api/v1/openapi.json" READ, "Describes these routes" => openapi::document;
        POST "/api/v1/exports" EXPORT, "Freezes a set of events and begins a package" => exports::begin;
        GET "/api/v1/exports/{id}" EXPORT, "Shows how an export stands" => exports::view;
        GET "/api/v1/exports/{id}/package" EXPORT, "Hands out a finished package" => exports::package;
        POST "/api/v1/imports" ADMIN, "Reads a foreign export in" => imports::begin;
        GET "/api/v1/imports/{id}" ADMIN, "Shows how an import stands" => imports::view;
        POST "/api/v1/verifications" ADMIN, "Begins to prove the archive anew" => checks::verify;
        GET "/api/v1/verifications/{id}" ADMIN, "Shows how a verification stands" => checks::verification;
        POST "/api/v1/reindexings" ADMIN, "Begins to build the index anew" => checks::reindex;
        GET "/api/v1/reindexings/{id}" ADMIN, "Shows how a rebuilding stands" => checks::reindexing;
        POST "/api/v1/backups" Need::Machine, "Signs the state that a backup is to reach" => backups::begin;
        GET "/api/v1/quarantine" READ, "Lists records that could not be understood" => quarantine::list;
        GET "/api/v1/quarantine/{seq}" READ, "Shows one such record, raw" => quarantine::show;
        POST "/api/v1/quarantine/replay" ADMIN, "Tries to understand them again" => quarantine::replay;
        POST "/api/v1/sign-in-links" Need::Socket, "Issues a link that signs the officer at the control socket in once" => links::issue;
        POST "/api/v1/tokens" ADMIN, "Issues a token" => tokens::issue;
        GET "/api/v1/tokens" ADMIN, "Lists tokens" => tokens::list;
        DELETE "/api/v1/tokens/{id}" ADMIN, "Revokes a token" => tokens::revoke;
        GET "/" Need::Nothing, "Leads to the desk" => web::home;
        GET "/desk" READ, "The officers' desk" => web::desk::desk;
        GET "/desk/events/{seq}" READ, "One event on the desk" => web::desk::event;
        POST "/desk/exports" EXPORT, "Exports what was found" => web::desk::export;
        GET "/desk/exports/{id}" EXPORT, "How an export stands, on the desk" => web::desk::export_state;
        POST "/sign-out" READ, "Ends the session" => web::entry::sign_out;
        GET "/sign-in" Need::Nothing, "Shows the way in" => web::entry::page;
        POST "/sign-in" Need::Nothing, "Turns a one-time link into a session" => web::entry::sign_in;
        GET "/assets/desk.css" Need::Nothing, "The style sheet" => web::style;
        GET "/livez" Need::Nothing, "Says that the process runs" => health::alive;
        GET "/readyz" Need::Nothing, "Says whether it can do its work, and why not" => health::ready;
        GET "/metrics" METRICS, "Counts and times for Prometheus; no names, no words" => health::metrics;
        GET "/version" Need::Nothing, "Says which version runs" => health::version;
    }
}

/// Returns the router: every line of the table behind its own gate, and all of it behind the checks that every request passes.
pub(crate) fn router(shared: &Shared) -> Router {
    let mut router = Router::new();
    for route in table() {
        let gate = from_fn_with_state((Shared::clone(shared), route.need), guard::admit);
        let mut handler = (route.handler)(route.filter());
        if route.is_api() && route.method == Method::POST {
            // Inside the gate, since a key belongs to its caller.
            let repeat = from_fn_with_state(Shared::clone(shared), idempotency::repeat);
            handler = handler.layer(repeat);
        }
        router = router.route(route.path, handler.layer(gate));
    }
    router
        .fallback(async || Problem::new(Kind::NotFound, "no route has this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(Kind::MethodNotAllowed, "see /api/v1/openapi.json")
        })
        .layer(DefaultBodyLimit::max(chat::limits::REQUEST_BYTES_MAX))
        .layer(from_fn(layers::plain_bodies))
        .layer(from_fn(layers::in_form))
        .layer(from_fn(layers::page_for_people))
        .layer(from_fn_with_state(Shared::clone(shared), guard::hosts))
        .layer(from_fn_with_state(Shared::clone(shared), layers::limit))
        .layer(from_fn_with_state(Shared::clone(shared), layers::seal))
        .layer(from_fn_with_state(Shared::clone(shared), layers::observe))
        .with_state(Shared::clone(shared))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn only_these_routes_need_nothing() {
        let open: BTreeSet<_> = table()
            .iter()
            .filter(|route| route.need == Need::Nothing)
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        let expected = [
            "GET /",
            "GET /assets/desk.css",
            "GET /livez",
            "GET /readyz",
            "GET /sign-in",
            "GET /version",
            "POST /sign-in",
        ];
        assert_eq!(open, expected.map(str::to_owned).into());
    }

    #[test]
    fn no_route_of_the_api_is_open_and_none_stands_twice() {
        assert!(table().iter().all(|route| !route.is_api() || route.need != Need::Nothing));
        let names: BTreeSet<_> =
            table().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(names.len(), table().len());
    }
}
