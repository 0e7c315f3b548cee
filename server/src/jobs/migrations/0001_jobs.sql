-- What a restart must not forget: how jobs ended, and what was answered under each Idempotency-Key.
-- Times are microseconds since 1970 UTC. No message text is kept here.
CREATE TABLE job (
    id         TEXT    PRIMARY KEY,
    task       TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    done       INTEGER NOT NULL DEFAULT 0,
    total      INTEGER NOT NULL DEFAULT 0,
    outcome    TEXT
) STRICT;

CREATE TABLE answer (
    key         BLOB    PRIMARY KEY CHECK (length(key) = 32),
    request     BLOB    NOT NULL CHECK (length(request) = 32),
    answered_at INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    location    TEXT,
    form        TEXT    NOT NULL CHECK (form IN ('body', 'secret', 'again')),
    body        BLOB
) STRICT;
CREATE INDEX answer_by_age ON answer (answered_at);
