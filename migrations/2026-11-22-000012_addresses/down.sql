DROP INDEX people_email_prefix, operation_steps_failed, operations_state, instances_live, instances_slug, instances_domain;
DROP TABLE public_faces, address_looks;
