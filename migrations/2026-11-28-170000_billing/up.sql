-- What customers pay: a copy of what the payment provider says, as it was last read, and what we have asked it for. The provider's ids
-- are its own; amounts are in minor units of their currency.

-- An account at the provider. Another currency needs another one, once nothing is subscribed any more.
CREATE TABLE billing_customers (
    id          text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    account_id  uuid NOT NULL REFERENCES accounts,
    -- Of its first subscription.
    currency    text CHECK (currency ~ '^[A-Z]{3}$'),
    created_at  timestamptz NOT NULL,
    -- The last whole read of its subscriptions and invoices.
    read_at     timestamptz,
    -- Reads are numbered before they begin; one that is older than what was folded in last says nothing.
    reads_begun int8 NOT NULL,
    read_folded int8 NOT NULL CHECK (read_folded <= reads_begun),
    replaced_at timestamptz
);
CREATE UNIQUE INDEX billing_customers_live ON billing_customers (account_id) WHERE replaced_at IS NULL;
CREATE INDEX billing_customers_account ON billing_customers (account_id);

-- What is asked of the provider, written down before it is asked: its id is the idempotency key and stands in the metadata.
CREATE TABLE billing_operations (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES accounts,
    instance_id uuid REFERENCES instances,
    kind        text NOT NULL CHECK (kind IN ('customer', 'checkout', 'subscribe', 'change', 'cancel', 'take_back', 'usage')),
    wanted      jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    -- Absent: asked for, perhaps, and not known to have been answered.
    ended_at    timestamptz,
    -- What the provider made, or why it did not.
    made        text,
    failed      text,
    CONSTRAINT billing_operations_end CHECK (ended_at IS NOT NULL OR (made IS NULL AND failed IS NULL))
);
CREATE INDEX billing_operations_open ON billing_operations (created_at) WHERE ended_at IS NULL;
CREATE INDEX billing_operations_instance ON billing_operations (instance_id, created_at DESC);
CREATE INDEX billing_operations_account ON billing_operations (account_id);

-- Pages at the provider where a customer pays. One open page a server.
CREATE TABLE billing_checkouts (
    id          text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    instance_id uuid NOT NULL REFERENCES instances,
    operation_id uuid NOT NULL REFERENCES billing_operations,
    url         text NOT NULL CHECK (length(url) <= 4096),
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    -- `complete` or `expired`.
    outcome     text CHECK (outcome IN ('complete', 'expired'))
);
CREATE UNIQUE INDEX billing_checkouts_open ON billing_checkouts (instance_id) WHERE ended_at IS NULL;
CREATE INDEX billing_checkouts_instance ON billing_checkouts (instance_id);
CREATE INDEX billing_checkouts_operation ON billing_checkouts (operation_id);

CREATE TABLE subscriptions (
    id             text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    customer_id    text NOT NULL REFERENCES billing_customers,
    -- Absent: somebody made it at the provider, and it is no server's.
    instance_id    uuid REFERENCES instances,
    status         text NOT NULL CHECK (status IN (
        'incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'canceled', 'paused')),
    -- Days to pay an invoice that is sent; absent where it is paid by itself.
    days_until_due int4 CHECK (days_until_due >= 0),
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    period_start   timestamptz NOT NULL,
    period_end     timestamptz NOT NULL,
    trial_end      timestamptz,
    cancel_at      timestamptz,
    ended_at       timestamptz,
    created_at     timestamptz NOT NULL,
    -- What is sold, at which price, how often.
    items          jsonb NOT NULL,
    read_at        timestamptz NOT NULL
);
CREATE INDEX subscriptions_instance ON subscriptions (instance_id);
CREATE INDEX subscriptions_customer ON subscriptions (customer_id);

CREATE TABLE invoices (
    id              text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    customer_id     text NOT NULL REFERENCES billing_customers,
    -- Not a foreign key: the provider may tell of an invoice first.
    subscription_id text CHECK (length(subscription_id) <= 255),
    number          text CHECK (length(number) <= 255),
    status          text NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'uncollectible', 'void')),
    days_until_due  int4,
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total           int8 NOT NULL,
    tax             int8 NOT NULL,
    remaining       int8 NOT NULL,
    attempts        int4 NOT NULL,
    next_attempt_at timestamptz,
    due_at          timestamptz,
    created_at      timestamptz NOT NULL,
    lines           jsonb NOT NULL,
    page            text CHECK (length(page) <= 4096),
    pdf             text CHECK (length(pdf) <= 4096),
    read_at         timestamptz NOT NULL
);
CREATE INDEX invoices_customer ON invoices (customer_id, created_at DESC);
CREATE INDEX invoices_subscription ON invoices (subscription_id, created_at DESC);

-- What the provider told us, as it was sent. An event is a hint: what it is of is read anew.
CREATE TABLE billing_events (
    id          text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    kind        text NOT NULL CHECK (length(kind) <= 255),
    -- `webhook`, or `sweep` where it never reached us.
    source      text NOT NULL CHECK (source IN ('webhook', 'sweep')),
    created_at  timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    payload     text NOT NULL CHECK (length(payload) <= 1048576),
    handled_at  timestamptz,
    -- In a sentence, for operators.
    outcome     text CHECK (length(outcome) <= 1000)
);
CREATE INDEX billing_events_unhandled ON billing_events (received_at) WHERE handled_at IS NULL;
CREATE INDEX billing_events_received ON billing_events (received_at DESC);

-- What a server used in an hour, as the operator measured it. Never changed.
CREATE TABLE usage_hours (
    instance_id        uuid NOT NULL REFERENCES instances,
    hour               timestamptz NOT NULL,
    own_media_bytes    int8 NOT NULL CHECK (own_media_bytes >= 0),
    cached_media_bytes int8 NOT NULL CHECK (cached_media_bytes >= 0),
    database_bytes     int8 NOT NULL CHECK (database_bytes >= 0),
    users              int4 NOT NULL CHECK (users >= 0),
    -- What was in effect: its plan and add-ons say what was included.
    plan               text NOT NULL CHECK (length(plan) <= 63),
    PRIMARY KEY (instance_id, hour)
);

-- What a period's hours come to, one row a class. Its id is the idempotency key of its invoice item. Never changed, but for where it went.
CREATE TABLE usage_charges (
    id              uuid PRIMARY KEY,
    instance_id     uuid NOT NULL REFERENCES instances,
    subscription_id text NOT NULL CHECK (length(subscription_id) <= 255),
    class           text NOT NULL CHECK (class IN ('own_media', 'cached_media', 'database')),
    period_start    timestamptz NOT NULL,
    period_end      timestamptz NOT NULL CHECK (period_end > period_start),
    gib_hours       int8 NOT NULL CHECK (gib_hours >= 0),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount          int8 NOT NULL CHECK (amount >= 0),
    -- What the customer's cap took off; `amount` is without it.
    capped          int8 NOT NULL CHECK (capped >= 0),
    created_at      timestamptz NOT NULL,
    invoice_id      text CHECK (length(invoice_id) <= 255),
    invoice_item_id text CHECK (length(invoice_item_id) <= 255),
    UNIQUE (subscription_id, class, period_start)
);
CREATE INDEX usage_charges_instance ON usage_charges (instance_id, period_start);

-- Double entry: what one event of the provider's, or one correction, posts adds up to nothing. Only added to.
CREATE TABLE ledger_entries (
    id          int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The invoice, charge or refund, and what happened to it: posted once.
    object      text NOT NULL CHECK (length(object) <= 255),
    happened    text NOT NULL CHECK (length(happened) <= 40),
    account     text NOT NULL CHECK (length(account) <= 60),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- Debits are positive.
    amount      int8 NOT NULL,
    customer_id text NOT NULL CHECK (length(customer_id) <= 255),
    instance_id uuid REFERENCES instances,
    at          timestamptz NOT NULL,
    UNIQUE (object, happened, account)
);
CREATE INDEX ledger_entries_customer ON ledger_entries (customer_id, id);
CREATE INDEX ledger_entries_instance ON ledger_entries (instance_id);

CREATE FUNCTION ledger_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is only added to: a correction is a new entry';
END
$$;
CREATE TRIGGER ledger_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_only_added_to();

-- What a customer was told of how a server winds down: once each. `since` tells one winding down from the next.
CREATE TABLE billing_notices (
    instance_id uuid NOT NULL REFERENCES instances,
    since       timestamptz NOT NULL,
    notice      text NOT NULL CHECK (length(notice) <= 40),
    told_at     timestamptz NOT NULL,
    PRIMARY KEY (instance_id, since, notice)
);

-- The most that a customer wants to pay for usage beyond the plan, in a period.
CREATE TABLE spending_caps (
    instance_id uuid PRIMARY KEY REFERENCES instances,
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount      int8 NOT NULL CHECK (amount >= 0),
    set_at      timestamptz NOT NULL
);

-- A server that an operator lets run free of charge, and why. Which one is in effect stands in the server's own row.
CREATE TABLE grants (
    id          uuid PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instances,
    granted_by  uuid NOT NULL REFERENCES people,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    until       timestamptz,
    created_at  timestamptz NOT NULL,
    -- Taken back before its end.
    ended_at    timestamptz
);
CREATE INDEX grants_instance ON grants (instance_id, created_at DESC);
CREATE INDEX grants_granted_by ON grants (granted_by);

-- A run of the comparison of provider, record and servers.
CREATE TABLE reconciliations (
    id          uuid PRIMARY KEY,
    began_at    timestamptz NOT NULL,
    ended_at    timestamptz,
    compared    int8 NOT NULL CHECK (compared >= 0),
    -- What differed, and what was done about each.
    differences jsonb NOT NULL
);
CREATE INDEX reconciliations_began ON reconciliations (began_at DESC);

-- What a server's standing is of, beside the standing itself, and written together with it: no row, nothing was ever subscribed.
CREATE TABLE instance_billing (
    instance_id     uuid PRIMARY KEY REFERENCES instances,
    subscription_id text CHECK (length(subscription_id) <= 255),
    -- An invoice that was sent has a grace of its own.
    days_until_due  int4 CHECK (days_until_due >= 0),
    cancels_at      timestamptz,
    -- Billing has it stand still since then.
    suspended_at    timestamptz,
    folded_at       timestamptz NOT NULL
);

-- When what is done by the hour or the day was done last.
CREATE TABLE billing_runs (
    kind   text PRIMARY KEY CHECK (kind IN ('sweep', 'reconcile', 'usage')),
    ran_at timestamptz NOT NULL
);
