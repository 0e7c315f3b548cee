//! The catalog in SQLite: one connection that reads and writes, on a thread and runtime of its own, behind a channel.

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chat::{ArchiveId, EventKind, FileId, Lane, PersonId, RoomId, Seq, SourceId, Timestamp};
use parking_lot::Mutex;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

use super::batch::Changes;
use super::{
    Catalog, CheckpointRow, Counts, FileRow, ImportRow, PersonRow, RoomRow, SegmentRow, SourceRow,
    Span, write,
};
use crate::error::{Error, Result};

/// How long a statement waits for another process that reads the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What `PRAGMA synchronous` says for FULL.
const SYNCHRONOUS_FULL: i64 = 2;

type Job = Box<dyn FnOnce(&Runtime, &mut SqliteConnection) + Send>;

/// The catalog of one archive.
#[derive(Debug)]
pub(crate) struct SqliteCatalog {
    /// Where the thread takes its work from, and the thread; nothing once it is closed.
    worker: Mutex<Option<(Sender<Job>, JoinHandle<()>)>>,
}

impl SqliteCatalog {
    /// Opens the file, or makes it. Fails if it does not promise durable transactions, if a later version has written it, or if
    /// it is the catalog of another archive.
    pub(crate) fn open(path: &Path, archive: ArchiveId) -> Result<Self> {
        let (jobs, work) = channel::<Job>();
        let (opened, answer) = channel();
        let file = path.to_owned();
        let run = move || match connect(&file, archive) {
            Err(error) => drop(opened.send(Err(error))),
            Ok((runtime, connection)) => {
                drop(opened.send(Ok(())));
                serve(&runtime, connection, &work);
            }
        };
        let thread = thread::Builder::new()
            .name("archive-catalog".to_owned())
            .spawn(run)
            .map_err(|source| Error::Thread { name: "archive-catalog", source })?;
        answer.recv().map_err(|_| Error::Closed)??;
        Ok(Self { worker: Mutex::new(Some((jobs, thread))) })
    }

    /// Takes what the events up to `until` say. Their effect and the new watermark are durable together, or neither is; it fails
    /// where the watermark is not the one that the changes follow. Events that are destroyed are not among them.
    pub(super) fn follow(&self, mut changes: Changes, until: u64) -> Result<()> {
        changes.until = super::batch::number(until);
        self.ask("write", move |runtime, connection| {
            runtime.block_on(write::apply(connection, &changes))
        })
    }

    /// Makes the list of segment files this one.
    pub(crate) fn list_segments(&self, files: &[SegmentRow]) -> Result<()> {
        let known: HashSet<_> = self.segments()?.into_iter().collect();
        let wanted: HashSet<_> = files.iter().copied().collect();
        let gone: Vec<_> = known.difference(&wanted).copied().collect();
        let come: Vec<_> = wanted.difference(&known).copied().collect();
        if gone.is_empty() && come.is_empty() {
            return Ok(());
        }
        self.ask("write", move |runtime, connection| {
            runtime.block_on(write::list_segments(connection, &gone, &come))
        })
    }

    /// Adds checkpoints to the list.
    pub(crate) fn list_checkpoints(&self, rows: Vec<CheckpointRow>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.ask("write", move |runtime, connection| {
            runtime.block_on(write::list_checkpoints(connection, &rows))
        })
    }

    /// Finishes what was asked and closes the file. On return it may be deleted.
    pub(crate) fn close(&self) {
        if let Some((jobs, thread)) = self.worker.lock().take() {
            drop(jobs);
            if thread.join().is_err() {
                tracing::warn!("the thread of the catalog ended in a fault of the program");
            }
        }
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
        match self.worker.lock().as_ref() {
            Some((jobs, _)) => jobs.send(work).map_err(|_| Error::Closed)?,
            None => return Err(Error::Closed),
        }
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

impl Drop for SqliteCatalog {
    fn drop(&mut self) {
        self.close();
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

fn connect(path: &Path, archive: ArchiveId) -> Result<(Runtime, SqliteConnection)> {
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
        claim(&mut connection, archive).await?;
        Ok(connection)
    });
    Ok((runtime, connection.map_err(|error| failed("open", &error))?))
}

/// Makes a new file this archive's, and refuses another's.
async fn claim(connection: &mut SqliteConnection, archive: ArchiveId) -> sqlx::Result<()> {
    let id = archive.as_bytes().as_slice();
    sqlx::query("UPDATE watermark SET archive = ? WHERE archive IS NULL")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    let found: Vec<u8> =
        sqlx::query_scalar("SELECT archive FROM watermark").fetch_one(&mut *connection).await?;
    if found == id {
        Ok(())
    } else {
        Err(sqlx::Error::Protocol("it is the catalog of another archive".to_owned()))
    }
}

impl Catalog for SqliteCatalog {
    fn watermark(&self) -> Result<u64> {
        let events: Vec<u64> =
            self.rows("SELECT events FROM watermark", |row| Ok(Some(count(row, "events")?)))?;
        Ok(events.first().copied().unwrap_or(0))
    }

    fn counts(&self) -> Result<Counts> {
        self.ask("read", |runtime, connection| runtime.block_on(read_counts(connection)))
    }

    fn segments(&self) -> Result<Vec<SegmentRow>> {
        self.rows("SELECT * FROM segment ORDER BY first, lane", |row| {
            let Some((first, last)) = seq(row, "first")?.zip(seq(row, "last")?) else {
                return Ok(None);
            };
            let Some(lane) = Lane::from_code(row.try_get("lane")?) else { return Ok(None) };
            Ok(Some(SegmentRow {
                first,
                last,
                lane,
                generation: row.try_get("generation")?,
                events: count(row, "events")?,
                bytes: count(row, "bytes")?,
                raw_bytes: count(row, "raw_bytes")?,
                sealed_at: Timestamp::from_micros(row.try_get("sealed_at")?),
            }))
        })
    }

    fn checkpoints(&self) -> Result<Vec<CheckpointRow>> {
        self.rows("SELECT size, root, at FROM checkpoint ORDER BY size", |row| {
            let root: Vec<u8> = row.try_get("root")?;
            let at: Option<i64> = row.try_get("at")?;
            let size = count(row, "size")?;
            let row = |root| CheckpointRow { size, root, at: at.map(Timestamp::from_micros) };
            Ok(root.try_into().ok().map(row))
        })
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

/// Reads what is counted. Nothing is written meanwhile: there is one connection.
async fn read_counts(connection: &mut SqliteConnection) -> sqlx::Result<Counts> {
    let sql = "SELECT events, (SELECT coalesce(sum(events), 0) FROM kind) AS kinds FROM watermark";
    let whole = sqlx::query(sql).fetch_one(&mut *connection).await?;
    let sql = "SELECT id, events FROM room";
    let mut counts = Counts {
        watermark: count(&whole, "events")?,
        events: count(&whole, "kinds")?,
        ..Counts::default()
    };
    for row in sqlx::query(sql).fetch_all(&mut *connection).await? {
        if let Some(room) = id(&row, "id")? {
            counts.rooms.insert(RoomId::from_bytes(room), count(&row, "events")?);
        }
    }
    Ok(counts)
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

#[cfg(test)]
mod tests;
