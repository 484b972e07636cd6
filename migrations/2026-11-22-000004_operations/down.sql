DROP TABLE operation_steps, operations;
