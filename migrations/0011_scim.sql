-- Tokens by which a directory changes the users and groups of one tenant. They are random, so a digest will do.
CREATE TABLE scim_tokens (
    id VARCHAR(64) PRIMARY KEY,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name VARCHAR(255) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX scim_tokens_digest ON scim_tokens (digest);
CREATE INDEX scim_tokens_tenant ON scim_tokens (tenant_id, created_at, id);

-- Users whom a directory looks after, with what it says that is not the user's own.
CREATE TABLE scim_users (
    user_id VARCHAR(64) PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    external_id VARCHAR(255),
    -- Whether the directory has made them, rather than taken them over.
    made BOOLEAN NOT NULL,
    attributes TEXT NOT NULL,
    -- The type of the address that is the user's own.
    email_kind VARCHAR(64) NOT NULL
);
CREATE INDEX scim_users_external ON scim_users (tenant_id, external_id);

-- Their other addresses, in lower case.
CREATE TABLE scim_emails (
    user_id VARCHAR(64) NOT NULL REFERENCES scim_users (user_id) ON DELETE CASCADE,
    address VARCHAR(320) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    PRIMARY KEY (user_id, address, kind)
);

-- Groups that a directory looks after.
CREATE TABLE scim_groups (
    group_id VARCHAR(64) PRIMARY KEY REFERENCES user_groups (id) ON DELETE CASCADE,
    tenant_id VARCHAR(64) NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    external_id VARCHAR(255),
    made BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX scim_groups_external ON scim_groups (tenant_id, external_id);

-- Names as they are looked for without regard to letter case, filled by the program; null where that is still to be done.
ALTER TABLE users ADD COLUMN name_key TEXT;
ALTER TABLE users ADD COLUMN display_key TEXT;
ALTER TABLE users ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE users SET updated_at = created_at;
CREATE INDEX users_name_key ON users (domain_id, name_key);
CREATE INDEX users_display_key ON users (domain_id, display_key);
CREATE INDEX users_updated ON users (domain_id, updated_at);
CREATE INDEX users_without_name_key ON users (id) WHERE name_key IS NULL;

ALTER TABLE user_groups ADD COLUMN name_key TEXT;
-- Null: before that was noted.
ALTER TABLE user_groups ADD COLUMN updated_at BIGINT;
-- Counts changes, those of members as well.
ALTER TABLE user_groups ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
CREATE INDEX user_groups_name_key ON user_groups (domain_id, name_key);
CREATE INDEX user_groups_without_name_key ON user_groups (id) WHERE name_key IS NULL;
