ALTER TABLE instance_observations DROP COLUMN met, DROP COLUMN usage, DROP COLUMN version;
