-- Exports that go to a bucket of the customer's, and, as long as one runs, the keys to it, sealed.

ALTER TABLE exports DROP CONSTRAINT exports_destination_check,
    ADD CONSTRAINT exports_destination_check CHECK (destination IN ('kept', 'bucket'));

CREATE TABLE export_buckets (
    export_id       uuid PRIMARY KEY REFERENCES exports,
    endpoint        text NOT NULL CHECK (length(endpoint) BETWEEN 12 AND 261),
    region          text NOT NULL CHECK (length(region) BETWEEN 1 AND 63),
    bucket          text NOT NULL CHECK (length(bucket) BETWEEN 3 AND 63),
    prefix          text NOT NULL CHECK (length(prefix) <= 200),
    virtual_hosted  boolean NOT NULL,
    -- A data key, wrapped by this key-encryption key, which is not in the database, and what is sealed with that; none once the run has ended.
    kek_id          text CHECK (length(kek_id) BETWEEN 1 AND 64),
    wrapped         bytea CHECK (octet_length(wrapped) = 72),
    sealed          bytea CHECK (octet_length(sealed) BETWEEN 41 AND 2048),
    CONSTRAINT export_buckets_keys CHECK ((kek_id IS NULL) = (wrapped IS NULL) AND (kek_id IS NULL) = (sealed IS NULL))
);
CREATE INDEX export_buckets_kek ON export_buckets (kek_id);
