DROP TABLE audit_details, audit_entries, audit_heads;
DROP FUNCTION refuse_change;
