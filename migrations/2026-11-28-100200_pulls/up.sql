-- A bundle that is pulled from where it lies, into an import's place; and how much has been let into each import.

CREATE TABLE import_pulls (
    import_id  uuid PRIMARY KEY REFERENCES imports,
    -- Where it lies, as it is shown: without keys, and without what follows the `?` of a URL.
    source     text NOT NULL CHECK (length(source) BETWEEN 1 AND 2000),
    -- The cluster that runs it, by its name; none before it is sent there.
    cluster    text CHECK (length(cluster) BETWEEN 1 AND 63),
    state      text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    -- Of the key by which its run asks for links.
    key_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(key_sha256) = 32),
    -- What leads to the source, until it has ended: its data key, wrapped by this key-encryption key, which is not in the database,
    -- and what is sealed with that.
    kek_id     text CHECK (length(kek_id) BETWEEN 1 AND 64),
    wrapped    bytea CHECK (octet_length(wrapped) = 72),
    sealed     bytea CHECK (octet_length(sealed) BETWEEN 41 AND 16384),
    -- What has arrived, as its run told it last.
    files      bigint NOT NULL CHECK (files >= 0),
    bytes      bigint NOT NULL CHECK (bytes >= 0),
    told_at    timestamptz,
    -- Why it broke off.
    sentence   text CHECK (length(sentence) <= 1000),
    begun_at   timestamptz NOT NULL,
    ended_at   timestamptz,
    CONSTRAINT import_pulls_ended CHECK ((ended_at IS NOT NULL) = (state IN ('done', 'failed'))),
    CONSTRAINT import_pulls_sealed CHECK ((kek_id IS NULL) = (wrapped IS NULL) AND (kek_id IS NULL) = (sealed IS NULL)),
    CONSTRAINT import_pulls_forgotten CHECK (ended_at IS NULL OR sealed IS NULL)
);
CREATE INDEX import_pulls_live ON import_pulls (import_id) WHERE ended_at IS NULL;
CREATE INDEX import_pulls_kek ON import_pulls (kek_id);

-- Bytes that were there when they were counted, and those that links were handed out for since, the last of them then.
ALTER TABLE imports ADD COLUMN counted_bytes bigint NOT NULL DEFAULT 0 CHECK (counted_bytes >= 0);
ALTER TABLE imports ADD COLUMN offered_bytes bigint NOT NULL DEFAULT 0 CHECK (offered_bytes >= 0);
ALTER TABLE imports ADD COLUMN offered_at timestamptz;
ALTER TABLE imports ALTER COLUMN counted_bytes DROP DEFAULT, ALTER COLUMN offered_bytes DROP DEFAULT;
