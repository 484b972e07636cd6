ALTER TABLE imports DROP COLUMN preflight_sha256;
