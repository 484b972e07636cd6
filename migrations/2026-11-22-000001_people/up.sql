-- Who signs in, who pays, and by what they prove it.

CREATE TABLE people (
    id            uuid PRIMARY KEY,
    -- Lower case; the address that mails go to.
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name          text NOT NULL CHECK (length(name) <= 200),
    -- Of the platform, not of an account.
    is_operator   boolean NOT NULL,
    -- A PHC string; absent for people who sign in by token only.
    password_hash text CHECK (length(password_hash) <= 512),
    created_at    timestamptz NOT NULL,
    erased_at     timestamptz
);
CREATE UNIQUE INDEX people_live_email ON people (email) WHERE erased_at IS NULL;

CREATE TABLE accounts (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL CHECK (kind IN ('person', 'organisation')),
    name            text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- Absent: as the settings say.
    servers_allowed integer CHECK (servers_allowed >= 0),
    created_at      timestamptz NOT NULL,
    closed_at       timestamptz
);

CREATE TABLE memberships (
    account_id uuid NOT NULL REFERENCES accounts,
    person_id  uuid NOT NULL REFERENCES people,
    role       text NOT NULL CHECK (role IN ('owner', 'technical', 'billing')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, person_id)
);
CREATE INDEX memberships_person ON memberships (person_id);

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    person_id    uuid NOT NULL REFERENCES people,
    -- SHA-256 of the cookie's value, which is stored nowhere.
    token_digest bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
    address      text CHECK (length(address) <= 64),
    user_agent   text CHECK (length(user_agent) <= 512),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX sessions_person ON sessions (person_id);

CREATE TABLE api_tokens (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL,
    person_id    uuid NOT NULL,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- SHA-256 of the token, which is shown once and stored nowhere.
    token_digest bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
    scopes       text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 16 AND array_position(scopes, NULL) IS NULL),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    last_used_at timestamptz,
    -- Who leaves an account leaves its tokens behind.
    FOREIGN KEY (account_id, person_id) REFERENCES memberships (account_id, person_id) ON DELETE CASCADE
);
CREATE INDEX api_tokens_membership ON api_tokens (account_id, person_id);
