ALTER TABLE instances DROP COLUMN final_bundle_declined_at;
DROP TABLE final_bundles;
