-- What is kept of credentials: hashes, names and times, never a secret. Times are microseconds since 1970 UTC.
-- A row alone opens nothing: its commitment has to be in the log (house.md §5).
CREATE TABLE officer (
    uid       INTEGER PRIMARY KEY,
    name      TEXT    NOT NULL,
    seq       INTEGER NOT NULL
) STRICT;

CREATE TABLE link (
    fingerprint BLOB    PRIMARY KEY CHECK (length(fingerprint) = 32),
    id          TEXT    NOT NULL UNIQUE,
    officer     TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER
) STRICT;

CREATE TABLE session (
    fingerprint  BLOB    PRIMARY KEY CHECK (length(fingerprint) = 32),
    id           TEXT    NOT NULL UNIQUE,
    officer      TEXT    NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    fingerprint BLOB    PRIMARY KEY CHECK (length(fingerprint) = 32),
    id          TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    scopes      TEXT    NOT NULL,
    issued_at   INTEGER NOT NULL
) STRICT;
