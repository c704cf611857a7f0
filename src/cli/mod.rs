//! The command line: a contract that operators and scripts rely on. One file for each command group.

mod bootstrap;
mod config;
mod db;
pub mod keys;
pub mod mapping;
mod members;
mod platform;
pub mod policy;
mod saml_keys;
mod secrets;
mod serve;
mod sso;
mod table;
mod tenant;
mod tenant_keys;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError};
use crate::error::Error;

/// A Keystone-compatible OS-FEDERATION identity service.
#[derive(Debug, Parser)]
#[command(name = "archstone", version, about, propagate_version = true)]
struct Cli {
    /// Configuration file (TOML); environment variables ARCHSTONE_<SECTION>__<KEY> win over it.
    #[arg(long, global = true, env = "ARCHSTONE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until stopped.
    Serve,
    /// Make the first administrator, with keystone-manage's flags; may be run again.
    Bootstrap(bootstrap::Args),
    /// The database.
    #[command(subcommand)]
    Db(db::Command),
    /// Token keys and the master key.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Policy rules.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Rules of mappings, tried without the service.
    #[command(subcommand)]
    Mapping(mapping::Command),
    /// Platforms that configurations can be pushed to.
    #[command(subcommand)]
    Platform(platform::Command),
    /// Global SSO configurations, and where they are pushed.
    #[command(subcommand)]
    Sso(sso::Command),
    /// Tenants, their applications and identity providers.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// What tenants sign their tokens with.
    #[command(subcommand)]
    TenantKeys(tenant_keys::Command),
    /// What partners that speak SAML know tenants and the service by.
    #[command(subcommand)]
    SamlKeys(saml_keys::Command),
    /// Secrets at rest.
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// The configuration.
    #[command(subcommand)]
    Config(config::Command),
}

/// Why a command failed.
#[derive(Debug)]
enum Failure {
    Config(ConfigError),
    Error(Error),
    Io(std::io::Error),
    /// Said already; only the exit code is left.
    Said,
    /// Said already: everything was in order, and the answer is no.
    Refused,
}

impl From<ConfigError> for Failure {
    fn from(e: ConfigError) -> Self {
        Self::Config(e)
    }
}
impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Error(e)
    }
}
impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
    }
}

type Outcome = Result<(), Failure>;

/// Runs the command line; the process's exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Said) => ExitCode::FAILURE,
        Err(Failure::Refused) => ExitCode::from(3),
        Err(Failure::Config(e)) => fail(&e.to_string()),
        Err(Failure::Error(e)) => fail(&e.to_string()),
        // A reader that has seen enough (`| head`) is no failure.
        Err(Failure::Io(e)) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Io(e)) => fail(&e.to_string()),
    }
}

fn fail(text: &str) -> ExitCode {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "archstone: {text}");
    ExitCode::FAILURE
}

fn run(cli: &Cli) -> Outcome {
    // These need no configuration.
    if let Command::Mapping(command) = &cli.command {
        return mapping::run(command);
    }
    if let Command::Policy(policy::Command::Check(args)) = &cli.command
        && args.json_lines
    {
        return Ok(policy::json_lines(std::io::stdin().lock(), std::io::stdout().lock())?);
    }
    let config = load(cli)?;
    match &cli.command {
        Command::Serve => serve::run(config),
        Command::Bootstrap(args) => bootstrap::run(&config, args),
        Command::Db(command) => db::run(&config, command),
        Command::Keys(command) => keys::run(&config, command),
        Command::Mapping(command) => mapping::run(command),
        Command::Platform(command) => platform::run(&config, command),
        Command::Policy(command) => policy::run(&config, command),
        Command::Sso(command) => sso::run(&config, command),
        Command::Tenant(command) => tenant::run(&config, command),
        Command::TenantKeys(command) => tenant_keys::run(&config, command),
        Command::SamlKeys(command) => saml_keys::run(&config, command),
        Command::Secrets(command) => secrets::run(&config, command),
        Command::Config(command) => config::run(&config, command),
    }
}

fn load(cli: &Cli) -> Result<Config, Failure> {
    Ok(Config::load(cli.config.as_deref(), std::env::vars())?)
}

/// A small runtime for commands that use the database.
fn block_on<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(runtime.block_on(work)?)
}
