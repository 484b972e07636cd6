-- A second factor: a secret that a person's app shares with us, from which both make one-time codes (RFC 6238); what takes its
-- place where the app is lost; and sign-ins that wait for a code.

CREATE TABLE second_factors (
    person_id    uuid PRIMARY KEY REFERENCES people,
    -- The person's data key, wrapped by this key-encryption key, which is not in the database.
    kek_id       text NOT NULL CHECK (length(kek_id) BETWEEN 1 AND 64),
    wrapped      bytea NOT NULL CHECK (octet_length(wrapped) = 72),
    -- The shared secret, sealed with the data key.
    sealed       bytea NOT NULL CHECK (octet_length(sealed) BETWEEN 41 AND 256),
    created_at   timestamptz NOT NULL,
    -- A right code was given: it is asked for from here on. Absent while it is being set up.
    confirmed_at timestamptz,
    -- Which half minute since 1970 the last code that was taken is of: none is taken twice.
    last_step    bigint CHECK (last_step >= 0),
    CONSTRAINT second_factors_confirmed CHECK ((confirmed_at IS NULL) = (last_step IS NULL))
);
CREATE INDEX second_factors_kek ON second_factors (kek_id);

CREATE TABLE recovery_codes (
    person_id uuid NOT NULL REFERENCES second_factors ON DELETE CASCADE,
    -- SHA-256 of the person's id and the code, which is 80 random bits and stored nowhere.
    digest    bytea NOT NULL CHECK (octet_length(digest) = 32),
    used_at   timestamptz,
    PRIMARY KEY (person_id, digest)
);

-- Somebody has given the right password, and not yet the code.
CREATE TABLE sign_in_challenges (
    -- SHA-256 of the cookie's value, which is stored nowhere.
    token_digest    bytea PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    person_id       uuid NOT NULL REFERENCES people,
    -- SHA-256 of the password's hash as it was then: a new password ends every sign-in that began with the old one.
    password_digest bytea NOT NULL CHECK (octet_length(password_digest) = 32),
    expires_at      timestamptz NOT NULL
);
CREATE INDEX sign_in_challenges_person ON sign_in_challenges (person_id);
CREATE INDEX sign_in_challenges_expires ON sign_in_challenges (expires_at);
