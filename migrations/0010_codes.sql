-- An authorization code stands in the row of its authorization, which has at most one: a row less to write and to find.

ALTER TABLE authorizations ADD COLUMN code_id VARCHAR(64);
ALTER TABLE authorizations ADD COLUMN code_redirect_uri TEXT;
ALTER TABLE authorizations ADD COLUMN code_challenge VARCHAR(64);
ALTER TABLE authorizations ADD COLUMN code_expires_at BIGINT;
ALTER TABLE authorizations ADD COLUMN code_used_at BIGINT;

-- Codes of a minute or two; those that were used are kept for as long, to notice a second use.
UPDATE authorizations SET
    code_id = (SELECT c.id FROM authorization_codes c WHERE c.authorization_id = authorizations.id),
    code_redirect_uri = (SELECT c.redirect_uri FROM authorization_codes c WHERE c.authorization_id = authorizations.id),
    code_challenge = (SELECT c.code_challenge FROM authorization_codes c WHERE c.authorization_id = authorizations.id),
    code_expires_at = (SELECT c.expires_at FROM authorization_codes c WHERE c.authorization_id = authorizations.id),
    code_used_at = (SELECT c.used_at FROM authorization_codes c WHERE c.authorization_id = authorizations.id)
    WHERE id IN (SELECT authorization_id FROM authorization_codes);
CREATE UNIQUE INDEX authorizations_code ON authorizations (code_id) WHERE code_id IS NOT NULL;
DROP TABLE authorization_codes;
