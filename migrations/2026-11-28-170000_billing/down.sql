DROP TABLE billing_runs, instance_billing, reconciliations, grants, spending_caps, billing_notices, ledger_entries, usage_charges, usage_hours, billing_events, invoices,
    subscriptions, billing_checkouts, billing_operations, billing_customers;
DROP FUNCTION ledger_is_only_added_to();
