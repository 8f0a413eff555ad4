-- How many parts the outbox is relayed in. All relays must agree, or two would have the same aggregate.
CREATE TABLE relay_setting (
    one    integer PRIMARY KEY CHECK (one = 1),
    shards integer NOT NULL CHECK (shards > 0)
);

-- Who has a shard. The lock on it is an advisory one of the session `pid`; a relay that is stopped, not
-- dead, keeps that, so each says when it was last alive. Times are the server's own.
CREATE TABLE relay_shard (
    shard integer     PRIMARY KEY,
    owner text        NOT NULL,
    pid   integer     NOT NULL,
    beat  timestamptz NOT NULL
) WITH (fillfactor = 10);
