DROP TABLE probes, instance_observations;
