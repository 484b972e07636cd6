DROP INDEX instances_names;
