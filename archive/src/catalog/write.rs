//! How the catalog is written: one transaction for a batch, one for a change of the segments or checkpoints.

use chat::Timestamp;
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::batch::{Change, Changes, number};
use super::{CheckpointRow, SegmentRow};

/// Applies a batch and moves the watermark, in one transaction. A batch that does not begin at the watermark changes nothing.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    changes: &Changes,
) -> sqlx::Result<()> {
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

/// Takes segment files out of the list and puts others into it, in one transaction.
pub(super) async fn list_segments(
    connection: &mut SqliteConnection,
    gone: &[SegmentRow],
    come: &[SegmentRow],
) -> sqlx::Result<()> {
    let mut write = connection.begin_with("BEGIN IMMEDIATE").await?;
    for row in gone {
        sqlx::query("DELETE FROM segment WHERE first = ? AND lane = ?")
            .bind(number(row.first.get()))
            .bind(row.lane.code())
            .execute(&mut *write)
            .await?;
    }
    for row in come {
        let sql = "INSERT INTO segment \
            (first, lane, last, generation, events, bytes, raw_bytes, sealed_at) \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(number(row.first.get()))
            .bind(row.lane.code())
            .bind(number(row.last.get()))
            .bind(row.generation)
            .bind(number(row.events))
            .bind(number(row.bytes))
            .bind(number(row.raw_bytes))
            .bind(row.sealed_at.micros())
            .execute(&mut *write)
            .await?;
    }
    write.commit().await
}

/// Adds checkpoints to the list, in one transaction.
pub(super) async fn list_checkpoints(
    connection: &mut SqliteConnection,
    rows: &[CheckpointRow],
) -> sqlx::Result<()> {
    let mut write = connection.begin_with("BEGIN IMMEDIATE").await?;
    for row in rows {
        sqlx::query("INSERT OR REPLACE INTO checkpoint (size, root, at) VALUES (?, ?, ?)")
            .bind(number(row.size))
            .bind(row.root.as_slice())
            .bind(row.at.map(Timestamp::micros))
            .execute(&mut *write)
            .await?;
    }
    write.commit().await
}
