ALTER TABLE moves_out DROP COLUMN bundle_looked_at;
