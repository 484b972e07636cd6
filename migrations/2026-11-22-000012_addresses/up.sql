-- What was looked at of own domains' records and of what servers show of themselves, for pages that only read; and what lists
-- of servers and operations are searched and sorted by.

CREATE TABLE address_looks (
    instance_id   uuid PRIMARY KEY REFERENCES instances,
    -- Names, addresses and answers as they were last seen from outside.
    looked        jsonb NOT NULL,
    -- Since when each record is as it is.
    kept          jsonb NOT NULL,
    looked_at     timestamptz NOT NULL,
    -- Somebody wanted a look at once.
    asked_at      timestamptz,
    -- Something is missing since then; absent while all is well.
    waiting_since timestamptz,
    -- All is well since then, and for the first time.
    well_since    timestamptz,
    first_well_at timestamptz,
    -- Mails that told of this waiting.
    reminders     smallint NOT NULL CHECK (reminders BETWEEN 0 AND 2),
    CONSTRAINT address_looks_either CHECK ((waiting_since IS NULL) = (well_since IS NOT NULL))
);

-- What a server says of itself to anybody (DOC:methods/instance.md).
CREATE TABLE public_faces (
    instance_id      uuid PRIMARY KEY REFERENCES instances,
    rules            integer NOT NULL CHECK (rules >= 0),
    has_own_privacy  boolean NOT NULL,
    registrations    text NOT NULL CHECK (registrations IN ('open', 'by_approval', 'closed')),
    -- When each was first seen done.
    rules_at         timestamptz,
    privacy_at       timestamptz,
    registrations_at timestamptz,
    looked_at        timestamptz NOT NULL
);

-- Lists by name. Names are in lower case.
CREATE INDEX instances_domain ON instances (domain, id);
CREATE INDEX instances_slug ON instances (slug);
CREATE INDEX instances_live ON instances (id) WHERE tombstoned_at IS NULL;
CREATE INDEX operations_state ON operations (state, id);
CREATE INDEX operation_steps_failed ON operation_steps (operation_id) WHERE state = 'failed';
-- A person's address by its beginning.
CREATE INDEX people_email_prefix ON people (email text_pattern_ops);
