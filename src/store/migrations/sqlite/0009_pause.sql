-- Whether a person wants the operation to stand still. It is a wish: whoever drives it follows.
ALTER TABLE operation ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));
