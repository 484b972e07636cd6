-- A server of which the cluster has a newer revision than the record: both specs, for an operator to decide between.

ALTER TABLE instance_syncs ADD COLUMN divergence jsonb;
