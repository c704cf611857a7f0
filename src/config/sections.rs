//! The sections of the configuration, one struct each, with their defaults.
//!
//! Durations are whole seconds (`_secs`), sizes are bytes (`_bytes`) unless the name says otherwise. The names under
//! `[security_compliance]` are Keystone's, so that an operator can carry values over. Rules that a type cannot state
//! are in `config::validate`.

use serde::{Deserialize, Serialize};

use super::hidden::{DatabaseUrl, Hidden};

/// Where files live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Folder against which every relative path of the configuration is resolved.
    pub dir: String,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: "./var".into() }
    }
}

/// The listening side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    pub bind: String,
    /// Base URL that clients use, without a path at its end; every link is made from it and never from a request's
    /// `Host`. Empty means `http://<bind>` (`https://` with a certificate).
    pub public_url: String,
    /// Threads that serve requests; 0 means one per core.
    pub workers: usize,
    /// Connections open at once; further ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Time in which a request's head must arrive.
    pub header_timeout_secs: u64,
    /// Time in which a request's body must arrive.
    pub body_timeout_secs: u64,
    /// Time after which a connection without a request is closed.
    pub keep_alive_timeout_secs: u64,
    /// Time after which a peer that does not read its answer is cut off.
    pub write_stall_timeout_secs: u64,
    /// Largest request body of an ordinary route.
    pub max_body_bytes: usize,
    /// Largest request head: request line and header fields together.
    pub max_header_bytes: usize,
    /// Longest request target.
    pub max_uri_bytes: usize,
    /// Time that running requests get when the service stops.
    pub shutdown_grace_secs: u64,
    /// PEM file with the certificate chain; empty means plain HTTP.
    pub tls_certificate: String,
    /// PEM file with the certificate's private key.
    pub tls_key: String,
    /// Networks (CIDR) of the reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// HTTP/2 limits.
    pub http2: Http2,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:5000".into(),
            public_url: String::new(),
            workers: 0,
            max_connections: 4096,
            header_timeout_secs: 10,
            body_timeout_secs: 30,
            keep_alive_timeout_secs: 75,
            write_stall_timeout_secs: 30,
            max_body_bytes: 114_688,
            max_header_bytes: 65_536,
            max_uri_bytes: 16_384,
            shutdown_grace_secs: 8,
            tls_certificate: String::new(),
            tls_key: String::new(),
            trusted_proxies: Vec::new(),
            http2: Http2::default(),
        }
    }
}

/// HTTP/2 limits (RFC 9113 §6.5.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http2 {
    /// Requests open at once on one connection.
    pub max_concurrent_streams: u32,
    /// Largest decoded header list of a request.
    pub max_header_list_bytes: u32,
}

impl Default for Http2 {
    fn default() -> Self {
        Self { max_concurrent_streams: 128, max_header_list_bytes: 32_768 }
    }
}

/// The database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://<file>` (relative to the data folder) or `postgres://user:password@host/name`.
    pub url: DatabaseUrl,
    /// Connections in the pool.
    pub max_connections: u32,
    /// Time a request waits for a free connection before it is answered 503.
    pub acquire_timeout_secs: u64,
    /// Time after which one statement is given up.
    pub statement_timeout_secs: u64,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::from("sqlite://archstone.db"),
            max_connections: 16,
            acquire_timeout_secs: 3,
            statement_timeout_secs: 5,
        }
    }
}

/// The form of new tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenFormat {
    /// Keystone's Fernet tokens.
    Fernet,
    /// Keystone's JWS tokens (ES256).
    Jws,
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// `fernet` or `jws`. Both are accepted as long as their keys exist; this is the form of new ones.
    pub format: TokenFormat,
    /// Life of a token.
    pub expiration_secs: u64,
    /// How long after its end a token may still be validated with `allow_expired=1`.
    pub allow_expired_window_secs: u64,
    /// Folder of the Fernet keys, laid out as Keystone's.
    pub fernet_keys_dir: String,
    /// Fernet keys kept by a rotation: primary, staged and the older ones.
    pub max_active_keys: u32,
    /// Folder of the JWS signing key, `private.pem`.
    pub jws_private_dir: String,
    /// Folder of the JWS verification keys.
    pub jws_public_dir: String,
    /// Names of the authentication methods in the order of Keystone's `[auth] methods`: bit *i* of a Fernet payload is
    /// the *i*-th name, so services that share keys must share this list.
    pub methods: Vec<String>,
    /// Validated tokens kept in memory; 0 switches the cache off.
    pub cache_entries: u64,
    /// How long a validated token is kept in memory at most.
    pub cache_ttl_secs: u64,
}

impl Default for Token {
    fn default() -> Self {
        let methods = ["external", "password", "token", "oauth1", "mapped", "application_credential", "ec2credential"];
        Self {
            format: TokenFormat::Fernet,
            expiration_secs: 3600,
            allow_expired_window_secs: 172_800,
            fernet_keys_dir: "fernet-keys".into(),
            max_active_keys: 3,
            jws_private_dir: "jws-keys/private".into(),
            jws_public_dir: "jws-keys/public".into(),
            methods: methods.map(str::to_owned).to_vec(),
            cache_entries: 100_000,
            cache_ttl_secs: 300,
        }
    }
}

/// Hashing of passwords (argon2id, RFC 9106).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// Memory of one hash, in KiB.
    pub argon2_memory_kib: u32,
    /// Passes over the memory.
    pub argon2_iterations: u32,
    /// Lanes.
    pub argon2_lanes: u32,
    /// Hashes computed at once; 0 means one less than the cores, at least one.
    pub hash_workers: usize,
    /// Log-ins that may wait for a hash; further ones are answered 429 at once.
    pub hash_queue: usize,
    /// Longest password that is accepted, in bytes.
    pub max_length: usize,
}

impl Default for Password {
    fn default() -> Self {
        Self {
            argon2_memory_kib: 19_456,
            argon2_iterations: 2,
            argon2_lanes: 1,
            hash_workers: 0,
            hash_queue: 128,
            max_length: 4096,
        }
    }
}

/// Lock-out of accounts after failed log-ins and the rules of passwords, with Keystone's names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityCompliance {
    /// Failed log-ins in a row that lock an account; 0 switches the lock off. Keystone's default is off; ten stops
    /// guessing and is far from what a forgetful person needs.
    pub lockout_failure_attempts: u32,
    /// How long the lock holds, in seconds; 0 means until an administrator lifts it.
    pub lockout_duration: u64,
    /// A password that a user chooses must differ from this many before it; 0 switches it off.
    pub unique_last_password_count: u32,
    /// Days that a user must keep a password they chose; 0 switches it off.
    pub minimum_password_age: u32,
    /// Days after which a password must be changed; 0 means never.
    pub password_expires_days: u32,
    /// Pattern that a new password must match from its start; empty means any password.
    pub password_regex: String,
    /// What the pattern asks for, in words for people.
    pub password_regex_description: String,
    /// A password that an administrator set must be changed before it can be used.
    pub change_password_upon_first_use: bool,
    /// Days without a login after which a user counts as disabled; 0 switches it off.
    pub disable_user_account_days_inactive: u32,
}

impl Default for SecurityCompliance {
    fn default() -> Self {
        Self {
            lockout_failure_attempts: 10,
            lockout_duration: 1800,
            unique_last_password_count: 0,
            minimum_password_age: 0,
            password_expires_days: 0,
            password_regex: String::new(),
            password_regex_description: String::new(),
            change_password_upon_first_use: false,
            disable_user_account_days_inactive: 0,
        }
    }
}

/// Domains, users and lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Id of the domain that clients without domains mean.
    pub default_domain_id: String,
    /// Identity providers that a domain's security administrator may have.
    pub max_identity_providers_per_domain: u32,
    /// Items on one page of a list at most.
    pub list_limit: u32,
    /// Items of the list of role assignments that are answered at once; clients seldom ask for its next page.
    pub role_assignments_limit: u32,
    /// Projects that may stand one below the other, the domain not counted.
    pub max_project_tree_depth: u32,
    /// Names of roles that no other role may imply.
    pub prohibited_implied_roles: Vec<String>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            default_domain_id: "default".into(),
            max_identity_providers_per_domain: 10,
            list_limit: 1000,
            role_assignments_limit: 100_000,
            max_project_tree_depth: 5,
            prohibited_implied_roles: vec!["admin".into()],
        }
    }
}

/// Policy rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// YAML or JSON file with rules that replace the defaults. Empty means `policies/policy.yaml` in the working
    /// directory if it exists, and the built-in defaults if not.
    pub file: String,
    /// Folders whose files are read after `file`, in the order of their names. Empty means `policies/policy.d` in the
    /// working directory if it exists.
    pub dirs: Vec<String>,
    /// Time in which a remote check (`http:` or `https:` rule) must have answered; none means deny.
    pub remote_timeout_secs: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { file: String::new(), dirs: Vec::new(), remote_timeout_secs: 5 }
    }
}

/// The key that seals stored secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// File with the keys that seal stored secrets.
    pub key_file: String,
    /// The key itself, for where files are no place for it (`ARCHSTONE_SECRETS__KEY`); it wins over the file.
    pub key: Hidden,
}

impl Default for Secrets {
    fn default() -> Self {
        Self { key_file: "master.key".into(), key: Hidden::default() }
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The log, written to standard error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `text` or `json`.
    pub format: LogFormat,
    /// What is logged: a level, or directives such as `info,sqlx=warn`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".into() }
    }
}

/// Prometheus metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address and port that serve `/metrics`, such as `127.0.0.1:9180`. Empty, the default, means none: the figures
    /// need no credential, and a second node on one machine must start without a clash of ports.
    pub bind: String,
}

/// Audit records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Days that audit records are kept; 0 keeps them for ever.
    pub retention_days: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self { retention_days: 365 }
    }
}

/// Background jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// How often a node looks for jobs that have become due. Those that it queues itself it starts at once.
    pub poll_secs: u64,
    /// Jobs that a node runs at once.
    pub workers: usize,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { poll_secs: 1, workers: 4 }
    }
}

/// Global SSO configurations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sso {
    /// Test configurations in the background: after each change, and again and again.
    pub background_tests: bool,
    /// Time between two tests of one, about.
    pub retest_secs: u64,
    /// Time between two looks at a platform that answers, about.
    pub platform_check_secs: u64,
    /// The same for one that does not.
    pub platform_retry_secs: u64,
    /// Time between two looks whether what was pushed is still there, about.
    pub federation_check_secs: u64,
    /// How long a call waits for platforms; what takes longer goes on in the background.
    pub federate_wait_secs: u64,
    /// Time after which users and groups on a platform are looked at one by one, though nothing has changed here.
    pub provision_secs: u64,
}

impl Default for Sso {
    fn default() -> Self {
        Self {
            background_tests: true,
            retest_secs: 3_600,
            platform_check_secs: 900,
            platform_retry_secs: 15,
            federation_check_secs: 900,
            federate_wait_secs: 25,
            provision_secs: 86_400,
        }
    }
}

/// Outgoing requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Hosts and networks (CIDR) that may be reached although their addresses are private, loopback or link-local.
    pub allow: Vec<String>,
    /// URL schemes that may be used: `https`, `http`.
    pub schemes: Vec<String>,
    /// Ports that may be used; empty means every port.
    pub ports: Vec<u16>,
    /// Time in which a connection must stand.
    pub connect_timeout_secs: u64,
    /// Time in which the whole exchange must be done, redirects included.
    pub total_timeout_secs: u64,
    /// Largest answer.
    pub max_body_bytes: usize,
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            schemes: vec!["https".into()],
            ports: vec![80, 443, 5000, 8080, 8443],
            connect_timeout_secs: 2,
            total_timeout_secs: 10,
            max_body_bytes: 1_048_576,
        }
    }
}
