-- A bundle that a phrase or a passphrase opens has the key of one of its recipients in it, sealed with that: as it goes into the bundle.

ALTER TABLE exports ADD COLUMN recovery_key bytea CHECK (octet_length(recovery_key) BETWEEN 100 AND 1024);
