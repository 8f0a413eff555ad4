-- A consumer is named by its group.

CREATE TABLE inbox (
    consumer   TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (consumer, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_at ON inbox (at);

CREATE TABLE orders (
    order_id    TEXT    PRIMARY KEY,
    customer_id TEXT    NOT NULL,
    total       INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    item_count  INTEGER NOT NULL,
    status      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stock (
    product_id TEXT    PRIMARY KEY,
    available  INTEGER NOT NULL CHECK (available >= 0),
    reserved   INTEGER NOT NULL CHECK (reserved >= 0)
) STRICT, WITHOUT ROWID;

-- items: [[product, quantity], ...]
CREATE TABLE reservation (
    order_id       TEXT    PRIMARY KEY,
    reservation_id TEXT    NOT NULL,
    items          TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    at             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE email_log (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT    NOT NULL,
    order_id   TEXT    NOT NULL,
    recipient  TEXT,
    subject    TEXT    NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX email_log_order ON email_log (order_id);

-- payments: {"method": [approved, declined], ...}; newest: the newest event time counted, at most its wall time.
CREATE TABLE analytics_window (
    start     INTEGER PRIMARY KEY,
    orders    INTEGER NOT NULL,
    revenue   INTEGER NOT NULL,
    payments  TEXT    NOT NULL,
    late      INTEGER NOT NULL,
    newest    INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE INDEX analytics_window_newest ON analytics_window (newest);
CREATE INDEX analytics_window_open ON analytics_window (start) WHERE closed_at IS NULL;
