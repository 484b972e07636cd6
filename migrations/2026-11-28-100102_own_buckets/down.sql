DROP TABLE export_buckets;
ALTER TABLE exports DROP CONSTRAINT exports_destination_check,
    ADD CONSTRAINT exports_destination_check CHECK (destination IN ('kept'));
