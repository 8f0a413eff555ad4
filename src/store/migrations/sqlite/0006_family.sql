-- Who wrote a letter: we, or another framework. Such a one may not know where it came from: an unknown
-- consumer, topic or stage is '', an unknown partition, offset or number of attempts -1.
ALTER TABLE dead_letter ADD COLUMN family TEXT NOT NULL DEFAULT 'evtop';
