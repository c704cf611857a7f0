//! Defaults, file and environment laid over one another.
//!
//! The defaults, written out as a tree, say which keys exist and of which type they are; a file or a variable may only
//! replace what stands there.

use toml::{Table, Value};

use super::{Config, ConfigError, Problem};

const PREFIX: &str = "ARCHSTONE_";

/// Variables with our prefix that are no overrides. `ARCHSTONE_DATA` alone has a meaning here: the data folder.
const RESERVED: [&str; 3] = ["ARCHSTONE_CONFIG", "ARCHSTONE_DATA", "ARCHSTONE_LOG"];

/// Prefixes of variables for scripts and test suites, which are no overrides either.
const RESERVED_PREFIXES: [&str; 2] = ["ARCHSTONE_BIN", "ARCHSTONE_TEST_"];

/// The defaults with the file's `text` and then the environment laid over them; `name` is the file's, for messages.
pub fn merge<I>(name: &str, text: &str, env: I) -> Result<Config, ConfigError>
where
    I: IntoIterator<Item = (String, String)>,
{
    let mut tree = Table::try_from(Config::default())
        .map_err(|e| Problem::new("configuration", format!("the defaults cannot be written out: {e}")))?;
    let mut problems = Vec::new();
    match text.parse::<Table>() {
        Ok(file) => lay_over(&mut tree, file, "", &mut problems),
        Err(e) => return Err(Problem::new(name, syntax_error(text, &e)).into()),
    }

    // In the order of names, so that which of two problems is told first does not depend on the process.
    let mut variables: Vec<(String, String)> = env.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    if let Some((_, dir)) = variables.iter().find(|(name, _)| name == "ARCHSTONE_DATA") {
        let data = Table::from_iter([("dir".to_owned(), Value::String(dir.clone()))]);
        lay_over(&mut tree, Table::from_iter([("data".to_owned(), Value::Table(data))]), "", &mut problems);
    }
    for (variable, value) in variables {
        let reserved = RESERVED.contains(&variable.as_str())
            || RESERVED_PREFIXES.iter().any(|prefix| variable.starts_with(prefix));
        if !reserved && let Err(problem) = override_one(&mut tree, &variable, &value) {
            problems.push(problem);
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    serde_path_to_error::deserialize(Value::Table(tree))
        .map_err(|e| Problem::new(e.path().to_string(), first_line(&e.inner().to_string())).into())
}

/// The parser's message with its line; not its excerpt of the file, which may hold a secret.
fn syntax_error(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => format!("line {}: {}", before.matches('\n').count() + 1, error.message()),
        None => error.message().to_owned(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn lay_over(tree: &mut Table, over: Table, path: &str, problems: &mut Vec<Problem>) {
    for (key, value) in over {
        let full = join(path, &key);
        let Some(slot) = tree.get_mut(&key) else {
            problems.push(Problem::new(full, unknown(tree, path, &key)));
            continue;
        };
        match (slot, value) {
            (Value::Table(inner), Value::Table(over)) => lay_over(inner, over, &full, problems),
            (slot, value) if slot.same_type(&value) => *slot = value,
            (Value::Float(slot), Value::Integer(whole)) => *slot = whole as f64,
            (slot, value) => {
                problems.push(Problem::new(full, wrong_type(slot, value.type_str())));
            }
        }
    }
}

fn wrong_type(expected: &Value, got: &str) -> String {
    format!("must be {}, not {}", with_article(expected.type_str()), with_article(got))
}

fn with_article(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {type_name}")
}

fn unknown(siblings: &Table, path: &str, key: &str) -> String {
    let nearest = siblings
        .keys()
        .map(|candidate| (distance(candidate, key), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min();
    match nearest {
        Some((_, candidate)) => format!("there is no such key; did you mean `{}`?", join(path, candidate)),
        None => "there is no such key".to_owned(),
    }
}

/// Levenshtein's distance: single-character changes from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (slot, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let cost = diagonal + usize::from(from != to);
            diagonal = *slot;
            left = cost.min(left + 1).min(*slot + 1);
            *slot = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Replaces the one value that `variable` names.
fn override_one(tree: &mut Table, variable: &str, text: &str) -> Result<(), Problem> {
    let lower = variable.strip_prefix(PREFIX).unwrap_or(variable).to_ascii_lowercase();
    let keys: Vec<&str> = lower.split("__").collect();
    let problem = |path: &str, message: String| {
        Problem::new(path.to_owned(), format!("{message} (from the variable {variable})"))
    };
    let Some((last, tables)) = keys.split_last() else { return Ok(()) };
    let mut table = tree;
    let mut path = String::new();
    for key in tables {
        let full = join(&path, key);
        if !table.contains_key(*key) {
            return Err(problem(&full, unknown(table, &path, key)));
        }
        let Some(Value::Table(inner)) = table.get_mut(*key) else {
            return Err(problem(&full, "is a value, not a section".to_owned()));
        };
        table = inner;
        path = full;
    }
    let full = join(&path, last);
    match table.get(*last) {
        None => Err(problem(&full, unknown_variable(table, &path, last))),
        Some(Value::Table(_)) => Err(problem(&full, "is a section; a variable names one of its keys".to_owned())),
        Some(default) => {
            let value = parse_as(default, text).map_err(|message| problem(&full, message))?;
            table.insert((*last).to_owned(), value);
            Ok(())
        }
    }
}

/// As [`unknown`]; one underscore where two belong is the likeliest mistake in a variable's name.
fn unknown_variable(table: &Table, path: &str, key: &str) -> String {
    let meant = table.iter().find_map(|(section, value)| {
        let inner = key.strip_prefix(section.as_str())?.strip_prefix('_')?;
        value.as_table()?.contains_key(inner).then(|| format!("{section}__{inner}"))
    });
    match meant {
        Some(meant) => {
            format!("there is no such key; did you mean `{PREFIX}{}`?", meant.to_ascii_uppercase())
        }
        None => unknown(table, path, key),
    }
}

/// `text` read as a value of the type that `default` has.
fn parse_as(default: &Value, text: &str) -> Result<Value, String> {
    let wrong = || format!("must be {}", with_article(default.type_str()));
    match default {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().map(Value::Integer).map_err(|_| wrong()),
        Value::Float(_) => text.trim().parse().map(Value::Float).map_err(|_| wrong()),
        Value::Boolean(_) => text.trim().parse().map(Value::Boolean).map_err(|_| wrong()),
        Value::Array(items) if !text.trim_start().starts_with('[') => {
            let of = items.first().cloned().unwrap_or(Value::String(String::new()));
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| parse_as(&of, part)).collect::<Result<_, _>>().map(Value::Array).map_err(|_| wrong())
        }
        Value::Array(_) | Value::Datetime(_) | Value::Table(_) => format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .filter(|value| value.same_type(default))
            .ok_or_else(wrong),
    }
}
