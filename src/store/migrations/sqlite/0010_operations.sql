-- Who drives an operation. `owner` is the process, none while nobody does; each take-over raises `epoch`, and
-- what an earlier one still writes is refused. `beat_at` is by SQLite's clock, not by a process's. `progress`: how
-- far a replay came, as JSON. `given_up`: no more reports of it are awaited.
ALTER TABLE operation ADD COLUMN owner    TEXT;
ALTER TABLE operation ADD COLUMN epoch    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operation ADD COLUMN progress TEXT    NOT NULL DEFAULT '';
ALTER TABLE operation ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1));
CREATE INDEX operation_unfinished ON operation (created_at) WHERE state IN ('planned', 'running', 'draining');

-- When it was meant to be sent; and whether the queue behind it has had its turn.
ALTER TABLE operation_item ADD COLUMN sent_at  INTEGER;
ALTER TABLE operation_item ADD COLUMN followed INTEGER NOT NULL DEFAULT 0 CHECK (followed IN (0, 1));
-- What an ended operation did not send is no plan any more.
UPDATE operation_item SET state = 'left' WHERE state IN ('planned', 'queued') AND operation_id IN
    (SELECT id FROM operation WHERE state IN ('completed', 'cancelled', 'failed'));
UPDATE operation_item SET followed = 1 WHERE state = 'settled';
UPDATE operation_item SET sent_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER) WHERE state IN ('queued', 'in_flight');
CREATE INDEX operation_item_flying ON operation_item (operation_id) WHERE state IN ('queued', 'in_flight');
CREATE INDEX operation_item_follow ON operation_item (operation_id) WHERE state = 'settled' AND NOT followed;
CREATE INDEX operation_item_letter ON operation_item (letter_id, operation_id);

-- Processes that take over what nobody drives: screens and `evtop run`.
CREATE TABLE driver (
    instance TEXT    PRIMARY KEY,
    beat_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was handled before this time may be forgotten: an unforced replay from before it would double effects.
-- An inbox that is younger than its event store was pruned before anybody noted it.
CREATE TABLE forgotten (
    what   TEXT    PRIMARY KEY,
    before INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO forgotten SELECT 'inbox', least_at FROM (SELECT min(at) AS least_at FROM inbox)
    WHERE EXISTS (SELECT 1 FROM event_store WHERE recorded_at < least_at - 3600000000);

-- Whether the head only waits for its turn: nothing but a redrive is missing.
ALTER TABLE key_block ADD COLUMN ready INTEGER NOT NULL DEFAULT 0 CHECK (ready IN (0, 1));
UPDATE key_block SET ready = 1 WHERE head_id IN (SELECT id FROM dead_letter WHERE status = 'blocked');
CREATE INDEX key_block_ready ON key_block (ready, since, head_id) WHERE ready = true;

-- The oldest open letter of a key.
CREATE INDEX dead_letter_queue ON dead_letter (consumer, key, seq)
    WHERE status NOT IN ('resolved', 'archived') AND family = 'evtop';
CREATE INDEX dead_letter_cause_first ON dead_letter (fingerprint, first_failed_at)
    WHERE status NOT IN ('resolved', 'archived');
CREATE INDEX dead_letter_archived_first ON dead_letter (fingerprint, first_failed_at)
    WHERE status = 'archived';
CREATE INDEX dead_letter_archived ON dead_letter (fingerprint, last_failed_at DESC, seq DESC)
    WHERE status = 'archived';
CREATE INDEX dead_letter_by_key ON dead_letter (key);
CREATE INDEX dead_letter_place ON dead_letter (dlq_topic, dlq_partition, dlq_offset);

-- How many letters each cause has in each status, and how many failed first in each second: counting would
-- read everything.
CREATE TABLE letter_tally (
    fingerprint TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, status)
) STRICT, WITHOUT ROWID;
CREATE TABLE letter_second (
    second      INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    n           INTEGER NOT NULL,
    PRIMARY KEY (second, fingerprint)
) STRICT, WITHOUT ROWID;
INSERT INTO letter_tally SELECT fingerprint, status, count(*) FROM dead_letter GROUP BY 1, 2;
INSERT INTO letter_second SELECT first_failed_at / 1000000 * 1000000, fingerprint, count(*) FROM dead_letter
    WHERE status <> 'blocked' AND first_failed_at > (unixepoch() - 3600) * 1000000 GROUP BY 1, 2;

CREATE TRIGGER dead_letter_inserted AFTER INSERT ON dead_letter
BEGIN
    INSERT INTO letter_tally VALUES (NEW.fingerprint, NEW.status, 1)
        ON CONFLICT (fingerprint, status) DO UPDATE SET n = n + 1;
    INSERT INTO letter_second
        SELECT NEW.first_failed_at / 1000000 * 1000000, NEW.fingerprint, 1 WHERE NEW.status <> 'blocked'
        ON CONFLICT (second, fingerprint) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER dead_letter_deleted AFTER DELETE ON dead_letter
BEGIN
    UPDATE letter_tally SET n = n - 1 WHERE fingerprint = OLD.fingerprint AND status = OLD.status;
    UPDATE letter_second SET n = n - 1 WHERE OLD.status <> 'blocked' AND fingerprint = OLD.fingerprint
        AND second = OLD.first_failed_at / 1000000 * 1000000;
END;
CREATE TRIGGER dead_letter_updated AFTER UPDATE OF status, fingerprint, first_failed_at ON dead_letter
    WHEN NEW.status <> OLD.status OR NEW.fingerprint <> OLD.fingerprint OR NEW.first_failed_at <> OLD.first_failed_at
BEGIN
    UPDATE letter_tally SET n = n - 1 WHERE fingerprint = OLD.fingerprint AND status = OLD.status;
    INSERT INTO letter_tally VALUES (NEW.fingerprint, NEW.status, 1)
        ON CONFLICT (fingerprint, status) DO UPDATE SET n = n + 1;
    UPDATE letter_second SET n = n - 1 WHERE OLD.status <> 'blocked' AND fingerprint = OLD.fingerprint
        AND second = OLD.first_failed_at / 1000000 * 1000000;
    INSERT INTO letter_second
        SELECT NEW.first_failed_at / 1000000 * 1000000, NEW.fingerprint, 1 WHERE NEW.status <> 'blocked'
        ON CONFLICT (second, fingerprint) DO UPDATE SET n = n + 1;
END;

-- How many items of each operation stand where; no outcome is ''.
CREATE TABLE item_tally (
    operation_id TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    outcome      TEXT    NOT NULL,
    n            INTEGER NOT NULL,
    PRIMARY KEY (operation_id, state, outcome)
) STRICT, WITHOUT ROWID;
INSERT INTO item_tally SELECT operation_id, state, coalesce(outcome, ''), count(*) FROM operation_item GROUP BY 1, 2, 3;
CREATE TRIGGER operation_item_inserted AFTER INSERT ON operation_item
BEGIN
    INSERT INTO item_tally VALUES (NEW.operation_id, NEW.state, coalesce(NEW.outcome, ''), 1)
        ON CONFLICT (operation_id, state, outcome) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER operation_item_updated AFTER UPDATE OF state, outcome ON operation_item
BEGIN
    UPDATE item_tally SET n = n - 1 WHERE operation_id = OLD.operation_id AND state = OLD.state
        AND outcome = coalesce(OLD.outcome, '');
    INSERT INTO item_tally VALUES (NEW.operation_id, NEW.state, coalesce(NEW.outcome, ''), 1)
        ON CONFLICT (operation_id, state, outcome) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER operation_item_deleted AFTER DELETE ON operation_item
BEGIN
    UPDATE item_tally SET n = n - 1 WHERE operation_id = OLD.operation_id AND state = OLD.state
        AND outcome = coalesce(OLD.outcome, '');
END;

-- How many keys of each consumer are blocked.
CREATE TABLE block_tally (
    consumer TEXT    PRIMARY KEY,
    n        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO block_tally SELECT consumer, count(*) FROM key_block GROUP BY 1;
CREATE TRIGGER key_block_inserted AFTER INSERT ON key_block
BEGIN
    INSERT INTO block_tally VALUES (NEW.consumer, 1) ON CONFLICT (consumer) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER key_block_deleted AFTER DELETE ON key_block
BEGIN
    UPDATE block_tally SET n = n - 1 WHERE consumer = OLD.consumer;
END;
