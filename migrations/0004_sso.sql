-- Global SSO configurations: what only the SSO face knows of an identity provider of the cloud's own.

CREATE TABLE sso_configurations (
    id VARCHAR(64) PRIMARY KEY REFERENCES identity_providers (id) ON DELETE CASCADE,
    -- Who manages it: 'manual' (the SSO face), 'import' (a file), 'federation' (the Keystone face).
    source VARCHAR(16) NOT NULL,
    display_name VARCHAR(255),
    -- What identifies the identity provider, and the same in the form in which it must be unique.
    issuer VARCHAR(255),
    issuer_key VARCHAR(255),
    -- The protocol whose connection it is; null as long as the SSO face has said nothing of it.
    protocol_id VARCHAR(64),
    user_provisioning VARCHAR(16) NOT NULL,
    group_provisioning VARCHAR(16) NOT NULL,
    attribute_mappings TEXT NOT NULL,
    group_mappings TEXT NOT NULL,
    -- The mapping of this id is made from these two.
    generated BOOLEAN NOT NULL,
    tested_at BIGINT,
    test_result VARCHAR(16),
    test_message TEXT,
    test_warnings TEXT NOT NULL,
    -- When it is tested again; null when it is disabled or has no connection.
    next_test_at BIGINT,
    -- Not null while it is about to be deleted: whether to enable it again if that is called off.
    resume_enabled BOOLEAN,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sso_configurations_issuer ON sso_configurations (issuer_key);
CREATE INDEX sso_configurations_created ON sso_configurations (created_at, id);
CREATE INDEX sso_configurations_next_test ON sso_configurations (next_test_at);

-- Identity providers that are there already; the audit trail may know since when.
INSERT INTO sso_configurations
    (id, source, user_provisioning, group_provisioning, attribute_mappings, group_mappings, generated, test_warnings, version,
     created_at, updated_at)
    SELECT i.id, 'federation', 'auto', 'none', '[]', '[]', FALSE, '[]', 1,
        COALESCE((SELECT MIN(a.at) FROM audit_events a WHERE a.target_kind = 'identity_provider' AND a.target_id = i.id
            AND a.action = 'identity_provider.create' AND a.outcome = 'success'), 0),
        COALESCE((SELECT MAX(a.at) FROM audit_events a WHERE a.target_kind = 'identity_provider' AND a.target_id = i.id
            AND a.outcome = 'success'), 0)
    FROM identity_providers i WHERE NOT i.owned;
