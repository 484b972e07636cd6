ALTER TABLE instance_syncs DROP COLUMN divergence;
