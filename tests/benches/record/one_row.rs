//! A row a transaction in SQLite, each durable by itself: what a program without a log of its own would do.

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::Fault;
use crate::corpus::Line;

/// Returns how many rows were inserted by so many tasks that wait for one another's transactions, and within what time.
///
/// SQLite has one writer, so the tasks share one connection; that is faster than letting them find the file locked.
pub(crate) fn insert(
    file: &Path,
    lines: &[Line],
    tasks: usize,
    time: Duration,
) -> Result<(u64, Duration), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{}", file.display()))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    runtime.block_on(async {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_mins(1))
            .connect_with(options)
            .await?;
        sqlx::query("CREATE TABLE message (id INTEGER PRIMARY KEY, room TEXT, sender TEXT, at TEXT, body TEXT)")
            .execute(&pool)
            .await?;
        let texts: Arc<[[String; 4]]> = lines.iter().take(4_096).map(columns).collect();
        let (began, mut running) = (Instant::now(), Vec::new());
        for task in 0..tasks {
            running.push(tokio::spawn(insert_until(pool.clone(), Arc::clone(&texts), task, (began, time))));
        }
        let mut rows = 0;
        for task in running {
            rows += task.await??;
        }
        let elapsed = began.elapsed();
        pool.close().await;
        Ok((rows, elapsed))
    })
}

fn columns(line: &Line) -> [String; 4] {
    [&line.room, &line.sender, &line.time, &line.text].map(String::clone)
}

async fn insert_until(
    pool: SqlitePool,
    texts: Arc<[[String; 4]]>,
    task: usize,
    (began, time): (Instant, Duration),
) -> Result<u64, sqlx::Error> {
    let mut rows = 0;
    for [room, sender, at, body] in texts.iter().cycle().skip(task) {
        if began.elapsed() >= time {
            break;
        }
        sqlx::query("INSERT INTO message (room, sender, at, body) VALUES (?, ?, ?, ?)")
            .bind(room)
            .bind(sender)
            .bind(at)
            .bind(body)
            .execute(&pool)
            .await?;
        rows += 1;
    }
    Ok(rows)
}
