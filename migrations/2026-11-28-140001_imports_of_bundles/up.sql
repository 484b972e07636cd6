-- Of which bundle it is that lies in an import's place: another one's files are not taken for its own because they are as long.

ALTER TABLE imports ADD COLUMN preflight_sha256 text CHECK (preflight_sha256 ~ '^[0-9a-f]{64}$');
