-- Log-outs at a tenant that go on at the identity provider: where the browser goes there, and where afterwards.

CREATE TABLE logouts (
    -- Digest of the state that the identity provider hands back.
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- Where it logs out at the identity provider, with the ID token as a hint: sealed.
    leave_to TEXT NOT NULL,
    -- Where it goes from there; null: to a page that says so.
    return_to TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX logouts_tenant ON logouts (tenant_id);
CREATE INDEX logouts_expires ON logouts (expires_at);
