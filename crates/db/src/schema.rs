// @generated from the migrations: `HOWDAH_WRITE_SCHEMA=1 cargo test -p howdah-db --test schema` writes it anew.

diesel::table! {
    accounts (id) {
        id -> Uuid,
        kind -> Text,
        name -> Text,
        servers_allowed -> Nullable<Int4>,
        created_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    address_looks (instance_id) {
        instance_id -> Uuid,
        looked -> Jsonb,
        kept -> Jsonb,
        looked_at -> Timestamptz,
        asked_at -> Nullable<Timestamptz>,
        waiting_since -> Nullable<Timestamptz>,
        well_since -> Nullable<Timestamptz>,
        first_well_at -> Nullable<Timestamptz>,
        reminders -> Int2,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Uuid,
        account_id -> Uuid,
        person_id -> Uuid,
        name -> Text,
        token_digest -> Bytea,
        scopes -> Array<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    attempts (what, subject) {
        what -> Text,
        subject -> Bytea,
        began_at -> Timestamptz,
        count -> Int4,
    }
}

diesel::table! {
    audit_anchored_heads (chain_id, seq) {
        chain_id -> Uuid,
        seq -> Int8,
        number -> Int8,
    }
}

diesel::table! {
    audit_anchors (number) {
        number -> Int8,
        anchored_at -> Timestamptz,
        root -> Bytea,
    }
}

diesel::table! {
    audit_details (chain_id, seq) {
        chain_id -> Uuid,
        seq -> Int8,
        key -> Bytea,
        details -> Text,
    }
}

diesel::table! {
    audit_entries (chain_id, seq) {
        chain_id -> Uuid,
        seq -> Int8,
        at -> Timestamptz,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Nullable<Uuid>,
        details_digest -> Bytea,
        previous_hash -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_heads (chain_id) {
        chain_id -> Uuid,
        seq -> Int8,
        hash -> Bytea,
    }
}

diesel::table! {
    billing_checkouts (id) {
        id -> Text,
        instance_id -> Uuid,
        operation_id -> Uuid,
        url -> Text,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    billing_customers (id) {
        id -> Text,
        account_id -> Uuid,
        currency -> Nullable<Text>,
        created_at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
        reads_begun -> Int8,
        read_folded -> Int8,
        replaced_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    billing_events (id) {
        id -> Text,
        kind -> Text,
        source -> Text,
        created_at -> Timestamptz,
        received_at -> Timestamptz,
        payload -> Text,
        handled_at -> Nullable<Timestamptz>,
        outcome -> Nullable<Text>,
    }
}

diesel::table! {
    billing_notices (instance_id, since, notice) {
        instance_id -> Uuid,
        since -> Timestamptz,
        notice -> Text,
        told_at -> Timestamptz,
    }
}

diesel::table! {
    billing_operations (id) {
        id -> Uuid,
        account_id -> Uuid,
        instance_id -> Nullable<Uuid>,
        kind -> Text,
        wanted -> Jsonb,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        made -> Nullable<Text>,
        failed -> Nullable<Text>,
    }
}

diesel::table! {
    billing_runs (kind) {
        kind -> Text,
        ran_at -> Timestamptz,
    }
}

diesel::table! {
    clusters (id) {
        id -> Uuid,
        name -> Text,
        placement -> Text,
        capacity -> Int4,
        is_default -> Bool,
        seen_at -> Nullable<Timestamptz>,
        unreachable_since -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    data_keys (instance_id) {
        instance_id -> Uuid,
        kek_id -> Text,
        wrapped -> Bytea,
        created_at -> Timestamptz,
        wrapped_at -> Timestamptz,
    }
}

diesel::table! {
    database_servers (id) {
        id -> Uuid,
        name -> Text,
        capacity -> Int4,
        is_default -> Bool,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    domains (id) {
        id -> Uuid,
        account_id -> Uuid,
        name -> Text,
        proof_token -> Text,
        proven_at -> Nullable<Timestamptz>,
        checked_at -> Nullable<Timestamptz>,
        last_records -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    export_buckets (export_id) {
        export_id -> Uuid,
        endpoint -> Text,
        region -> Text,
        bucket -> Text,
        prefix -> Text,
        virtual_hosted -> Bool,
        kek_id -> Nullable<Text>,
        wrapped -> Nullable<Bytea>,
        sealed -> Nullable<Bytea>,
    }
}

diesel::table! {
    export_schedules (instance_id) {
        instance_id -> Uuid,
        every -> Text,
        keep -> Int2,
        due_at -> Timestamptz,
        set_at -> Timestamptz,
    }
}

diesel::table! {
    exports (id) {
        id -> Uuid,
        instance_id -> Uuid,
        operation_id -> Uuid,
        mode -> Text,
        destination -> Text,
        recipients -> Text,
        progress -> Nullable<Jsonb>,
        size -> Nullable<Int8>,
        content_digest -> Nullable<Text>,
        kept_until -> Nullable<Timestamptz>,
        deleted_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        recovery_key -> Nullable<Bytea>,
        scheduled_for -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    final_bundles (export_id) {
        export_id -> Uuid,
        operation_id -> Uuid,
        kek_id -> Nullable<Text>,
        wrapped -> Nullable<Bytea>,
        sealed -> Nullable<Bytea>,
    }
}

diesel::table! {
    grants (id) {
        id -> Uuid,
        instance_id -> Uuid,
        granted_by -> Uuid,
        reason -> Text,
        until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    idempotency_keys (holder_id, key) {
        holder_id -> Uuid,
        key -> Text,
        request_digest -> Bytea,
        status -> Int2,
        body -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    identity_secrets (instance_id, kind, version) {
        instance_id -> Uuid,
        kind -> Text,
        version -> Int4,
        sealed -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    import_pulls (import_id) {
        import_id -> Uuid,
        source -> Text,
        cluster -> Nullable<Text>,
        state -> Text,
        key_sha256 -> Bytea,
        kek_id -> Nullable<Text>,
        wrapped -> Nullable<Bytea>,
        sealed -> Nullable<Bytea>,
        files -> Int8,
        bytes -> Int8,
        told_at -> Nullable<Timestamptz>,
        sentence -> Nullable<Text>,
        begun_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    imports (id) {
        id -> Uuid,
        account_id -> Uuid,
        instance_id -> Nullable<Uuid>,
        source -> Text,
        prefix -> Text,
        seen -> Nullable<Jsonb>,
        seen_at -> Nullable<Timestamptz>,
        manifest_sha256 -> Nullable<Text>,
        pass -> Int4,
        accepted_at -> Nullable<Timestamptz>,
        kept_until -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        counted_bytes -> Int8,
        offered_bytes -> Int8,
        offered_at -> Nullable<Timestamptz>,
        preflight_sha256 -> Nullable<Text>,
    }
}

diesel::table! {
    incidents (id) {
        id -> Uuid,
        happened_at -> Timestamptz,
        person_id -> Nullable<Uuid>,
        method -> Text,
        path -> Text,
        cause -> Text,
    }
}

diesel::table! {
    instance_billing (instance_id) {
        instance_id -> Uuid,
        subscription_id -> Nullable<Text>,
        days_until_due -> Nullable<Int4>,
        cancels_at -> Nullable<Timestamptz>,
        suspended_at -> Nullable<Timestamptz>,
        folded_at -> Timestamptz,
    }
}

diesel::table! {
    instance_observations (instance_id) {
        instance_id -> Uuid,
        present -> Bool,
        observed_revision -> Nullable<Int8>,
        resource_version -> Nullable<Text>,
        status -> Jsonb,
        observed_at -> Timestamptz,
        version -> Nullable<Text>,
        usage -> Nullable<Jsonb>,
        met -> Jsonb,
    }
}

diesel::table! {
    instance_syncs (instance_id) {
        instance_id -> Uuid,
        revision -> Int8,
        reason -> Nullable<Text>,
        detail -> Nullable<Text>,
        tried_at -> Timestamptz,
        torn_down_uid -> Nullable<Text>,
        divergence -> Nullable<Jsonb>,
    }
}

diesel::table! {
    instances (id) {
        id -> Uuid,
        account_id -> Uuid,
        slug -> Text,
        domain -> Text,
        web_domain -> Text,
        media_domain -> Text,
        on_platform_domain -> Bool,
        plan -> Text,
        version -> Text,
        image_mastodon -> Text,
        image_streaming -> Text,
        desired_kind -> Text,
        desired_hold -> Nullable<Text>,
        desired_deletion -> Nullable<Text>,
        desired_after -> Nullable<Timestamptz>,
        standing_kind -> Text,
        standing_until -> Nullable<Timestamptz>,
        standing_since -> Nullable<Timestamptz>,
        standing_by -> Nullable<Text>,
        revision -> Int8,
        cluster_id -> Uuid,
        database_server_id -> Uuid,
        object_store_id -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        launched_at -> Nullable<Timestamptz>,
        first_answered_at -> Nullable<Timestamptz>,
        farewell_began_at -> Nullable<Timestamptz>,
        teardown_began_at -> Nullable<Timestamptz>,
        tombstoned_at -> Nullable<Timestamptz>,
        final_bundle_declined_at -> Nullable<Timestamptz>,
        handed_over_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        account_id -> Uuid,
        email -> Text,
        role -> Text,
        invited_by -> Uuid,
        token_digest -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        accepted_at -> Nullable<Timestamptz>,
        withdrawn_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    invoices (id) {
        id -> Text,
        customer_id -> Text,
        subscription_id -> Nullable<Text>,
        number -> Nullable<Text>,
        status -> Text,
        days_until_due -> Nullable<Int4>,
        currency -> Text,
        total -> Int8,
        tax -> Int8,
        remaining -> Int8,
        attempts -> Int4,
        next_attempt_at -> Nullable<Timestamptz>,
        due_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        lines -> Jsonb,
        page -> Nullable<Text>,
        pdf -> Nullable<Text>,
        read_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_entries (id) {
        id -> Int8,
        object -> Text,
        happened -> Text,
        account -> Text,
        currency -> Text,
        amount -> Int8,
        customer_id -> Text,
        instance_id -> Nullable<Uuid>,
        at -> Timestamptz,
    }
}

diesel::table! {
    mail_outbox (id) {
        id -> Uuid,
        purpose -> Text,
        person_id -> Nullable<Uuid>,
        recipient -> Text,
        subject -> Text,
        text_body -> Text,
        html_body -> Nullable<Text>,
        attempts -> Int4,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
        link -> Nullable<Text>,
        instance_id -> Nullable<Uuid>,
        link_version -> Nullable<Int4>,
        dropped_at -> Nullable<Timestamptz>,
        dropped_reason -> Nullable<Text>,
    }
}

diesel::table! {
    memberships (account_id, person_id) {
        account_id -> Uuid,
        person_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    moves_out (instance_id) {
        instance_id -> Uuid,
        media_redirect -> Nullable<Text>,
        bundle_verified_at -> Nullable<Timestamptz>,
        moved_out_at -> Nullable<Timestamptz>,
        moved_out_until -> Nullable<Timestamptz>,
        bundle_looked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    name_claims (name) {
        name -> Text,
        instance_id -> Uuid,
        claimed_at -> Timestamptz,
    }
}

diesel::table! {
    object_stores (id) {
        id -> Uuid,
        name -> Text,
        capacity -> Int4,
        is_default -> Bool,
        created_at -> Timestamptz,
        retired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    operation_steps (operation_id, position) {
        operation_id -> Uuid,
        position -> Int2,
        name -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        detail -> Nullable<Text>,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    operations (id) {
        id -> Uuid,
        instance_id -> Uuid,
        kind -> Text,
        lane -> Text,
        state -> Text,
        requested_by -> Nullable<Uuid>,
        failed_step -> Nullable<Text>,
        failed_reason -> Nullable<Text>,
        failed_detail -> Nullable<Text>,
        revision -> Int8,
        created_at -> Timestamptz,
        started_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    orphans (cluster_id, kind, name) {
        cluster_id -> Uuid,
        kind -> Text,
        name -> Text,
        found_at -> Timestamptz,
    }
}

diesel::table! {
    owner_bootstrap (instance_id) {
        instance_id -> Uuid,
        username -> Text,
        email -> Text,
        version -> Int4,
        sealed_token -> Bytea,
        issued_at -> Timestamptz,
        applied_at -> Nullable<Timestamptz>,
        shown_at -> Nullable<Timestamptz>,
        asked_by -> Nullable<Uuid>,
        failed_reason -> Nullable<Text>,
    }
}

diesel::table! {
    passkey_ceremonies (token_digest) {
        token_digest -> Bytea,
        purpose -> Text,
        person_id -> Nullable<Uuid>,
        state -> Jsonb,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    passkeys (id) {
        id -> Uuid,
        person_id -> Uuid,
        credential_id -> Bytea,
        credential -> Jsonb,
        name -> Text,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    people (id) {
        id -> Uuid,
        email -> Text,
        name -> Text,
        is_operator -> Bool,
        password_hash -> Nullable<Text>,
        created_at -> Timestamptz,
        erased_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    person_links (id) {
        id -> Uuid,
        purpose -> Text,
        person_id -> Nullable<Uuid>,
        email -> Text,
        token_digest -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    probes (instance_id) {
        instance_id -> Uuid,
        leads_here -> Bool,
        reason -> Text,
        detail -> Nullable<Text>,
        probed_at -> Timestamptz,
    }
}

diesel::table! {
    public_faces (instance_id) {
        instance_id -> Uuid,
        rules -> Int4,
        has_own_privacy -> Bool,
        registrations -> Text,
        rules_at -> Nullable<Timestamptz>,
        privacy_at -> Nullable<Timestamptz>,
        registrations_at -> Nullable<Timestamptz>,
        looked_at -> Timestamptz,
    }
}

diesel::table! {
    reconciliations (id) {
        id -> Uuid,
        began_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        compared -> Int8,
        differences -> Jsonb,
    }
}

diesel::table! {
    recovery_codes (person_id, digest) {
        person_id -> Uuid,
        digest -> Bytea,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    second_factors (person_id) {
        person_id -> Uuid,
        kek_id -> Text,
        wrapped -> Bytea,
        sealed -> Bytea,
        created_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        last_step -> Nullable<Int8>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        person_id -> Uuid,
        token_digest -> Bytea,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        account_id -> Uuid,
        authenticated_at -> Timestamptz,
    }
}

diesel::table! {
    settings (id) {
        id -> Bool,
        new_servers -> Text,
        new_servers_sentence -> Text,
        servers_per_account -> Int4,
        support_address -> Nullable<Text>,
        grant_every_launch -> Bool,
        revision -> Int8,
        updated_at -> Timestamptz,
        sign_ups -> Nullable<Text>,
    }
}

diesel::table! {
    sign_in_challenges (token_digest) {
        token_digest -> Bytea,
        person_id -> Uuid,
        password_digest -> Bytea,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sign_ups (id) {
        id -> Uuid,
        email -> Text,
        name -> Text,
        account_name -> Text,
        password_hash -> Nullable<Text>,
        token_digest -> Bytea,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        confirmed_at -> Nullable<Timestamptz>,
        decision -> Nullable<Text>,
        decided_at -> Nullable<Timestamptz>,
        decided_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    spending_caps (instance_id) {
        instance_id -> Uuid,
        currency -> Text,
        amount -> Int8,
        set_at -> Timestamptz,
    }
}

diesel::table! {
    subscriptions (id) {
        id -> Text,
        customer_id -> Text,
        instance_id -> Nullable<Uuid>,
        status -> Text,
        days_until_due -> Nullable<Int4>,
        currency -> Text,
        period_start -> Timestamptz,
        period_end -> Timestamptz,
        trial_end -> Nullable<Timestamptz>,
        cancel_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        items -> Jsonb,
        read_at -> Timestamptz,
    }
}

diesel::table! {
    usage_charges (id) {
        id -> Uuid,
        instance_id -> Uuid,
        subscription_id -> Text,
        class -> Text,
        period_start -> Timestamptz,
        period_end -> Timestamptz,
        gib_hours -> Int8,
        currency -> Text,
        amount -> Int8,
        capped -> Int8,
        created_at -> Timestamptz,
        invoice_id -> Nullable<Text>,
        invoice_item_id -> Nullable<Text>,
    }
}

diesel::table! {
    usage_hours (instance_id, hour) {
        instance_id -> Uuid,
        hour -> Timestamptz,
        own_media_bytes -> Int8,
        cached_media_bytes -> Int8,
        database_bytes -> Int8,
        users -> Int4,
        plan -> Text,
    }
}

diesel::joinable!(address_looks -> instances (instance_id));
diesel::joinable!(audit_anchored_heads -> audit_anchors (number));
diesel::joinable!(audit_entries -> audit_heads (chain_id));
diesel::joinable!(billing_checkouts -> billing_operations (operation_id));
diesel::joinable!(billing_checkouts -> instances (instance_id));
diesel::joinable!(billing_customers -> accounts (account_id));
diesel::joinable!(billing_notices -> instances (instance_id));
diesel::joinable!(billing_operations -> accounts (account_id));
diesel::joinable!(billing_operations -> instances (instance_id));
diesel::joinable!(data_keys -> instances (instance_id));
diesel::joinable!(domains -> accounts (account_id));
diesel::joinable!(export_buckets -> exports (export_id));
diesel::joinable!(export_schedules -> instances (instance_id));
diesel::joinable!(exports -> instances (instance_id));
diesel::joinable!(exports -> operations (operation_id));
diesel::joinable!(final_bundles -> exports (export_id));
diesel::joinable!(final_bundles -> operations (operation_id));
diesel::joinable!(grants -> instances (instance_id));
diesel::joinable!(grants -> people (granted_by));
diesel::joinable!(identity_secrets -> instances (instance_id));
diesel::joinable!(import_pulls -> imports (import_id));
diesel::joinable!(imports -> accounts (account_id));
diesel::joinable!(imports -> instances (instance_id));
diesel::joinable!(incidents -> people (person_id));
diesel::joinable!(instance_billing -> instances (instance_id));
diesel::joinable!(instance_observations -> instances (instance_id));
diesel::joinable!(instance_syncs -> instances (instance_id));
diesel::joinable!(instances -> accounts (account_id));
diesel::joinable!(instances -> clusters (cluster_id));
diesel::joinable!(instances -> database_servers (database_server_id));
diesel::joinable!(instances -> object_stores (object_store_id));
diesel::joinable!(invitations -> accounts (account_id));
diesel::joinable!(invitations -> people (invited_by));
diesel::joinable!(invoices -> billing_customers (customer_id));
diesel::joinable!(ledger_entries -> instances (instance_id));
diesel::joinable!(mail_outbox -> instances (instance_id));
diesel::joinable!(mail_outbox -> people (person_id));
diesel::joinable!(memberships -> accounts (account_id));
diesel::joinable!(memberships -> people (person_id));
diesel::joinable!(moves_out -> instances (instance_id));
diesel::joinable!(name_claims -> instances (instance_id));
diesel::joinable!(operation_steps -> operations (operation_id));
diesel::joinable!(operations -> instances (instance_id));
diesel::joinable!(operations -> people (requested_by));
diesel::joinable!(orphans -> clusters (cluster_id));
diesel::joinable!(owner_bootstrap -> instances (instance_id));
diesel::joinable!(owner_bootstrap -> people (asked_by));
diesel::joinable!(passkey_ceremonies -> people (person_id));
diesel::joinable!(passkeys -> people (person_id));
diesel::joinable!(person_links -> people (person_id));
diesel::joinable!(probes -> instances (instance_id));
diesel::joinable!(public_faces -> instances (instance_id));
diesel::joinable!(recovery_codes -> people (person_id));
diesel::joinable!(second_factors -> people (person_id));
diesel::joinable!(sessions -> people (person_id));
diesel::joinable!(sign_in_challenges -> people (person_id));
diesel::joinable!(sign_ups -> people (decided_by));
diesel::joinable!(spending_caps -> instances (instance_id));
diesel::joinable!(subscriptions -> billing_customers (customer_id));
diesel::joinable!(subscriptions -> instances (instance_id));
diesel::joinable!(usage_charges -> instances (instance_id));
diesel::joinable!(usage_hours -> instances (instance_id));

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    address_looks,
    api_tokens,
    attempts,
    audit_anchored_heads,
    audit_anchors,
    audit_details,
    audit_entries,
    audit_heads,
    billing_checkouts,
    billing_customers,
    billing_events,
    billing_notices,
    billing_operations,
    billing_runs,
    clusters,
    data_keys,
    database_servers,
    domains,
    export_buckets,
    export_schedules,
    exports,
    final_bundles,
    grants,
    idempotency_keys,
    identity_secrets,
    import_pulls,
    imports,
    incidents,
    instance_billing,
    instance_observations,
    instance_syncs,
    instances,
    invitations,
    invoices,
    ledger_entries,
    mail_outbox,
    memberships,
    moves_out,
    name_claims,
    object_stores,
    operation_steps,
    operations,
    orphans,
    owner_bootstrap,
    passkey_ceremonies,
    passkeys,
    people,
    person_links,
    probes,
    public_faces,
    reconciliations,
    recovery_codes,
    second_factors,
    sessions,
    settings,
    sign_in_challenges,
    sign_ups,
    spending_caps,
    subscriptions,
    usage_charges,
    usage_hours,
);
