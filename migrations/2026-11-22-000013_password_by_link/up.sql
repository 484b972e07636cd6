-- Whoever opens the link of a sign-up chooses the password: before that there is none. Earlier releases keep the one of whoever
-- asked until then; using the link writes over it.
ALTER TABLE sign_ups
    DROP CONSTRAINT sign_ups_decided,
    ADD CONSTRAINT sign_ups_decided CHECK (
        (decision IS NULL) = (decided_at IS NULL)
        AND (decision IS NULL OR password_hash IS NULL)
        AND (decision IS NOT NULL OR confirmed_at IS NULL OR password_hash IS NOT NULL)
        AND (confirmed_at IS NOT NULL OR decision IS NULL)
    );
