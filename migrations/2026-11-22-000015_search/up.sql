-- A part of a domain is found without looking at every server. Names are written once, and searched often: no list of what is still to
-- be put in the index, which each search would have to read.
CREATE INDEX instances_names ON instances USING gin (domain gin_trgm_ops, web_domain gin_trgm_ops) WITH (fastupdate = off);
