-- When whoever drives an operation last said so: one that is silent for long may be taken over.
ALTER TABLE operation ADD COLUMN beat_at INTEGER;
