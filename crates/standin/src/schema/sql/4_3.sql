-- The tables of Mastodon 4.3 that the control plane or a portable bundle looks into, with Mastodon's names, types, defaults and indexes.
-- The files beside it have what a bundle only carries.
-- `{salt}` is replaced by 32 random hexadecimal digits: ids can't be foretold from those of another database.

CREATE FUNCTION timestamp_id(table_name text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  -- 48 bits of milliseconds, then 16 bits that start at a salted place and go up with the table's sequence.
  time_part bigint := (date_part('epoch', now()) * 1000)::bigint << 16;
  start bigint := ('x' || substr(md5(table_name || '{salt}' || time_part::text), 1, 4))::bit(16)::bigint;
BEGIN
  RETURN time_part | ((start + nextval(table_name || '_id_seq')) & 65535);
END
$$;

CREATE SEQUENCE accounts_id_seq;
CREATE TABLE accounts (
  id bigint DEFAULT timestamp_id('accounts'::text) NOT NULL PRIMARY KEY,
  username varchar DEFAULT '' NOT NULL,
  domain varchar,
  private_key text,
  public_key text DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  note text DEFAULT '' NOT NULL,
  display_name varchar DEFAULT '' NOT NULL,
  uri varchar DEFAULT '' NOT NULL,
  url varchar,
  avatar_file_name varchar,
  avatar_content_type varchar,
  avatar_file_size integer,
  avatar_updated_at timestamp,
  header_file_name varchar,
  header_content_type varchar,
  header_file_size integer,
  header_updated_at timestamp,
  avatar_remote_url varchar,
  locked boolean DEFAULT false NOT NULL,
  header_remote_url varchar DEFAULT '' NOT NULL,
  last_webfingered_at timestamp,
  inbox_url varchar DEFAULT '' NOT NULL,
  outbox_url varchar DEFAULT '' NOT NULL,
  shared_inbox_url varchar DEFAULT '' NOT NULL,
  followers_url varchar DEFAULT '' NOT NULL,
  protocol integer DEFAULT 0 NOT NULL,
  memorial boolean DEFAULT false NOT NULL,
  moved_to_account_id bigint REFERENCES accounts ON DELETE SET NULL,
  featured_collection_url varchar,
  fields jsonb,
  actor_type varchar,
  discoverable boolean,
  also_known_as varchar[],
  silenced_at timestamp,
  suspended_at timestamp,
  hide_collections boolean,
  avatar_storage_schema_version integer,
  header_storage_schema_version integer,
  sensitized_at timestamp,
  suspension_origin integer,
  trendable boolean,
  reviewed_at timestamp,
  requested_review_at timestamp,
  indexable boolean DEFAULT false NOT NULL,
  attribution_domains varchar[] DEFAULT '{}'
);
CREATE UNIQUE INDEX index_accounts_on_username_and_domain_lower ON accounts (lower(username), COALESCE(lower(domain), ''));
CREATE INDEX search_index ON accounts USING gin ((
  setweight(to_tsvector('simple'::regconfig, display_name), 'A') || setweight(to_tsvector('simple'::regconfig, username), 'B')
  || setweight(to_tsvector('simple'::regconfig, COALESCE(domain, '')), 'C')
));
CREATE INDEX index_accounts_on_domain_and_id ON accounts (domain, id);
CREATE INDEX index_accounts_on_moved_to_account_id ON accounts (moved_to_account_id) WHERE moved_to_account_id IS NOT NULL;
CREATE INDEX index_accounts_on_uri ON accounts (uri);
CREATE INDEX index_accounts_on_url ON accounts (url text_pattern_ops) WHERE url IS NOT NULL;

CREATE TABLE account_stats (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  statuses_count bigint DEFAULT 0 NOT NULL,
  following_count bigint DEFAULT 0 NOT NULL,
  followers_count bigint DEFAULT 0 NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  last_status_at timestamp
);
CREATE UNIQUE INDEX index_account_stats_on_account_id ON account_stats (account_id);

CREATE TABLE account_deletion_requests (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE INDEX index_account_deletion_requests_on_account_id ON account_deletion_requests (account_id);

CREATE TABLE user_roles (
  id bigserial PRIMARY KEY,
  name varchar DEFAULT '' NOT NULL,
  color varchar DEFAULT '' NOT NULL,
  position integer DEFAULT 0 NOT NULL,
  permissions bigint DEFAULT 0 NOT NULL,
  highlighted boolean DEFAULT false NOT NULL,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);

CREATE TABLE users (
  id bigserial PRIMARY KEY,
  email varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  encrypted_password varchar DEFAULT '' NOT NULL,
  reset_password_token varchar,
  reset_password_sent_at timestamp,
  sign_in_count integer DEFAULT 0 NOT NULL,
  current_sign_in_at timestamp,
  last_sign_in_at timestamp,
  confirmation_token varchar,
  confirmed_at timestamp,
  confirmation_sent_at timestamp,
  unconfirmed_email varchar,
  locale varchar,
  encrypted_otp_secret varchar,
  encrypted_otp_secret_iv varchar,
  encrypted_otp_secret_salt varchar,
  consumed_timestep integer,
  otp_required_for_login boolean DEFAULT false NOT NULL,
  last_emailed_at timestamp,
  otp_backup_codes varchar[],
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  disabled boolean DEFAULT false NOT NULL,
  invite_id bigint,
  chosen_languages varchar[],
  created_by_application_id bigint,
  approved boolean DEFAULT true NOT NULL,
  sign_in_token varchar,
  sign_in_token_sent_at timestamp,
  webauthn_id varchar,
  sign_up_ip inet,
  skip_sign_in_token boolean,
  role_id bigint REFERENCES user_roles ON DELETE SET NULL,
  settings text,
  time_zone varchar,
  otp_secret varchar
);
CREATE INDEX index_users_on_account_id ON users (account_id);
CREATE UNIQUE INDEX index_users_on_confirmation_token ON users (confirmation_token);
CREATE UNIQUE INDEX index_users_on_email ON users (email);
CREATE UNIQUE INDEX index_users_on_reset_password_token ON users (reset_password_token text_pattern_ops) WHERE reset_password_token IS NOT NULL;
CREATE INDEX index_users_on_role_id ON users (role_id) WHERE role_id IS NOT NULL;

CREATE TABLE invites (
  id bigserial PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  code varchar DEFAULT '' NOT NULL,
  expires_at timestamp,
  max_uses integer,
  uses integer DEFAULT 0 NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  autofollow boolean DEFAULT false NOT NULL,
  comment text
);
CREATE UNIQUE INDEX index_invites_on_code ON invites (code);
ALTER TABLE users ADD FOREIGN KEY (invite_id) REFERENCES invites ON DELETE SET NULL;

CREATE TABLE oauth_applications (
  id bigserial PRIMARY KEY,
  name varchar NOT NULL,
  uid varchar NOT NULL,
  secret varchar NOT NULL,
  redirect_uri text NOT NULL,
  scopes varchar DEFAULT '' NOT NULL,
  created_at timestamp,
  updated_at timestamp,
  superapp boolean DEFAULT false NOT NULL,
  website varchar,
  owner_type varchar,
  owner_id bigint REFERENCES users ON DELETE CASCADE,
  confidential boolean DEFAULT true NOT NULL
);
CREATE UNIQUE INDEX index_oauth_applications_on_uid ON oauth_applications (uid);
ALTER TABLE users ADD FOREIGN KEY (created_by_application_id) REFERENCES oauth_applications ON DELETE SET NULL;

CREATE TABLE oauth_access_tokens (
  id bigserial PRIMARY KEY,
  token varchar NOT NULL,
  refresh_token varchar,
  expires_in integer,
  revoked_at timestamp,
  created_at timestamp NOT NULL,
  scopes varchar,
  application_id bigint REFERENCES oauth_applications ON DELETE CASCADE,
  resource_owner_id bigint REFERENCES users ON DELETE CASCADE,
  last_used_at timestamp,
  last_used_ip inet
);
CREATE UNIQUE INDEX index_oauth_access_tokens_on_token ON oauth_access_tokens (token);
CREATE UNIQUE INDEX index_oauth_access_tokens_on_refresh_token ON oauth_access_tokens (refresh_token text_pattern_ops)
  WHERE refresh_token IS NOT NULL;

CREATE TABLE session_activations (
  id bigserial PRIMARY KEY,
  session_id varchar NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  user_agent varchar DEFAULT '' NOT NULL,
  ip inet,
  access_token_id bigint REFERENCES oauth_access_tokens ON DELETE CASCADE,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  web_push_subscription_id bigint
);
CREATE UNIQUE INDEX index_session_activations_on_session_id ON session_activations (session_id);

CREATE TABLE conversations (
  id bigserial PRIMARY KEY,
  uri varchar,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_conversations_on_uri ON conversations (uri text_pattern_ops) WHERE uri IS NOT NULL;

CREATE SEQUENCE statuses_id_seq;
CREATE TABLE statuses (
  id bigint DEFAULT timestamp_id('statuses'::text) NOT NULL PRIMARY KEY,
  uri varchar,
  text text DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  in_reply_to_id bigint REFERENCES statuses ON DELETE SET NULL,
  reblog_of_id bigint REFERENCES statuses ON DELETE CASCADE,
  url varchar,
  sensitive boolean DEFAULT false NOT NULL,
  visibility integer DEFAULT 0 NOT NULL,
  spoiler_text text DEFAULT '' NOT NULL,
  reply boolean DEFAULT false NOT NULL,
  language varchar,
  conversation_id bigint,
  local boolean,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  application_id bigint,
  in_reply_to_account_id bigint REFERENCES accounts ON DELETE SET NULL,
  poll_id bigint,
  deleted_at timestamp,
  edited_at timestamp,
  trendable boolean,
  ordered_media_attachment_ids bigint[]
);
CREATE INDEX index_statuses_on_account_id ON statuses (account_id);
CREATE INDEX index_statuses_on_deleted_at ON statuses (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX index_statuses_public_20200119 ON statuses (id DESC, account_id)
  WHERE deleted_at IS NULL AND visibility = 0 AND reblog_of_id IS NULL AND (NOT reply OR in_reply_to_account_id = account_id);
CREATE UNIQUE INDEX index_statuses_on_uri ON statuses (uri text_pattern_ops) WHERE uri IS NOT NULL;

CREATE TABLE status_stats (
  id bigserial PRIMARY KEY,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  replies_count bigint DEFAULT 0 NOT NULL,
  reblogs_count bigint DEFAULT 0 NOT NULL,
  favourites_count bigint DEFAULT 0 NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_status_stats_on_status_id ON status_stats (status_id);

CREATE SEQUENCE media_attachments_id_seq;
CREATE TABLE media_attachments (
  id bigint DEFAULT timestamp_id('media_attachments'::text) NOT NULL PRIMARY KEY,
  status_id bigint REFERENCES statuses ON DELETE SET NULL,
  file_file_name varchar,
  file_content_type varchar,
  file_file_size integer,
  file_updated_at timestamp,
  remote_url varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  shortcode varchar,
  type integer DEFAULT 0 NOT NULL,
  file_meta json,
  account_id bigint REFERENCES accounts ON DELETE SET NULL,
  description text,
  scheduled_status_id bigint,
  blurhash varchar,
  processing integer,
  file_storage_schema_version integer,
  thumbnail_file_name varchar,
  thumbnail_content_type varchar,
  thumbnail_file_size integer,
  thumbnail_updated_at timestamp,
  thumbnail_remote_url varchar
);
CREATE INDEX index_media_attachments_on_account_id_and_status_id ON media_attachments (account_id, status_id DESC);
CREATE UNIQUE INDEX index_media_attachments_on_shortcode ON media_attachments (shortcode text_pattern_ops) WHERE shortcode IS NOT NULL;
CREATE INDEX index_media_attachments_on_status_id ON media_attachments (status_id);

CREATE TABLE custom_emoji_categories (
  id bigserial PRIMARY KEY,
  name varchar,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_custom_emoji_categories_on_name ON custom_emoji_categories (name);

CREATE TABLE custom_emojis (
  id bigserial PRIMARY KEY,
  shortcode varchar DEFAULT '' NOT NULL,
  domain varchar,
  image_file_name varchar,
  image_content_type varchar,
  image_file_size integer,
  image_updated_at timestamp,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  disabled boolean DEFAULT false NOT NULL,
  uri varchar,
  image_remote_url varchar,
  visible_in_picker boolean DEFAULT true NOT NULL,
  category_id bigint,
  image_storage_schema_version integer
);
CREATE UNIQUE INDEX index_custom_emojis_on_shortcode_and_domain ON custom_emojis (shortcode, domain);

CREATE TABLE preview_card_providers (
  id bigserial PRIMARY KEY,
  domain varchar DEFAULT '' NOT NULL,
  icon_file_name varchar,
  icon_content_type varchar,
  icon_file_size bigint,
  icon_updated_at timestamp,
  trendable boolean,
  reviewed_at timestamp,
  requested_review_at timestamp,
  created_at timestamp(6) NOT NULL,
  updated_at timestamp(6) NOT NULL
);
CREATE UNIQUE INDEX index_preview_card_providers_on_domain ON preview_card_providers (domain);

CREATE TABLE preview_cards (
  id bigserial PRIMARY KEY,
  url varchar DEFAULT '' NOT NULL,
  title varchar DEFAULT '' NOT NULL,
  description varchar DEFAULT '' NOT NULL,
  image_file_name varchar,
  image_content_type varchar,
  image_file_size integer,
  image_updated_at timestamp,
  type integer DEFAULT 0 NOT NULL,
  html text DEFAULT '' NOT NULL,
  author_name varchar DEFAULT '' NOT NULL,
  author_url varchar DEFAULT '' NOT NULL,
  provider_name varchar DEFAULT '' NOT NULL,
  provider_url varchar DEFAULT '' NOT NULL,
  width integer DEFAULT 0 NOT NULL,
  height integer DEFAULT 0 NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  embed_url varchar DEFAULT '' NOT NULL,
  image_storage_schema_version integer,
  blurhash varchar,
  language varchar,
  max_score double precision,
  max_score_at timestamp,
  trendable boolean,
  link_type integer,
  published_at timestamp(6),
  image_description varchar DEFAULT '' NOT NULL,
  author_account_id bigint REFERENCES accounts ON DELETE SET NULL
);
CREATE UNIQUE INDEX index_preview_cards_on_url ON preview_cards (url);

CREATE TABLE preview_cards_statuses (
  preview_card_id bigint NOT NULL,
  status_id bigint NOT NULL,
  url varchar,
  PRIMARY KEY (status_id, preview_card_id)
);

CREATE TABLE site_uploads (
  id bigserial PRIMARY KEY,
  var varchar DEFAULT '' NOT NULL,
  file_file_name varchar,
  file_content_type varchar,
  file_file_size integer,
  file_updated_at timestamp,
  meta json,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  blurhash varchar
);
CREATE UNIQUE INDEX index_site_uploads_on_var ON site_uploads (var);

CREATE TABLE backups (
  id bigserial PRIMARY KEY,
  user_id bigint REFERENCES users ON DELETE SET NULL,
  dump_file_name varchar,
  dump_content_type varchar,
  dump_updated_at timestamp,
  processed boolean DEFAULT false NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  dump_file_size bigint
);
CREATE INDEX index_backups_on_user_id ON backups (user_id);

-- What 4.2 and older kept of uploaded lists; nothing fills it any more.
CREATE TABLE imports (
  id bigserial PRIMARY KEY,
  type integer NOT NULL,
  approved boolean DEFAULT false NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  data_file_name varchar,
  data_content_type varchar,
  data_file_size integer,
  data_updated_at timestamp,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  overwrite boolean DEFAULT false NOT NULL
);

CREATE TABLE settings (
  id bigserial PRIMARY KEY,
  var varchar NOT NULL,
  value text,
  thing_type varchar,
  created_at timestamp,
  updated_at timestamp,
  thing_id bigint
);
CREATE UNIQUE INDEX index_settings_on_thing_type_and_thing_id_and_var ON settings (thing_type, thing_id, var);

CREATE TABLE rules (
  id bigserial PRIMARY KEY,
  priority integer DEFAULT 0 NOT NULL,
  deleted_at timestamp,
  text text DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  hint text DEFAULT '' NOT NULL
);

CREATE TABLE follows (
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
CREATE UNIQUE INDEX index_follows_on_account_id_and_target_account_id ON follows (account_id, target_account_id);
CREATE INDEX index_follows_on_target_account_id_and_account_id ON follows (target_account_id, account_id);

CREATE TABLE blocks (
  id bigserial PRIMARY KEY,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  target_account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  uri varchar
);
CREATE UNIQUE INDEX index_blocks_on_account_id_and_target_account_id ON blocks (account_id, target_account_id);

CREATE TABLE mutes (
  id bigserial PRIMARY KEY,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  hide_notifications boolean DEFAULT true NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  target_account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  expires_at timestamp
);
CREATE UNIQUE INDEX index_mutes_on_account_id_and_target_account_id ON mutes (account_id, target_account_id);

CREATE TABLE favourites (
  id bigserial PRIMARY KEY,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE
);
CREATE UNIQUE INDEX index_favourites_on_account_id_and_status_id ON favourites (account_id, status_id);

CREATE TABLE tags (
  id bigserial PRIMARY KEY,
  name varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  usable boolean,
  trendable boolean,
  listable boolean,
  reviewed_at timestamp,
  requested_review_at timestamp,
  last_status_at timestamp,
  max_score double precision,
  max_score_at timestamp,
  display_name varchar
);
CREATE UNIQUE INDEX index_tags_on_name_lower_btree ON tags (lower(name) text_pattern_ops);

CREATE TABLE statuses_tags (
  status_id bigint NOT NULL REFERENCES statuses ON DELETE CASCADE,
  tag_id bigint NOT NULL REFERENCES tags ON DELETE CASCADE,
  PRIMARY KEY (tag_id, status_id)
);

CREATE TABLE domain_blocks (
  id bigserial PRIMARY KEY,
  domain varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  severity integer DEFAULT 0,
  reject_media boolean DEFAULT false NOT NULL,
  reject_reports boolean DEFAULT false NOT NULL,
  private_comment text,
  public_comment text,
  obfuscate boolean DEFAULT false NOT NULL
);
CREATE UNIQUE INDEX index_domain_blocks_on_domain ON domain_blocks (domain);

CREATE TABLE unavailable_domains (
  id bigserial PRIMARY KEY,
  domain varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_unavailable_domains_on_domain ON unavailable_domains (domain);

CREATE TABLE domain_allows (
  id bigserial PRIMARY KEY,
  domain varchar DEFAULT '' NOT NULL,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL
);
CREATE UNIQUE INDEX index_domain_allows_on_domain ON domain_allows (domain);

CREATE MATERIALIZED VIEW instances AS
  SELECT domain, count(account_id) AS accounts_count
  FROM (
    SELECT domain, id AS account_id FROM accounts WHERE domain IS NOT NULL
    UNION ALL
    SELECT domain, NULL FROM domain_blocks
    UNION ALL
    SELECT domain, NULL FROM domain_allows
  ) known
  GROUP BY domain;
CREATE UNIQUE INDEX index_instances_on_domain ON instances (domain);
CREATE INDEX index_instances_on_reverse_domain ON instances (reverse('.'::text || domain::text), domain);

-- Ours, not Mastodon's: what other servers delivered, so that a test can count it.
CREATE TABLE standin_inbox (
  id bigserial PRIMARY KEY,
  received_at timestamptz DEFAULT now() NOT NULL,
  path text NOT NULL,
  signature text,
  activity jsonb NOT NULL
);
