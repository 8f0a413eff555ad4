-- The index over the dead-letter topics, and rows that wait behind a letter of their key. seq is the
-- order of arrival, which is a key's order across topics.
CREATE TABLE dead_letter (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    status          TEXT    NOT NULL,
    consumer        TEXT    NOT NULL,
    topic           TEXT    NOT NULL,
    partition       INTEGER NOT NULL,
    offset          INTEGER NOT NULL,
    key             BLOB,
    event_id        TEXT,
    event_type      TEXT,
    correlation_id  TEXT,
    stage           TEXT    NOT NULL,
    code            TEXT    NOT NULL,
    message         TEXT    NOT NULL,
    fingerprint     TEXT    NOT NULL,
    attempts        INTEGER NOT NULL,
    first_failed_at INTEGER NOT NULL,
    last_failed_at  INTEGER NOT NULL,
    redrives        INTEGER NOT NULL,
    outcome         TEXT,
    blocked_by      TEXT,
    dlq_topic       TEXT,
    dlq_partition   INTEGER,
    dlq_offset      INTEGER,
    note            TEXT
) STRICT;
CREATE INDEX dead_letter_status ON dead_letter (status, last_failed_at DESC, seq DESC);
CREATE INDEX dead_letter_first ON dead_letter (first_failed_at);
CREATE INDEX dead_letter_key ON dead_letter (consumer, key, status);
-- Open letters are few beside the closed ones of years; lists and causes read these two.
CREATE INDEX dead_letter_open ON dead_letter (last_failed_at DESC, seq DESC)
    WHERE status NOT IN ('resolved', 'archived');
CREATE INDEX dead_letter_cause ON dead_letter (fingerprint, last_failed_at DESC, seq DESC, status, first_failed_at)
    WHERE status NOT IN ('resolved', 'archived');

-- Bytes apart from the index, so that lists and counts stay light.
CREATE TABLE dead_letter_body (
    id      TEXT PRIMARY KEY,
    value   BLOB,
    headers TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A key with an open letter: what comes later waits. head_id is the oldest open letter.
CREATE TABLE key_block (
    consumer TEXT    NOT NULL,
    key      BLOB    NOT NULL,
    head_id  TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (consumer, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE operation (
    id           TEXT    PRIMARY KEY,
    kind         TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    what         TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    total        INTEGER NOT NULL,
    sent         INTEGER NOT NULL,
    ok           INTEGER NOT NULL,
    failed_again INTEGER NOT NULL,
    duplicate    INTEGER NOT NULL,
    unknown      INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    rate_limit   INTEGER NOT NULL,
    asked_by     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    note         TEXT,
    plan         TEXT    NOT NULL,
    cancel       INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE operation_item (
    redrive_id   TEXT    PRIMARY KEY,
    operation_id TEXT    NOT NULL,
    letter_id    TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    outcome      TEXT,
    topic        TEXT,
    partition    INTEGER,
    offset       INTEGER,
    error        TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX operation_item_order ON operation_item (operation_id, seq);
CREATE INDEX operation_item_unsent ON operation_item (operation_id, seq) WHERE state IN ('planned', 'queued');
CREATE INDEX operation_item_state ON operation_item (operation_id, state, outcome);

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    request_id TEXT    NOT NULL,
    who        TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    outcome    TEXT
) STRICT;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
