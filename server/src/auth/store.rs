//! `auth.sqlite`: fingerprints of links, sessions and tokens. The only tables that are not derived from the log.

use std::path::Path;
use std::time::Duration;

use chat::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::secret::Fingerprint;
use crate::problem::{Kind, Problem, Result};

/// The tables of credentials.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: SqlitePool,
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
    /// Opens the file and brings its tables up to date; makes it, readable by its owner alone, if it is not there.
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|error| fault(&error))?;
        sqlx::migrate!("src/auth/migrations").run(&pool).await.map_err(|error| {
            Problem::new(Kind::Unavailable, format!("the tables of auth.sqlite: {error}"))
        })?;
        rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(0o600))
            .map_err(|error| Problem::of_path("restrict", path, &error.into()))?;
        Ok(Self { pool })
    }

    /// Binds an officer to a user; the newest binding of a user holds.
    pub(crate) async fn bind_officer(&self, uid: u32, binding: &Binding) -> Result<()> {
        sqlx::query("INSERT OR REPLACE INTO officer (uid, name, seq) VALUES (?, ?, ?)")
            .bind(uid)
            .bind(&binding.name)
            .bind(binding.seq)
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        Ok(())
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
        sqlx::query("DELETE FROM link WHERE expires_at < ?")
            .bind(now.micros())
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        sqlx::query("INSERT INTO link (fingerprint, id, officer, expires_at) VALUES (?, ?, ?, ?)")
            .bind(print.as_bytes())
            .bind(&row.id)
            .bind(&row.holder)
            .bind(row.at.micros())
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Uses a link up in one step: of two who present it, one gets the row.
    pub(crate) async fn use_link(
        &self,
        print: &Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Row>> {
        let row = sqlx::query(
            "UPDATE link SET used_at = ?1 WHERE fingerprint = ?2 AND used_at IS NULL AND expires_at > ?1 \
             RETURNING id, officer, expires_at",
        )
        .bind(now.micros())
        .bind(print.as_bytes())
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        Ok(row.map(|row| Row {
            id: row.get("id"),
            holder: row.get("officer"),
            scopes: String::new(),
            at: Timestamp::from_micros(row.get("expires_at")),
        }))
    }

    /// Keeps a session until `row.at`, and forgets those that ended.
    pub(crate) async fn add_session(
        &self,
        print: &Fingerprint,
        row: &Row,
        now: Timestamp,
    ) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE expires_at < ?")
            .bind(now.micros())
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        sqlx::query(
            "INSERT INTO session (fingerprint, id, officer, last_seen_at, expires_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(print.as_bytes())
        .bind(&row.id)
        .bind(&row.holder)
        .bind(now.micros())
        .bind(row.at.micros())
        .execute(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Returns a session that has neither ended nor been idle since `idle_since`, and notes that it was seen.
    pub(crate) async fn touch_session(
        &self,
        print: &Fingerprint,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<Row>> {
        let row = sqlx::query(
            "UPDATE session SET last_seen_at = ?1 \
             WHERE fingerprint = ?2 AND expires_at > ?1 AND last_seen_at > ?3 \
             RETURNING id, officer, expires_at",
        )
        .bind(now.micros())
        .bind(print.as_bytes())
        .bind(idle_since.micros())
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        Ok(row.map(|row| Row {
            id: row.get("id"),
            holder: row.get("officer"),
            scopes: String::new(),
            at: Timestamp::from_micros(row.get("expires_at")),
        }))
    }

    /// Ends a session.
    pub(crate) async fn end_session(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM session WHERE id = ?")
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Keeps a token.
    pub(crate) async fn add_token(&self, print: &Fingerprint, row: &Row) -> Result<()> {
        sqlx::query(
            "INSERT INTO token (fingerprint, id, name, scopes, issued_at) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(print.as_bytes())
        .bind(&row.id)
        .bind(&row.holder)
        .bind(&row.scopes)
        .bind(row.at.micros())
        .execute(&self.pool)
        .await
        .map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Returns the token with this fingerprint.
    pub(crate) async fn token(&self, print: &Fingerprint) -> Result<Option<Row>> {
        let row =
            sqlx::query("SELECT id, name, scopes, issued_at FROM token WHERE fingerprint = ?")
                .bind(print.as_bytes())
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| fault(&error))?;
        Ok(row.map(|row| token_row(&row)))
    }

    /// Forgets a token's fingerprint. Its revocation is in the log; this only keeps the table small.
    pub(crate) async fn forget_token(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM token WHERE id = ?")
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(|error| fault(&error))?;
        Ok(())
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

fn token_row(row: &sqlx::sqlite::SqliteRow) -> Row {
    Row {
        id: row.get("id"),
        holder: row.get("name"),
        scopes: row.get("scopes"),
        at: Timestamp::from_micros(row.get("issued_at")),
    }
}
