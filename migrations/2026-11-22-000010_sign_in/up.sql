-- Signing in by password: sessions in an account, links that are good once, invitations, and how often somebody tried.

-- No release has written a session yet: the columns need no value for rows before them.
ALTER TABLE sessions
    -- The account in use.
    ADD COLUMN account_id uuid NOT NULL,
    -- The password was last given.
    ADD COLUMN authenticated_at timestamptz NOT NULL,
    -- Who leaves an account leaves the sessions in it.
    ADD CONSTRAINT sessions_membership FOREIGN KEY (account_id, person_id) REFERENCES memberships (account_id, person_id) ON DELETE CASCADE;
CREATE INDEX sessions_membership ON sessions (account_id, person_id);

-- Absent: open.
ALTER TABLE settings ADD COLUMN sign_ups text CHECK (sign_ups IN ('open', 'by_approval', 'closed'));

ALTER TABLE mail_outbox
    -- Opens something to whoever has it: put in where the body has its mark when it is sent, and forgotten then.
    ADD COLUMN link text CHECK (length(link) BETWEEN 1 AND 2000),
    -- The server that it is about.
    ADD COLUMN instance_id uuid REFERENCES instances,
    ADD CONSTRAINT mail_outbox_forgotten_link CHECK (link IS NULL OR sent_at IS NULL);
CREATE INDEX mail_outbox_instance ON mail_outbox (instance_id);

-- Who asked for an account. A row is no person: it becomes one by its link, and, where the settings say so, by an operator.
CREATE TABLE sign_ups (
    id            uuid PRIMARY KEY,
    -- Lower case. Of somebody who is known already there are rows too, whose link is never mailed: both take the same time.
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    account_name  text NOT NULL CHECK (length(account_name) BETWEEN 1 AND 200),
    -- A PHC string, until it is decided.
    password_hash text CHECK (length(password_hash) <= 512),
    -- SHA-256 of the link's token.
    token_digest  bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    confirmed_at  timestamptz,
    decision      text CHECK (decision IN ('opened', 'approved', 'refused')),
    decided_at    timestamptz,
    -- The operator; absent where the settings decided.
    decided_by    uuid REFERENCES people,
    CONSTRAINT sign_ups_decided CHECK (
        (decision IS NULL) = (decided_at IS NULL)
        AND (decision IS NULL) = (password_hash IS NOT NULL)
        AND (confirmed_at IS NOT NULL OR decision IS NULL)
    )
);
CREATE INDEX sign_ups_decided_by ON sign_ups (decided_by);
CREATE INDEX sign_ups_created ON sign_ups (created_at);
-- Who waits for an operator, waits once.
CREATE UNIQUE INDEX sign_ups_waiting ON sign_ups (email) WHERE confirmed_at IS NOT NULL AND decided_at IS NULL;

-- Links to somebody who is here, good once.
CREATE TABLE person_links (
    id           uuid PRIMARY KEY,
    purpose      text NOT NULL CHECK (purpose IN ('reset_password', 'change_email')),
    -- Absent where nobody here has the address that was given: never mailed, so that both take the same time.
    person_id    uuid REFERENCES people,
    -- The address that the link goes to.
    email        text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    token_digest bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    -- Used, or made useless by a later one's use.
    used_at      timestamptz
);
CREATE INDEX person_links_person ON person_links (person_id);
CREATE INDEX person_links_expires ON person_links (expires_at);

CREATE TABLE invitations (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES accounts,
    email        text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    role         text NOT NULL CHECK (role IN ('owner', 'technical', 'billing')),
    invited_by   uuid NOT NULL REFERENCES people,
    token_digest bytea NOT NULL UNIQUE CHECK (octet_length(token_digest) = 32),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    accepted_at  timestamptz,
    withdrawn_at timestamptz,
    CONSTRAINT invitations_ended_once CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
CREATE INDEX invitations_account ON invitations (account_id);
CREATE INDEX invitations_invited_by ON invitations (invited_by);
CREATE UNIQUE INDEX invitations_open ON invitations (account_id, email) WHERE accepted_at IS NULL AND withdrawn_at IS NULL;

-- How often something was tried, of one kind and by or at one subject, since the window began. All server processes count here.
CREATE TABLE attempts (
    what     text NOT NULL CHECK (what ~ '^[a-z][a-z_]{0,62}$'),
    -- SHA-256 of an address or of an e-mail address.
    subject  bytea NOT NULL CHECK (octet_length(subject) = 32),
    began_at timestamptz NOT NULL,
    count    integer NOT NULL CHECK (count >= 1),
    PRIMARY KEY (what, subject)
);
CREATE INDEX attempts_began ON attempts (began_at);
