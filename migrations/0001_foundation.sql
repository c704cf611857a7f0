-- The foundation: domains and projects, users, roles, grants, the catalog, identity providers, revocation, audit.
-- One text for SQLite and PostgreSQL. Times are microseconds since the epoch, JSON is text, ids are text.

-- The order of all writes that other nodes must hear of. One row; taking it is what orders two transactions.
CREATE TABLE change_counter (
    id BIGINT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO change_counter (id, value) VALUES (1, 0);

-- What changed, in that order. A node reads what it has not seen yet; rows are dropped after a while.
CREATE TABLE changes (
    seq BIGINT PRIMARY KEY,
    kind VARCHAR(32) NOT NULL,
    ident VARCHAR(255) NOT NULL,
    detail TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX changes_at ON changes (at);

-- A domain is a project with is_domain, as in Keystone: one id space, one table.
CREATE TABLE projects (
    id VARCHAR(64) PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    domain_id VARCHAR(64) REFERENCES projects (id),
    parent_id VARCHAR(64) REFERENCES projects (id),
    is_domain BOOLEAN NOT NULL,
    enabled BOOLEAN NOT NULL,
    description TEXT NOT NULL,
    extra TEXT NOT NULL,
    options TEXT NOT NULL,
    CHECK (is_domain = (domain_id IS NULL))
);
CREATE UNIQUE INDEX projects_domain_name ON projects (name) WHERE is_domain;
CREATE UNIQUE INDEX projects_name ON projects (domain_id, name) WHERE NOT is_domain;
CREATE INDEX projects_parent ON projects (parent_id);

CREATE TABLE users (
    id VARCHAR(64) PRIMARY KEY,
    domain_id VARCHAR(64) NOT NULL REFERENCES projects (id),
    name VARCHAR(255) NOT NULL,
    enabled BOOLEAN NOT NULL,
    default_project_id VARCHAR(64),
    extra TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    failed_auth_count BIGINT NOT NULL,
    failed_auth_at BIGINT
);
CREATE UNIQUE INDEX users_name ON users (domain_id, name);

CREATE TABLE passwords (
    id VARCHAR(64) PRIMARY KEY,
    user_id VARCHAR(64) NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX passwords_user ON passwords (user_id, created_at);

CREATE TABLE roles (
    id VARCHAR(64) PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    domain_id VARCHAR(64) REFERENCES projects (id),
    description TEXT,
    extra TEXT NOT NULL,
    options TEXT NOT NULL
);
CREATE UNIQUE INDEX roles_global_name ON roles (name) WHERE domain_id IS NULL;
CREATE UNIQUE INDEX roles_domain_name ON roles (domain_id, name) WHERE domain_id IS NOT NULL;

CREATE TABLE implied_roles (
    prior_role_id VARCHAR(64) NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    implied_role_id VARCHAR(64) NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (prior_role_id, implied_role_id)
);

-- Who holds which role where. The target of a system grant is the text 'system'.
CREATE TABLE grants (
    actor_kind VARCHAR(8) NOT NULL,
    actor_id VARCHAR(64) NOT NULL,
    target_kind VARCHAR(8) NOT NULL,
    target_id VARCHAR(64) NOT NULL,
    role_id VARCHAR(64) NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    PRIMARY KEY (actor_id, target_id, role_id, actor_kind, target_kind)
);
CREATE INDEX grants_target ON grants (target_id, target_kind);
CREATE INDEX grants_role ON grants (role_id);

CREATE TABLE regions (
    id VARCHAR(255) PRIMARY KEY,
    description TEXT NOT NULL,
    parent_region_id VARCHAR(255) REFERENCES regions (id),
    extra TEXT NOT NULL
);

CREATE TABLE services (
    id VARCHAR(64) PRIMARY KEY,
    type VARCHAR(255) NOT NULL,
    name VARCHAR(255) NOT NULL,
    enabled BOOLEAN NOT NULL,
    extra TEXT NOT NULL
);

CREATE TABLE endpoints (
    id VARCHAR(64) PRIMARY KEY,
    service_id VARCHAR(64) NOT NULL REFERENCES services (id) ON DELETE CASCADE,
    interface VARCHAR(8) NOT NULL,
    region_id VARCHAR(255) REFERENCES regions (id),
    url TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    extra TEXT NOT NULL
);
CREATE INDEX endpoints_service ON endpoints (service_id);

CREATE TABLE identity_providers (
    id VARCHAR(64) PRIMARY KEY,
    domain_id VARCHAR(64) NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- The domain was made together with the identity provider, and goes with it if nothing else lives there.
    auto_domain BOOLEAN NOT NULL,
    -- Made by a security administrator for their own domain, rather than by an administrator of the cloud.
    owned BOOLEAN NOT NULL,
    enabled BOOLEAN NOT NULL,
    description TEXT,
    authorization_ttl BIGINT,
    sso_type VARCHAR(32) NOT NULL
);
CREATE INDEX identity_providers_domain ON identity_providers (domain_id);

CREATE TABLE identity_provider_remote_ids (
    remote_id VARCHAR(255) PRIMARY KEY,
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE
);
CREATE INDEX identity_provider_remote_ids_idp ON identity_provider_remote_ids (idp_id);

CREATE TABLE revocation_events (
    id VARCHAR(64) PRIMARY KEY,
    audit_id VARCHAR(32),
    audit_chain_id VARCHAR(32),
    user_id VARCHAR(64),
    project_id VARCHAR(64),
    domain_id VARCHAR(64),
    role_id VARCHAR(64),
    trust_id VARCHAR(64),
    consumer_id VARCHAR(64),
    access_token_id VARCHAR(64),
    idp_id VARCHAR(64),
    expires_at BIGINT,
    issued_before BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);
CREATE INDEX revocation_events_revoked_at ON revocation_events (revoked_at, id);

-- Every change and every login: who, what, outcome, request id.
CREATE TABLE audit_events (
    id VARCHAR(64) PRIMARY KEY,
    at BIGINT NOT NULL,
    request_id VARCHAR(64) NOT NULL,
    action VARCHAR(64) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    reason TEXT,
    user_id VARCHAR(64),
    user_name VARCHAR(255),
    scope_kind VARCHAR(8),
    scope_id VARCHAR(64),
    domain_id VARCHAR(64),
    target_kind VARCHAR(64),
    target_id VARCHAR(255),
    remote VARCHAR(64),
    detail TEXT NOT NULL
);
CREATE INDEX audit_events_at ON audit_events (at, id);

-- Every secret at rest, sealed with its row id as associated data, in one place so that re-sealing misses none.
CREATE TABLE sealed_secrets (
    id VARCHAR(255) PRIMARY KEY,
    sealed TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
