//! Arguments of `archstone mapping`.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use super::{json_lines, read};
use crate::cli::{Failure, Outcome};
use crate::error::Error;
use crate::model::mapping_engine::{Owner, Rules};

/// Commands of `mapping`.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// What comes of an assertion. Exit code 1 if the rules or the input are no good, 3 if a login would be refused.
    Evaluate(Evaluate),
    /// What is wrong with rules. Exit code 1 if they could not be stored.
    Lint {
        /// JSON file with the rules, `-` for standard input.
        #[arg(value_name = "FILE")]
        rules: PathBuf,
        #[command(flatten)]
        kind: Kind,
        /// Answer in JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What kind of rules they are.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Kind {
    /// 1.0, 2.0 or 3.0, instead of the version in the file (else 1.0).
    #[arg(long, value_name = "VERSION")]
    schema_version: Option<String>,
    /// Read them as a mapping that belongs to this domain, by id.
    #[arg(long, value_name = "DOMAIN_ID")]
    owner: Option<String>,
}

/// Options of `mapping evaluate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Evaluate {
    /// JSON file with the rules: a list, {"rules": …} or {"mapping": …}; `-` for standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "json_lines")]
    rules: Option<PathBuf>,
    /// File with the assertion: `name: value` lines, or a JSON object of texts or lists; `-` for standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "json_lines")]
    input: Option<PathBuf>,
    /// Tell for every rule and entry what matched and what did not.
    #[arg(long)]
    explain: bool,
    /// The explanation in JSON, as the result always is.
    #[arg(long, conflicts_with = "json_lines")]
    json: bool,
    /// Only attributes whose names begin so.
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true, conflicts_with = "json_lines")]
    prefix: String,
    /// Read cases from standard input, one JSON document a line.
    #[arg(long, conflicts_with_all = ["rules", "input", "schema_version", "owner"])]
    json_lines: bool,
    #[command(flatten)]
    kind: Kind,
    /// Evaluate this many times, for measuring.
    #[arg(long, hide = true, default_value_t = 1)]
    repeat: u32,
}

pub(in crate::cli) fn run(command: &Command) -> Outcome {
    match command {
        Command::Lint { rules, kind, json } => lint(rules, kind, *json),
        Command::Evaluate(args) if args.json_lines => {
            Ok(json_lines(std::io::stdin().lock(), std::io::stdout().lock(), args.explain)?)
        }
        Command::Evaluate(args) => evaluate(args),
    }
}

fn compile(path: &std::path::Path, kind: &Kind) -> Result<Rules, Error> {
    let (rules, named) = read::rules(&read::file(path)?)?;
    let given = kind.schema_version.clone().map(Into::into);
    let version = read::version(given.as_ref().or(named.as_ref()))?;
    Rules::parse(&rules, version, kind.owner.clone().map_or(Owner::Cloud, Owner::Domain))
}

fn lint(path: &std::path::Path, kind: &Kind, as_json: bool) -> Outcome {
    let mut out = std::io::stdout().lock();
    let (errors, warnings, version) = match compile(path, kind) {
        Ok(rules) => (Vec::new(), rules.warnings().to_vec(), Some(rules.version().as_str())),
        Err(error) => (error.to_string().lines().map(str::to_owned).collect(), Vec::new(), None),
    };
    if as_json {
        let valid = version.is_some();
        writeln!(
            out,
            "{}",
            json!({"valid": valid, "schema_version": version, "errors": errors, "warnings": warnings})
        )?;
    } else {
        for error in &errors {
            writeln!(out, "error: {error}")?;
        }
        for warning in warnings {
            writeln!(out, "warning: {warning}")?;
        }
        if let Some(version) = version {
            writeln!(out, "valid, version {version}")?;
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Failure::Said) }
}

fn evaluate(args: &Evaluate) -> Outcome {
    let (Some(rules), Some(input)) = (&args.rules, &args.input) else { return Err(Failure::Said) };
    if rules == input && rules.as_os_str() == "-" {
        return Err(Error::invalid("only one of --rules and --input can be standard input").into());
    }
    let rules = compile(rules, &args.kind)?;
    let assertion = read::assertion(&read::file(input)?, &args.prefix)?;
    let mut out = std::io::stdout().lock();
    let outcome = if args.explain {
        let explanation = rules.explain(&assertion);
        if args.json {
            writeln!(out, "{:#}", explanation.document())?;
        } else {
            write!(out, "{explanation}")?;
        }
        explanation.outcome
    } else {
        for _ in 1..args.repeat {
            std::hint::black_box(rules.evaluate(&assertion).is_ok());
        }
        rules.evaluate(&assertion)
    };
    let mut err = std::io::stderr().lock();
    match outcome {
        Ok(mapped) => {
            if !args.explain {
                writeln!(out, "{:#}", mapped.document(rules.version()))?;
                for warning in rules.warnings().iter().chain(&mapped.warnings) {
                    writeln!(err, "archstone: warning: {warning}")?;
                }
                if !mapped.names_somebody() {
                    writeln!(err, "archstone: refused: the rules that match name nobody")?;
                }
            }
            if mapped.names_somebody() { Ok(()) } else { Err(Failure::Refused) }
        }
        Err(refusal) => {
            if !args.explain {
                writeln!(err, "archstone: refused: {}", refusal.message)?;
            }
            Err(Failure::Refused)
        }
    }
}
