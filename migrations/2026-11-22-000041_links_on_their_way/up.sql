-- Owners' links that Mastodon doesn't take yet, the longest waiting first: each tick asks for them, and nearly all have come.
CREATE INDEX CONCURRENTLY owner_bootstrap_on_its_way ON owner_bootstrap (issued_at) WHERE applied_at IS NULL AND failed_reason IS NULL;
