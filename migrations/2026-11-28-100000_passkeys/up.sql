-- Passkeys: public keys of people's authenticators (WebAuthn), the ceremonies that have begun, and recovery codes that are a person's,
-- whichever second factor they have.

CREATE TABLE passkeys (
    id            uuid PRIMARY KEY,
    person_id     uuid NOT NULL REFERENCES people,
    -- As the authenticator knows it: no two have the same, whoever they belong to.
    credential_id bytea NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 1 AND 1023),
    -- The public key, the counter of its signatures, and what the authenticator said of itself. Nothing of it is secret.
    credential    jsonb NOT NULL,
    -- What its owner calls it.
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz
);
CREATE INDEX passkeys_person ON passkeys (person_id);

-- A challenge that an authenticator was given, and not yet its answer.
CREATE TABLE passkey_ceremonies (
    -- SHA-256 of the cookie's value, which is stored nowhere.
    token_digest bytea PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    -- To add a passkey; to show that one is there; or to sign in by one alone.
    purpose      text NOT NULL CHECK (purpose IN ('add', 'prove', 'sign_in')),
    -- Whose answer is waited for. Absent where the answer says who it is.
    person_id    uuid REFERENCES people,
    state        jsonb NOT NULL,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT passkey_ceremonies_whose CHECK ((person_id IS NULL) = (purpose = 'sign_in'))
);
CREATE INDEX passkey_ceremonies_person ON passkey_ceremonies (person_id);
CREATE INDEX passkey_ceremonies_expires ON passkey_ceremonies (expires_at);

-- They were of the one second factor that there was, and went with it.
ALTER TABLE recovery_codes
    DROP CONSTRAINT recovery_codes_person_id_fkey,
    ADD CONSTRAINT recovery_codes_person_id_fkey FOREIGN KEY (person_id) REFERENCES people NOT VALID;
