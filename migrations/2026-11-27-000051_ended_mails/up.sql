-- Mails that were sent or dropped, by when: each tick forgets those whose time is over.
CREATE INDEX CONCURRENTLY mail_outbox_ended ON mail_outbox (coalesce(sent_at, dropped_at));
