-- What the audit's chains were at a time. Whoever owns the database can write a chain anew from its first entry to its head; an
-- anchor that was told elsewhere, in the worker's log, stays as it was.

CREATE TABLE audit_anchors (
    -- 1, 2, 3 …
    number      bigint PRIMARY KEY CHECK (number >= 1),
    anchored_at timestamptz NOT NULL,
    -- SHA-256 of the anchor before it and of every head that has moved since.
    root        bytea NOT NULL CHECK (octet_length(root) = 32)
);

-- Which heads an anchor is of. Their hashes are the entries' own.
CREATE TABLE audit_anchored_heads (
    chain_id uuid NOT NULL,
    seq      bigint NOT NULL CHECK (seq >= 1),
    number   bigint NOT NULL REFERENCES audit_anchors,
    PRIMARY KEY (chain_id, seq)
);
CREATE INDEX audit_anchored_heads_number ON audit_anchored_heads (number, chain_id);

CREATE TRIGGER audit_anchors_append_only BEFORE UPDATE OR DELETE ON audit_anchors FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_anchors_no_truncate BEFORE TRUNCATE ON audit_anchors FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_anchored_heads_append_only BEFORE UPDATE OR DELETE ON audit_anchored_heads
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_anchored_heads_no_truncate BEFORE TRUNCATE ON audit_anchored_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
