-- The identity core: groups, tags, inherited grants, federated links, what passwords have to remember, and the indexes by
-- which a page of a long list costs the same wherever it begins.

CREATE TABLE project_tags (
    project_id VARCHAR(64) NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name VARCHAR(255) NOT NULL,
    PRIMARY KEY (project_id, name)
);
CREATE INDEX project_tags_name ON project_tags (name, project_id);

-- `groups` alone is a keyword of SQL.
CREATE TABLE user_groups (
    id VARCHAR(64) PRIMARY KEY,
    domain_id VARCHAR(64) NOT NULL REFERENCES projects (id),
    name VARCHAR(64) NOT NULL,
    description TEXT,
    extra TEXT NOT NULL
);
CREATE UNIQUE INDEX user_groups_name ON user_groups (domain_id, name);

CREATE TABLE group_members (
    group_id VARCHAR(64) NOT NULL REFERENCES user_groups (id) ON DELETE CASCADE,
    user_id VARCHAR(64) NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_user ON group_members (user_id, group_id);

-- A grant may be inherited: it then counts on the projects below its target and not on the target itself.
CREATE TABLE grants_with_inheritance (
    actor_kind VARCHAR(8) NOT NULL,
    actor_id VARCHAR(64) NOT NULL,
    target_kind VARCHAR(8) NOT NULL,
    target_id VARCHAR(64) NOT NULL,
    role_id VARCHAR(64) NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    inherited BOOLEAN NOT NULL,
    PRIMARY KEY (actor_id, actor_kind, target_id, target_kind, role_id, inherited)
);
INSERT INTO grants_with_inheritance (actor_kind, actor_id, target_kind, target_id, role_id, inherited)
    SELECT actor_kind, actor_id, target_kind, target_id, role_id, FALSE FROM grants;
DROP TABLE grants;
ALTER TABLE grants_with_inheritance RENAME TO grants;
CREATE INDEX grants_target ON grants (target_id, target_kind, actor_id, actor_kind, role_id, inherited);
CREATE INDEX grants_role ON grants (role_id, actor_id, actor_kind, target_id, target_kind, inherited);
CREATE INDEX implied_roles_implied ON implied_roles (implied_role_id);

-- Identities at external identity providers that are this user's.
CREATE TABLE federated_users (
    idp_id VARCHAR(64) NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    protocol_id VARCHAR(64) NOT NULL,
    unique_id VARCHAR(255) NOT NULL,
    user_id VARCHAR(64) NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (idp_id, unique_id, protocol_id)
);
CREATE INDEX federated_users_user ON federated_users (user_id);

-- When a user last got a token by password, for `disable_user_account_days_inactive`.
ALTER TABLE users ADD COLUMN last_active_at BIGINT;
-- Set by the user, rather than by an administrator.
ALTER TABLE passwords ADD COLUMN self_service BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX users_domain ON users (domain_id, id);
CREATE INDEX users_default_project ON users (default_project_id);
CREATE INDEX projects_domain ON projects (domain_id, id);
CREATE INDEX user_groups_domain ON user_groups (domain_id, id);
CREATE INDEX roles_domain ON roles (domain_id, id);
CREATE INDEX services_type ON services (type, id);
CREATE INDEX endpoints_region ON endpoints (region_id);
CREATE INDEX regions_parent ON regions (parent_region_id);
