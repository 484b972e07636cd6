-- What `db:seed` makes, again and again without harm: the roles, the web application.
INSERT INTO user_roles (id, name, color, position, permissions, highlighted, created_at, updated_at)
  VALUES (-99, '', '', -1, 65536, false, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc')
  ON CONFLICT (id) DO NOTHING;
INSERT INTO user_roles (name, position, permissions, highlighted, created_at, updated_at)
  SELECT role.name, role.position, role.permissions, true, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc'
  FROM (VALUES ('Moderator', 10, 1308), ('Admin', 100, 983036), ('Owner', 1000, 1)) AS role (name, position, permissions)
  WHERE NOT EXISTS (SELECT FROM user_roles known WHERE known.name = role.name);
INSERT INTO oauth_applications (name, uid, secret, redirect_uri, scopes, superapp, created_at, updated_at)
  SELECT 'Web', md5(random()::text) || md5(random()::text), md5(random()::text) || md5(random()::text),
         'urn:ietf:wg:oauth:2.0:oob', 'read write follow push', true, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc'
  WHERE NOT EXISTS (SELECT FROM oauth_applications WHERE superapp);
