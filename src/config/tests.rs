//! Tests of `config`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

const SAMPLE: &str = include_str!("../../etc/archstone.toml");

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = merge::merge("archstone.toml", file, env)?;
    config.validate()?;
    Ok(config)
}

fn refused(file: &str, env: &[(&str, &str)]) -> String {
    load(file, env).expect_err("accepted").to_string()
}

#[test]
fn nothing_configured_gives_the_defaults_and_they_are_valid() {
    assert_eq!(load("", &[]).unwrap(), Config::default());
}

#[test]
fn the_sample_file_equals_the_defaults_and_has_every_key() {
    fn keys(table: &toml::Table, path: &str, into: &mut Vec<String>) {
        for (key, value) in table {
            let full = format!("{path}{key}");
            match value {
                toml::Value::Table(inner) => keys(inner, &format!("{full}."), into),
                _ => into.push(full),
            }
        }
    }
    assert_eq!(load(SAMPLE, &[]).unwrap(), Config::default());
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    keys(&toml::Table::try_from(Config::default()).unwrap(), "", &mut expected);
    keys(&SAMPLE.parse().unwrap(), "", &mut found);
    assert_eq!(found, expected);
    for (number, line) in SAMPLE.lines().enumerate().filter(|(_, line)| line.contains(" = ") && !line.starts_with('#'))
    {
        let above = SAMPLE.lines().nth(number - 1).unwrap();
        assert!(above.starts_with("# "), "line {} has no comment above it: {line}", number + 1);
    }
}

#[test]
fn the_environment_wins_over_the_file_and_takes_each_type() {
    let config = load(
        "[server]\nbind = \"127.0.0.1:1\"\nmax_connections = 7\n[egress]\nports = [443]\n",
        &[
            ("ARCHSTONE_SERVER__BIND", "[::1]:5001"),
            ("ARCHSTONE_SERVER__HTTP2__MAX_CONCURRENT_STREAMS", " 5 "),
            ("ARCHSTONE_EGRESS__ALLOW", "10.0.0.0/8, idp.example.com,"),
            ("ARCHSTONE_EGRESS__PORTS", "443,9443"),
            ("ARCHSTONE_EGRESS__SCHEMES", "[\"https\", \"http\"]"),
            ("ARCHSTONE_TOKEN__FORMAT", "jws"),
            ("ARCHSTONE_TOKEN__METHODS", "password,token"),
            ("ARCHSTONE_SECRETS__KEY", "canary"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.bind, "[::1]:5001");
    assert_eq!(config.server.max_connections, 7);
    assert_eq!(config.server.http2.max_concurrent_streams, 5);
    assert_eq!(config.egress.allow, ["10.0.0.0/8", "idp.example.com"]);
    assert_eq!(config.egress.ports, [443, 9443]);
    assert_eq!(config.egress.schemes, ["https", "http"]);
    assert_eq!(config.token.format, TokenFormat::Jws);
    assert_eq!(config.token.methods, ["password", "token"]);
    assert_eq!(config.secrets.key.expose(), "canary");
    let empty = load("", &[("ARCHSTONE_EGRESS__PORTS", "")]).unwrap();
    assert!(empty.egress.ports.is_empty());
}

#[test]
fn the_data_folder_has_a_variable_of_its_own_and_relative_paths_lie_in_it() {
    let config = load("[data]\ndir = \"/one\"", &[("ARCHSTONE_DATA", "/two")]).unwrap();
    assert_eq!(config.resolve("fernet-keys"), Path::new("/two/fernet-keys"));
    assert_eq!(config.resolve("/etc/keys"), Path::new("/etc/keys"));
    let both = load("", &[("ARCHSTONE_DATA", "/two"), ("ARCHSTONE_DATA__DIR", "/three")]).unwrap();
    assert_eq!(both.data.dir, "/three");
    assert_eq!(Config::default().resolve("master.key"), Path::new("./var/master.key"));
}

#[test]
fn variables_of_scripts_are_no_overrides() {
    let names = ["ARCHSTONE_CONFIG", "ARCHSTONE_LOG", "ARCHSTONE_BIN", "ARCHSTONE_BINARY", "ARCHSTONE_TEST_DATABASE"];
    let env: Vec<(&str, &str)> = names.iter().map(|name| (*name, "x")).collect();
    assert_eq!(load("", &env).unwrap(), Config::default());
}

#[test]
fn rel_conf_1_an_unknown_key_is_refused_with_its_path_and_the_nearest_one() {
    for (file, env, message) in [
        ("[server]\nbindd = \"x\"", None, "server.bindd: there is no such key; did you mean `server.bind`?"),
        ("[sever]\nbind = \"x\"", None, "sever: there is no such key; did you mean `server`?"),
        ("[server.http2]\nwindow = 1", None, "server.http2.window: there is no such key"),
        ("zebra = 1", None, "zebra: there is no such key"),
        (
            "",
            Some("ARCHSTONE_SERVER__MAX_CONECTIONS"),
            "server.max_conections: there is no such key; did you mean `server.max_connections`? (from the variable ARCHSTONE_SERVER__MAX_CONECTIONS)",
        ),
        (
            "",
            Some("ARCHSTONE_SERVER_BIND"),
            "server_bind: there is no such key; did you mean `ARCHSTONE_SERVER__BIND`? (from the variable ARCHSTONE_SERVER_BIND)",
        ),
        ("", Some("ARCHSTONE_ZEBRA__X"), "zebra: there is no such key (from the variable ARCHSTONE_ZEBRA__X)"),
        (
            "",
            Some("ARCHSTONE_SERVER"),
            "server: is a section; a variable names one of its keys (from the variable ARCHSTONE_SERVER)",
        ),
        (
            "",
            Some("ARCHSTONE_SERVER__BIND__X"),
            "server.bind: is a value, not a section (from the variable ARCHSTONE_SERVER__BIND__X)",
        ),
    ] {
        let env: Vec<(&str, &str)> = env.iter().map(|name| (*name, "1")).collect();
        assert_eq!(refused(file, &env), message);
    }
}

#[test]
fn rel_conf_1_a_value_of_the_wrong_type_is_refused_with_its_path() {
    for (file, env, message) in [
        ("[server]\nbind = 1", None, "server.bind: must be a string, not an integer"),
        ("server = 1", None, "server: must be a table, not an integer"),
        ("[egress]\nallow = \"x\"", None, "egress.allow: must be an array, not a string"),
        ("[server]\nmax_connections = -1", None, "server.max_connections: invalid value: integer `-1`, expected usize"),
        ("[egress]\nports = [70000]", None, "egress.ports[0]: invalid value: integer `70000`, expected u16"),
        ("[token]\nformat = \"uuid\"", None, "token.format: unknown variant `uuid`, expected `fernet` or `jws`"),
        (
            "",
            Some(("ARCHSTONE_SERVER__MAX_CONNECTIONS", "many")),
            "server.max_connections: must be an integer (from the variable ARCHSTONE_SERVER__MAX_CONNECTIONS)",
        ),
        (
            "",
            Some(("ARCHSTONE_EGRESS__PORTS", "https")),
            "egress.ports: must be an array (from the variable ARCHSTONE_EGRESS__PORTS)",
        ),
    ] {
        let env: Vec<(&str, &str)> = env.into_iter().collect();
        assert_eq!(refused(file, &env), message);
    }
}

#[test]
fn rel_conf_1_every_broken_rule_is_told_with_its_key() {
    let message = refused(
        "[server]\nbind = \"here\"\ntls_key = \"k\"\ntrusted_proxies = [\"10.0.0.0/8\", \"lan\"]\n[database]\nurl = \"mysql://x\"\n[token]\nmethods = [\"password\", \"password\"]\n",
        &[],
    );
    assert_eq!(
        message.lines().collect::<Vec<_>>(),
        [
            "server.bind: must be an address with a port, such as 127.0.0.1:5000",
            "server.tls_certificate: must name a file when server.tls_key does",
            "server.trusted_proxies[1]: not an address or a network in CIDR notation",
            "database.url: must be sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME",
            "token.methods[1]: stands twice in the list",
        ]
    );
}

#[test]
fn rel_conf_1_rules_of_passwords_are_checked_at_the_start() {
    let message = refused(
        "[security_compliance]\nunique_last_password_count = 51\nminimum_password_age = 7\npassword_expires_days = 7\npassword_regex = '(a'",
        &[],
    );
    assert_eq!(
        message.lines().collect::<Vec<_>>(),
        [
            "security_compliance.unique_last_password_count: must be between 0 and 50",
            "security_compliance.minimum_password_age: must be less than security_compliance.password_expires_days, or an expired password could not be changed",
            "security_compliance.password_regex: is no pattern: Parsing error at position 2: Opening parenthesis without closing parenthesis",
        ]
    );
    let config = load("", &[("ARCHSTONE_SECURITY_COMPLIANCE__PASSWORD_REGEX", r"^(?=.*\d).{7,}$")]).unwrap();
    assert!(config.password_pattern().unwrap().matches("seven 7"));
    assert!(Config::default().password_pattern().is_none());
}

#[test]
fn rel_conf_1_a_missing_or_broken_file_is_named_without_its_content() {
    let missing = Config::load(Some(Path::new("/nowhere/archstone.toml")), []).unwrap_err();
    assert!(missing.to_string().starts_with("/nowhere/archstone.toml: cannot be read"), "{missing}");
    let broken = refused("[secrets]\nkey = \"canary\n", &[]);
    assert!(broken.starts_with("archstone.toml: line 2: "), "{broken}");
    assert!(!broken.contains("canary"), "{broken}");
}

#[test]
fn sec_log_1_the_shown_configuration_masks_every_secret_and_can_be_read_back() {
    let config = load(
        "[secrets]\nkey = \"canary\"\n[database]\nurl = \"postgres://u:canary@h/n\"\n[server.http2]\nmax_concurrent_streams = 9",
        &[],
    )
    .unwrap();
    let shown = config.to_toml().unwrap();
    assert!(!shown.contains("canary") && !format!("{config:?}").contains("canary"), "{shown}");
    assert!(shown.contains("key = \"******\"") && shown.contains("postgres://u:******@h/n"), "{shown}");
    assert_eq!(load(&shown, &[]).unwrap().server, config.server);
}

#[test]
fn addresses_and_places_follow_from_the_configuration() {
    let plain = Config::default();
    assert_eq!(plain.public_url(), "http://127.0.0.1:5000");
    assert_eq!(plain.database(), DatabaseLocation::Sqlite(PathBuf::from("./var/archstone.db")));
    let config = load(
        "[server]\npublic_url = \"https://id.example.com/identity/\"\n[database]\nurl = \"sqlite:///srv/a.db\"\n[policy]\nfile = \"p.yaml\"\ndirs = [\"d\"]",
        &[],
    )
    .unwrap();
    assert_eq!(config.public_url(), "https://id.example.com/identity");
    assert_eq!(config.database(), DatabaseLocation::Sqlite(PathBuf::from("/srv/a.db")));
    assert_eq!(config.policy_file(), Some(PathBuf::from("./var/p.yaml")));
    assert_eq!(config.policy_dirs(), [PathBuf::from("./var/d")]);
    let wildcard = load("[server]\nbind = \"0.0.0.0:5000\"", &[]).unwrap();
    assert_eq!(wildcard.public_url(), "http://127.0.0.1:5000");
    let tls = load("[server]\ntls_certificate = \"c\"\ntls_key = \"k\"", &[]).unwrap();
    assert_eq!(tls.public_url(), "https://127.0.0.1:5000");
}
