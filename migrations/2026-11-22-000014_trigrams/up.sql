-- For searches by a part of a name. Of PostgreSQL's own contrib modules; a database's owner may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
