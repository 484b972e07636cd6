-- Read models: what was seen. Nothing is decided by writing here.

CREATE TABLE instance_observations (
    instance_id       uuid PRIMARY KEY REFERENCES instances,
    -- A custom resource for it exists.
    present           boolean NOT NULL,
    observed_revision bigint,
    -- Of the custom resource, as the API server counts.
    resource_version  text CHECK (length(resource_version) <= 64),
    -- The resource's status as it stood.
    status            jsonb NOT NULL,
    observed_at       timestamptz NOT NULL
);

-- The latest look from outside at a server's address.
CREATE TABLE probes (
    instance_id uuid PRIMARY KEY REFERENCES instances,
    -- DNS and /.well-known/nodeinfo lead to this server.
    leads_here  boolean NOT NULL,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 63),
    detail      text CHECK (length(detail) <= 2000),
    probed_at   timestamptz NOT NULL
);
