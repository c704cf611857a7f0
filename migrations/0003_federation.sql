-- Federation: mappings, protocols, connections, service providers, what a login leaves behind.

CREATE TABLE mappings (
    id VARCHAR(64) PRIMARY KEY,
    -- The domain whose security administrator made it; null for the cloud's own.
    domain_id VARCHAR(64) REFERENCES projects (id) ON DELETE CASCADE,
    schema_version VARCHAR(8) NOT NULL,
    rules TEXT NOT NULL
);
CREATE INDEX mappings_domain ON mappings (domain_id, id);

CREATE TABLE protocols (
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    id VARCHAR(64) NOT NULL,
    -- Null only where users exist already (`iam_user_sso`).
    mapping_id VARCHAR(64) REFERENCES mappings (id),
    remote_id_attribute VARCHAR(64),
    PRIMARY KEY (idp_id, id)
);
CREATE INDEX protocols_mapping ON protocols (mapping_id);

CREATE TABLE service_providers (
    id VARCHAR(64) PRIMARY KEY,
    auth_url TEXT NOT NULL,
    sp_url TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    description TEXT,
    relay_state_prefix TEXT NOT NULL
);

-- How to speak to an identity provider by one protocol. Secrets lie sealed in `sealed_secrets`. It may be set up before the
-- protocol is, as the Huawei dialect has no protocol in its path.
CREATE TABLE connections (
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    protocol_id VARCHAR(64) NOT NULL,
    kind VARCHAR(8) NOT NULL,
    settings TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (idp_id, protocol_id)
);

-- Memberships that an identity provider asserted. A row outlives its end: tokens that carry the group rest on it until
-- they end.
CREATE TABLE expiring_group_members (
    user_id VARCHAR(64) NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    group_id VARCHAR(64) NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    last_verified BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, idp_id, group_id)
);
CREATE INDEX expiring_group_members_group ON expiring_group_members (group_id, user_id);
CREATE INDEX expiring_group_members_idp ON expiring_group_members (idp_id);

-- A log-in at an identity provider that a browser has begun here. Found by the digest of its state, used once.
CREATE TABLE login_sessions (
    id VARCHAR(64) PRIMARY KEY,
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    protocol_id VARCHAR(64) NOT NULL,
    -- Digest of the cookie that binds it to one browser.
    browser VARCHAR(64) NOT NULL,
    -- Where the token goes; null where it is answered to the browser itself.
    origin TEXT,
    -- What the upstream has to remember, sealed.
    memo TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX login_sessions_expires ON login_sessions (expires_at);
CREATE INDEX login_sessions_idp ON login_sessions (idp_id);

-- The last log-ins at each identity provider, for whoever has to find out why one failed.
CREATE TABLE login_diagnostics (
    id VARCHAR(64) PRIMARY KEY,
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    protocol_id VARCHAR(64) NOT NULL,
    at BIGINT NOT NULL,
    -- Whether what was presented could be verified: what anybody may send must not push out what tells something.
    verified BOOLEAN NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    request_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(64),
    reason TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX login_diagnostics_idp ON login_diagnostics (idp_id, verified, at);

-- Tokens that came by one protocol of an identity provider.
ALTER TABLE revocation_events ADD COLUMN protocol_id VARCHAR(64);

-- Users who only exist because an identity provider vouched for them: what it calls them is not unique here, and nobody
-- finds them by it.
ALTER TABLE users ADD COLUMN federated BOOLEAN NOT NULL DEFAULT FALSE;
DROP INDEX users_name;
CREATE UNIQUE INDEX users_name ON users (domain_id, name) WHERE NOT federated;
CREATE INDEX users_any_name ON users (domain_id, name);
