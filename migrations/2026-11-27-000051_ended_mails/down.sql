DROP INDEX CONCURRENTLY mail_outbox_ended;
