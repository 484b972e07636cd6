ALTER TABLE exports DROP COLUMN is_scheduled;
DROP TABLE export_schedules;
