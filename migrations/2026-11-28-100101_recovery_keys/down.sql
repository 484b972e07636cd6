ALTER TABLE exports DROP COLUMN recovery_key;
