--
-- PostgreSQL database dump
--

\restrict iUgaiesfAOLabZeaosHdaNqzFHTMB8jDwxBu6dYIqLH0o6O9Lxed4HtxsCva8kX

-- Dumped from database version 17.12 (Debian 17.12-0+deb13u1)
-- Dumped by pg_dump version 17.12 (Debian 17.12-0+deb13u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: side; Type: SCHEMA; Schema: -; Owner: howdah
--

CREATE SCHEMA side;


ALTER SCHEMA side OWNER TO howdah;

--
-- Name: looks_like_data(); Type: FUNCTION; Schema: public; Owner: howdah
--

CREATE FUNCTION public.looks_like_data() RETURNS text
    LANGUAGE plpgsql
    AS $_$
BEGIN
  RETURN $in$;
COPY public.accounts (id) FROM stdin;
666
\.
SELECT pg_catalog.setval('public.down', 666, true);
$in$;
END
$_$;


ALTER FUNCTION public.looks_like_data() OWNER TO howdah;

--
-- Name: down; Type: SEQUENCE; Schema: public; Owner: howdah
--

CREATE SEQUENCE public.down
    START WITH 10
    INCREMENT BY -1
    MINVALUE -100
    MAXVALUE 100
    CACHE 1;


ALTER SEQUENCE public.down OWNER TO howdah;

--
-- Name: of_the_standard(); Type: FUNCTION; Schema: public; Owner: howdah
--

CREATE FUNCTION public.of_the_standard() RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN true THEN 1
             ELSE NULL::integer
         END AS "case";
 SELECT setval('public.down'::regclass, (666)::bigint, true) AS setval;
END;


ALTER FUNCTION public.of_the_standard() OWNER TO howdah;

--
-- Name: on_change(); Type: FUNCTION; Schema: public; Owner: howdah
--

CREATE FUNCTION public.on_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN RETURN NEW; END$$;


ALTER FUNCTION public.on_change() OWNER TO howdah;

--
-- Name: on_event(); Type: FUNCTION; Schema: public; Owner: howdah
--

CREATE FUNCTION public.on_event() RETURNS event_trigger
    LANGUAGE plpgsql
    AS $$BEGIN END$$;


ALTER FUNCTION public.on_event() OWNER TO howdah;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: Odd "name".of\a table; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public."Odd ""name"".of\a table" (
    "order" integer,
    "a, b) FROM stdin;" text,
    "größe" text,
    "a\b" text
);


ALTER TABLE public."Odd ""name"".of\a table" OWNER TO howdah;

--
-- Name: Odd 'seq'\; Type: SEQUENCE; Schema: public; Owner: howdah
--

CREATE SEQUENCE public."Odd 'seq'\"
    START WITH 5
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public."Odd 'seq'\" OWNER TO howdah;

--
-- Name: accounts; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.accounts (
    id bigint NOT NULL,
    username character varying DEFAULT ''::character varying NOT NULL,
    domain character varying,
    note text DEFAULT ''::text NOT NULL,
    locked boolean DEFAULT false NOT NULL,
    fields jsonb,
    also_known_as character varying[],
    created_at timestamp(6) without time zone NOT NULL
);


ALTER TABLE public.accounts OWNER TO howdah;

--
-- Name: TABLE accounts; Type: COMMENT; Schema: public; Owner: howdah
--

COMMENT ON TABLE public.accounts IS 'it''s;
COPY public.accounts (id) FROM stdin;
667
\.
';


--
-- Name: account_names; Type: VIEW; Schema: public; Owner: howdah
--

CREATE VIEW public.account_names AS
 SELECT id,
    username
   FROM public.accounts;


ALTER VIEW public.account_names OWNER TO howdah;

--
-- Name: account_summaries; Type: MATERIALIZED VIEW; Schema: public; Owner: howdah
--

CREATE MATERIALIZED VIEW public.account_summaries AS
 SELECT id
   FROM public.accounts
  WITH NO DATA;


ALTER MATERIALIZED VIEW public.account_summaries OWNER TO howdah;

--
-- Name: accounts_id_seq; Type: SEQUENCE; Schema: public; Owner: howdah
--

CREATE SEQUENCE public.accounts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public.accounts_id_seq OWNER TO howdah;

--
-- Name: accounts_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: howdah
--

ALTER SEQUENCE public.accounts_id_seq OWNED BY public.accounts.id;


--
-- Name: computed; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.computed (
    id integer,
    twice integer GENERATED ALWAYS AS ((id * 2)) STORED,
    after text
);


ALTER TABLE public.computed OWNER TO howdah;

--
-- Name: empty; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.empty (
    id bigint
);


ALTER TABLE public.empty OWNER TO howdah;

--
-- Name: no_columns; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.no_columns (
);


ALTER TABLE public.no_columns OWNER TO howdah;

--
-- Name: types; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.types (
    big bigint,
    whole integer,
    small smallint,
    flag boolean,
    short character varying,
    long text,
    moment timestamp(6) without time zone,
    moment_tz timestamp with time zone,
    day date,
    ratio double precision,
    price numeric,
    binary_json jsonb,
    text_json json,
    bytes bytea,
    address inet,
    bigs bigint[],
    shorts character varying[],
    "unique" uuid
);


ALTER TABLE public.types OWNER TO howdah;

--
-- Name: accounts; Type: TABLE; Schema: side; Owner: howdah
--

CREATE TABLE side.accounts (
    id integer
);


ALTER TABLE side.accounts OWNER TO howdah;

--
-- Data for Name: Odd "name".of\a table; Type: TABLE DATA; Schema: public; Owner: howdah
--

INSERT INTO public."Odd ""name"".of\a table" VALUES (1, 'x', 'ß', '\');
INSERT INTO public."Odd ""name"".of\a table" VALUES (NULL, NULL, NULL, NULL);


--
-- Data for Name: accounts; Type: TABLE DATA; Schema: public; Owner: howdah
--

INSERT INTO public.accounts VALUES (1, 'alice', NULL, '', true, '[{"name": "a\tb", "value": "\"quoted\" \\ é"}]', '{}', '2016-11-24 10:00:00.123456');
INSERT INTO public.accounts VALUES (109876543210987654, 'bob', 'example.org', 'a	tab, a
line, areturn, a \ and \N and \. and ', false, NULL, '{"https://a.example/@x,y","\"q\"","\\",NULL,""}', '2024-02-29 23:59:59');
INSERT INTO public.accounts VALUES (3, 'copy', 'example.net', '\.
COPY public.x FROM stdin;
1
\.
', false, '{}', NULL, '1970-01-01 00:00:00');
INSERT INTO public.accounts VALUES (4, '\.', '\N', 'ünïcödé 🐘 漢字 long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long ', false, 'null', '{NULL}', 'infinity');


--
-- Data for Name: computed; Type: TABLE DATA; Schema: public; Owner: howdah
--

INSERT INTO public.computed VALUES (21, DEFAULT, 'z');


--
-- Data for Name: empty; Type: TABLE DATA; Schema: public; Owner: howdah
--



--
-- Data for Name: no_columns; Type: TABLE DATA; Schema: public; Owner: howdah
--

INSERT INTO public.no_columns DEFAULT VALUES;
INSERT INTO public.no_columns DEFAULT VALUES;


--
-- Data for Name: types; Type: TABLE DATA; Schema: public; Owner: howdah
--

INSERT INTO public.types VALUES (-9223372036854775808, -2147483648, -32768, true, '', '', '2000-01-01 00:00:00', '2000-01-01 00:00:00+00', '0044-03-15 BC', 'NaN', 'NaN', '{"a": [1, 2.50, null, true]}', '{"a" : 1,  "a":2}', '\x00ff5c0a09', '2001:db8::1', '{}', '{}', '00000000-0000-0000-0000-000000000000');
INSERT INTO public.types VALUES (9223372036854775807, 2147483647, 32767, false, '	', '
', 'infinity', '-infinity', 'infinity', '-Infinity', 123456789012345678901234567890.123456789, '"\\n"', '"\n"', '\x', '10.0.0.0/8', '{1,NULL,-3}', '{"a b","NULL",NULL,"x\"\\y"}', 'ffffffff-ffff-ffff-ffff-ffffffffffff');
INSERT INTO public.types VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: accounts; Type: TABLE DATA; Schema: side; Owner: howdah
--

INSERT INTO side.accounts VALUES (7);


--
-- Name: Odd 'seq'\; Type: SEQUENCE SET; Schema: public; Owner: howdah
--

SELECT pg_catalog.setval('public."Odd ''seq''\"', 5, false);


--
-- Name: accounts_id_seq; Type: SEQUENCE SET; Schema: public; Owner: howdah
--

SELECT pg_catalog.setval('public.accounts_id_seq', 9223372036854775807, true);


--
-- Name: down; Type: SEQUENCE SET; Schema: public; Owner: howdah
--

SELECT pg_catalog.setval('public.down', -42, true);


--
-- Name: 4242; Type: BLOB METADATA; Schema: -; Owner: howdah
--

SELECT pg_catalog.lo_create('4242');

ALTER LARGE OBJECT 4242 OWNER TO howdah;

--
-- Data for Name: 4242; Type: BLOBS; Schema: -; Owner: howdah
--

BEGIN;

SELECT pg_catalog.lo_open('4242', 131072);
SELECT pg_catalog.lowrite(0, '\x61206c61726765206f626a656374');
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: accounts accounts_pkey; Type: CONSTRAINT; Schema: public; Owner: howdah
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);


--
-- Name: accounts_username; Type: INDEX; Schema: public; Owner: howdah
--

CREATE INDEX accounts_username ON public.accounts USING btree (lower((username)::text));


--
-- Name: empty doubled; Type: RULE; Schema: public; Owner: howdah
--

CREATE RULE doubled AS
    ON UPDATE TO public.empty DO ( INSERT INTO public.empty (id)
  VALUES (1);
 INSERT INTO public.empty (id)
  VALUES (2);
);


--
-- Name: accounts changed; Type: TRIGGER; Schema: public; Owner: howdah
--

CREATE TRIGGER changed BEFORE INSERT ON public.accounts FOR EACH ROW EXECUTE FUNCTION public.on_change();


--
-- Name: empty named; Type: FK CONSTRAINT; Schema: public; Owner: howdah
--

ALTER TABLE ONLY public.empty
    ADD CONSTRAINT named FOREIGN KEY (id) REFERENCES public.accounts(id);


--
-- Name: told; Type: EVENT TRIGGER; Schema: -; Owner: howdah
--

CREATE EVENT TRIGGER told ON ddl_command_end
   EXECUTE FUNCTION public.on_event();


ALTER EVENT TRIGGER told OWNER TO howdah;

--
-- Name: account_summaries; Type: MATERIALIZED VIEW DATA; Schema: public; Owner: howdah
--

REFRESH MATERIALIZED VIEW public.account_summaries;


--
-- PostgreSQL database dump complete
--

\unrestrict iUgaiesfAOLabZeaosHdaNqzFHTMB8jDwxBu6dYIqLH0o6O9Lxed4HtxsCva8kX

