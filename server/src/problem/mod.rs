//! The one map from what went wrong to what is said about it: problem type, HTTP status and exit code.
//!
//! Every error of every member ends here (style.md §8). Outward text names the object and the remedy; what lies
//! beneath goes to the log of the process, once, where it is turned into a [`Problem`].

mod sources;

use std::fmt;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// What kind of problem it is. The slug is stable: clients and cron jobs rely on it (contract.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request or the command line is not well formed.
    BadRequest,
    /// The query could not be read.
    BadQuery,
    /// No credential, or one that does not count.
    Unauthenticated,
    /// The credential does not carry the permission.
    Forbidden,
    /// Host or Origin is not ours.
    ForeignOrigin,
    /// Nothing bears this name.
    NotFound,
    /// The path is there, the method is not.
    MethodNotAllowed,
    /// What it referred to is gone.
    Gone,
    /// It contradicts what is there.
    Conflict,
    /// Larger than the limit.
    TooLarge,
    /// The body is in a form that is not read here.
    UnsupportedMedia,
    /// It takes longer than a request may.
    TooCostly,
    /// The input is no chat export, or is damaged.
    BadData,
    /// Understood, and not built yet.
    NotYet,
    /// Too much at once; try again.
    Busy,
    /// More requests than are worked on at once.
    Overloaded,
    /// Another process holds the archive.
    Locked,
    /// The archive takes no more events: disk full or failed.
    Full,
    /// Reading or writing failed.
    InputOutput,
    /// The output cannot be made.
    CannotCreate,
    /// Something needed is not there.
    Unavailable,
    /// What is stored is not what was stored.
    Corrupt,
    /// A proof does not hold.
    Unproven,
    /// The configuration does not allow a start.
    Configuration,
    /// A fault of this program.
    Internal,
}

/// One line of the map.
struct Row {
    kind: Kind,
    slug: &'static str,
    title: &'static str,
    status: u16,
    exit: u8,
}

const fn row(kind: Kind, slug: &'static str, title: &'static str, status: u16, exit: u8) -> Row {
    Row { kind, slug, title, status, exit }
}

/// The map. Exit codes as in contract.md §1.
const MAP: [Row; 25] = [
    row(Kind::BadRequest, "bad-request", "the request is not well formed", 400, 2),
    row(Kind::BadQuery, "bad-query", "the query cannot be read", 400, 2),
    row(Kind::Unauthenticated, "unauthenticated", "sign in first", 401, 77),
    row(Kind::Forbidden, "forbidden", "this credential does not permit it", 403, 77),
    row(Kind::ForeignOrigin, "foreign-origin", "the request comes from another site", 403, 77),
    row(Kind::NotFound, "not-found", "there is no such thing", 404, 1),
    row(Kind::MethodNotAllowed, "method-not-allowed", "this path has no such method", 405, 2),
    row(Kind::Gone, "gone", "it is no longer there", 410, 1),
    row(Kind::Conflict, "conflict", "it contradicts what is there", 409, 1),
    row(Kind::TooLarge, "too-large", "larger than the limit", 413, 65),
    row(
        Kind::UnsupportedMedia,
        "unsupported-media",
        "the body is in a form that is not read",
        415,
        65,
    ),
    row(Kind::TooCostly, "too-costly", "it takes longer than a request may", 422, 1),
    row(Kind::BadData, "bad-data", "the input cannot be understood", 422, 65),
    row(Kind::NotYet, "not-yet", "understood, but not built yet", 501, 2),
    row(Kind::Busy, "busy", "too much at once", 429, 75),
    row(Kind::Overloaded, "overloaded", "too many requests at once", 429, 75),
    row(Kind::Locked, "locked", "another process holds the archive", 503, 75),
    row(Kind::Full, "full", "the archive takes no more events", 507, 74),
    row(Kind::InputOutput, "input-output", "reading or writing failed", 500, 74),
    row(Kind::CannotCreate, "cannot-create", "the output cannot be made", 500, 73),
    row(Kind::Unavailable, "unavailable", "something needed is not available", 503, 69),
    row(Kind::Corrupt, "corrupt", "what is stored is not what was stored", 500, 1),
    row(Kind::Unproven, "unproven", "a proof does not hold", 500, 1),
    row(Kind::Configuration, "configuration", "the configuration does not allow it", 500, 78),
    row(Kind::Internal, "internal", "a fault of this program", 500, 1),
];

impl Kind {
    fn row(self) -> &'static Row {
        let fallback = &MAP[MAP.len() - 1];
        MAP.iter().find(|row| row.kind == self).unwrap_or(fallback)
    }

    /// Returns the stable last part of the problem type.
    pub(crate) fn slug(self) -> &'static str {
        self.row().slug
    }

    /// Returns the kind that a problem type names, such as one that came from a server.
    pub(crate) fn from_type(text: &str) -> Option<Self> {
        let slug = text.strip_prefix(TYPE_PREFIX)?;
        MAP.iter().find(|row| row.slug == slug).map(|row| row.kind)
    }

    /// Returns the exit code of a process that ends with it.
    pub(crate) fn exit(self) -> u8 {
        self.row().exit
    }

    /// Returns the HTTP status that answers it.
    pub(crate) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What stands before the slug in a problem's `type` (RFC 9457 §3.1.1).
const TYPE_PREFIX: &str = "urn:muniment:problem:";

/// Something that went wrong, in words for the one who asked.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// What kind it is.
    pub(crate) kind: Kind,
    /// This occurrence: what was found, what was expected, what helps.
    pub(crate) detail: String,
    /// Further members of the problem document.
    pub(crate) members: Map<String, Value>,
    /// After how many seconds a further try makes sense.
    pub(crate) retry_after_seconds: Option<u32>,
}

pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// Returns a problem with these words.
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let retry_after_seconds =
            matches!(kind, Kind::Busy | Kind::Overloaded | Kind::Locked | Kind::Unavailable)
                .then_some(2);
        Self { kind, detail: detail.into(), members: Map::new(), retry_after_seconds }
    }

    /// Adds a member to the problem document.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Returns a problem of this kind with an error's whole chain in words.
    pub(crate) fn of(kind: Kind, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(kind, chain(error))
    }

    /// Returns the problem of a file or folder that could not be read or written.
    pub(crate) fn of_path(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(Kind::InputOutput, format!("cannot {what} {}: {error}", path.display()))
    }

    /// Returns the problem document (RFC 9457 §3).
    pub(crate) fn document(&self) -> Value {
        let row = self.kind.row();
        let mut document = Map::new();
        document.insert("type".into(), format!("{TYPE_PREFIX}{}", row.slug).into());
        document.insert("title".into(), row.title.into());
        document.insert("status".into(), row.status.into());
        document.insert("detail".into(), self.detail.clone().into());
        document.insert("exit".into(), row.exit.into());
        for (name, value) in &self.members {
            document.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(document)
    }

    /// Reads a problem document that a server sent, so that the client ends as the server would have.
    pub(crate) fn from_document(document: &Value) -> Option<Self> {
        let object = document.as_object()?;
        let kind = Kind::from_type(object.get("type")?.as_str()?)?;
        let mut members = object.clone();
        for name in ["type", "title", "status", "detail", "exit"] {
            members.remove(name);
        }
        let detail = object.get("detail").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { kind, detail, members, retry_after_seconds: None })
    }
}

/// Returns an error and its sources in one line, each said once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        let words = next.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = next.source();
    }
    text
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.kind.row().title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!(self.document()).to_string();
        let mut response = (self.kind.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Said(self));
        response
    }
}

/// The problem that a response carries, for layers that render it as a page instead.
#[derive(Debug, Clone)]
pub(crate) struct Said(pub(crate) Problem);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_line_in_the_map() {
        for row in &MAP {
            assert_eq!(row.kind.slug(), row.slug);
            assert_eq!(MAP.iter().filter(|other| other.slug == row.slug).count(), 1);
            assert!(row.kind.status().as_u16() == row.status);
        }
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let pairs = [
            (Kind::BadRequest, 2),
            (Kind::BadData, 65),
            (Kind::Unavailable, 69),
            (Kind::CannotCreate, 73),
            (Kind::Full, 74),
            (Kind::Locked, 75),
            (Kind::Forbidden, 77),
            (Kind::Configuration, 78),
            (Kind::Corrupt, 1),
        ];
        for (kind, exit) in pairs {
            assert_eq!(kind.exit(), exit, "{}", kind.slug());
        }
    }

    #[test]
    fn a_problem_reads_back_from_its_document() {
        let said = Problem::new(Kind::BadQuery, "column 3").with("column", 3);
        let read = Problem::from_document(&said.document()).unwrap();
        assert_eq!(read.kind, Kind::BadQuery);
        assert_eq!(read.detail, "column 3");
        assert_eq!(read.members.get("column"), Some(&Value::from(3)));
    }
}
