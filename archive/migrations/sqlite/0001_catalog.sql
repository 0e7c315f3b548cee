-- Derived from the log alone: this file may be deleted while the archive is closed, and is made again with equal rows.
CREATE TABLE watermark (one INTEGER PRIMARY KEY CHECK (one = 1), events INTEGER NOT NULL, archive BLOB);
INSERT INTO watermark (one, events) VALUES (1, 0);
CREATE TABLE segment (
    first INTEGER NOT NULL, lane INTEGER NOT NULL, last INTEGER NOT NULL, generation INTEGER NOT NULL,
    events INTEGER NOT NULL, bytes INTEGER NOT NULL, raw_bytes INTEGER NOT NULL, sealed_at INTEGER NOT NULL,
    PRIMARY KEY (first, lane)
) WITHOUT ROWID;
CREATE TABLE source (id BLOB PRIMARY KEY, name TEXT NOT NULL, events INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE room (
    id BLOB PRIMARY KEY, name TEXT NOT NULL, kind TEXT, category TEXT, source BLOB,
    first INTEGER NOT NULL, last INTEGER NOT NULL, events INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE person (
    id BLOB PRIMARY KEY, name TEXT NOT NULL, foreign_id TEXT, email TEXT, source BLOB,
    first INTEGER NOT NULL, last INTEGER NOT NULL, events INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE kind (code INTEGER PRIMARY KEY, events INTEGER NOT NULL);
CREATE TABLE import (id TEXT PRIMARY KEY, begun INTEGER, ended INTEGER, source TEXT, format TEXT, input_sha256 TEXT,
    accepted INTEGER, quarantined INTEGER) WITHOUT ROWID;
CREATE TABLE file (id BLOB PRIMARY KEY, bytes INTEGER NOT NULL, first INTEGER NOT NULL, events INTEGER NOT NULL) WITHOUT ROWID;
