//! The configuration: one TOML file, then the environment, then the rules.
//!
//! Every key has a default, so that an empty file is a working service. `ARCHSTONE_<SECTION>__<KEY>` overrides the file
//! (`ARCHSTONE_SERVER__BIND`); deeper tables take further `__`. A key that does not exist is an error that names it,
//! so that a typing mistake never leaves a default standing (security case REL-CONF-1). The environment comes in as a
//! list of pairs: this module reads no process state.

mod cidr;
mod federation;
mod hidden;
mod merge;
mod password_pattern;
mod saml;
mod sections;
mod tenant;
mod validate;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use cidr::Cidr;
pub use federation::Federation;
pub use hidden::{DatabaseUrl, Hidden, MASK};
pub use password_pattern::PasswordPattern;
pub use saml::Saml;
pub use sections::{
    Audit, Data, Database, Egress, Http2, Identity, Jobs, Log, LogFormat, Metrics, Password, Policy, Secrets,
    SecurityCompliance, Server, Sso, Token, TokenFormat,
};
pub use tenant::Tenant;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where files live.
    pub data: Data,
    /// The listening side.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// Tokens.
    pub token: Token,
    /// Hashing of passwords.
    pub password: Password,
    /// Lock-out of accounts and rules of passwords.
    pub security_compliance: SecurityCompliance,
    /// Domains, users and lists.
    pub identity: Identity,
    /// Signing in through identity providers.
    pub federation: Federation,
    /// What this service is to partners that speak SAML.
    pub saml: Saml,
    /// Policy rules.
    pub policy: Policy,
    /// The key that seals stored secrets.
    pub secrets: Secrets,
    /// The log.
    pub log: Log,
    /// Prometheus metrics.
    pub metrics: Metrics,
    /// Audit records.
    pub audit: Audit,
    /// Background jobs.
    pub jobs: Jobs,
    /// Global SSO configurations.
    pub sso: Sso,
    /// Signing in at tenants.
    pub tenant: Tenant,
    /// Outgoing requests.
    pub egress: Egress,
}

/// Where the database is, with a relative file resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseLocation {
    /// An SQLite file; `:memory:` stands for a database that ends with the process.
    Sqlite(PathBuf),
    /// A PostgreSQL address.
    Postgres(DatabaseUrl),
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the key, such as `server.bind`; the file's name if the file as a whole is to blame.
    pub key: String,
    /// What is wrong with it, or the rule it breaks.
    pub message: String,
}

impl Problem {
    fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}

/// Why a configuration cannot be used: everything that was found wrong, each with its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}: {}", problem.key, problem.message)?;
        }
        Ok(())
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl From<Vec<Problem>> for ConfigError {
    fn from(problems: Vec<Problem>) -> Self {
        Self { problems }
    }
}

impl Config {
    /// The defaults, overridden by `file` (if one is given it must exist) and then by the environment `env`, checked.
    ///
    /// # Errors
    /// Names each offending key: unknown, of the wrong type, or against a rule.
    pub fn load<I>(file: Option<&Path>, env: I) -> Result<Self, ConfigError>
    where
        I: IntoIterator<Item = (String, String)>,
    {
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|e| Problem::new(path.display().to_string(), format!("cannot be read: {e}")))?,
        };
        let name = file.map_or_else(String::new, |path| path.display().to_string());
        let config = merge::merge(&name, &text, env)?;
        config.validate()?;
        Ok(config)
    }

    /// Checks the rules that types cannot state.
    ///
    /// # Errors
    /// Every broken rule with its key.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let problems = validate::problems(self);
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }

    /// This configuration as TOML, secrets masked.
    ///
    /// # Errors
    /// Only if a value cannot be written as TOML, which a loaded configuration never holds.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|e| Problem::new("configuration", e.to_string()).into())
    }

    /// `path` as it stands if absolute, else in the data folder.
    pub fn resolve(&self, path: &str) -> PathBuf {
        Path::new(&self.data.dir).join(path)
    }

    /// The address to listen on; `None` only before [`Config::validate`].
    pub fn bind(&self) -> Option<SocketAddr> {
        self.server.bind.parse().ok()
    }

    /// True if the service speaks TLS itself.
    pub fn tls(&self) -> bool {
        !self.server.tls_certificate.is_empty()
    }

    /// The base URL of every link, without a slash at its end. Listening on every address, as `0.0.0.0` does, gives
    /// no name that a client could use: the loopback address stands in until `server.public_url` is set.
    pub fn public_url(&self) -> String {
        if !self.server.public_url.is_empty() {
            return self.server.public_url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.tls() { "https" } else { "http" };
        match self.bind() {
            Some(SocketAddr::V4(v4)) if v4.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}", v4.port()),
            Some(SocketAddr::V6(v6)) if v6.ip().is_unspecified() => format!("{scheme}://[::1]:{}", v6.port()),
            _ => format!("{scheme}://{}", self.server.bind),
        }
    }

    /// Where the database is.
    pub fn database(&self) -> DatabaseLocation {
        match self.database.url.expose().strip_prefix("sqlite:") {
            None => DatabaseLocation::Postgres(self.database.url.clone()),
            Some(rest) => match rest.strip_prefix("//").unwrap_or(rest) {
                ":memory:" => DatabaseLocation::Sqlite(PathBuf::from(":memory:")),
                file => DatabaseLocation::Sqlite(self.resolve(file)),
            },
        }
    }

    /// The policy file to read: the configured one, else `policies/policy.yaml` if it exists.
    pub fn policy_file(&self) -> Option<PathBuf> {
        if self.policy.file.is_empty() {
            return Some(PathBuf::from("policies/policy.yaml")).filter(|path| path.is_file());
        }
        Some(self.resolve(&self.policy.file))
    }

    /// The policy folders to read: the configured ones, else `policies/policy.d` if it exists.
    pub fn policy_dirs(&self) -> Vec<PathBuf> {
        if self.policy.dirs.is_empty() {
            return Some(PathBuf::from("policies/policy.d")).filter(|path| path.is_dir()).into_iter().collect();
        }
        self.policy.dirs.iter().map(|dir| self.resolve(dir)).collect()
    }

    /// The pattern that new passwords must match, if there is one.
    pub fn password_pattern(&self) -> Option<PasswordPattern> {
        let text = &self.security_compliance.password_regex;
        Some(text).filter(|t| !t.is_empty()).and_then(|t| t.parse().ok())
    }

    /// The networks of the trusted reverse proxies.
    pub fn trusted_proxies(&self) -> Vec<Cidr> {
        self.server.trusted_proxies.iter().filter_map(|text| text.parse().ok()).collect()
    }
}

#[cfg(test)]
mod tests;
