//! What was answered under each Idempotency-Key, kept in `jobs.sqlite`.

use std::collections::HashSet;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chat::Timestamp;
use parking_lot::Mutex;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;

use crate::problem::{Kind, Problem, Result};

/// Answers that are remembered; the oldest is forgotten first.
const ANSWERS_MAX: i64 = 4_096;

/// The answers, and the keys whose first request is still being worked on.
#[derive(Debug)]
pub(crate) struct Answers {
    pool: SqlitePool,
    busy: Mutex<HashSet<[u8; 32]>>,
}

/// What is kept of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of it.
    Body(Bytes),
    /// That it held a secret, which is shown once.
    Secret,
    /// That it was too long to be kept, and that asking again gives it again.
    Again,
}

/// A first answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Digest of the whole request.
    pub(super) request: [u8; 32],
    /// The status.
    pub(super) status: u16,
    /// The Location header.
    pub(super) location: Option<String>,
    /// The body.
    pub(super) kept: Kept,
}

/// A key that no other request may use until this is dropped.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    answers: &'a Answers,
    key: [u8; 32],
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.answers.busy.lock().remove(&self.key);
    }
}

fn fault(error: &sqlx::Error) -> Problem {
    Problem::new(Kind::Unavailable, format!("the table of answers (jobs.sqlite): {error}"))
}

impl Answers {
    /// Takes the open file.
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self { pool, busy: Mutex::default() }
    }

    /// Takes a key for one request. Refused while another request with it is being worked on.
    pub(super) fn claim(&self, key: [u8; 32]) -> Result<Claim<'_>> {
        if self.busy.lock().insert(key) {
            return Ok(Claim { answers: self, key });
        }
        let detail = "the first request with this Idempotency-Key is still being worked on";
        Err(Problem::new(Kind::Conflict, detail))
    }

    /// Returns the first answer under a key.
    pub(super) async fn recall(&self, key: &[u8; 32]) -> Result<Option<Answer>> {
        let row =
            sqlx::query("SELECT request, status, location, form, body FROM answer WHERE key = ?")
                .bind(key.as_slice())
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| fault(&error))?;
        Ok(row.and_then(|row| {
            let kept = match row.get::<&str, _>("form") {
                "secret" => Kept::Secret,
                "again" => Kept::Again,
                _ => Kept::Body(row.get::<Vec<u8>, _>("body").into()),
            };
            Some(Answer {
                request: row.get::<&[u8], _>("request").try_into().ok()?,
                status: row.get("status"),
                location: row.get("location"),
                kept,
            })
        }))
    }

    /// Keeps a first answer.
    pub(super) async fn remember(
        &self,
        key: &[u8; 32],
        answer: &Answer,
        now: Timestamp,
    ) -> Result<()> {
        let (form, body) = match &answer.kept {
            Kept::Body(bytes) => ("body", Some(bytes.as_ref())),
            Kept::Secret => ("secret", None),
            Kept::Again => ("again", None),
        };
        sqlx::query(
            "INSERT OR REPLACE INTO answer (key, request, answered_at, status, location, form, body) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(key.as_slice())
        .bind(answer.request.as_slice())
        .bind(now.micros())
        .bind(answer.status)
        .bind(&answer.location)
        .bind(form)
        .bind(body)
        .execute(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        sqlx::query(
            "DELETE FROM answer WHERE key IN (SELECT key FROM answer ORDER BY answered_at DESC LIMIT -1 OFFSET ?)",
        )
        .bind(ANSWERS_MAX)
        .execute(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Closes the file, for the table of jobs as well.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Answer {
    /// Returns the answer as it was given the first time.
    pub(super) fn repeated(self, body: Bytes) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, Body::from(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(location) = self.location.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}
