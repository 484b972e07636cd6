-- A move out that is taken back leaves no row: who has one, and is removed then, stays stopped.

DELETE FROM moves_out USING instances
WHERE id = instance_id AND (desired_kind <> 'deleted' OR desired_deletion = 'close');
