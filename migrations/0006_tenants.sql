-- Tenants: domains with a slug, their applications, sign-ins, sessions, and what they issue as OAuth 2.0 and OpenID providers.

-- Times are microseconds since 1970, as everywhere; handles, codes and cookies lie here as digests only.
CREATE TABLE tenants (
    -- The domain.
    id VARCHAR(64) PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    slug VARCHAR(63) NOT NULL,
    -- The slug that the issuer names: it stays when the slug changes, so that clients and tokens go on.
    issuer_slug VARCHAR(63) NOT NULL,
    active BOOLEAN NOT NULL,
    settings TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX tenants_created ON tenants (created_at, id);

-- All slugs that lead to a tenant: its own and those that it had.
CREATE TABLE tenant_slugs (
    slug VARCHAR(63) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE
);
CREATE INDEX tenant_slugs_tenant ON tenant_slugs (tenant_id);

CREATE TABLE applications (
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name VARCHAR(255) NOT NULL,
    kind VARCHAR(8) NOT NULL,
    enabled BOOLEAN NOT NULL,
    settings TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX applications_tenant ON applications (tenant_id, created_at, id);

-- Secrets of applications, of which there may be two while one replaces the other. They are random, so a digest will do.
CREATE TABLE application_secrets (
    id VARCHAR(64) PRIMARY KEY,
    application_id VARCHAR(64) NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    digest VARCHAR(64) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX application_secrets_application ON application_secrets (application_id);

-- What a tenant says about an identity provider: its own, or a global one.
CREATE TABLE tenant_identity_providers (
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    settings TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, idp_id)
);
CREATE INDEX tenant_identity_providers_idp ON tenant_identity_providers (idp_id);

-- Global identity providers that are offered only to the tenants that stand here with them: it stays so when the last of
-- these tenants is gone.
ALTER TABLE identity_providers ADD COLUMN restricted BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE offered_identity_providers (
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    PRIMARY KEY (idp_id, tenant_id)
);
CREATE INDEX offered_identity_providers_tenant ON offered_identity_providers (tenant_id);

-- A sign-in that a browser has begun at a tenant. It stays for a day after its end, so that a late answer still finds the
-- application that waits for it.
CREATE TABLE sign_ins (
    -- Digest of the handle that stands in the addresses of pages.
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    stage VARCHAR(16) NOT NULL,
    -- Digest of the cookie that binds it to one browser.
    browser VARCHAR(64) NOT NULL,
    -- What the application asked for; null where no application is involved.
    request TEXT,
    client_id VARCHAR(64),
    -- Digest of the state that the identity provider hands back.
    upstream_state VARCHAR(64),
    idp_id VARCHAR(64),
    protocol_id VARCHAR(64),
    -- What the upstream has to remember, sealed.
    memo TEXT,
    -- What has been found out so far and not yet come to its end (who it is, whom they may be linked with), sealed.
    found TEXT,
    user_id VARCHAR(64),
    session_id VARCHAR(64),
    -- The device that waits for it.
    device_id VARCHAR(64),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    purge_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sign_ins_upstream_state ON sign_ins (upstream_state);
CREATE INDEX sign_ins_purge ON sign_ins (purge_at);
CREATE INDEX sign_ins_tenant ON sign_ins (tenant_id, created_at);

-- What happened in a sign-in, step by step, for whoever has to find out why it failed.
CREATE TABLE sign_in_steps (
    id VARCHAR(64) PRIMARY KEY,
    sign_in_id VARCHAR(64) NOT NULL,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    request_id VARCHAR(64) NOT NULL,
    step VARCHAR(32) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    reason TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX sign_in_steps_sign_in ON sign_in_steps (sign_in_id, at, seq);
CREATE INDEX sign_in_steps_request ON sign_in_steps (request_id);
CREATE INDEX sign_in_steps_tenant ON sign_in_steps (tenant_id, outcome, at);
CREATE INDEX sign_in_steps_at ON sign_in_steps (at);

-- Somebody signed in at a tenant with a browser.
CREATE TABLE sessions (
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id VARCHAR(64) NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Digest of its cookie.
    handle VARCHAR(64) NOT NULL,
    idp_id VARCHAR(64),
    protocol_id VARCHAR(64),
    -- Group ids that the identity provider gave, as JSON.
    group_ids TEXT NOT NULL,
    -- Who they are there: its issuer, its name for them, its session, and the ID token as a hint for logging out (sealed).
    issuer VARCHAR(255),
    subject VARCHAR(255),
    upstream_sid VARCHAR(255),
    upstream_id_token TEXT,
    auth_time BIGINT NOT NULL,
    amr TEXT NOT NULL,
    acr VARCHAR(255),
    remote VARCHAR(64),
    user_agent VARCHAR(255),
    created_at BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    terminated_at BIGINT,
    terminated_reason VARCHAR(32)
);
CREATE UNIQUE INDEX sessions_handle ON sessions (handle);
CREATE INDEX sessions_user ON sessions (user_id, created_at);
CREATE INDEX sessions_tenant ON sessions (tenant_id, created_at, id) WHERE terminated_at IS NULL;
CREATE INDEX sessions_upstream ON sessions (idp_id, upstream_sid);
CREATE INDEX sessions_subject ON sessions (idp_id, subject);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- What a user gave an application: all tokens of one authorization are its. The id is the root of their audit chain.
CREATE TABLE authorizations (
    id VARCHAR(32) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    client_id VARCHAR(64) NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    -- Null for an application that acts for itself.
    user_id VARCHAR(64) REFERENCES users (id) ON DELETE CASCADE,
    session_id VARCHAR(64),
    -- Scopes, audience, nonce, times, methods, groups: what its tokens say, as JSON.
    facts TEXT NOT NULL,
    offline BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_reason VARCHAR(32)
);
CREATE INDEX authorizations_session ON authorizations (session_id);
CREATE INDEX authorizations_user ON authorizations (user_id, client_id);
CREATE INDEX authorizations_client ON authorizations (client_id);
CREATE INDEX authorizations_tenant ON authorizations (tenant_id) WHERE revoked_at IS NULL;
CREATE INDEX authorizations_expires ON authorizations (expires_at);

-- Authorization codes. A row outlives its use, so that a second one is noticed.
CREATE TABLE authorization_codes (
    id VARCHAR(64) PRIMARY KEY,
    authorization_id VARCHAR(32) NOT NULL REFERENCES authorizations (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    code_challenge VARCHAR(64),
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX authorization_codes_authorization ON authorization_codes (authorization_id);
CREATE INDEX authorization_codes_expires ON authorization_codes (expires_at);

CREATE TABLE refresh_tokens (
    id VARCHAR(64) PRIMARY KEY,
    authorization_id VARCHAR(32) NOT NULL REFERENCES authorizations (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX refresh_tokens_authorization ON refresh_tokens (authorization_id);
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);

-- What a user has agreed to that an application may know.
CREATE TABLE consents (
    user_id VARCHAR(64) NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id VARCHAR(64) NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id)
);
CREATE INDEX consents_client ON consents (client_id);

-- Devices that wait for somebody to let them in (RFC 8628).
CREATE TABLE device_codes (
    -- Digest of the device code.
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    client_id VARCHAR(64) NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    -- Digest of what the person types.
    user_code VARCHAR(64) NOT NULL,
    scopes TEXT NOT NULL,
    -- Whom its access tokens are for, beside the application, as JSON.
    audience TEXT NOT NULL,
    state VARCHAR(16) NOT NULL,
    -- The authorization that it was given.
    authorization_id VARCHAR(32),
    interval_secs BIGINT NOT NULL,
    polled_at BIGINT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (tenant_id, user_code);
CREATE INDEX device_codes_client ON device_codes (client_id);
CREATE INDEX device_codes_expires ON device_codes (expires_at);

-- Keys that a tenant signs with. The private half lies in `sealed_secrets` under `signing_key/<id>`.
CREATE TABLE signing_keys (
    -- Thumbprint of the public key (RFC 7638).
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    algorithm VARCHAR(8) NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- It signs from then on, until the next one does.
    active_at BIGINT NOT NULL,
    -- It is published until then; null while it or a later key has not taken over.
    retired_at BIGINT
);
CREATE INDEX signing_keys_tenant ON signing_keys (tenant_id, algorithm, active_at);

-- What may be used once: ids of tokens that others made (client assertions, logout tokens), kept until they have ended.
CREATE TABLE spent (
    id VARCHAR(64) PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_expires ON spent (expires_at);

-- One identity may be another user in each tenant: `tenant_id` is empty for who comes through the identity provider itself.
CREATE TABLE federated_users_by_tenant (
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    protocol_id VARCHAR(64) NOT NULL,
    unique_id VARCHAR(255) NOT NULL,
    -- The default is for nodes that do not know of tenants yet.
    tenant_id VARCHAR(64) NOT NULL DEFAULT '',
    user_id VARCHAR(64) NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Known of links that were made at a tenant.
    email VARCHAR(320),
    created_at BIGINT,
    created_by VARCHAR(16),
    last_login_at BIGINT,
    PRIMARY KEY (idp_id, unique_id, tenant_id, protocol_id)
);
INSERT INTO federated_users_by_tenant (idp_id, protocol_id, unique_id, tenant_id, user_id)
    SELECT idp_id, protocol_id, unique_id, '', user_id FROM federated_users;
DROP TABLE federated_users;
ALTER TABLE federated_users_by_tenant RENAME TO federated_users;
CREATE INDEX federated_users_user ON federated_users (user_id);

-- The e-mail address in the form in which it is looked for. Null: nobody has looked yet; empty: there is none.
ALTER TABLE users ADD COLUMN email_key VARCHAR(320);
CREATE INDEX users_email ON users (domain_id, email_key);
CREATE INDEX users_without_email_key ON users (id) WHERE email_key IS NULL;
