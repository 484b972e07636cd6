DELETE FROM recovery_codes WHERE person_id NOT IN (SELECT person_id FROM second_factors);
ALTER TABLE recovery_codes
    DROP CONSTRAINT recovery_codes_person_id_fkey,
    ADD CONSTRAINT recovery_codes_person_id_fkey FOREIGN KEY (person_id) REFERENCES second_factors ON DELETE CASCADE;
DROP TABLE passkey_ceremonies, passkeys;
