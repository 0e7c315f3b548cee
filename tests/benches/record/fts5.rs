//! The baseline of a database: SQLite, its rows in the order of time, a text index (FTS5) beside them.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{Connection as _, Row as _};
use tokio::runtime::Runtime;

use crate::corpus::Line;

const ROWS_OF_A_TRANSACTION: usize = 20_000;
const SCHEMA: [&str; 3] = [
    "CREATE TABLE message (id INTEGER PRIMARY KEY, room TEXT NOT NULL, sender TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX message_place ON message (room, at)",
    "CREATE VIRTUAL TABLE word USING fts5(body, content='message', content_rowid='id', tokenize='unicode61')",
];
/// What makes the text index of what was filled in, and leaves the file as small as it gets.
const FINISH: [&str; 4] = [
    "INSERT INTO word (word) VALUES ('rebuild')",
    "INSERT INTO word (word) VALUES ('optimize')",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "VACUUM",
];
const NEWEST: &str = "SELECT rowid FROM word WHERE word MATCH ? ORDER BY rowid DESC LIMIT 20";
const PAGE: &str = "SELECT message.id, room, sender, at, highlight(word, 0, '<mark>', '</mark>') \
     FROM word JOIN message ON message.id = word.rowid WHERE word MATCH ? ORDER BY word.rowid DESC LIMIT 20";

/// An open database with its runtime.
pub(crate) struct Database {
    file: PathBuf,
    runtime: Runtime,
    connection: RefCell<SqliteConnection>,
}

impl Database {
    /// Makes the tables and fills them, oldest first, so that the row id follows time.
    pub(crate) fn build(file: &Path, lines: &[Line]) -> Result<Self, sqlx::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let address = format!("sqlite://{}", file.display());
        let options = SqliteConnectOptions::from_str(&address)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let mut connection = runtime.block_on(SqliteConnection::connect_with(&options))?;
        runtime.block_on(fill(&mut connection, lines))?;
        Ok(Self { file: file.to_owned(), runtime, connection: RefCell::new(connection) })
    }

    /// Returns how many of the newest twenty there are.
    pub(crate) fn newest(&self, word: &str) -> Result<usize, sqlx::Error> {
        self.count_of(NEWEST, word)
    }

    /// Reads a page of the newest twenty with room, sender, time and highlighted text, and returns how many they are.
    pub(crate) fn page(&self, word: &str) -> Result<usize, sqlx::Error> {
        let query = sqlx::query(PAGE).bind(format!("\"{word}\""));
        let rows = self.runtime.block_on(query.fetch_all(&mut *self.connection.borrow_mut()))?;
        let mut bytes = 0;
        for row in &rows {
            let (room, sender): (&str, &str) = (row.try_get(1)?, row.try_get(2)?);
            let (at, text): (i64, &str) = (row.try_get(3)?, row.try_get(4)?);
            bytes += room.len() + sender.len() + text.len();
            std::hint::black_box((at, bytes));
        }
        Ok(rows.len())
    }

    fn count_of(&self, statement: &'static str, word: &str) -> Result<usize, sqlx::Error> {
        let query = sqlx::query(statement).bind(format!("\"{word}\""));
        let rows = self.runtime.block_on(query.fetch_all(&mut *self.connection.borrow_mut()));
        rows.map(|rows| rows.len())
    }

    /// Asks for nothing: what a round trip through the driver costs by itself.
    pub(crate) fn nothing(&self) -> Result<i64, sqlx::Error> {
        let query = sqlx::query("SELECT 1");
        self.runtime.block_on(query.fetch_one(&mut *self.connection.borrow_mut()))?.try_get(0)
    }

    /// Returns the bytes of the file.
    pub(crate) fn bytes(&self) -> std::io::Result<u64> {
        Ok(std::fs::metadata(&self.file)?.len())
    }
}

async fn fill(connection: &mut SqliteConnection, lines: &[Line]) -> Result<(), sqlx::Error> {
    for statement in SCHEMA {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    let mut order: Vec<_> = lines.iter().collect();
    order.sort_by_key(|line| line.micros());
    for chunk in order.chunks(ROWS_OF_A_TRANSACTION) {
        let mut transaction = connection.begin().await?;
        for line in chunk {
            sqlx::query("INSERT INTO message (room, sender, at, body) VALUES (?, ?, ?, ?)")
                .bind(&line.room)
                .bind(&line.sender)
                .bind(line.micros())
                .bind(&line.text)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
    for statement in FINISH {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}
