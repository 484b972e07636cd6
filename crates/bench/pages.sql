-- 10,000 servers of 5,001 accounts, with all that pages read of them, and people who are signed in. Run by `cargo xtask bench pages`
-- after the migrations and `howdah admin`, which made the settings, the places, an operator and a customer.

BEGIN;

-- As ids of our making are: the later the number, the later the time in it.
CREATE FUNCTION pg_temp.id(kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT overlay(overlay(overlay(md5(kind || n) PLACING lpad(to_hex(1760000000000 + n * 60000), 12, '0') FROM 1 FOR 12)
        PLACING '7' FROM 13 FOR 1) PLACING '8' FROM 17 FOR 1)::uuid
$$;
-- 32 bytes of what is never opened.
CREATE FUNCTION pg_temp.digest(text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(convert_to($1, 'UTF8')) $$;

CREATE TEMP TABLE customer AS
    SELECT p.id AS person_id, m.account_id FROM people p JOIN memberships m ON m.person_id = p.id WHERE p.email = 'customer@howdah.example';
CREATE TEMP TABLE operator AS
    SELECT p.id AS person_id, m.account_id FROM people p JOIN memberships m ON m.person_id = p.id WHERE p.email = 'operator@howdah.example';

INSERT INTO people (id, email, name, is_operator, created_at)
    SELECT pg_temp.id('person', n), 'person-' || n || '@example.org', 'Person ' || n, false, now() FROM generate_series(1, 5000) n;
INSERT INTO accounts (id, kind, name, created_at)
    SELECT pg_temp.id('account', n), 'person', 'Person ' || n, now() FROM generate_series(1, 5000) n;
INSERT INTO memberships (account_id, person_id, role, created_at)
    SELECT pg_temp.id('account', n), pg_temp.id('person', n), 'owner', now() FROM generate_series(1, 5000) n;

-- Each signed in so often that no limit of one session, token or address is in the way.
INSERT INTO sessions (id, person_id, account_id, token_digest, created_at, last_seen_at, expires_at, authenticated_at)
    SELECT pg_temp.id('session-' || who, n), person_id, account_id, pg_temp.digest(who || '-' || n), now(), now(), now() + interval '13 days', now()
    FROM generate_series(1, 2000) n, (SELECT 'operator' AS who, * FROM operator UNION ALL SELECT 'customer', * FROM customer) people;
INSERT INTO api_tokens (id, account_id, person_id, name, token_digest, scopes, created_at, expires_at)
    SELECT pg_temp.id('token', n), account_id, person_id, 'bench', pg_temp.digest('howdah_customer-' || n), '{read,write}', now(), now() + interval '90 days'
    FROM generate_series(1, 2000) n, customer;

-- The first 12 are the customer's; of all, every second one has a domain of its own, and some wait, launch, are held up, or leave.
CREATE TEMP TABLE servers AS
    SELECT n, pg_temp.id('instance', n) AS id,
        CASE WHEN n <= 12 THEN (SELECT account_id FROM customer) ELSE pg_temp.id('account', n / 2) END AS account_id,
        'birds-' || n || CASE WHEN n % 2 = 0 THEN '.platform.example' ELSE '.example.org' END AS domain,
        n % 2 = 0 AS on_platform,
        CASE n % 100 WHEN 7 THEN 'waiting' WHEN 13 THEN 'launching' WHEN 17 THEN 'held_up' WHEN 23 THEN 'leaving' ELSE 'running' END AS state,
        now() - make_interval(mins => 11000 - n) AS at
    FROM generate_series(1, 10000) n;

INSERT INTO instances (id, account_id, slug, domain, web_domain, media_domain, on_platform_domain, plan, version, image_mastodon, image_streaming,
        desired_kind, desired_hold, desired_deletion, desired_after, standing_kind, standing_by, revision,
        cluster_id, database_server_id, object_store_id, created_at, updated_at, launched_at, first_answered_at)
    SELECT s.id, s.account_id, 'birds-' || n, domain, domain, 'media.' || domain, on_platform, CASE WHEN n % 5 = 0 THEN 'medium' ELSE 'small' END, '4.5.11',
        'ghcr.io/mastodon/mastodon:v4.5.11', 'ghcr.io/mastodon/mastodon-streaming:v4.5.11',
        CASE state WHEN 'waiting' THEN 'suspended' WHEN 'leaving' THEN 'deleted' ELSE 'running' END,
        CASE state WHEN 'waiting' THEN 'approval' END,
        CASE state WHEN 'leaving' THEN 'close' END,
        CASE state WHEN 'leaving' THEN now() + interval '10 days' END,
        'granted', 'bench', 3, c.id, d.id, o.id, at, at,
        CASE WHEN state IN ('running', 'leaving') THEN at + interval '1 minute' END,
        CASE WHEN state IN ('running', 'leaving') THEN at + interval '2 minutes' END
    FROM servers s, clusters c, database_servers d, object_stores o;
INSERT INTO name_claims (name, instance_id, claimed_at) SELECT domain, id, at FROM servers;

INSERT INTO operations (id, instance_id, kind, lane, state, revision, created_at, started_at, finished_at)
    SELECT pg_temp.id('create', n), id, 'create', 'exclusive', CASE WHEN is_live THEN 'running' ELSE 'succeeded' END, 7, at, at,
        CASE WHEN NOT is_live THEN at + interval '1 minute' END
    FROM servers, LATERAL (SELECT state IN ('launching', 'held_up') AS is_live) l WHERE state <> 'waiting';
INSERT INTO operation_steps (operation_id, position, name, state, reason, started_at, finished_at)
    SELECT pg_temp.id('create', n), place - 1, name,
        CASE WHEN is_done THEN 'succeeded' WHEN place > 6 THEN 'waiting' WHEN servers.state = 'held_up' THEN 'failed' ELSE 'running' END,
        CASE WHEN NOT is_done AND place = 6 THEN 'Progressing' END,
        CASE WHEN is_done OR place = 6 THEN at END, CASE WHEN is_done THEN at + interval '1 minute' END
    FROM servers,
        unnest('{namespace,secrets,database,bucket,cache,schema,owner,configuration,workloads}'::text[]) WITH ORDINALITY steps (name, place),
        LATERAL (SELECT servers.state NOT IN ('launching', 'held_up') OR place < 6 AS is_done) d
    WHERE servers.state <> 'waiting';
INSERT INTO operations (id, instance_id, kind, lane, state, revision, created_at, started_at)
    SELECT pg_temp.id('close', n), id, 'close', 'exclusive', 'running', 1, now(), now() FROM servers WHERE state = 'leaving';
INSERT INTO operation_steps (operation_id, position, name, state)
    SELECT pg_temp.id('close', n), place - 1, name, 'waiting'
    FROM servers, unnest('{farewell,teardown}'::text[]) WITH ORDINALITY steps (name, place) WHERE servers.state = 'leaving';

INSERT INTO instance_observations (instance_id, present, observed_revision, resource_version, status, observed_at)
    SELECT id, true, 3, n::text, jsonb_build_object(
            'observedGeneration', 1, 'observedRevision', 3, 'schemaVersion', '4.5.11', 'version', '4.5.11',
            'endpoints', jsonb_build_object('web', 'https://' || domain, 'media', 'https://media.' || domain),
            'usage', jsonb_build_object('databaseBytes', 90000000 + n, 'ownMediaBytes', 1000000::bigint * n, 'cachedMediaBytes', 2000000::bigint * n, 'users', n % 50,
                'measuredAt', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
            'conditions', conditions),
        now()
    FROM servers, (
        SELECT jsonb_agg(jsonb_build_object('type', name, 'status', 'True', 'reason', 'Ready', 'message', 'as the spec wants it',
            'lastTransitionTime', '2026-01-02T03:04:05Z', 'observedGeneration', 1)) AS conditions
        FROM unnest('{Accepted,NamespaceReady,SecretsReady,DatabaseReady,BucketReady,CacheReady,SchemaReady,OwnerReady,Configured,WorkloadsReady,RouteReady,Ready}'::text[]) name
    ) c
    WHERE state <> 'waiting';
INSERT INTO instance_syncs (instance_id, revision, tried_at) SELECT id, 3, now() FROM servers WHERE state <> 'waiting';
INSERT INTO probes (instance_id, leads_here, reason, probed_at) SELECT id, true, 'leads_here', now() FROM servers WHERE state IN ('running', 'leaving');
INSERT INTO public_faces (instance_id, rules, has_own_privacy, registrations, rules_at, looked_at)
    SELECT id, n % 8, n % 3 = 0, 'closed', now(), now() FROM servers WHERE state = 'running';
INSERT INTO owner_bootstrap (instance_id, username, email, version, sealed_token, issued_at, applied_at, shown_at)
    SELECT id, 'owner', 'owner-' || n || '@example.org', 1, pg_temp.digest('a') || pg_temp.digest('b'), at, at, at FROM servers;

INSERT INTO domains (id, account_id, name, proof_token, proven_at, checked_at, last_records, created_at)
    SELECT pg_temp.id('domain', n), account_id, domain, md5(domain), at, now(), jsonb_build_object('txt', jsonb_build_array(md5(domain))), at
    FROM servers WHERE NOT on_platform;
INSERT INTO address_looks (instance_id, looked, kept, looked_at, well_since, first_well_at, reminders)
    SELECT id, jsonb_build_object('passed_on', '[]'::jsonb, 'hosts', jsonb_build_array(
            jsonb_build_object('purpose', 'server', 'name', domain, 'seen', seen), jsonb_build_object('purpose', 'media', 'name', 'media.' || domain, 'seen', seen))),
        '[]', now(), at, at, 0
    FROM servers, (SELECT '{"exists": true, "cname": [], "v4": ["192.0.2.10"], "v6": [], "ttl": 60, "caa": null, "shows_us": [], "error": null}'::jsonb AS seen) s WHERE NOT on_platform;

-- Two entries a server. Nobody walks these chains: their links are of the right size only.
INSERT INTO audit_heads (chain_id, seq, hash)
    SELECT account_id, 2 * count(*), pg_temp.digest('head') FROM servers GROUP BY account_id
    ON CONFLICT (chain_id) DO UPDATE SET seq = audit_heads.seq + excluded.seq;
CREATE TEMP TABLE entries AS
    SELECT account_id, id, at, h.seq - count(*) OVER (PARTITION BY account_id) + row_number() OVER (PARTITION BY account_id ORDER BY n, action DESC) AS seq, action
    FROM servers, unnest('{instance.create,instance.approve}'::text[]) action, audit_heads h WHERE h.chain_id = account_id;
INSERT INTO audit_entries (chain_id, seq, at, actor_kind, action, subject_kind, subject_id, details_digest, previous_hash, hash)
    SELECT account_id, seq, at, 'platform', action, 'instance', id, pg_temp.digest('d'), pg_temp.digest('p'), pg_temp.digest('h') FROM entries;
INSERT INTO audit_details (chain_id, seq, key, details) SELECT account_id, seq, pg_temp.digest('k'), '{"plan": "small"}' FROM entries;

COMMIT;
VACUUM ANALYZE;
