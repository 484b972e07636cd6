DROP TABLE attempts, invitations, person_links, sign_ups;
ALTER TABLE mail_outbox DROP COLUMN link, DROP COLUMN instance_id;
ALTER TABLE settings DROP COLUMN sign_ups;
DELETE FROM sessions;
ALTER TABLE sessions DROP COLUMN account_id, DROP COLUMN authenticated_at;
