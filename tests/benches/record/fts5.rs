//! The baseline of a database: SQLite's FTS5, text index alone, rows in the order of time.

use std::path::Path;
use std::str::FromStr as _;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{Connection as _, Row as _};
use tokio::runtime::Runtime;

use crate::corpus::Line;

const ROWS_OF_A_TRANSACTION: usize = 20_000;

/// An open database with its runtime.
pub(crate) struct Database {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Database {
    /// Makes the table and fills it, oldest first, so that the row id follows time.
    pub(crate) fn build(file: &Path, lines: &[Line]) -> Result<Self, sqlx::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let address = format!("sqlite://{}", file.display());
        let options = SqliteConnectOptions::from_str(&address)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let mut connection = runtime.block_on(SqliteConnection::connect_with(&options))?;
        runtime.block_on(fill(&mut connection, lines))?;
        Ok(Self { runtime, connection })
    }

    /// Returns how many of the newest twenty there are.
    pub(crate) fn newest(&mut self, word: &str) -> Result<usize, sqlx::Error> {
        let query = sqlx::query(
            "SELECT rowid FROM message WHERE message MATCH ? ORDER BY rowid DESC LIMIT 20",
        )
        .bind(format!("\"{word}\""));
        self.runtime.block_on(query.fetch_all(&mut self.connection)).map(|rows| rows.len())
    }

    /// Asks for nothing: what a round trip through the driver costs by itself.
    pub(crate) fn nothing(&mut self) -> Result<i64, sqlx::Error> {
        let query = sqlx::query("SELECT 1");
        self.runtime.block_on(query.fetch_one(&mut self.connection))?.try_get(0)
    }
}

async fn fill(connection: &mut SqliteConnection, lines: &[Line]) -> Result<(), sqlx::Error> {
    sqlx::query("CREATE VIRTUAL TABLE message USING fts5(body, content='', tokenize='unicode61')")
        .execute(&mut *connection)
        .await?;
    let mut order: Vec<_> = lines.iter().collect();
    order.sort_by_key(|line| line.micros());
    let mut row = 0_i64;
    for chunk in order.chunks(ROWS_OF_A_TRANSACTION) {
        let mut transaction = connection.begin().await?;
        for line in chunk {
            row += 1;
            sqlx::query("INSERT INTO message (rowid, body) VALUES (?, ?)")
                .bind(row)
                .bind(&line.text)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
    sqlx::query("INSERT INTO message (message) VALUES ('optimize')").execute(connection).await?;
    Ok(())
}
