-- Exports that the platform begins by itself, day by day or week by week: no row, no schedule.

CREATE TABLE export_schedules (
    instance_id uuid PRIMARY KEY REFERENCES instances,
    every       text NOT NULL CHECK (every IN ('day', 'week')),
    -- How many whole ones are kept.
    keep        int2 NOT NULL CHECK (keep BETWEEN 1 AND 10),
    -- Compared with the clock by each tick.
    due_at      timestamptz NOT NULL,
    set_at      timestamptz NOT NULL
);
CREATE INDEX export_schedules_due ON export_schedules (due_at);

-- When it was due, where the platform began it by itself.
ALTER TABLE exports ADD COLUMN scheduled_for timestamptz;
