//! `auth.sqlite`: fingerprints of links, sessions and tokens. The only tables that are not derived from the log.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use chat::Timestamp;
use parking_lot::Mutex;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;

use super::secret::Fingerprint;
use crate::problem::{Kind, Problem, Result};

/// Rows of tokens that are kept in memory, at most.
const TOKENS_KEPT_MAX: usize = 1_024;

/// The tables of credentials.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: SqlitePool,
    /// Rows of tokens that were asked for. A row never changes, and what it may do is read off the log each time, so a
    /// revoked one that is still here lets nobody in.
    tokens: Arc<Mutex<HashMap<Fingerprint, Row>>>,
}

/// What is kept of a link, a session or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its short public name.
    pub(crate) id: String,
    /// The officer, or the token's name.
    pub(crate) holder: String,
    /// The words of its grant; empty for links and sessions, which are an officer's.
    pub(crate) scopes: String,
    /// When it ends, or for a token when it was issued.
    pub(crate) at: Timestamp,
}

/// An officer bound to a user of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The officer's name.
    pub(crate) name: String,
    /// The event of the log that says so.
    pub(crate) seq: i64,
}

/// Turns a database fault into a problem that names the file's part, not its content.
fn fault(error: &sqlx::Error) -> Problem {
    Problem::new(Kind::Unavailable, format!("the table of credentials (auth.sqlite): {error}"))
}

impl Store {
    /// Opens the file, or makes it.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        let pool = crate::tables::open(path, &sqlx::migrate!("src/auth/migrations")).await?;
        Ok(Self { pool, tokens: Arc::default() })
    }

    /// Binds an officer to a user; the newest binding of a user holds.
    pub(crate) async fn bind_officer(&self, uid: u32, binding: &Binding) -> Result<()> {
        let bound = sqlx::query("INSERT OR REPLACE INTO officer (uid, name, seq) VALUES (?, ?, ?)");
        self.run(bound.bind(uid).bind(&binding.name).bind(binding.seq)).await
    }

    /// Returns the officer bound to a user.
    pub(crate) async fn officer(&self, uid: u32) -> Result<Option<Binding>> {
        let row = sqlx::query("SELECT name, seq FROM officer WHERE uid = ?")
            .bind(uid)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        Ok(row.map(|row| Binding { name: row.get("name"), seq: row.get("seq") }))
    }

    /// Keeps a link until `row.at`, and forgets those that ended.
    pub(crate) async fn add_link(
        &self,
        print: &Fingerprint,
        row: &Row,
        now: Timestamp,
    ) -> Result<()> {
        self.run(sqlx::query("DELETE FROM link WHERE expires_at < ?").bind(now.micros())).await?;
        let added = "INSERT INTO link (fingerprint, id, officer, expires_at) VALUES (?, ?, ?, ?)";
        self.run(passing(sqlx::query(added), print, row)).await
    }

    /// Uses a link up in one step: of two who present it, one gets the row.
    pub(crate) async fn use_link(
        &self,
        print: &Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Row>> {
        let used = "UPDATE link SET used_at = ?1 \
                    WHERE fingerprint = ?2 AND used_at IS NULL AND expires_at > ?1 \
                    RETURNING id, officer, expires_at";
        self.officers_row(sqlx::query(used).bind(now.micros()).bind(print.as_bytes())).await
    }

    /// Keeps a session until `row.at`, and forgets those that ended.
    pub(crate) async fn add_session(
        &self,
        print: &Fingerprint,
        row: &Row,
        now: Timestamp,
    ) -> Result<()> {
        self.run(sqlx::query("DELETE FROM session WHERE expires_at < ?").bind(now.micros()))
            .await?;
        let added = "INSERT INTO session (fingerprint, id, officer, expires_at, last_seen_at) \
                     VALUES (?, ?, ?, ?, ?)";
        self.run(passing(sqlx::query(added), print, row).bind(now.micros())).await
    }

    /// Returns a session that has neither ended nor been idle since `idle_since`, and notes that it was seen.
    pub(crate) async fn touch_session(
        &self,
        print: &Fingerprint,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<Row>> {
        let seen = "UPDATE session SET last_seen_at = ?1 \
                    WHERE fingerprint = ?2 AND expires_at > ?1 AND last_seen_at > ?3 \
                    RETURNING id, officer, expires_at";
        let seen = sqlx::query(seen).bind(now.micros()).bind(print.as_bytes());
        self.officers_row(seen.bind(idle_since.micros())).await
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, id: &str) -> Result<()> {
        self.run(sqlx::query("DELETE FROM session WHERE id = ?").bind(id)).await
    }

    /// Keeps a token.
    pub(crate) async fn add_token(&self, print: &Fingerprint, row: &Row) -> Result<()> {
        let added =
            "INSERT INTO token (fingerprint, id, name, scopes, issued_at) VALUES (?, ?, ?, ?, ?)";
        let added = sqlx::query(added).bind(print.as_bytes()).bind(&row.id).bind(&row.holder);
        self.run(added.bind(&row.scopes).bind(row.at.micros())).await
    }

    /// Returns the token with this fingerprint.
    pub(crate) async fn token(&self, print: &Fingerprint) -> Result<Option<Row>> {
        if let Some(row) = self.tokens.lock().get(print) {
            return Ok(Some(row.clone()));
        }
        let found = "SELECT id, name, scopes, issued_at FROM token WHERE fingerprint = ?";
        let found = sqlx::query(found).bind(print.as_bytes()).fetch_optional(&self.pool);
        let row = found.await.map_err(|error| fault(&error))?;
        let row = row.map(|row| Row {
            id: row.get("id"),
            holder: row.get("name"),
            scopes: row.get("scopes"),
            at: Timestamp::from_micros(row.get("issued_at")),
        });
        if let Some(row) = &row {
            let mut tokens = self.tokens.lock();
            if tokens.len() >= TOKENS_KEPT_MAX {
                tokens.clear();
            }
            tokens.insert(*print, row.clone());
        }
        Ok(row)
    }

    /// Forgets a token's fingerprint. Its revocation is in the log; this only keeps the table small.
    pub(crate) async fn forget_token(&self, id: &str) -> Result<()> {
        self.tokens.lock().retain(|_, row| row.id != id);
        self.run(sqlx::query("DELETE FROM token WHERE id = ?").bind(id)).await
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    async fn run(&self, change: Statement<'_>) -> Result<()> {
        change.execute(&self.pool).await.map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Returns the row of a link or a session, which is an officer's.
    async fn officers_row(&self, change: Statement<'_>) -> Result<Option<Row>> {
        let row = change.fetch_optional(&self.pool).await.map_err(|error| fault(&error))?;
        Ok(row.map(|row| Row {
            id: row.get("id"),
            holder: row.get("officer"),
            scopes: String::new(),
            at: Timestamp::from_micros(row.get("expires_at")),
        }))
    }
}

/// A statement that waits for its values.
type Statement<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// Gives a statement what links and sessions have in common: fingerprint, id, officer, end.
fn passing<'q>(statement: Statement<'q>, print: &'q Fingerprint, row: &'q Row) -> Statement<'q> {
    statement.bind(print.as_bytes()).bind(&row.id).bind(&row.holder).bind(row.at.micros())
}
