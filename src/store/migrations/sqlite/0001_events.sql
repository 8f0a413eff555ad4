-- Times are microseconds since 1970 in UTC, money is cents, ids are text, payloads are kept byte for byte.

CREATE TABLE event_store (
    pos            INTEGER PRIMARY KEY AUTOINCREMENT,
    tx             INTEGER NOT NULL DEFAULT 0,
    event_id       TEXT    NOT NULL UNIQUE,
    stream         TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    event_type     TEXT    NOT NULL,
    event_version  INTEGER NOT NULL,
    correlation_id TEXT    NOT NULL,
    causation_id   TEXT,
    source_service TEXT    NOT NULL,
    timestamp      INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    data           TEXT    NOT NULL,
    UNIQUE (stream, version)
) STRICT;

CREATE INDEX event_store_type ON event_store (event_type);
CREATE INDEX event_store_correlation ON event_store (correlation_id);
CREATE INDEX event_store_timestamp ON event_store (timestamp);

CREATE TRIGGER event_store_no_update BEFORE UPDATE ON event_store
BEGIN
    SELECT RAISE(ABORT, 'event_store is append-only');
END;

CREATE TRIGGER event_store_no_delete BEFORE DELETE ON event_store
BEGIN
    SELECT RAISE(ABORT, 'event_store is append-only');
END;

-- How many streams there are, since counting them would read the whole table.
CREATE TABLE stream_count (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    streams INTEGER NOT NULL
) STRICT;
INSERT INTO stream_count VALUES (1, 0);

-- The first five columns are Debezium's. Rows are inserted and deleted, never updated.
CREATE TABLE outbox (
    id            TEXT    NOT NULL,
    aggregatetype TEXT    NOT NULL,
    aggregateid   TEXT    NOT NULL,
    type          TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    topic         TEXT    NOT NULL,
    headers       TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

-- Counting the waiting rows reads this instead of their payloads.
CREATE INDEX outbox_created ON outbox (created_at);

CREATE TRIGGER outbox_no_update BEFORE UPDATE ON outbox
BEGIN
    SELECT RAISE(ABORT, 'outbox rows are inserted and deleted only');
END;

-- What the broker acknowledged, kept for a while.
CREATE TABLE outbox_sent (
    seq         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL,
    aggregateid TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    partition   INTEGER NOT NULL,
    offset      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    sent_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_sent_at ON outbox_sent (sent_at);

-- Back-off stands on the key, never on the row, so no later row of a key overtakes.
CREATE TABLE outbox_blocked (
    aggregateid TEXT    PRIMARY KEY,
    head_seq    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    until       INTEGER,
    error       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
