-- Whether a person wants the operation to stand still. It is a wish: whoever drives it follows.
ALTER TABLE operation ADD COLUMN paused boolean NOT NULL DEFAULT false;
