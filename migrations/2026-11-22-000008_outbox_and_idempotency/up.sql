-- Mails to be sent, and answers already given.

CREATE TABLE mail_outbox (
    id         uuid PRIMARY KEY,
    -- What it is for: one purpose a mail.
    purpose    text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{0,62}$'),
    person_id  uuid REFERENCES people,
    recipient  text NOT NULL CHECK (length(recipient) BETWEEN 3 AND 254),
    subject    text NOT NULL CHECK (length(subject) BETWEEN 1 AND 250),
    text_body  text NOT NULL CHECK (length(text_body) <= 65536),
    html_body  text CHECK (length(html_body) <= 262144),
    attempts   integer NOT NULL CHECK (attempts >= 0),
    last_error text CHECK (length(last_error) <= 2000),
    created_at timestamptz NOT NULL,
    sent_at    timestamptz
);
CREATE INDEX mail_outbox_person ON mail_outbox (person_id);
CREATE INDEX mail_outbox_unsent ON mail_outbox (created_at) WHERE sent_at IS NULL;

-- A row is written in the transaction of the effect that it stands for: a second request with the key waits for the first
-- one's end on this primary key, and then reads its answer.
CREATE TABLE idempotency_keys (
    -- Whose key it is: the API token's id, or the person's behind a session.
    holder_id      uuid NOT NULL,
    key            text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    -- Of method, path and body: the same key with another request is refused.
    request_digest bytea NOT NULL CHECK (octet_length(request_digest) = 32),
    status         smallint NOT NULL CHECK (status BETWEEN 0 AND 599),
    body           jsonb NOT NULL,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (holder_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
