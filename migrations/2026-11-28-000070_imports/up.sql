-- Servers that are brought in as bundles: from the first file that arrives to the cut-over. How far a launched one is, its operation says.

CREATE TABLE imports (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts,
    -- The server that it became.
    instance_id  uuid UNIQUE REFERENCES instances,
    source       text NOT NULL CHECK (source IN ('upload', 'export')),
    -- Where the bundle lies in the platform's bucket of bundles.
    prefix       text NOT NULL CHECK (length(prefix) BETWEEN 1 AND 200),
    -- What the last look into it found: what it is, and what speaks against it.
    seen         jsonb,
    seen_at      timestamptz,
    -- Of the bundle's manifest when the server was launched: no other is ever loaded.
    manifest_sha256 text CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    -- Rises with each time that the bundle is to be loaded anew.
    pass         integer NOT NULL CHECK (pass BETWEEN 1 AND 1000),
    -- The rehearsal is over: it is to take its old one's place.
    accepted_at  timestamptz,
    -- Until when what arrived is kept, and when it was deleted.
    kept_until   timestamptz NOT NULL,
    deleted_at   timestamptz,
    created_at   timestamptz NOT NULL,
    CONSTRAINT imports_accepted CHECK (accepted_at IS NULL OR instance_id IS NOT NULL),
    CONSTRAINT imports_seen CHECK ((seen IS NULL) = (seen_at IS NULL))
);
CREATE INDEX imports_account ON imports (account_id, id);
CREATE INDEX imports_kept ON imports (kept_until) WHERE deleted_at IS NULL;
