DROP TABLE orphans;
DROP TABLE instance_syncs;
