ALTER TABLE owner_bootstrap DROP COLUMN asked_by, DROP COLUMN failed_reason;
