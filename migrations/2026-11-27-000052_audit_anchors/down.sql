DROP TABLE audit_anchored_heads, audit_anchors;
