-- Why a letter was put away; its note has a column already.
ALTER TABLE dead_letter ADD COLUMN reason TEXT;
