-- A small Mastodon 4.3, for bundles that are made of a dump: the tables that say what a server is, with the columns that are looked at, an
-- owner and rights of its own server's, and two rows of people elsewhere.

CREATE ROLE mastodon_of_old;
CREATE ROLE reporting;

CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key varchar NOT NULL PRIMARY KEY, value varchar, created_at timestamp(6), updated_at timestamp(6));
CREATE TABLE accounts (
    id bigserial PRIMARY KEY,
    username varchar DEFAULT '' NOT NULL,
    domain varchar,
    note text DEFAULT '' NOT NULL,
    avatar_file_name varchar,
    avatar_content_type varchar,
    avatar_file_size integer,
    avatar_storage_schema_version integer,
    header_file_name varchar,
    header_file_size integer,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE TABLE users (
    id bigserial PRIMARY KEY,
    email varchar DEFAULT '' NOT NULL,
    account_id bigint NOT NULL REFERENCES accounts,
    otp_secret varchar,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE TABLE statuses (
    id bigserial PRIMARY KEY,
    uri varchar,
    local boolean,
    account_id bigint NOT NULL REFERENCES accounts,
    text text DEFAULT '' NOT NULL,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE TABLE media_attachments (
    id bigserial PRIMARY KEY,
    account_id bigint REFERENCES accounts,
    type integer DEFAULT 0 NOT NULL,
    processing integer,
    remote_url varchar DEFAULT '' NOT NULL,
    file_file_name varchar,
    file_file_size integer,
    thumbnail_file_name varchar,
    thumbnail_file_size integer,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);
CREATE TABLE custom_emojis (
    id bigserial PRIMARY KEY,
    shortcode varchar DEFAULT '' NOT NULL,
    domain varchar,
    image_file_name varchar,
    image_file_size integer,
    created_at timestamp(6) NOT NULL,
    updated_at timestamp(6) NOT NULL
);

-- What a dump may hold and a restore must not need: others' rights, and what runs when rows come.
ALTER TABLE accounts OWNER TO mastodon_of_old;
GRANT SELECT ON accounts TO reporting;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the dump''s own SQL ran'; END $$;

INSERT INTO schema_migrations VALUES ('20160220174730'), ('20241007071624');
INSERT INTO ar_internal_metadata VALUES ('environment', 'production', '2024-10-08', '2024-10-08');
INSERT INTO accounts (id, username, domain, note, avatar_file_name, avatar_content_type, avatar_file_size, header_file_name, header_file_size, created_at, updated_at) VALUES
    (1, 'alice', NULL, E'a\ttab, a\nline, a \\ and \\N', 'a.gif', 'image/gif', 1000, NULL, NULL, '2024-10-08', '2024-10-08'),
    (112233445566778899, 'bob', NULL, 'größe', NULL, NULL, NULL, 'h.png', 200, '2024-10-08', '2024-10-08'),
    (3, 'carol', 'b.example', '', 'c.png', 'image/png', 7777, NULL, NULL, '2024-10-08', '2024-10-08');
UPDATE accounts SET avatar_storage_schema_version = 1 WHERE id = 3;
-- As Active Record encrypts, the newest last; of no key that a test has.
INSERT INTO users VALUES
    (1, 'alice@a.example', 1, NULL, '2024-10-08', '2024-10-08'), (2, 'bob@a.example', 112233445566778899, NULL, '2024-10-08', '2024-10-08');
INSERT INTO statuses VALUES
    (1, 'https://a.example/1', true, 1, E'a\tb\nc\\.', '2024-10-08', '2024-10-08'), (2, NULL, NULL, 1, '', '2024-10-08', '2024-10-08'),
    (3, 'https://b.example/3', false, 3, '', '2024-10-08', '2024-10-08');
INSERT INTO media_attachments VALUES
    (1, 1, 2, 2, '', 'x.mp4', 50000, 'x.png', 30, '2024-10-08', '2024-10-08'),
    (2, 3, 0, 2, 'https://b.example/y.png', 'y.png', 9, NULL, NULL, '2024-10-08', '2024-10-08'),
    (3, 3, 0, 2, '', 'odd.png', 9, NULL, NULL, '2024-10-08', '2024-10-08');
INSERT INTO custom_emojis VALUES (1, 'hi', NULL, 'hi.png', 4, '2024-10-08', '2024-10-08'), (2, 'ho', 'b.example', 'ho.png', 8, '2024-10-08', '2024-10-08');
SELECT setval('statuses_id_seq', 3), setval('accounts_id_seq', 7);
CREATE TRIGGER told BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION told();
