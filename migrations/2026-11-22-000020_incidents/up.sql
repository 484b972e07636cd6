-- Requests that failed by a fault of ours, by the reference that people were shown.

CREATE TABLE incidents (
    -- The request's.
    id          uuid PRIMARY KEY,
    happened_at timestamptz NOT NULL,
    -- Absent: nobody was signed in.
    person_id   uuid REFERENCES people,
    method      text NOT NULL CHECK (length(method) BETWEEN 1 AND 20),
    -- Without its query.
    path        text NOT NULL CHECK (length(path) BETWEEN 1 AND 500),
    -- Of one kind with the log's line: for operators only.
    cause       text NOT NULL CHECK (length(cause) <= 4000)
);
CREATE INDEX incidents_happened_at ON incidents (happened_at);
CREATE INDEX incidents_person ON incidents (person_id);
