-- What the last sync of each server came to, and where record and clusters do not match.

CREATE TABLE instance_syncs (
    instance_id   uuid PRIMARY KEY REFERENCES instances,
    -- The revision that was sent, or tried to be. The row is there before anything is sent.
    revision      bigint NOT NULL CHECK (revision >= 1),
    -- Why it was not taken; absent where it was.
    reason        text CHECK (length(reason) BETWEEN 1 AND 63),
    detail        text CHECK (length(detail) <= 2000),
    tried_at      timestamptz NOT NULL,
    -- UID of the custom resource that the teardown was confirmed in: once it is gone, nothing of the server is left.
    torn_down_uid text CHECK (length(torn_down_uid) BETWEEN 1 AND 64)
);

-- Found by the resync, for operators to look at; nothing is deleted by it.
CREATE TABLE orphans (
    cluster_id uuid NOT NULL REFERENCES clusters,
    kind       text NOT NULL CHECK (kind IN ('resource_without_row', 'row_without_resource')),
    -- The custom resource's name, of a row the one that it ought to have.
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 253),
    found_at   timestamptz NOT NULL,
    PRIMARY KEY (cluster_id, kind, name)
);
