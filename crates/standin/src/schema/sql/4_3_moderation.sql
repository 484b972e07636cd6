-- The tables of Mastodon 4.3 that nothing here reads, but a bundle carries: those of the people who run and moderate the server.

CREATE TABLE ip_blocks (
  id bigserial PRIMARY KEY,
  ip inet DEFAULT '0.0.0.0' NOT NULL,
  severity integer DEFAULT 0 NOT NULL,
  expires_at timestamp,
  comment text DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_ip_blocks_on_ip ON ip_blocks (ip);

CREATE TABLE email_domain_blocks (
  id bigserial PRIMARY KEY,
  domain varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  parent_id bigint REFERENCES email_domain_blocks ON DELETE CASCADE,
  allow_with_approval boolean DEFAULT false NOT NULL
);
CREATE UNIQUE INDEX index_email_domain_blocks_on_domain ON email_domain_blocks (domain);

CREATE TABLE canonical_email_blocks (
  id bigserial PRIMARY KEY,
  canonical_email_hash varchar DEFAULT '' NOT NULL,
  reference_account_id bigint REFERENCES accounts ON DELETE CASCADE,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_canonical_email_blocks_on_canonical_email_hash ON canonical_email_blocks (canonical_email_hash);

CREATE TABLE reports (
  id bigserial PRIMARY KEY,
  status_ids bigint[] DEFAULT '{}' NOT NULL,
  comment text DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  action_taken_by_account_id bigint REFERENCES accounts ON DELETE SET NULL,
  target_account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  assigned_account_id bigint REFERENCES accounts ON DELETE SET NULL,
  uri varchar,
  forwarded boolean,
  category integer DEFAULT 0 NOT NULL,
  action_taken_at timestamp,
  rule_ids bigint[],
  application_id bigint REFERENCES oauth_applications ON DELETE SET NULL
);
CREATE INDEX index_reports_on_target_account_id ON reports (target_account_id);

CREATE TABLE report_notes (
  id bigserial PRIMARY KEY,
  content text NOT NULL,
  report_id bigint NOT NULL REFERENCES reports ON DELETE CASCADE,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);

CREATE TABLE account_warnings (
  id bigserial PRIMARY KEY,
  account_id bigint REFERENCES accounts ON DELETE SET NULL,
  target_account_id bigint REFERENCES accounts ON DELETE CASCADE,
  action integer DEFAULT 0 NOT NULL,
  text text DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  report_id bigint REFERENCES reports ON DELETE CASCADE,
  status_ids varchar[],
  overruled_at timestamp
);

CREATE TABLE admin_action_logs (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  action varchar DEFAULT '' NOT NULL,
  target_type varchar,
  target_id bigint,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  human_identifier varchar,
  route_param varchar,
  permalink varchar
);

CREATE TABLE announcements (
  id bigserial PRIMARY KEY,
  text text DEFAULT '' NOT NULL,
  published boolean DEFAULT false NOT NULL,
  all_day boolean DEFAULT false NOT NULL,
  scheduled_at timestamp,
  starts_at timestamp,
  ends_at timestamp,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  published_at timestamp,
  status_ids bigint[]
);

CREATE TABLE announcement_reactions (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  announcement_id bigint NOT NULL REFERENCES announcements ON DELETE CASCADE,
  name varchar DEFAULT '' NOT NULL,
  custom_emoji_id bigint REFERENCES custom_emojis ON DELETE CASCADE,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_announcement_reactions_on_account_id_and_announcement_id ON announcement_reactions (account_id, announcement_id, name);

CREATE TABLE webhooks (
  id bigserial PRIMARY KEY,
  url varchar NOT NULL,
  events varchar[] DEFAULT '{}' NOT NULL,
  secret varchar DEFAULT '' NOT NULL,
  enabled boolean DEFAULT true NOT NULL,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL,
  template text
);
CREATE UNIQUE INDEX index_webhooks_on_url ON webhooks (url);

CREATE TABLE relays (
  id bigserial PRIMARY KEY,
  inbox_url varchar DEFAULT '' NOT NULL,
  follow_activity_id varchar,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  state integer DEFAULT 0 NOT NULL
);

CREATE TABLE software_updates (
  id bigserial PRIMARY KEY,
  version varchar NOT NULL,
  urgent boolean DEFAULT false NOT NULL,
  type integer DEFAULT 0 NOT NULL,
  release_notes varchar DEFAULT '' NOT NULL,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_software_updates_on_version ON software_updates (version);

CREATE TABLE tombstones (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  uri varchar NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  by_moderator boolean
);
CREATE INDEX index_tombstones_on_uri ON tombstones (uri);

CREATE TABLE follow_recommendation_suppressions (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_follow_recommendation_suppressions_on_account_id ON follow_recommendation_suppressions (account_id);

CREATE TABLE status_trends (
  id bigserial PRIMARY KEY,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  score double precision DEFAULT 0.0 NOT NULL,
  rank integer DEFAULT 0 NOT NULL,
  allowed boolean DEFAULT false NOT NULL,
  language varchar
);
CREATE UNIQUE INDEX index_status_trends_on_status_id ON status_trends (status_id);

CREATE TABLE pghero_space_stats (
  id bigserial PRIMARY KEY,
  database text,
  schema text,
  relation text,
  size bigint,
  captured_at timestamp
);
