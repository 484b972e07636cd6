-- What is kept of a server that leaves: an export that the platform begins by itself.

CREATE TABLE final_bundles (
    export_id    uuid PRIMARY KEY REFERENCES exports,
    -- What it is made for: the server leaves by this.
    operation_id uuid NOT NULL REFERENCES operations,
    -- A key that was made for it, where its owners had none of their own, until the bundle goes: its data key, wrapped by this
    -- key-encryption key, which is not in the database, and what is sealed with that.
    kek_id       text CHECK (length(kek_id) BETWEEN 1 AND 64),
    wrapped      bytea CHECK (octet_length(wrapped) = 72),
    sealed       bytea CHECK (octet_length(sealed) BETWEEN 41 AND 256),
    CONSTRAINT final_bundles_key CHECK ((kek_id IS NULL) = (wrapped IS NULL) AND (kek_id IS NULL) = (sealed IS NULL))
);
CREATE INDEX final_bundles_operation ON final_bundles (operation_id);
CREATE INDEX final_bundles_kek ON final_bundles (kek_id);

-- When an owner closed it and wanted none.
ALTER TABLE instances ADD COLUMN final_bundle_declined_at timestamptz;
