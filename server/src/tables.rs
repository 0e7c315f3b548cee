//! How the server's own SQLite files are opened: for their owner alone, every commit synced.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::problem::{Kind, Problem, Result};

/// Opens a file and brings its tables up to date; makes it, readable by its owner alone, if it is not there.
pub(crate) async fn open(path: &Path, tables: &Migrator) -> Result<SqlitePool> {
    let fault = |what: &str, error: &dyn std::error::Error| {
        Problem::new(Kind::Unavailable, format!("{what} {}: {error}", path.display()))
    };
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
        .map_err(|error| fault("cannot open", &error))?;
    tables.run(&pool).await.map_err(|error| fault("the tables of", &error))?;
    rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(0o600))
        .map_err(|error| Problem::of_path("restrict", path, &error.into()))?;
    Ok(pool)
}
