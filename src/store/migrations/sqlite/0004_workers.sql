-- What each instance's workers last said of themselves, for those who look from another process.
CREATE TABLE worker_report (
    instance TEXT    NOT NULL,
    service  TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    report   TEXT    NOT NULL,
    PRIMARY KEY (instance, service)
) WITHOUT ROWID;
