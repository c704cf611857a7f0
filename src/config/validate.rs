//! The rules of the configuration that its types cannot state. Each message says the rule, not only that it is broken.

use std::net::SocketAddr;

use url::Url;

use super::{Cidr, Config, PasswordPattern, Problem};

/// Every broken rule, with the key that breaks it.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut rules = Rules(Vec::new());
    server(config, &mut rules);
    database(config, &mut rules);
    token(config, &mut rules);
    password(config, &mut rules);
    compliance(config, &mut rules);
    identity(config, &mut rules);
    federation(config, &mut rules);
    saml(config, &mut rules);
    tenant(config, &mut rules);
    egress(config, &mut rules);
    rules.0
}

struct Rules(Vec<Problem>);

impl Rules {
    fn must(&mut self, holds: bool, key: &str, rule: &str) {
        if !holds {
            self.0.push(Problem::new(key, rule));
        }
    }

    fn between<T: PartialOrd + std::fmt::Display>(&mut self, value: &T, low: T, high: T, key: &str) {
        let holds = *value >= low && *value <= high;
        self.must(holds, key, &format!("must be between {low} and {high}"));
    }
}

fn server(config: &Config, rules: &mut Rules) {
    let server = &config.server;
    rules.must(!config.data.dir.is_empty(), "data.dir", "must name a folder");
    rules.must(
        server.bind.parse::<SocketAddr>().is_ok(),
        "server.bind",
        "must be an address with a port, such as 127.0.0.1:5000",
    );
    rules.must(
        server.public_url.is_empty() || is_base_url(&server.public_url),
        "server.public_url",
        "must be an http or https URL without user, query and fragment, or empty",
    );
    rules.between(&server.workers, 0, 1024, "server.workers");
    rules.between(&server.max_connections, 1, 1_000_000, "server.max_connections");
    rules.between(&server.header_timeout_secs, 1, 300, "server.header_timeout_secs");
    rules.between(&server.body_timeout_secs, 1, 3600, "server.body_timeout_secs");
    rules.between(&server.keep_alive_timeout_secs, 1, 3600, "server.keep_alive_timeout_secs");
    rules.between(&server.write_stall_timeout_secs, 1, 3600, "server.write_stall_timeout_secs");
    rules.between(&server.max_body_bytes, 1024, 64 << 20, "server.max_body_bytes");
    rules.between(&server.max_header_bytes, 8192, 1 << 20, "server.max_header_bytes");
    rules.between(&server.max_uri_bytes, 256, 65_534, "server.max_uri_bytes");
    rules.must(
        server.max_uri_bytes < server.max_header_bytes,
        "server.max_uri_bytes",
        "must be less than server.max_header_bytes",
    );
    rules.between(&server.shutdown_grace_secs, 0, 3600, "server.shutdown_grace_secs");
    rules.between(&server.http2.max_concurrent_streams, 1, 100_000, "server.http2.max_concurrent_streams");
    rules.between(&server.http2.max_header_list_bytes, 4096, 1 << 20, "server.http2.max_header_list_bytes");
    rules.must(
        server.tls_certificate.is_empty() || !server.tls_key.is_empty(),
        "server.tls_key",
        "must name a file when server.tls_certificate does",
    );
    rules.must(
        server.tls_key.is_empty() || !server.tls_certificate.is_empty(),
        "server.tls_certificate",
        "must name a file when server.tls_key does",
    );
    for (index, network) in server.trusted_proxies.iter().enumerate() {
        if let Err(reason) = network.parse::<Cidr>() {
            rules.must(false, &format!("server.trusted_proxies[{index}]"), reason);
        }
    }
    rules.must(
        config.metrics.bind.is_empty() || config.metrics.bind.parse::<SocketAddr>().is_ok(),
        "metrics.bind",
        "must be an address with a port, such as 127.0.0.1:9180, or empty",
    );
    rules.must(
        config.metrics.bind.is_empty() || config.metrics.bind != server.bind,
        "metrics.bind",
        "must differ from server.bind",
    );
    rules.must(!config.log.filter.trim().is_empty(), "log.filter", "must name a level, such as info");
}

fn is_base_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

fn database(config: &Config, rules: &mut Rules) {
    let database = &config.database;
    let url = database.url.expose();
    let known = url.strip_prefix("sqlite:").is_some_and(|rest| !rest.trim_start_matches('/').is_empty())
        || ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme) && Url::parse(url).is_ok());
    rules.must(known, "database.url", "must be sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME");
    rules.between(&database.max_connections, 1, 10_000, "database.max_connections");
    rules.between(&database.acquire_timeout_secs, 1, 300, "database.acquire_timeout_secs");
    rules.between(&database.statement_timeout_secs, 1, 3600, "database.statement_timeout_secs");
    rules.must(
        !config.secrets.key_file.is_empty() || !config.secrets.key.is_empty(),
        "secrets.key_file",
        "must name a file when secrets.key is empty",
    );
}

fn token(config: &Config, rules: &mut Rules) {
    let token = &config.token;
    rules.between(&token.expiration_secs, 60, 31_536_000, "token.expiration_secs");
    rules.between(&token.allow_expired_window_secs, 0, 31_536_000, "token.allow_expired_window_secs");
    rules.must(
        token.max_active_keys >= 2,
        "token.max_active_keys",
        "must be at least 2, the primary and the staged key",
    );
    for (key, dir) in [
        ("token.fernet_keys_dir", &token.fernet_keys_dir),
        ("token.jws_private_dir", &token.jws_private_dir),
        ("token.jws_public_dir", &token.jws_public_dir),
    ] {
        rules.must(!dir.is_empty(), key, "must name a folder");
    }
    rules.between(&token.methods.len(), 1, 31, "token.methods");
    for (index, method) in token.methods.iter().enumerate() {
        let key = format!("token.methods[{index}]");
        let plain = !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        rules.must(plain, &key, "must be made of letters, digits, `_` and `-`");
        rules.must(!token.methods[..index].contains(method), &key, "stands twice in the list");
    }
    rules.between(&token.cache_entries, 0, 10_000_000, "token.cache_entries");
    rules.between(&token.cache_ttl_secs, 1, 86_400, "token.cache_ttl_secs");
}

fn password(config: &Config, rules: &mut Rules) {
    let password = &config.password;
    rules.between(&password.argon2_iterations, 1, 16, "password.argon2_iterations");
    rules.between(&password.argon2_lanes, 1, 16, "password.argon2_lanes");
    rules.between(&password.argon2_memory_kib, 8, 262_144, "password.argon2_memory_kib");
    rules.must(
        password.argon2_memory_kib >= password.argon2_lanes.saturating_mul(8),
        "password.argon2_memory_kib",
        "must be at least 8 times password.argon2_lanes (RFC 9106 section 3.1)",
    );
    rules.must(
        u64::from(password.argon2_memory_kib) * u64::from(password.argon2_iterations) <= 1_048_576,
        "password.argon2_memory_kib",
        "times password.argon2_iterations must be at most 1048576: a hash would take seconds",
    );
    rules.between(&password.hash_workers, 0, 1024, "password.hash_workers");
    rules.between(&password.hash_queue, 1, 1_000_000, "password.hash_queue");
    rules.between(&password.max_length, 8, 4_096, "password.max_length");
}

/// Days that an age or a life may be set to.
const MAX_DAYS: u32 = 36_500;

fn compliance(config: &Config, rules: &mut Rules) {
    let compliance = &config.security_compliance;
    // Each costs a hash at every change.
    rules.between(&compliance.unique_last_password_count, 0, 50, "security_compliance.unique_last_password_count");
    for (key, days) in [
        ("minimum_password_age", compliance.minimum_password_age),
        ("password_expires_days", compliance.password_expires_days),
        ("disable_user_account_days_inactive", compliance.disable_user_account_days_inactive),
    ] {
        rules.between(&days, 0, MAX_DAYS, &format!("security_compliance.{key}"));
    }
    rules.must(
        compliance.password_expires_days == 0 || compliance.minimum_password_age < compliance.password_expires_days,
        "security_compliance.minimum_password_age",
        "must be less than security_compliance.password_expires_days, or an expired password could not be changed",
    );
    if let Err(reason) = compliance.password_regex.parse::<PasswordPattern>() {
        rules.must(false, "security_compliance.password_regex", &format!("is no pattern: {reason}"));
    }
}

fn identity(config: &Config, rules: &mut Rules) {
    let identity = &config.identity;
    rules.between(&identity.default_domain_id.len(), 1, 64, "identity.default_domain_id");
    rules.between(
        &identity.max_identity_providers_per_domain,
        1,
        1_000_000,
        "identity.max_identity_providers_per_domain",
    );
    rules.between(&identity.list_limit, 1, 100_000, "identity.list_limit");
    rules.between(&identity.role_assignments_limit, 1, 1_000_000, "identity.role_assignments_limit");
    rules.between(&identity.max_project_tree_depth, 1, 100, "identity.max_project_tree_depth");
    rules.between(&config.policy.remote_timeout_secs, 1, 60, "policy.remote_timeout_secs");
    for (index, dir) in config.policy.dirs.iter().enumerate() {
        rules.must(!dir.is_empty(), &format!("policy.dirs[{index}]"), "must name a folder");
    }
    rules.between(&config.audit.retention_days, 0, 36_500, "audit.retention_days");
    rules.between(&config.jobs.poll_secs, 1, 60, "jobs.poll_secs");
    rules.between(&config.sso.retest_secs, 60, 2_592_000, "sso.retest_secs");
    rules.between(&config.jobs.workers, 1, 64, "jobs.workers");
}

fn federation(config: &Config, rules: &mut Rules) {
    let federation = &config.federation;
    for (index, dashboard) in federation.trusted_dashboards.iter().enumerate() {
        let usable = Url::parse(dashboard).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
        rules.must(usable, &format!("federation.trusted_dashboards[{index}]"), "must be an http or https URL");
    }
    rules.between(&federation.default_authorization_ttl, 0, 525_600_000, "federation.default_authorization_ttl");
    for (index, prefix) in federation.claim_prefixes.iter().enumerate() {
        let usable = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_graphic());
        rules.must(usable, &format!("federation.claim_prefixes[{index}]"), "must be printable ASCII without spaces");
    }
    for (index, pair) in federation.remote_id_attributes.iter().enumerate() {
        let usable = pair.split_once('=').is_some_and(|(protocol, name)| !protocol.is_empty() && !name.is_empty());
        rules.must(usable, &format!("federation.remote_id_attributes[{index}]"), "must be PROTOCOL=ATTRIBUTE");
    }
    rules.between(&federation.login_session_secs, 10, 86_400, "federation.login_session_secs");
    let secret = federation.trusted_proxy_secret.expose();
    rules.must(
        secret.is_empty() || (secret.len() >= 32 && secret.bytes().all(|b| b.is_ascii_graphic())),
        "federation.trusted_proxy_secret",
        "must have at least 32 printable ASCII characters without spaces: whoever knows it signs in as anybody",
    );
    for (index, network) in federation.trusted_proxy_networks.iter().enumerate() {
        if let Err(reason) = network.parse::<Cidr>() {
            rules.must(false, &format!("federation.trusted_proxy_networks[{index}]"), reason);
        }
    }
}

fn saml(config: &Config, rules: &mut Rules) {
    let saml = &config.saml;
    rules.between(&saml.assertion_expiration_secs, 60, 43_200, "saml.assertion_expiration_secs");
    rules.must(!saml.organization_name.is_empty(), "saml.organization_name", "must not be empty");
    for (key, value) in [("saml.idp_entity_id", &saml.idp_entity_id), ("saml.idp_sso_endpoint", &saml.idp_sso_endpoint)]
    {
        rules.must(value.len() <= 1_024, key, "must have 1024 characters at most");
    }
}

fn tenant(config: &Config, rules: &mut Rules) {
    let tenant = &config.tenant;
    rules.between(&tenant.sign_in_secs, 10, 86_400, "tenant.sign_in_secs");
    rules.between(&tenant.keep_ended_secs, 0, 30 * 86_400, "tenant.keep_ended_secs");
    rules.between(&tenant.max_open_sign_ins, 10, 10_000_000, "tenant.max_open_sign_ins");
    for (key, limit) in [
        ("idps_per_minute", tenant.idps_per_minute),
        ("begin_per_minute", tenant.begin_per_minute),
        ("finish_per_minute", tenant.finish_per_minute),
        ("token_per_minute", tenant.token_per_minute),
        ("scim_per_minute", tenant.scim_per_minute),
        ("failures_per_minute", tenant.failures_per_minute),
    ] {
        rules.between(&limit, 0, 10_000_000, &format!("tenant.{key}"));
    }
}

fn egress(config: &Config, rules: &mut Rules) {
    let egress = &config.egress;
    for (index, entry) in egress.allow.iter().enumerate() {
        let is_network = entry.parse::<Cidr>().is_ok();
        let is_host = !entry.contains('/') && matches!(url::Host::parse(entry), Ok(url::Host::Domain(_)));
        rules.must(
            is_network || is_host,
            &format!("egress.allow[{index}]"),
            "must be a host name, an address or a network in CIDR notation",
        );
    }
    rules.must(!egress.schemes.is_empty(), "egress.schemes", "must name at least one scheme");
    for (index, scheme) in egress.schemes.iter().enumerate() {
        let known = matches!(scheme.as_str(), "https" | "http");
        rules.must(known, &format!("egress.schemes[{index}]"), "must be https or http");
    }
    for (index, port) in egress.ports.iter().enumerate() {
        rules.must(*port != 0, &format!("egress.ports[{index}]"), "must be a port number");
    }
    rules.between(&egress.connect_timeout_secs, 1, 60, "egress.connect_timeout_secs");
    rules.between(&egress.total_timeout_secs, 1, 300, "egress.total_timeout_secs");
    rules.between(&egress.max_body_bytes, 1024, 64 << 20, "egress.max_body_bytes");
}
