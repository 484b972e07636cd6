-- A mail about a new link for a server's owner is about that link, and not about the newest that there is when it is sent. So a mail may
-- end without being sent, and says why.

ALTER TABLE mail_outbox
    -- Of the link that its mark stands for: `owner_bootstrap.version` when it was written. Absent for every other mail.
    ADD COLUMN link_version integer CHECK (link_version >= 1),
    ADD COLUMN dropped_at timestamptz,
    ADD COLUMN dropped_reason text CHECK (dropped_reason IN ('link_replaced', 'link_expired', 'recipient_left', 'server_gone')),
    ADD CONSTRAINT mail_outbox_dropped CHECK (
        (dropped_at IS NULL) = (dropped_reason IS NULL) AND (dropped_at IS NULL OR (sent_at IS NULL AND link IS NULL))
    ) NOT VALID;

-- What waits was written after its link was made. One that waits since before the newest is about none that can be given any more.
UPDATE mail_outbox SET link_version = owner_bootstrap.version
FROM owner_bootstrap
WHERE mail_outbox.purpose = 'owner_link' AND mail_outbox.sent_at IS NULL
  AND owner_bootstrap.instance_id = mail_outbox.instance_id AND mail_outbox.created_at >= owner_bootstrap.issued_at;
