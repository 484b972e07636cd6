--
-- PostgreSQL database dump
--

\restrict rhlhBi12VuQq2b4VQPhJGdCxAXIuqc3z7PsB1V3NgzyILFFzHNkAXpJLfXh9aXI

-- Dumped from database version 16.14
-- Dumped by pg_dump version 16.14

-- Started on 2026-11-27 19:45:16 UTC

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- TOC entry 4 (class 2615 OID 2200)
-- Name: public; Type: SCHEMA; Schema: -; Owner: pg_database_owner
--

CREATE SCHEMA public;


ALTER SCHEMA public OWNER TO pg_database_owner;

--
-- TOC entry 2604 (class 0 OID 0)
-- Dependencies: 4
-- Name: SCHEMA public; Type: COMMENT; Schema: -; Owner: pg_database_owner
--

COMMENT ON SCHEMA public IS 'standard public schema';


--
-- TOC entry 228 (class 1255 OID 16424)
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
-- TOC entry 224 (class 1259 OID 16422)
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
-- TOC entry 229 (class 1255 OID 16425)
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
-- TOC entry 230 (class 1255 OID 16426)
-- Name: on_change(); Type: FUNCTION; Schema: public; Owner: howdah
--

CREATE FUNCTION public.on_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$BEGIN RETURN NEW; END$$;


ALTER FUNCTION public.on_change() OWNER TO howdah;

--
-- TOC entry 231 (class 1255 OID 16428)
-- Name: on_event(); Type: FUNCTION; Schema: public; Owner: howdah
--

CREATE FUNCTION public.on_event() RETURNS event_trigger
    LANGUAGE plpgsql
    AS $$BEGIN END$$;


ALTER FUNCTION public.on_event() OWNER TO howdah;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- TOC entry 218 (class 1259 OID 16400)
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
-- TOC entry 223 (class 1259 OID 16421)
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
-- TOC entry 216 (class 1259 OID 16385)
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
-- TOC entry 2605 (class 0 OID 0)
-- Dependencies: 216
-- Name: TABLE accounts; Type: COMMENT; Schema: public; Owner: howdah
--

COMMENT ON TABLE public.accounts IS 'it''s;
COPY public.accounts (id) FROM stdin;
667
\.
';


--
-- TOC entry 226 (class 1259 OID 16431)
-- Name: account_names; Type: VIEW; Schema: public; Owner: howdah
--

CREATE VIEW public.account_names AS
 SELECT id,
    username
   FROM public.accounts;


ALTER VIEW public.account_names OWNER TO howdah;

--
-- TOC entry 227 (class 1259 OID 16435)
-- Name: account_summaries; Type: MATERIALIZED VIEW; Schema: public; Owner: howdah
--

CREATE MATERIALIZED VIEW public.account_summaries AS
 SELECT id
   FROM public.accounts
  WITH NO DATA;


ALTER MATERIALIZED VIEW public.account_summaries OWNER TO howdah;

--
-- TOC entry 225 (class 1259 OID 16423)
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
-- TOC entry 2606 (class 0 OID 0)
-- Dependencies: 225
-- Name: accounts_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: howdah
--

ALTER SEQUENCE public.accounts_id_seq OWNED BY public.accounts.id;


--
-- TOC entry 221 (class 1259 OID 16411)
-- Name: computed; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.computed (
    id integer,
    twice integer GENERATED ALWAYS AS ((id * 2)) STORED,
    after text
);


ALTER TABLE public.computed OWNER TO howdah;

--
-- TOC entry 219 (class 1259 OID 16405)
-- Name: empty; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.empty (
    id bigint
);


ALTER TABLE public.empty OWNER TO howdah;

--
-- TOC entry 220 (class 1259 OID 16408)
-- Name: no_columns; Type: TABLE; Schema: public; Owner: howdah
--

CREATE TABLE public.no_columns (
);


ALTER TABLE public.no_columns OWNER TO howdah;

--
-- TOC entry 217 (class 1259 OID 16395)
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
-- TOC entry 2591 (class 0 OID 16400)
-- Dependencies: 218
-- Data for Name: Odd "name".of\a table; Type: TABLE DATA; Schema: public; Owner: howdah
--

COPY public."Odd ""name"".of\a table" ("order", "a, b) FROM stdin;", "größe", "a\b") FROM stdin;
1	x	ß	\\
\N	\N	\N	\N
\.


--
-- TOC entry 2589 (class 0 OID 16385)
-- Dependencies: 216
-- Data for Name: accounts; Type: TABLE DATA; Schema: public; Owner: howdah
--

COPY public.accounts (id, username, domain, note, locked, fields, also_known_as, created_at) FROM stdin;
1	alice	\N		t	[{"name": "a\\tb", "value": "\\"quoted\\" \\\\ é"}]	{}	2016-11-24 10:00:00.123456
109876543210987654	bob	example.org	a\ttab, a\nline, a\rreturn, a \\ and \\N and \\. and \b\f\v	f	\N	{"https://a.example/@x,y","\\"q\\"","\\\\",NULL,""}	2024-02-29 23:59:59
3	copy	example.net	\\.\nCOPY public.x FROM stdin;\n1\n\\.\n	f	{}	\N	1970-01-01 00:00:00
4	\\.	\\N	ünïcödé 🐘 漢字 long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long 	f	null	{NULL}	infinity
\.


--
-- TOC entry 2594 (class 0 OID 16411)
-- Dependencies: 221
-- Data for Name: computed; Type: TABLE DATA; Schema: public; Owner: howdah
--

COPY public.computed (id, after) FROM stdin;
21	z
\.


--
-- TOC entry 2592 (class 0 OID 16405)
-- Dependencies: 219
-- Data for Name: empty; Type: TABLE DATA; Schema: public; Owner: howdah
--

COPY public.empty (id) FROM stdin;
\.


--
-- TOC entry 2593 (class 0 OID 16408)
-- Dependencies: 220
-- Data for Name: no_columns; Type: TABLE DATA; Schema: public; Owner: howdah
--

COPY public.no_columns  FROM stdin;


\.


--
-- TOC entry 2590 (class 0 OID 16395)
-- Dependencies: 217
-- Data for Name: types; Type: TABLE DATA; Schema: public; Owner: howdah
--

COPY public.types (big, whole, small, flag, short, long, moment, moment_tz, day, ratio, price, binary_json, text_json, bytes, address, bigs, shorts, "unique") FROM stdin;
-9223372036854775808	-2147483648	-32768	t			2000-01-01 00:00:00	2000-01-01 00:00:00+00	0044-03-15 BC	NaN	NaN	{"a": [1, 2.50, null, true]}	{"a" : 1,  "a":2}	\\x00ff5c0a09	2001:db8::1	{}	{}	00000000-0000-0000-0000-000000000000
9223372036854775807	2147483647	32767	f	\t	\n	infinity	-infinity	infinity	-Infinity	123456789012345678901234567890.123456789	"\\\\n"	"\\n"	\\x	10.0.0.0/8	{1,NULL,-3}	{"a b","NULL",NULL,"x\\"\\\\y"}	ffffffff-ffff-ffff-ffff-ffffffffffff
\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N
\.


--
-- TOC entry 2607 (class 0 OID 0)
-- Dependencies: 223
-- Name: Odd 'seq'\; Type: SEQUENCE SET; Schema: public; Owner: howdah
--

SELECT pg_catalog.setval('public."Odd ''seq''\"', 5, false);


--
-- TOC entry 2608 (class 0 OID 0)
-- Dependencies: 225
-- Name: accounts_id_seq; Type: SEQUENCE SET; Schema: public; Owner: howdah
--

SELECT pg_catalog.setval('public.accounts_id_seq', 9223372036854775807, true);


--
-- TOC entry 2609 (class 0 OID 0)
-- Dependencies: 224
-- Name: down; Type: SEQUENCE SET; Schema: public; Owner: howdah
--

SELECT pg_catalog.setval('public.down', -42, true);


--
-- TOC entry 2439 (class 2606 OID 16394)
-- Name: accounts accounts_pkey; Type: CONSTRAINT; Schema: public; Owner: howdah
--

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);


--
-- TOC entry 2440 (class 1259 OID 16439)
-- Name: accounts_username; Type: INDEX; Schema: public; Owner: howdah
--

CREATE INDEX accounts_username ON public.accounts USING btree (lower((username)::text));


--
-- TOC entry 2586 (class 2618 OID 16430)
-- Name: empty doubled; Type: RULE; Schema: public; Owner: howdah
--

CREATE RULE doubled AS
    ON UPDATE TO public.empty DO ( INSERT INTO public.empty (id)
  VALUES (1);
 INSERT INTO public.empty (id)
  VALUES (2);
);


--
-- TOC entry 2442 (class 2620 OID 16427)
-- Name: accounts changed; Type: TRIGGER; Schema: public; Owner: howdah
--

CREATE TRIGGER changed BEFORE INSERT ON public.accounts FOR EACH ROW EXECUTE FUNCTION public.on_change();


--
-- TOC entry 2441 (class 2606 OID 16440)
-- Name: empty named; Type: FK CONSTRAINT; Schema: public; Owner: howdah
--

ALTER TABLE ONLY public.empty
    ADD CONSTRAINT named FOREIGN KEY (id) REFERENCES public.accounts(id);


--
-- TOC entry 2598 (class 0 OID 16435)
-- Dependencies: 227 2600
-- Name: account_summaries; Type: MATERIALIZED VIEW DATA; Schema: public; Owner: howdah
--

REFRESH MATERIALIZED VIEW public.account_summaries;


-- Completed on 2026-11-27 19:45:16 UTC

--
-- PostgreSQL database dump complete
--

\unrestrict rhlhBi12VuQq2b4VQPhJGdCxAXIuqc3z7PsB1V3NgzyILFFzHNkAXpJLfXh9aXI

