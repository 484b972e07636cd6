-- Proofs of own domains, and what is kept sealed.

CREATE TABLE domains (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts,
    name         text NOT NULL CHECK (length(name) BETWEEN 4 AND 253),
    -- The value of the TXT record: another account's token proves nothing for this one.
    proof_token  text NOT NULL CHECK (length(proof_token) BETWEEN 16 AND 128),
    proven_at    timestamptz,
    checked_at   timestamptz,
    -- What was last seen from outside, by record type.
    last_records jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    UNIQUE (account_id, name)
);
CREATE INDEX domains_name ON domains (name);
-- A name has one proven holder.
CREATE UNIQUE INDEX domains_proven_name ON domains (name) WHERE proven_at IS NOT NULL;

-- One data key an instance, wrapped by a key-encryption key that is not in the database.
CREATE TABLE data_keys (
    instance_id uuid PRIMARY KEY REFERENCES instances,
    -- Which key-encryption key wraps it.
    kek_id      text NOT NULL CHECK (length(kek_id) BETWEEN 1 AND 64),
    wrapped     bytea NOT NULL CHECK (octet_length(wrapped) = 72),
    created_at  timestamptz NOT NULL,
    wrapped_at  timestamptz NOT NULL
);
CREATE INDEX data_keys_kek ON data_keys (kek_id);

-- A server's identity: born once, regenerated never.
CREATE TABLE identity_secrets (
    instance_id uuid NOT NULL REFERENCES instances,
    kind        text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,62}$'),
    version     integer NOT NULL CHECK (version >= 1),
    sealed      bytea NOT NULL CHECK (octet_length(sealed) BETWEEN 41 AND 65536),
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (instance_id, kind, version)
);

-- The first owner of a server, until their account is made.
CREATE TABLE owner_bootstrap (
    instance_id  uuid PRIMARY KEY REFERENCES instances,
    username     text NOT NULL CHECK (length(username) BETWEEN 1 AND 30),
    email        text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    -- The raw set-password token, sealed. Its version rises with each re-issue.
    version      integer NOT NULL CHECK (version >= 1),
    sealed_token bytea NOT NULL CHECK (octet_length(sealed_token) BETWEEN 41 AND 4096),
    issued_at    timestamptz NOT NULL,
    -- The owner's account was seen to exist: Mastodon's clock on the token runs from here.
    applied_at   timestamptz,
    shown_at     timestamptz
);
