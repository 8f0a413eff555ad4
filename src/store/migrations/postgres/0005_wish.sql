-- Which services a person wants to stand still, wherever they run. No row: nobody asked.
CREATE TABLE consumer_wish (
    service text        NOT NULL PRIMARY KEY,
    paused  boolean     NOT NULL,
    at      timestamptz NOT NULL,
    who     text        NOT NULL
);
