-- When a final bundle was looked into last, whatever was found: those that don't hold are looked into again after all others.

ALTER TABLE moves_out ADD COLUMN bundle_looked_at timestamptz;
