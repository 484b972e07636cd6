ALTER TABLE instances DROP COLUMN handed_over_at;
