-- Which services a person wants to stand still, wherever they run. No row: nobody asked.
CREATE TABLE consumer_wish (
    service TEXT    NOT NULL PRIMARY KEY,
    paused  INTEGER NOT NULL CHECK (paused IN (0, 1)),
    at      INTEGER NOT NULL,
    who     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
