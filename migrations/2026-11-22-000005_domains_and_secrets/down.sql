DROP TABLE owner_bootstrap, identity_secrets, data_keys, domains;
