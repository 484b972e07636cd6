-- Without a password there is nothing to confirm any more: it has to be asked for again.
DELETE FROM sign_ups WHERE decision IS NULL AND password_hash IS NULL;
ALTER TABLE sign_ups
    DROP CONSTRAINT sign_ups_decided,
    ADD CONSTRAINT sign_ups_decided CHECK (
        (decision IS NULL) = (decided_at IS NULL)
        AND (decision IS NULL) = (password_hash IS NOT NULL)
        AND (confirmed_at IS NOT NULL OR decision IS NULL)
    );
