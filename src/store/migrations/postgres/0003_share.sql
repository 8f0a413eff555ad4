-- Processes that would relay, so that each takes its share of the shards and no more.
CREATE TABLE relay_instance (
    owner text        PRIMARY KEY,
    beat  timestamptz NOT NULL
) WITH (fillfactor = 10);

-- Shards that somebody has: a row alone only says who had it last.
CREATE VIEW relay_held AS
    SELECT s.shard, s.owner, s.pid, s.beat
    FROM relay_shard s JOIN pg_locks l ON l.pid = s.pid AND CAST(l.objid AS bigint) = s.shard
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
        AND CAST(l.classid AS bigint) = CAST(hashtext('evtop relay ' || current_schema()) AS bigint) & 4294967295
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database());
