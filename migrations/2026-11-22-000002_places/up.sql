-- Where servers can be put, and the operator's settings. Names are those of the operator's configuration file.

CREATE TABLE clusters (
    id                uuid PRIMARY KEY,
    name              text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    -- A pod profile of the operator's configuration.
    placement         text NOT NULL CHECK (placement ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    capacity          integer NOT NULL CHECK (capacity >= 0),
    is_default        boolean NOT NULL,
    -- The worker's observer was last in touch with its API server.
    seen_at           timestamptz,
    unreachable_since timestamptz,
    created_at        timestamptz NOT NULL,
    retired_at        timestamptz
);
CREATE UNIQUE INDEX clusters_one_default ON clusters (is_default) WHERE is_default;

CREATE TABLE database_servers (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    capacity   integer NOT NULL CHECK (capacity >= 0),
    is_default boolean NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);
CREATE UNIQUE INDEX database_servers_one_default ON database_servers (is_default) WHERE is_default;

CREATE TABLE object_stores (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    capacity   integer NOT NULL CHECK (capacity >= 0),
    is_default boolean NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);
CREATE UNIQUE INDEX object_stores_one_default ON object_stores (is_default) WHERE is_default;

-- One row: what the operator decides for the whole platform.
CREATE TABLE settings (
    id                   boolean PRIMARY KEY CHECK (id),
    new_servers          text NOT NULL CHECK (new_servers IN ('open', 'by_approval', 'closed')),
    -- What the public reads where new servers are not open.
    new_servers_sentence text NOT NULL CHECK (length(new_servers_sentence) <= 500),
    servers_per_account  integer NOT NULL CHECK (servers_per_account >= 0),
    support_address      text CHECK (length(support_address) BETWEEN 3 AND 254),
    -- With billing off: every launch is granted.
    grant_every_launch   boolean NOT NULL,
    revision             bigint NOT NULL CHECK (revision >= 1),
    updated_at           timestamptz NOT NULL
);
