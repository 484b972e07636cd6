-- A Mastodon server that people have used, as the bundle's benches take it along: `:statuses` posts with what hangs on them, `:attachments`
-- files. Words are drawn, so that what compresses does so as writing does.
SET synchronous_commit = off;
SELECT setseed(0.5);
INSERT INTO accounts (id, username, domain, note, uri, created_at, updated_at)
  SELECT i, 'person' || i, CASE WHEN i > 200 THEN 'b' || i % 500 || '.example' END, md5(i::text), 'https://b.example/' || i, now(), now()
  FROM generate_series(1, 20000) i;
INSERT INTO users (email, account_id, created_at, updated_at)
  SELECT 'person' || i || '@a.example', i, now(), now() FROM generate_series(1, 200) i;
INSERT INTO statuses (id, uri, text, created_at, updated_at, local, account_id, language, url)
  SELECT i, 'https://b.example/users/' || i % 20000 || '/statuses/' || i,
         (SELECT string_agg(substr(md5(word::text), 1, 2 + word % 9), ' ')
          FROM (SELECT floor(power(random(), 3) * 4000)::int AS word FROM generate_series(1, 8 + i % 32)) drawn),
         now(), now(), i % 20 = 0, 1 + i % 20000, 'en', 'https://b.example/@person/' || i
  FROM generate_series(1, :statuses) i;
INSERT INTO status_stats (status_id, favourites_count, created_at, updated_at)
  SELECT i, i % 7, now(), now() FROM generate_series(1, :statuses, 3) i;
INSERT INTO favourites (account_id, status_id, created_at, updated_at)
  SELECT 1 + i % 200, i, now(), now() FROM generate_series(1, :statuses, 2) i;
INSERT INTO mentions (status_id, account_id, created_at, updated_at)
  SELECT i, 1 + i % 200, now(), now() FROM generate_series(1, :statuses, 4) i;
INSERT INTO media_attachments (id, status_id, account_id, file_file_name, file_content_type, file_file_size, created_at, updated_at)
  SELECT i, 1 + i % :statuses, 1 + i % 200, 'x.png', 'image/png', 100000, now(), now() FROM generate_series(1, :attachments) i;
ANALYZE;
