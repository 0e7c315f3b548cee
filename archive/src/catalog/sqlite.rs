//! The catalog in SQLite: one connection that reads and writes, on a thread and runtime of its own, behind a channel.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use chat::{EventKind, FileId, PersonId, Recorded, RoomId, Seq, SourceId};
use parking_lot::Mutex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

use super::batch::{Change, Changes};
use super::{Catalog, FileRow, ImportRow, PersonRow, RoomRow, SourceRow, Span};
use crate::error::{Error, Result};

/// How long a statement waits for another process that reads the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What `PRAGMA synchronous` says for FULL.
const SYNCHRONOUS_FULL: i64 = 2;

type Job = Box<dyn FnOnce(&Runtime, &mut SqliteConnection) + Send>;

/// The catalog of one archive.
#[derive(Debug)]
pub struct SqliteCatalog {
    path: PathBuf,
    jobs: Mutex<Sender<Job>>,
}

impl SqliteCatalog {
    /// Opens the file, or makes it. Fails if it does not promise durable transactions, or if a later version has written it.
    pub fn open(path: &Path) -> Result<Self> {
        let (jobs, work) = channel::<Job>();
        let (opened, answer) = channel();
        let file = path.to_owned();
        let run = move || match connect(&file) {
            Err(error) => drop(opened.send(Err(error))),
            Ok((runtime, connection)) => {
                drop(opened.send(Ok(())));
                serve(&runtime, connection, &work);
            }
        };
        thread::Builder::new()
            .name("archive-catalog".to_owned())
            .spawn(run)
            .map_err(|source| Error::Thread { name: "archive-catalog", source })?;
        answer.recv().map_err(|_| Error::Closed)??;
        Ok(Self { path: path.to_owned(), jobs: Mutex::new(jobs) })
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn ask<T: Send + 'static>(
        &self,
        action: &'static str,
        job: impl FnOnce(&Runtime, &mut SqliteConnection) -> sqlx::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = channel();
        let work: Job = Box::new(move |runtime, connection| {
            drop(sender.send(job(runtime, connection)));
        });
        self.jobs.lock().send(work).map_err(|_| Error::Closed)?;
        receiver.recv().map_err(|_| Error::Closed)?.map_err(|error| failed(action, &error))
    }

    fn rows<T: Send + 'static>(
        &self,
        sql: &'static str,
        read: fn(&SqliteRow) -> sqlx::Result<Option<T>>,
    ) -> Result<Vec<T>> {
        self.ask("read", move |runtime, connection| {
            let rows = runtime.block_on(sqlx::query(sql).fetch_all(connection))?;
            rows.iter().filter_map(|row| read(row).transpose()).collect()
        })
    }
}

fn failed(action: &'static str, error: &sqlx::Error) -> Error {
    Error::Catalog { action, reason: error.to_string() }
}

fn serve(runtime: &Runtime, mut connection: SqliteConnection, work: &Receiver<Job>) {
    while let Ok(job) = work.recv() {
        job(runtime, &mut connection);
    }
    // The write-ahead log is folded into the file; if that fails, the next start does it.
    runtime.block_on(connection.close()).ok();
}

fn connect(path: &Path) -> Result<(Runtime, SqliteConnection)> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|source| Error::Thread { name: "archive-catalog", source })?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    let connection = runtime.block_on(async {
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::migrate!("migrations/sqlite").run(&mut connection).await?;
        let full: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await?;
        let mode: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await?;
        if full != SYNCHRONOUS_FULL || mode != "wal" {
            let found =
                format!("synchronous = {full}, journal_mode = {mode}; 2 and wal are needed");
            return Err(sqlx::Error::Protocol(found));
        }
        Ok(connection)
    });
    Ok((runtime, connection.map_err(|error| failed("open", &error))?))
}

impl Catalog for SqliteCatalog {
    fn watermark(&self) -> Result<u64> {
        let events: Vec<u64> =
            self.rows("SELECT events FROM watermark", |row| Ok(Some(count(row, "events")?)))?;
        Ok(events.first().copied().unwrap_or(0))
    }

    fn follow(&self, batch: &[Recorded]) -> Result<()> {
        let Some(changes) = Changes::of(batch) else { return Ok(()) };
        self.ask("write", move |runtime, connection| runtime.block_on(apply(connection, &changes)))
    }

    fn sources(&self) -> Result<Vec<SourceRow>> {
        self.rows("SELECT id, name, events FROM source ORDER BY name, id", |row| {
            let Some(id) = id(row, "id")? else { return Ok(None) };
            let (name, events) = (row.try_get("name")?, count(row, "events")?);
            Ok(Some(SourceRow { id: SourceId::from_bytes(id), name, events }))
        })
    }

    fn rooms(&self) -> Result<Vec<RoomRow>> {
        self.rows("SELECT * FROM room ORDER BY name, id", |row| {
            let (Some(id), Some(span)) = (id(row, "id")?, span(row)?) else { return Ok(None) };
            Ok(Some(RoomRow {
                id: RoomId::from_bytes(id),
                name: row.try_get("name")?,
                kind: row.try_get("kind")?,
                category: row.try_get("category")?,
                source: self::id(row, "source")?.map(SourceId::from_bytes),
                span,
            }))
        })
    }

    fn persons(&self) -> Result<Vec<PersonRow>> {
        self.rows("SELECT * FROM person ORDER BY name, id", |row| {
            let (Some(id), Some(span)) = (id(row, "id")?, span(row)?) else { return Ok(None) };
            Ok(Some(PersonRow {
                id: PersonId::from_bytes(id),
                name: row.try_get("name")?,
                foreign_id: row.try_get("foreign_id")?,
                email: row.try_get("email")?,
                source: self::id(row, "source")?.map(SourceId::from_bytes),
                span,
            }))
        })
    }

    fn kinds(&self) -> Result<Vec<(EventKind, u64)>> {
        self.rows("SELECT code, events FROM kind ORDER BY code", |row| {
            let code = u16::try_from(row.try_get::<i64, _>("code")?).ok();
            let events = count(row, "events")?;
            Ok(code.map(|code| (EventKind::from_code(code), events)))
        })
    }

    fn imports(&self) -> Result<Vec<ImportRow>> {
        self.rows("SELECT * FROM import ORDER BY coalesce(begun, ended), id", |row| {
            Ok(Some(ImportRow {
                id: row.try_get("id")?,
                begun: seq(row, "begun")?,
                ended: seq(row, "ended")?,
                source: row.try_get("source")?,
                format: row.try_get("format")?,
                input_sha256: row.try_get("input_sha256")?,
                accepted: optional_count(row, "accepted")?,
                quarantined: optional_count(row, "quarantined")?,
            }))
        })
    }

    fn files(&self) -> Result<Vec<FileRow>> {
        self.rows("SELECT * FROM file ORDER BY id", |row| {
            let (Some(id), Some(first)) = (id(row, "id")?, seq(row, "first")?) else {
                return Ok(None);
            };
            let (bytes, events) = (count(row, "bytes")?, count(row, "events")?);
            Ok(Some(FileRow { id: FileId::from_bytes(id), bytes, first, events }))
        })
    }
}

fn optional_count(row: &SqliteRow, name: &str) -> sqlx::Result<Option<u64>> {
    Ok(row.try_get::<Option<i64>, _>(name)?.and_then(|number| u64::try_from(number).ok()))
}

fn count(row: &SqliteRow, name: &str) -> sqlx::Result<u64> {
    Ok(optional_count(row, name)?.unwrap_or(0))
}

fn seq(row: &SqliteRow, name: &str) -> sqlx::Result<Option<Seq>> {
    Ok(optional_count(row, name)?.and_then(Seq::new))
}

fn id<const N: usize>(row: &SqliteRow, name: &str) -> sqlx::Result<Option<[u8; N]>> {
    Ok(row.try_get::<Option<Vec<u8>>, _>(name)?.and_then(|bytes| bytes.try_into().ok()))
}

fn span(row: &SqliteRow) -> sqlx::Result<Option<Span>> {
    let events = count(row, "events")?;
    let ends = seq(row, "first")?.zip(seq(row, "last")?);
    Ok(ends.map(|(first, last)| Span { first, last, events }))
}

/// Applies a batch and moves the watermark, in one transaction. A batch that does not begin at the watermark changes nothing.
async fn apply(connection: &mut SqliteConnection, changes: &Changes) -> sqlx::Result<()> {
    let mut write = connection.begin_with("BEGIN IMMEDIATE").await?;
    let moved = sqlx::query("UPDATE watermark SET events = ? WHERE events = ?")
        .bind(changes.until)
        .bind(changes.from)
        .execute(&mut *write)
        .await?;
    if moved.rows_affected() != 1 {
        let found = format!("events from {} on do not follow the watermark", changes.from);
        return Err(sqlx::Error::Protocol(found));
    }
    for (id, (name, events)) in &changes.sources {
        let sql = "INSERT INTO source (id, name, events) VALUES (?1, coalesce(?2, ''), ?3) \
            ON CONFLICT (id) DO UPDATE SET name = coalesce(?2, name), events = events + ?3";
        let insert = sqlx::query(sql).bind(id.as_slice()).bind(name.as_deref()).bind(events);
        write.execute(insert).await?;
    }
    for (id, room) in &changes.rooms {
        let sql = "INSERT INTO room (id, name, source, first, last, events, kind, category) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET name = ?2, \
            source = coalesce(?3, source), last = ?5, events = events + ?6, \
            kind = coalesce(?7, kind), category = coalesce(?8, category)";
        let insert = bind_change(sql, id, room);
        let insert = insert.bind(room.kind.as_deref()).bind(room.category.as_deref());
        write.execute(insert).await?;
    }
    for (id, person) in &changes.persons {
        let sql = "INSERT INTO person (id, name, source, first, last, events, foreign_id, email) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET name = ?2, \
            source = coalesce(?3, source), last = ?5, events = events + ?6, \
            foreign_id = coalesce(?7, foreign_id), email = coalesce(?8, email)";
        let insert = bind_change(sql, id, person);
        let insert = insert.bind(person.foreign_id.as_deref()).bind(person.email.as_deref());
        write.execute(insert).await?;
    }
    apply_lists(&mut write, changes).await?;
    write.commit().await
}

type Insert<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind_change<'q>(sql: &'static str, id: &'q [u8; 16], change: &'q Change) -> Insert<'q> {
    sqlx::query(sql)
        .bind(id.as_slice())
        .bind(change.name.as_str())
        .bind(change.source.as_ref().map(<[u8; 16]>::as_slice))
        .bind(change.first)
        .bind(change.last)
        .bind(change.events)
}

async fn apply_lists(write: &mut SqliteConnection, changes: &Changes) -> sqlx::Result<()> {
    for (code, events) in &changes.kinds {
        let sql = "INSERT INTO kind (code, events) VALUES (?1, ?2) \
            ON CONFLICT (code) DO UPDATE SET events = events + ?2";
        sqlx::query(sql).bind(code).bind(events).execute(&mut *write).await?;
    }
    for (id, (bytes, first, events)) in &changes.files {
        let sql = "INSERT INTO file (id, bytes, first, events) VALUES (?1, ?2, ?3, ?4) \
            ON CONFLICT (id) DO UPDATE SET events = events + ?4";
        let insert = sqlx::query(sql).bind(id.as_slice()).bind(bytes).bind(first).bind(events);
        insert.execute(&mut *write).await?;
    }
    for import in &changes.imports {
        let sql = "INSERT INTO import (id, begun, ended, source, format, input_sha256, accepted, quarantined) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET \
            begun = coalesce(?2, begun), ended = coalesce(?3, ended), source = coalesce(?4, source), \
            format = coalesce(?5, format), input_sha256 = coalesce(?6, input_sha256), \
            accepted = coalesce(?7, accepted), quarantined = coalesce(?8, quarantined)";
        sqlx::query(sql)
            .bind(import.id.as_str())
            .bind(import.begun)
            .bind(import.ended)
            .bind(import.act.text("source"))
            .bind(import.act.text("format"))
            .bind(import.act.text("input_sha256"))
            .bind(import.act.number("accepted"))
            .bind(import.act.number("quarantined"))
            .execute(&mut *write)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
