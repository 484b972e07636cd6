-- What servers were taken along as: one row a run. Who asked, and how far it is, its operation says; whose it is, its server.

CREATE TABLE exports (
    id             uuid PRIMARY KEY,
    instance_id    uuid NOT NULL REFERENCES instances,
    operation_id   uuid NOT NULL UNIQUE REFERENCES operations,
    mode           text NOT NULL CHECK (mode IN ('live', 'drained', 'stopped')),
    destination    text NOT NULL CHECK (destination IN ('kept')),
    -- age public keys, one after the other: eight at most.
    recipients     text NOT NULL CHECK (length(recipients) BETWEEN 62 AND 503),
    -- As it was last told, and only for eyes.
    progress       jsonb,
    size           bigint CHECK (size >= 0),
    content_digest text CHECK (length(content_digest) <= 100),
    -- Until when it lies in the platform's bucket, from when it is whole.
    kept_until     timestamptz,
    deleted_at     timestamptz,
    created_at     timestamptz NOT NULL
);
CREATE INDEX exports_instance ON exports (instance_id, id);
CREATE INDEX exports_kept ON exports (kept_until) WHERE deleted_at IS NULL;
