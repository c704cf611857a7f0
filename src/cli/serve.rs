//! `archstone serve`

use tracing_subscriber::EnvFilter;

use super::{Failure, Outcome};
use crate::config::{Config, LogFormat};
use crate::error::Error;

pub(super) fn run(config: Config) -> Outcome {
    log(&config)?;
    // One provider for all TLS; a second installation would be refused and changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if config.server.workers > 0 {
        builder.worker_threads(config.server.workers);
    }
    let runtime = builder.enable_all().build()?;
    let served = runtime.block_on(crate::app::run(config));
    // Blocking work that is still running (a password hash) must not hold the stop up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    served.map_err(Failure::Error)
}

fn log(config: &Config) -> Result<(), Failure> {
    let filter =
        EnvFilter::try_new(&config.log.filter).map_err(|e| Error::invalid_field("log.filter", e.to_string()))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = match config.log.format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    done.map_err(|e| Failure::Error(Error::internal(e.to_string())))
}
