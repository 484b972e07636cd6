DROP TABLE idempotency_keys, mail_outbox;
