-- The service has keys for SAML itself, beside its tenants.
CREATE TABLE all_saml_keys (
    id VARCHAR(64) PRIMARY KEY,
    -- Null: the service's own.
    tenant_id VARCHAR(64) REFERENCES tenants (id) ON DELETE CASCADE,
    -- In DER, as base64.
    certificate TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- From when it signs. It is published before, and assertions are decrypted by it as long as it is here.
    active_at BIGINT NOT NULL,
    -- Until when it is published, once a later one has been made.
    retired_at BIGINT
);
INSERT INTO all_saml_keys (id, tenant_id, certificate, created_at, active_at, retired_at)
    SELECT id, tenant_id, certificate, created_at, active_at, retired_at FROM saml_keys;
DROP TABLE saml_keys;
ALTER TABLE all_saml_keys RENAME TO saml_keys;
CREATE INDEX saml_keys_tenant ON saml_keys (tenant_id);

-- What an identity provider that speaks SAML calls itself: one that sends somebody without having been asked is found by it.
ALTER TABLE connections ADD COLUMN entity_id VARCHAR(1024);
CREATE INDEX connections_entity ON connections (entity_id);

-- What another identity source calls a user who exists by themselves (Huawei's `xuser_id`); empty for none.
ALTER TABLE users ADD COLUMN external_id VARCHAR(255) NOT NULL DEFAULT '';
CREATE INDEX users_external ON users (domain_id, external_id) WHERE external_id <> '';
