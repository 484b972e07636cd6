-- The views of Mastodon 4.3: which languages people post in, who is worth following, and from which addresses people came. The first two
-- are materialized, and tables from 4.7 on.

CREATE MATERIALIZED VIEW account_summaries AS
  SELECT account.id AS account_id,
         mode() WITHIN GROUP (ORDER BY latest.language) AS language,
         mode() WITHIN GROUP (ORDER BY latest.sensitive) AS sensitive
  FROM accounts account
  CROSS JOIN LATERAL (
    SELECT language, sensitive FROM statuses
    WHERE account_id = account.id AND deleted_at IS NULL AND reblog_of_id IS NULL
    ORDER BY id DESC LIMIT 20
  ) latest
  WHERE account.discoverable AND NOT account.locked
    AND account.suspended_at IS NULL AND account.silenced_at IS NULL AND account.moved_to_account_id IS NULL
  GROUP BY account.id;
CREATE UNIQUE INDEX index_account_summaries_on_account_id ON account_summaries (account_id);
CREATE INDEX idx_on_account_id_language_sensitive_250461e1eb ON account_summaries (account_id, language, sensitive);

CREATE MATERIALIZED VIEW global_follow_recommendations AS
  SELECT account_id, sum(rank) AS rank, array_agg(reason) AS reason
  FROM (
    SELECT summary.account_id, count(*) / (1.0 + count(*)) AS rank, 'most_followed'::text AS reason
    FROM account_summaries summary
    JOIN follows ON follows.target_account_id = summary.account_id
    JOIN users ON users.account_id = follows.account_id
    WHERE users.current_sign_in_at >= now() - interval '30 days' AND NOT summary.sensitive
    GROUP BY summary.account_id HAVING count(*) >= 5
    UNION ALL
    SELECT summary.account_id,
           sum(reblogs_count + favourites_count) / (1.0 + sum(reblogs_count + favourites_count)),
           'most_interactions'::text
    FROM account_summaries summary
    JOIN statuses ON statuses.account_id = summary.account_id
    JOIN status_stats ON status_stats.status_id = statuses.id
    WHERE statuses.created_at >= now() - interval '30 days' AND NOT summary.sensitive
    GROUP BY summary.account_id HAVING sum(reblogs_count + favourites_count) >= 5
  ) ranked
  WHERE NOT EXISTS (SELECT FROM follow_recommendation_suppressions hidden WHERE hidden.account_id = ranked.account_id)
  GROUP BY account_id
  ORDER BY sum(rank) DESC;
CREATE UNIQUE INDEX index_global_follow_recommendations_on_account_id ON global_follow_recommendations (account_id);

CREATE VIEW user_ips AS
  SELECT user_id, ip, max(used_at) AS used_at
  FROM (
    SELECT id AS user_id, sign_up_ip AS ip, created_at AS used_at FROM users WHERE sign_up_ip IS NOT NULL
    UNION ALL
    SELECT user_id, ip, updated_at FROM session_activations
    UNION ALL
    SELECT user_id, ip, created_at FROM login_activities WHERE success
  ) used
  GROUP BY user_id, ip;
