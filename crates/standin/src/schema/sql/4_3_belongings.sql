-- The tables of Mastodon 4.3 that nothing here reads, but a bundle carries: what people made and chose. They have the types that the
-- first ones lack (json, inet, arrays of text), and ids by `timestamp_id()` in one more table.

CREATE TABLE scheduled_statuses (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  scheduled_at timestamp,
  params jsonb
);
CREATE INDEX index_scheduled_statuses_on_scheduled_at ON scheduled_statuses (scheduled_at);
ALTER TABLE media_attachments ADD FOREIGN KEY (scheduled_status_id) REFERENCES scheduled_statuses ON DELETE SET NULL;

CREATE TABLE mentions (
  id bigserial PRIMARY KEY,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  silent boolean DEFAULT false NOT NULL
);
CREATE UNIQUE INDEX index_mentions_on_account_id_and_status_id ON mentions (account_id, status_id);

CREATE TABLE notifications (
  id bigserial PRIMARY KEY,
  activity_id bigint NOT NULL,
  activity_type varchar NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  from_account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  type varchar,
  filtered boolean DEFAULT false NOT NULL,
  group_key varchar
);
CREATE INDEX index_notifications_on_account_id_and_id_and_type ON notifications (account_id, id DESC, type);
CREATE INDEX index_notifications_on_account_id_and_group_key ON notifications (account_id, group_key) WHERE group_key IS NOT NULL;

CREATE TABLE notification_policies (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL,
  for_not_following integer DEFAULT 0 NOT NULL,
  for_not_followers integer DEFAULT 0 NOT NULL,
  for_new_accounts integer DEFAULT 0 NOT NULL,
  for_private_mentions integer DEFAULT 1 NOT NULL,
  for_limited_accounts integer DEFAULT 1 NOT NULL
);
CREATE UNIQUE INDEX index_notification_policies_on_account_id ON notification_policies (account_id);

CREATE SEQUENCE notification_requests_id_seq;
CREATE TABLE notification_requests (
  id bigint DEFAULT timestamp_id('notification_requests'::text) NOT NULL PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  from_account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  last_status_id bigint REFERENCES statuses ON DELETE SET NULL,
  notifications_count bigint DEFAULT 0 NOT NULL,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_notification_requests_on_account_id_and_from_account_id ON notification_requests (account_id, from_account_id);

CREATE TABLE follow_requests (
  id bigserial PRIMARY KEY,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  target_account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  show_reblogs boolean DEFAULT true NOT NULL,
  uri varchar,
  notify boolean DEFAULT false NOT NULL,
  languages varchar[]
);
CREATE UNIQUE INDEX index_follow_requests_on_account_id_and_target_account_id ON follow_requests (account_id, target_account_id);

CREATE TABLE lists (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  title varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  replies_policy integer DEFAULT 0 NOT NULL,
  exclusive boolean DEFAULT false NOT NULL
);

CREATE TABLE list_accounts (
  id bigserial PRIMARY KEY,
  list_id bigint NOT NULL REFERENCES lists ON DELETE CASCADE,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  follow_id bigint REFERENCES follows ON DELETE CASCADE,
  follow_request_id bigint REFERENCES follow_requests ON DELETE CASCADE
);
CREATE UNIQUE INDEX index_list_accounts_on_account_id_and_list_id ON list_accounts (account_id, list_id);

CREATE TABLE bookmarks (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_bookmarks_on_account_id_and_status_id ON bookmarks (account_id, status_id);

CREATE TABLE status_pins (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_status_pins_on_account_id_and_status_id ON status_pins (account_id, status_id);

CREATE TABLE status_edits (
  id bigserial PRIMARY KEY,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  account_id bigint REFERENCES accounts ON DELETE SET NULL,
  text text DEFAULT '' NOT NULL,
  spoiler_text text DEFAULT '' NOT NULL,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL,
  ordered_media_attachment_ids bigint[],
  media_descriptions text[],
  poll_options varchar[],
  sensitive boolean
);
CREATE INDEX index_status_edits_on_status_id ON status_edits (status_id);

CREATE TABLE polls (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  expires_at timestamp,
  options varchar[] DEFAULT '{}' NOT NULL,
  cached_tallies bigint[] DEFAULT '{}' NOT NULL,
  multiple boolean DEFAULT false NOT NULL,
  hide_totals boolean DEFAULT false NOT NULL,
  votes_count bigint DEFAULT 0 NOT NULL,
  last_fetched_at timestamp,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  lock_version integer DEFAULT 0 NOT NULL,
  voters_count bigint
);
CREATE INDEX index_polls_on_status_id ON polls (status_id);

CREATE TABLE poll_votes (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  poll_id bigint NOT NULL REFERENCES polls ON DELETE CASCADE,
  choice integer DEFAULT 0 NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  uri varchar
);
CREATE INDEX index_poll_votes_on_poll_id ON poll_votes (poll_id);

CREATE TABLE custom_filters (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  expires_at timestamp,
  phrase text DEFAULT '' NOT NULL,
  context varchar[] DEFAULT '{}' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  action integer DEFAULT 0 NOT NULL
);

CREATE TABLE custom_filter_keywords (
  id bigserial PRIMARY KEY,
  custom_filter_id bigint NOT NULL REFERENCES custom_filters ON DELETE CASCADE,
  keyword text DEFAULT '' NOT NULL,
  whole_word boolean DEFAULT true NOT NULL,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);

CREATE TABLE featured_tags (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  tag_id bigint NOT NULL REFERENCES tags ON DELETE CASCADE,
  statuses_count bigint DEFAULT 0 NOT NULL,
  last_status_at timestamp,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  name varchar
);
CREATE UNIQUE INDEX index_featured_tags_on_account_id_and_tag_id ON featured_tags (account_id, tag_id);

CREATE TABLE tag_follows (
  id bigserial PRIMARY KEY,
  tag_id bigint NOT NULL REFERENCES tags ON DELETE CASCADE,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_tag_follows_on_account_id_and_tag_id ON tag_follows (account_id, tag_id);

CREATE TABLE account_aliases (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  acct varchar DEFAULT '' NOT NULL,
  uri varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_account_aliases_on_account_id_and_uri ON account_aliases (account_id, uri);

CREATE TABLE account_notes (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  target_account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  comment text NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_account_notes_on_account_id_and_target_account_id ON account_notes (account_id, target_account_id);

CREATE TABLE account_domain_blocks (
  id bigserial PRIMARY KEY,
  domain varchar NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE
);
CREATE UNIQUE INDEX index_account_domain_blocks_on_account_id_and_domain ON account_domain_blocks (account_id, domain);

CREATE TABLE account_conversations (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  conversation_id bigint NOT NULL REFERENCES conversations ON DELETE CASCADE,
  participant_account_ids bigint[] DEFAULT '{}' NOT NULL,
  status_ids bigint[] DEFAULT '{}' NOT NULL,
  last_status_id bigint,
  lock_version integer DEFAULT 0 NOT NULL,
  unread boolean DEFAULT false NOT NULL
);
CREATE UNIQUE INDEX index_unique_conversations ON account_conversations (account_id, conversation_id, participant_account_ids);

CREATE TABLE markers (
  id bigserial PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  timeline varchar DEFAULT '' NOT NULL,
  last_read_id bigint DEFAULT 0 NOT NULL,
  lock_version integer DEFAULT 0 NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_markers_on_user_id_and_timeline ON markers (user_id, timeline);

CREATE TABLE web_settings (
  id bigserial PRIMARY KEY,
  data json,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE
);
CREATE UNIQUE INDEX index_web_settings_on_user_id ON web_settings (user_id);

CREATE TABLE web_push_subscriptions (
  id bigserial PRIMARY KEY,
  endpoint varchar NOT NULL,
  key_p256dh varchar NOT NULL,
  key_auth varchar NOT NULL,
  data json,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  access_token_id bigint REFERENCES oauth_access_tokens ON DELETE CASCADE,
  user_id bigint REFERENCES users ON DELETE CASCADE
);

CREATE TABLE webauthn_credentials (
  id bigserial PRIMARY KEY,
  external_id varchar NOT NULL,
  public_key varchar NOT NULL,
  nickname varchar NOT NULL,
  sign_count bigint DEFAULT 0 NOT NULL,
  user_id bigint REFERENCES users ON DELETE CASCADE,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_webauthn_credentials_on_external_id ON webauthn_credentials (external_id);
CREATE UNIQUE INDEX index_webauthn_credentials_on_user_id_and_nickname ON webauthn_credentials (user_id, nickname);

CREATE TABLE identities (
  id bigserial PRIMARY KEY,
  provider varchar DEFAULT '' NOT NULL,
  uid varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  user_id bigint REFERENCES users ON DELETE CASCADE
);
CREATE UNIQUE INDEX index_identities_on_uid_and_provider ON identities (uid, provider);

CREATE TABLE login_activities (
  id bigserial PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  authentication_method varchar,
  provider varchar,
  success boolean,
  failure_reason varchar,
  ip inet,
  user_agent varchar,
  created_at timestamp
);
CREATE INDEX index_login_activities_on_user_id ON login_activities (user_id);

CREATE TABLE user_invite_requests (
  id bigserial PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  text text,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);

CREATE TABLE bulk_imports (
  id bigserial PRIMARY KEY,
  type integer NOT NULL,
  state integer NOT NULL,
  total_items integer DEFAULT 0 NOT NULL,
  imported_items integer DEFAULT 0 NOT NULL,
  processed_items integer DEFAULT 0 NOT NULL,
  finished_at timestamp,
  overwrite boolean DEFAULT false NOT NULL,
  likely_mismatched boolean DEFAULT false NOT NULL,
  original_filename varchar DEFAULT '' NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);

CREATE TABLE bulk_import_rows (
  id bigserial PRIMARY KEY,
  bulk_import_id bigint NOT NULL REFERENCES bulk_imports ON DELETE CASCADE,
  data jsonb,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);
