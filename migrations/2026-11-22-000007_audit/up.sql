-- Who did what, written in the transaction that did it. Append-only: one hash chain an account, over a keyed digest of the
-- details, which lie in a row that can be erased without breaking the chain.

-- The newest entry of each chain; its row lock puts the writers of one chain in a row.
CREATE TABLE audit_heads (
    -- The account's id; the nil UUID for what concerns the platform.
    chain_id uuid PRIMARY KEY,
    seq      bigint NOT NULL CHECK (seq >= 0),
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)
);

CREATE TABLE audit_entries (
    chain_id       uuid NOT NULL REFERENCES audit_heads,
    seq            bigint NOT NULL CHECK (seq >= 1),
    at             timestamptz NOT NULL,
    actor_kind     text NOT NULL CHECK (actor_kind IN ('person', 'operator', 'platform')),
    actor_id       uuid,
    action         text NOT NULL CHECK (action ~ '^[a-z][a-z_.]{0,62}$'),
    subject_kind   text NOT NULL CHECK (subject_kind ~ '^[a-z][a-z_]{0,62}$'),
    subject_id     uuid,
    details_digest bytea NOT NULL CHECK (octet_length(details_digest) = 32),
    previous_hash  bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash           bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (chain_id, seq)
);
CREATE INDEX audit_entries_subject ON audit_entries (subject_id, at);

-- Without this row's key the digest in the entry tells nothing about what was erased.
CREATE TABLE audit_details (
    chain_id uuid NOT NULL,
    seq      bigint NOT NULL,
    key      bytea NOT NULL CHECK (octet_length(key) = 32),
    -- JSON, byte for byte as it was digested.
    details  text NOT NULL CHECK (details::jsonb IS NOT NULL),
    PRIMARY KEY (chain_id, seq),
    FOREIGN KEY (chain_id, seq) REFERENCES audit_entries (chain_id, seq)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entries_no_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_details_unchanged BEFORE UPDATE ON audit_details FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_heads_kept BEFORE DELETE ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_change();
