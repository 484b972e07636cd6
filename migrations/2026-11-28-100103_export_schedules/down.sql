ALTER TABLE exports DROP COLUMN scheduled_for;
DROP TABLE export_schedules;
