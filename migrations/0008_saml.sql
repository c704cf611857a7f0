-- What happened first in a sign-in stands in its row until more happens: most of those who are sent away do not come back.
ALTER TABLE sign_ins ADD COLUMN first_step TEXT;
ALTER TABLE sign_ins ADD COLUMN first_request_id VARCHAR(64);
CREATE INDEX sign_ins_first_request ON sign_ins (first_request_id);

-- What a tenant signs SAML requests with, and what assertions are encrypted for; the private half is a secret of its own.
CREATE TABLE saml_keys (
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- In DER, as base64.
    certificate TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- From when it signs. It is published before, and assertions are decrypted by it as long as it is here.
    active_at BIGINT NOT NULL,
    -- Until when it is published, once a later one has been made.
    retired_at BIGINT
);
CREATE INDEX saml_keys_tenant ON saml_keys (tenant_id);
