-- A new link for a server's owner: who asked for it, and why nothing came of it.

ALTER TABLE owner_bootstrap
    -- Absent for the first link, which comes with the launch.
    ADD COLUMN asked_by uuid REFERENCES people,
    ADD COLUMN failed_reason text CHECK (length(failed_reason) BETWEEN 1 AND 63);
CREATE INDEX owner_bootstrap_asked_by ON owner_bootstrap (asked_by);
