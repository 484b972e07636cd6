ALTER TABLE mail_outbox
    DROP CONSTRAINT mail_outbox_dropped,
    DROP COLUMN dropped_reason,
    DROP COLUMN dropped_at,
    DROP COLUMN link_version;
