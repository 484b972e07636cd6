-- What lists show of a server's status: a page of fifty would else read and send a hundred kilobytes for a line of each. Derived by the
-- database from the status that stands beside it, so that nobody writes it, and no release before this one minds.

ALTER TABLE instance_observations
    ADD COLUMN version text CHECK (length(version) <= 32) GENERATED ALWAYS AS (left(status ->> 'version', 32)) STORED,
    ADD COLUMN usage   jsonb GENERATED ALWAYS AS (status -> 'usage') STORED,
    -- Names of the conditions that are met.
    ADD COLUMN met     jsonb NOT NULL GENERATED ALWAYS AS (jsonb_path_query_array(status, '$.conditions[*] ? (@.status == "True").type')) STORED;
