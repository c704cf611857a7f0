-- Platforms that configurations are pushed to, what was pushed where, and the users and groups provisioned there.

CREATE TABLE platforms (
    id VARCHAR(64) PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    product_type VARCHAR(64) NOT NULL,
    host VARCHAR(255) NOT NULL,
    port BIGINT NOT NULL,
    -- Who we are there. The secret lies sealed by itself.
    account VARCHAR(255),
    account_name VARCHAR(255),
    credential VARCHAR(16),
    options TEXT NOT NULL,
    status VARCHAR(16) NOT NULL,
    last_error TEXT,
    checked_at BIGINT,
    next_check_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX platforms_name ON platforms (name);
CREATE INDEX platforms_created ON platforms (created_at, id);
CREATE INDEX platforms_next_check ON platforms (next_check_at) WHERE next_check_at IS NOT NULL;

-- One for each configuration and platform: what is to be there, and what is known of it. Written before the platform is asked.
CREATE TABLE federations (
    id VARCHAR(64) PRIMARY KEY,
    config_id VARCHAR(64) NOT NULL REFERENCES sso_configurations (id) ON DELETE CASCADE,
    platform_id VARCHAR(64) NOT NULL REFERENCES platforms (id),
    -- 'present', or 'absent' while it is taken back.
    wanted VARCHAR(16) NOT NULL,
    -- What becomes of users and groups when it is taken back: 'none', 'deactivate', 'delete'.
    deprovision VARCHAR(16) NOT NULL,
    status VARCHAR(16) NOT NULL,
    health VARCHAR(16) NOT NULL,
    client_id VARCHAR(255),
    callback_url TEXT,
    warnings TEXT NOT NULL,
    error TEXT,
    user_error TEXT,
    group_error TEXT,
    -- What was last pushed, and the configuration's version that it was made of.
    digest VARCHAR(64),
    pushed_version BIGINT,
    -- Counts wishes: how many there were, and how many of them have been seen to.
    asked BIGINT NOT NULL,
    served BIGINT NOT NULL,
    -- The attempt that nobody knows the end of.
    attempt VARCHAR(64),
    -- The run that provisions users and groups, and when the next is due.
    run_id VARCHAR(64),
    next_run_at BIGINT,
    next_check_at BIGINT,
    pushed_at BIGINT,
    checked_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX federations_pair ON federations (config_id, platform_id);
CREATE INDEX federations_platform ON federations (platform_id);
CREATE INDEX federations_next_run ON federations (next_run_at) WHERE next_run_at IS NOT NULL;
CREATE INDEX federations_next_check ON federations (next_check_at) WHERE next_check_at IS NOT NULL;

-- One pass over a configuration's users and groups for one platform. It goes on from its cursor after a crash.
CREATE TABLE provisioning_runs (
    id VARCHAR(64) PRIMARY KEY,
    federation_id VARCHAR(64) NOT NULL REFERENCES federations (id) ON DELETE CASCADE,
    -- 'full' looks at every user and group there, 'changes' at those that changed here, 'deactivate' and 'delete' take all back.
    mode VARCHAR(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    phase VARCHAR(16) NOT NULL,
    after_id VARCHAR(64) NOT NULL,
    counts TEXT NOT NULL,
    problems TEXT NOT NULL,
    -- However many users it would deactivate.
    unlimited BOOLEAN NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX provisioning_runs_federation ON provisioning_runs (federation_id, created_at);
CREATE INDEX provisioning_runs_finished ON provisioning_runs (finished_at) WHERE finished_at IS NOT NULL;

-- A user or group of ours and what a platform calls it.
CREATE TABLE provisioned (
    federation_id VARCHAR(64) NOT NULL REFERENCES federations (id) ON DELETE CASCADE,
    kind VARCHAR(8) NOT NULL,
    local_id VARCHAR(64) NOT NULL,
    remote_id VARCHAR(255) NOT NULL,
    remote_version VARCHAR(255),
    digest VARCHAR(64) NOT NULL,
    active BOOLEAN NOT NULL,
    PRIMARY KEY (federation_id, kind, local_id)
);

-- Members that a platform was told a group has, by our ids.
CREATE TABLE provisioned_members (
    federation_id VARCHAR(64) NOT NULL REFERENCES federations (id) ON DELETE CASCADE,
    group_id VARCHAR(64) NOT NULL,
    user_id VARCHAR(64) NOT NULL,
    remote_id VARCHAR(255) NOT NULL,
    PRIMARY KEY (federation_id, group_id, user_id)
);

-- Pages of those who came by a configuration.
CREATE INDEX federated_users_idp_user ON federated_users (idp_id, user_id);
