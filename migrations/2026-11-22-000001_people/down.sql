DROP TABLE api_tokens, sessions, memberships, accounts, people;
