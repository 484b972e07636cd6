-- What is left here of a server that moves to another host: its media host, which leads to where its media is now, for a year.

CREATE TABLE moves_out (
    instance_id     uuid PRIMARY KEY REFERENCES instances,
    -- Where its media is at the new host, where that isn't served under the media host's own name.
    media_redirect  text CHECK (length(media_redirect) BETWEEN 12 AND 300),
    -- When its final bundle was found whole once more, before its data goes.
    bundle_verified_at timestamptz,
    -- When its database and bucket began to be destroyed.
    moved_out_at    timestamptz,
    -- Until when its media host leads there: from the handover on.
    moved_out_until timestamptz,
    CONSTRAINT moves_out_order CHECK (moved_out_at IS NULL OR (bundle_verified_at IS NOT NULL AND moved_out_until IS NOT NULL))
);

-- Those that are on their way already.
INSERT INTO moves_out (instance_id, moved_out_until)
SELECT id, handed_over_at + interval '12 months' FROM instances WHERE desired_deletion = 'move_out' AND tombstoned_at IS NULL;
