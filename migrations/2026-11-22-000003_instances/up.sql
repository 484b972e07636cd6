-- Servers: what the business wants of each (desired), what billing says (standing), and where it is.

CREATE TABLE instances (
    id                 uuid PRIMARY KEY,
    account_id         uuid NOT NULL REFERENCES accounts,
    -- Its name in the dashboard's addresses.
    slug               text NOT NULL CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    -- In people's handles; ASCII, lower case. The three are for ever.
    domain             text NOT NULL CHECK (length(domain) BETWEEN 4 AND 253 AND domain ~ '^[a-z0-9.-]+$'),
    web_domain         text NOT NULL CHECK (length(web_domain) BETWEEN 4 AND 253 AND web_domain ~ '^[a-z0-9.-]+$'),
    media_domain       text NOT NULL CHECK (length(media_domain) BETWEEN 4 AND 253 AND media_domain ~ '^[a-z0-9.-]+$'),
    -- The web domain is a subdomain of the platform's: it needs no proof, and once served it is never issued again.
    on_platform_domain boolean NOT NULL,
    plan               text NOT NULL CHECK (plan ~ '^[a-z][a-z0-9-]{0,62}$'),
    version            text NOT NULL CHECK (version ~ '^[0-9]+\.[0-9]+\.[0-9]+$' AND length(version) <= 32),
    image_mastodon     text NOT NULL CHECK (length(image_mastodon) BETWEEN 1 AND 255),
    image_streaming    text NOT NULL CHECK (length(image_streaming) BETWEEN 1 AND 255),

    desired_kind       text NOT NULL CHECK (desired_kind IN ('running', 'read_only', 'suspended', 'deleted')),
    -- Whose hold it is.
    desired_hold       text CHECK (desired_hold ~ '^[a-z_]{1,32}$'),
    desired_deletion   text CHECK (desired_deletion IN ('move_out', 'close', 'remove')),
    -- The end of the grace period.
    desired_after      timestamptz,
    CONSTRAINT instances_desired CHECK (
        (desired_hold IS NOT NULL) = (desired_kind IN ('read_only', 'suspended'))
        AND (desired_deletion IS NOT NULL) = (desired_kind = 'deleted')
        AND (desired_after IS NOT NULL) = (desired_kind = 'deleted')
    ),

    standing_kind      text NOT NULL
        CHECK (standing_kind IN ('incomplete', 'trialing', 'current', 'past_due', 'lapsed', 'cancelled', 'granted')),
    standing_until     timestamptz,
    -- `since` of past due and lapsed, `at` of cancelled.
    standing_since     timestamptz,
    -- Who granted it.
    standing_by        text CHECK (length(standing_by) BETWEEN 1 AND 100),
    CONSTRAINT instances_standing CHECK (
        (standing_since IS NOT NULL) = (standing_kind IN ('past_due', 'lapsed', 'cancelled'))
        AND (standing_by IS NOT NULL) = (standing_kind = 'granted')
        AND (standing_until IS NOT NULL OR standing_kind NOT IN ('trialing', 'current'))
        AND (standing_until IS NULL OR standing_kind IN ('trialing', 'current', 'granted'))
    ),

    -- Rises with every change; the stamp on each sync, and the check of every UPDATE.
    revision           bigint NOT NULL CHECK (revision >= 1),
    cluster_id         uuid NOT NULL REFERENCES clusters,
    database_server_id uuid NOT NULL REFERENCES database_servers,
    object_store_id    uuid NOT NULL REFERENCES object_stores,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    -- Its launch succeeded.
    launched_at        timestamptz,
    -- The first time that a look from outside found this server at its address.
    first_answered_at  timestamptz,
    -- The first pass of the farewell: a Close can't be undone from here on.
    farewell_began_at  timestamptz,
    -- The first thing of its data was deleted: nothing can be undone from here on.
    teardown_began_at  timestamptz,
    -- Nothing of it is left but this row, scrubbed.
    tombstoned_at      timestamptz
);
CREATE INDEX instances_account ON instances (account_id, id);
CREATE INDEX instances_cluster ON instances (cluster_id);
CREATE INDEX instances_database_server ON instances (database_server_id);
CREATE INDEX instances_object_store ON instances (object_store_id);
CREATE INDEX instances_due_for_deletion ON instances (desired_after) WHERE desired_kind = 'deleted' AND tombstoned_at IS NULL;
CREATE UNIQUE INDEX instances_live_slug ON instances (slug) WHERE tombstoned_at IS NULL;

-- Every host name that an instance holds, whatever it uses it for: one name has one holder. A claim outlives its
-- instance where the name was the platform's and was ever served.
CREATE TABLE name_claims (
    name        text PRIMARY KEY CHECK (length(name) BETWEEN 4 AND 253),
    instance_id uuid NOT NULL REFERENCES instances,
    claimed_at  timestamptz NOT NULL
);
CREATE INDEX name_claims_instance ON name_claims (instance_id);
