-- Long work with a name and an end.

CREATE TABLE operations (
    id            uuid PRIMARY KEY,
    instance_id   uuid NOT NULL REFERENCES instances,
    kind          text NOT NULL
        CHECK (kind IN ('create', 'resize', 'upgrade', 'import', 'move_out', 'close', 'remove', 'export', 'task')),
    lane          text NOT NULL CHECK (lane IN ('exclusive', 'export', 'task')),
    state         text NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Who asked; absent for what the platform began by itself.
    requested_by  uuid REFERENCES people,
    failed_step   text CHECK (length(failed_step) <= 63),
    -- Why, as a machine reason; the sentence and the way out are the catalogue's.
    failed_reason text CHECK (length(failed_reason) BETWEEN 1 AND 63),
    -- What the failing part said, bounded.
    failed_detail text CHECK (length(failed_detail) <= 2000),
    revision      bigint NOT NULL CHECK (revision >= 1),
    created_at    timestamptz NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz,
    CONSTRAINT operations_lane CHECK (lane = CASE kind WHEN 'export' THEN 'export' WHEN 'task' THEN 'task' ELSE 'exclusive' END),
    CONSTRAINT operations_finished CHECK ((finished_at IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled'))),
    CONSTRAINT operations_failed CHECK ((failed_reason IS NOT NULL) = (state = 'failed'))
);
-- At most one live operation a lane and instance: this index says no, not a lock.
CREATE UNIQUE INDEX operations_one_live_a_lane ON operations (instance_id, lane) WHERE state IN ('queued', 'running');
CREATE INDEX operations_instance ON operations (instance_id, id);
CREATE INDEX operations_requested_by ON operations (requested_by);
CREATE INDEX operations_live ON operations (created_at) WHERE state IN ('queued', 'running');

CREATE TABLE operation_steps (
    operation_id uuid NOT NULL REFERENCES operations,
    position     smallint NOT NULL CHECK (position >= 0),
    name         text NOT NULL CHECK (name ~ '^[a-z][a-z_]{0,62}$'),
    state        text NOT NULL CHECK (state IN ('waiting', 'running', 'succeeded', 'failed', 'skipped')),
    -- What it waits for or fails on right now; a step that fails may go on by itself once the cause is gone.
    reason       text CHECK (length(reason) BETWEEN 1 AND 63),
    detail       text CHECK (length(detail) <= 2000),
    started_at   timestamptz,
    finished_at  timestamptz,
    PRIMARY KEY (operation_id, position),
    UNIQUE (operation_id, name)
);
