//! Arguments of `archstone keys`.

use std::path::PathBuf;

use super::{Output, Places, decode, encode, list, rotate, setup};
use crate::app::key_settings;
use crate::cli::Outcome;
use crate::clock::{Clock as _, Random, SystemClock};
use crate::config::{Config, TokenFormat};
use crate::keys::{Format, TokenKeys};

/// Commands of `keys`.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Make the keys that are missing: Fernet repository, JWS key pair, master key.
    Setup(Named),
    /// Make new keys for the kind of token that is issued; older ones stay as long as the repository's rule says. No restart is
    /// needed.
    Rotate {
        #[command(flatten)]
        named: Named,
        /// Fernet keys that stay (default: as configured).
        #[arg(long, value_name = "N")]
        max_active_keys: Option<u32>,
    },
    /// Show numbers, roles and ages of the keys, never the keys.
    List(Named),
    /// Tokens on standard input to payloads on standard output, one a line.
    #[command(hide = true)]
    Decode(Lines),
    /// Payloads on standard input to tokens on standard output, one a line.
    #[command(hide = true)]
    Encode(Lines),
}

/// Repositories named on the command line; when none is, all the configured ones count.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Named {
    /// A Fernet key repository.
    #[arg(long, value_name = "DIR")]
    fernet: Option<PathBuf>,
    /// A repository with the private JWS key.
    #[arg(long, value_name = "DIR", requires = "jws_public")]
    jws_private: Option<PathBuf>,
    /// A repository of public JWS keys.
    #[arg(long, value_name = "DIR", requires = "jws_private")]
    jws_public: Option<PathBuf>,
    /// Answer in JSON.
    #[arg(long)]
    json: bool,
}

impl Named {
    fn is_none(&self) -> bool {
        self.fernet.is_none() && self.jws_private.is_none()
    }
}

/// Options of `decode` and `encode`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Lines {
    #[command(flatten)]
    named: Named,
    /// One document a line; the only form there is.
    #[arg(long)]
    json_lines: bool,
    /// The kind of token to make.
    #[arg(long, value_enum)]
    format: Option<Kind>,
}

/// One kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Kind {
    /// Fernet.
    Fernet,
    /// JWS.
    Jws,
}

/// The configured repositories.
struct Configured {
    fernet: PathBuf,
    jws_private: PathBuf,
    jws_public: PathBuf,
    /// A master key from the environment has no file to make or to show.
    master: Option<PathBuf>,
}

impl Configured {
    fn new(config: &Config) -> Self {
        Self {
            fernet: config.resolve(&config.token.fernet_keys_dir),
            jws_private: config.resolve(&config.token.jws_private_dir),
            jws_public: config.resolve(&config.token.jws_public_dir),
            master: config.secrets.key.is_empty().then(|| config.resolve(&config.secrets.key_file)),
        }
    }

    fn places<'a>(&'a self, named: &'a Named) -> Places<'a> {
        if !named.is_none() {
            return Places {
                fernet: named.fernet.as_deref(),
                jws: named.jws_private.as_deref().zip(named.jws_public.as_deref()),
                master: None,
            };
        }
        Places {
            fernet: Some(&self.fernet),
            jws: Some((&self.jws_private, &self.jws_public)),
            master: self.master.as_deref(),
        }
    }
}

pub(in crate::cli) fn run(config: &Config, command: &Command) -> Outcome {
    let random = Random::system();
    let configured = Configured::new(config);
    let output = |named: &Named| if named.json { Output::Json } else { Output::Text };
    let mut out = std::io::stdout().lock();
    match command {
        Command::Setup(named) => setup(configured.places(named), &random, output(named), &mut out)?,
        Command::Rotate { named, max_active_keys } => {
            let most = usize::try_from(max_active_keys.unwrap_or(config.token.max_active_keys)).unwrap_or(usize::MAX);
            let mut places = configured.places(named);
            // The master key's rotation is `secrets rotate`: it needs a restart and a re-sealing.
            places.master = None;
            if named.is_none() {
                // Only the keys that make tokens: the others would pile up unused.
                match config.token.format {
                    TokenFormat::Fernet => places.jws = None,
                    TokenFormat::Jws => places.fernet = None,
                }
            }
            rotate(places, most, &random, output(named), &mut out)?;
        }
        Command::List(named) => list(configured.places(named), SystemClock::default().now(), output(named), &mut out)?,
        Command::Decode(lines) => decode(&token_keys(config, lines)?, std::io::stdin().lock(), &mut out)?,
        Command::Encode(lines) => encode(&token_keys(config, lines)?, &random, std::io::stdin().lock(), &mut out)?,
    }
    Ok(())
}

fn token_keys(config: &Config, lines: &Lines) -> crate::error::Result<TokenKeys> {
    let mut settings = key_settings(config);
    let named = &lines.named;
    if !named.is_none() {
        settings.fernet.clone_from(&named.fernet);
        settings.jws = named.jws_private.clone().zip(named.jws_public.clone());
    }
    match lines.format {
        Some(Kind::Jws) => settings.issue = Format::Jws,
        Some(Kind::Fernet) => settings.issue = Format::Fernet,
        None if settings.fernet.is_none() => settings.issue = Format::Jws,
        None => {}
    }
    TokenKeys::load(settings)
}
