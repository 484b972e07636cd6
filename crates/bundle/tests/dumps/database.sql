-- What the dumps beside hold: every type of column that Mastodon has, texts that look like the end of a table or the beginning of another,
-- and each kind of object that a reader must pass over.

CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    username character varying DEFAULT '' NOT NULL,
    domain character varying,
    note text DEFAULT '' NOT NULL,
    locked boolean DEFAULT false NOT NULL,
    fields jsonb,
    also_known_as character varying[],
    created_at timestamp(6) without time zone NOT NULL
);

CREATE TABLE types (
    big bigint, whole integer, small smallint, flag boolean, short varchar, long text,
    moment timestamp(6), moment_tz timestamptz, day date, ratio double precision, price numeric, binary_json jsonb, text_json json,
    bytes bytea, address inet, bigs bigint[], shorts varchar[], "unique" uuid
);

CREATE TABLE "Odd ""name"".of\a table" ("order" integer, "a, b) FROM stdin;" text, "größe" text, "a\b" text);
CREATE TABLE empty (id bigint);
CREATE TABLE no_columns ();
CREATE TABLE computed (id integer, twice integer GENERATED ALWAYS AS (id * 2) STORED, after text);
CREATE SCHEMA side;
CREATE TABLE side.accounts (id integer);

INSERT INTO accounts VALUES
    (1, 'alice', NULL, '', true, '[{"name": "a\tb", "value": "\"quoted\" \\ \u00e9"}]', '{}', '2016-11-24 10:00:00.123456'),
    (109876543210987654, 'bob', 'example.org', E'a\ttab, a\nline, a\rreturn, a \\ and \\N and \\. and \b\f' || chr(11),
        false, NULL, ARRAY['https://a.example/@x,y', '"q"', '\', NULL, ''], '2024-02-29 23:59:59'),
    (3, 'copy', 'example.net', E'\\.\nCOPY public.x FROM stdin;\n1\n\\.\n', false, '{}', NULL, '1970-01-01 00:00:00'),
    (4, '\.', '\N', 'ünïcödé 🐘 漢字 ' || repeat('long ', 40), false, 'null', '{NULL}', 'infinity');

INSERT INTO types VALUES
    (-9223372036854775808, -2147483648, -32768, true, '', '', '2000-01-01', '2000-01-01 00:00:00+00', '0044-03-15 BC', 'NaN', 'NaN',
     '{"a": [1, 2.50, null, true]}', '{"a" : 1,  "a":2}', '\x00ff5c0a09', '2001:db8::1', '{}', '{}', '00000000-0000-0000-0000-000000000000'),
    (9223372036854775807, 2147483647, 32767, false, E'\t', E'\n', 'infinity', '-infinity', 'infinity', '-Infinity',
     123456789012345678901234567890.123456789, '"\\n"', E'"\\n"', '', '10.0.0.0/8', '{1,NULL,-3}', ARRAY['a b', 'NULL', NULL, 'x"\y'],
     'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO "Odd ""name"".of\a table" VALUES (1, 'x', 'ß', '\'), (NULL, NULL, NULL, NULL);
INSERT INTO no_columns SELECT FROM generate_series(1, 2);
INSERT INTO computed (id, after) VALUES (21, 'z');
INSERT INTO side.accounts VALUES (7);

CREATE SEQUENCE "Odd 'seq'\" START 5;
CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 MAXVALUE 100 START 10;
SELECT setval('down', -42, true);
CREATE SEQUENCE accounts_id_seq OWNED BY accounts.id;
SELECT setval('accounts_id_seq', 9223372036854775807, true);

CREATE FUNCTION looks_like_data() RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  RETURN $in$;
COPY public.accounts (id) FROM stdin;
666
\.
SELECT pg_catalog.setval('public.down', 666, true);
$in$;
END
$body$;
CREATE FUNCTION of_the_standard() RETURNS bigint LANGUAGE sql BEGIN ATOMIC
    SELECT CASE WHEN true THEN 1 END;
    SELECT pg_catalog.setval('public.down', 666, true);
END;
CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER changed BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION on_change();
CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION on_event();
CREATE RULE doubled AS ON UPDATE TO empty DO ALSO (INSERT INTO empty VALUES (1); INSERT INTO empty VALUES (2));
CREATE VIEW account_names AS SELECT id, username FROM accounts;
CREATE MATERIALIZED VIEW account_summaries AS SELECT id FROM accounts;
COMMENT ON TABLE accounts IS 'it''s;
COPY public.accounts (id) FROM stdin;
667
\.
';
CREATE INDEX accounts_username ON accounts (lower(username));
ALTER TABLE empty ADD CONSTRAINT named FOREIGN KEY (id) REFERENCES accounts;
SELECT lo_from_bytea(4242, 'a large object');
