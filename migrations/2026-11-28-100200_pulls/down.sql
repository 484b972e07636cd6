ALTER TABLE imports DROP COLUMN offered_at;
ALTER TABLE imports DROP COLUMN offered_bytes;
ALTER TABLE imports DROP COLUMN counted_bytes;
DROP TABLE import_pulls;
