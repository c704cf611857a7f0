//! Directories.

use super::*;
use crate::model::connection::ldap::Ldap;
use crate::testing::directory::{Directory, Reply, Request, Speaks, entry, message, operation, outcome, result, usual};
use crate::testing::tls::Authority;

const BASE: &str = "dc=example,dc=org";
const PEOPLE: &str = "ou=people,dc=example,dc=org";
const ACCOUNT: (&str, &str) = ("cn=service,dc=example,dc=org", "canary s:cret");
const CLEAR: &str = "Passwords go to the directory without TLS. Set 'useSsl' or 'useStartTls'.";

fn settings(port: u16) -> Ldap {
    Ldap {
        server_address: "idp.example".into(),
        port: Some(port),
        base_dn: BASE.into(),
        bind_dn: Some(ACCOUNT.0.into()),
        user_search_base: Some(PEOPLE.into()),
        ..Ldap::default()
    }
}

async fn run_with(checks: &Checks, ldap: Ldap, password: Option<&str>) -> std::result::Result<Report, Failure> {
    let secret = password.map(Secret::from);
    let outcome = checks.run(&Settings::Ldap(Box::new(ldap)), secret.as_ref(), NOW).await;
    assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
    outcome
}

async fn run(ldap: Ldap) -> std::result::Result<Report, Failure> {
    run_with(&checks(), ldap, Some(ACCOUNT.1)).await
}

/// The text of a check that fails, with the directory's name and port cut out.
async fn told(ldap: Ldap) -> String {
    let what = format!("The directory {}:{}", ldap.server_address, ldap.port());
    run(ldap).await.unwrap_err().message.replace(&what, "IT")
}

async fn directory(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Directory {
    Directory::new(Speaks::Plain, answer).await
}

#[tokio::test]
async fn a_directory_that_has_what_is_searched_passes() {
    let directory = directory(usual(&[BASE, PEOPLE], ACCOUNT)).await;
    let report = run(settings(directory.port)).await.unwrap();
    let expected = Report {
        issuer: Some(format!("ldap://idp.example:{}/{BASE}", directory.port)),
        warnings: vec![CLEAR.into()],
        ..Report::default()
    };
    assert_eq!(report, expected);
    let search = |dn: &str| Request::Search(dn.to_owned());
    let bind = Request::Bind(ACCOUNT.0.into(), ACCOUNT.1.into());
    let left = async {
        while directory.asked().len() < 4 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), left).await.unwrap();
    assert_eq!(directory.asked(), [bind, search(BASE), search(PEOPLE), Request::Unbind]);
}

#[tokio::test]
async fn one_without_a_service_account_is_asked_as_nobody() {
    let directory = directory(usual(&[BASE], ("", ""))).await;
    let ldap = Ldap { bind_dn: None, user_search_base: None, ..settings(directory.port) };
    assert!(run_with(&checks(), ldap, None).await.is_ok());
    assert_eq!(directory.asked()[0], Request::Bind(String::new(), String::new()));
}

#[tokio::test]
async fn a_service_account_is_never_tried_without_a_password() {
    let directory = directory(|_| result(0x61, 0)).await;
    for password in [None, Some("")] {
        let failure = run_with(&checks(), settings(directory.port), password).await.unwrap_err();
        assert_eq!(failure.message, "The service account 'bindDn' has no password 'bindPassword'.");
    }
    assert!(directory.asked().is_empty());
}

#[tokio::test]
async fn tls_is_verified_for_the_host_that_is_set() {
    let authority = Authority::new("Ours");
    let trouble = |why: &str| Some(format!("IT cannot be reached: TLS failed, {why}."));
    for (acceptor, why) in [
        (authority.server("idp.example", (2020, 2090)), None),
        (authority.server("idp.example", (2020, 2021)), trouble("the server's certificate has expired")),
        (authority.server("127.0.0.1", (2020, 2090)), trouble("the server's certificate is for another name")),
        (
            Authority::new("Another").server("idp.example", (2020, 2090)),
            trouble("the server's certificate is from an authority that is not trusted here"),
        ),
    ] {
        for start in [false, true] {
            let speaks = if start { Speaks::StartTls(acceptor.clone()) } else { Speaks::Tls(acceptor.clone()) };
            let directory = Directory::new(speaks, usual(&[BASE, PEOPLE], ACCOUNT)).await;
            let ldap = Ldap {
                use_ssl: !start,
                use_start_tls: start,
                ca_certificate_pem: Some(authority.pem()),
                ..settings(directory.port)
            };
            match &why {
                None => {
                    let report = run(ldap).await.unwrap();
                    let scheme = if start { "ldap" } else { "ldaps" };
                    assert_eq!(report.issuer, Some(format!("{scheme}://idp.example:{}/{BASE}", directory.port)));
                    assert_eq!(report.warnings, Vec::<String>::new());
                    assert_eq!(report.certificate_expires_at, Timestamp::parse("2090-01-01T00:00:00Z"));
                }
                Some(why) => {
                    assert_eq!(&told(ldap).await, why);
                    let bound = directory.asked().into_iter().any(|asked| matches!(asked, Request::Bind(..)));
                    assert!(!bound, "a password went to a server that was not verified");
                }
            }
        }
    }
}

#[tokio::test]
async fn tls_where_there_is_none_is_told() {
    // As directories do: they hang up at the first bytes of TLS, which are no message.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
        }
    });
    let ldap = Ldap { use_ssl: true, ca_certificate_pem: Some(Authority::new("A").pem()), ..settings(port) };
    assert_eq!(
        told(ldap.clone()).await,
        "IT cannot be reached: TLS failed, the server broke it off, so it may not speak TLS at this port."
    );
    let refuses = directory(|request| match request {
        Request::StartTls => result(0x78, 2),
        _ => Reply::Close,
    })
    .await;
    let ldap = Ldap { use_ssl: false, use_start_tls: true, port: Some(refuses.port), ..ldap };
    assert_eq!(told(ldap).await, "IT does not offer StartTLS. Set 'useSsl' with its port, or let it offer StartTLS.");
    assert_eq!(refuses.asked(), [Request::StartTls]);
}

#[tokio::test]
async fn nothing_that_comes_with_the_answer_to_starttls_counts_as_protected() {
    let authority = Authority::new("Ours");
    // The answer to the bind comes in clear, before TLS.
    let forged = [message(1, &operation(0x78, &outcome(0))), message(1, &operation(0x61, &outcome(0)))].concat();
    let directory =
        Directory::new(Speaks::StartTls(authority.server("idp.example", (2020, 2090))), move |request| match request {
            Request::StartTls => Reply::Raw(forged.clone()),
            _ => Reply::Close,
        })
        .await;
    let ldap = Ldap { use_start_tls: true, ca_certificate_pem: Some(authority.pem()), ..settings(directory.port) };
    assert_eq!(told(ldap).await, "IT cannot be reached: TLS failed, the server does not speak TLS at this port.");
    assert_eq!(directory.asked(), [Request::StartTls]);
}

#[tokio::test]
async fn settings_that_look_odd_are_warnings() {
    let checks = checks_within(Duration::from_secs(2));
    let ldap = Ldap { server_address: "127.0.0.1".into(), use_ssl: true, ..settings(389) };
    let failure = run_with(&checks, ldap, Some(ACCOUNT.1)).await.unwrap_err();
    assert_eq!(
        failure.report.warnings,
        ["'useSsl' is set with port 389, where directories usually speak without TLS. The usual port is 636."]
    );
}

#[tokio::test]
async fn each_result_of_a_bind_has_its_text() {
    let refused = "IT does not let the service account bind with a password. It may be locked or have none.";
    let stronger = "IT wants TLS or a stronger proof than a password. Set 'useSsl' or 'useStartTls'.";
    let unknown = format!("IT does not know the service account '{}'. Check 'bindDn'.", ACCOUNT.0);
    for (code, text) in [
        (49, "IT does not accept the service account. Check 'bindDn' and 'bindPassword'."),
        (48, refused),
        (53, refused),
        (8, stronger),
        (13, stronger),
        (32, unknown.as_str()),
        (34, unknown.as_str()),
        (52, "IT is busy or shutting down. Try again."),
        (2, "IT refused to bind, with the result 2."),
    ] {
        let directory = directory(move |_| result(0x61, code)).await;
        assert_eq!(told(settings(directory.port)).await, text, "{code}");
        let ldap = Ldap { bind_dn: None, ..settings(directory.port) };
        let nobody = told(ldap).await;
        if matches!(code, 48 | 49 | 53) {
            let text = "IT does not answer without a service account. Set 'bindDn' and 'bindPassword'.";
            assert_eq!(nobody, text, "{code}");
        }
    }
}

#[tokio::test]
async fn each_result_of_a_search_has_its_text_and_names_the_base() {
    let people = format!("'{PEOPLE}' ('userSearchBase')");
    let hidden = format!("IT does not show the entry {people}. Let the service account read it.");
    for (code, text) in [
        (0, hidden.clone()),
        (50, hidden),
        (32, format!("IT has no entry {people}, or does not show it to the service account.")),
        (34, format!("IT does not take {people} for a DN.")),
        (10, format!("IT does not hold the entry {people} but refers to another server. Set that one.")),
        (51, "IT is busy or shutting down. Try again.".to_owned()),
        (80, format!("IT refused to look at the entry {people}, with the result 80.")),
    ] {
        let directory = directory(move |request| match request {
            Request::Search(dn) if dn == PEOPLE => result(0x65, code),
            other => usual(&[BASE], ACCOUNT)(other),
        })
        .await;
        assert_eq!(told(settings(directory.port)).await, text);
    }
    let nothing = directory(usual(&[], ACCOUNT)).await;
    let text = format!("IT has no entry '{BASE}' ('baseDn'), or does not show it to the service account.");
    assert_eq!(told(settings(nothing.port)).await, text);
    let groups = directory(usual(&[BASE, PEOPLE], ACCOUNT)).await;
    let ldap = Ldap { group_search_base: Some("ou=groups".into()), ..settings(groups.port) };
    let text = "IT has no entry 'ou=groups' ('groupSearchBase'), or does not show it to the service account.";
    assert_eq!(told(ldap).await, text);
    for (code, text) in [
        (1, "IT does not answer without a service account. Set 'bindDn' and 'bindPassword'.".to_owned()),
        (50, "IT does not answer without a service account. Set 'bindDn' and 'bindPassword'.".to_owned()),
        (32, format!("IT has no entry '{BASE}' ('baseDn'), or does not show it without a service account.")),
    ] {
        let directory = directory(move |request| match request {
            Request::Search(_) => result(0x65, code),
            _ => result(0x61, 0),
        })
        .await;
        assert_eq!(told(Ldap { bind_dn: None, ..settings(directory.port) }).await, text);
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_had_is_told_by_its_cause() {
    let ldap = settings(closed().await);
    let refused = "IT cannot be reached: the connection was refused. Check the port and that the server runs.";
    assert_eq!(told(ldap.clone()).await, refused);
    let unknown = Ldap { server_address: "unknown.example".into(), ..ldap };
    let text = "IT cannot be reached: the host name does not resolve. Check the name and the DNS.";
    assert_eq!(told(unknown).await, text);
    let text = "IT closed the connection. Check the port and whether it expects TLS.";
    let closes = directory(|_| Reply::Close).await;
    assert_eq!(told(settings(closes.port)).await, text);
    // The notice of disconnection (RFC 4511 §4.4.1), as it should be and as Active Directory writes it.
    let oid = operation(0x8a, b"1.3.6.1.4.1.1466.20036");
    let notice = operation(0x78, &[outcome(52), oid.clone()].concat());
    let odd = operation(0x30, &[&[0x02, 1, 0], operation(0x78, &outcome(52)).as_slice(), &oid].concat());
    for raw in [message(0, &notice), odd] {
        let leaves = directory(move |_| Reply::Raw(raw.clone())).await;
        assert_eq!(told(settings(leaves.port)).await, text);
    }
    let text = "IT gave an answer that is no LDAP. Check the port and whether it expects TLS.";
    let other = directory(|_| Reply::Raw(b"HTTP/1.1 400 canary\r\n\r\n".to_vec())).await;
    assert_eq!(told(settings(other.port)).await, text);
    let mixed = directory(|_| result(0x65, 0)).await;
    assert_eq!(told(settings(mixed.port)).await, text);
}

#[tokio::test]
async fn a_directory_that_does_not_answer_is_told_when_the_time_is_over() {
    let silent = directory(|_| Reply::Silence).await;
    let checks = checks_within(Duration::from_millis(300));
    let failure = run_with(&checks, settings(silent.port), Some(ACCOUNT.1)).await.unwrap_err();
    let text = format!("The directory idp.example:{} did not answer in time. Check network and firewall.", silent.port);
    assert_eq!(failure.message, text);
}

#[tokio::test]
async fn further_servers_are_asked_when_the_first_cannot_be_had() {
    let (gone, there) = (closed().await, directory(usual(&[BASE, PEOPLE], ACCOUNT)).await);
    let ldap = Ldap { servers: vec![format!("idp.example:{}", there.port)], ..settings(gone) };
    let refused = |port: u16| {
        format!(
            "The directory idp.example:{port} cannot be reached: the connection was refused. Check the port and that the \
             server runs."
        )
    };
    assert_eq!(run(ldap.clone()).await.unwrap().warnings, [CLEAR.to_owned(), refused(gone)]);
    let another = closed().await;
    let ldap = Ldap { servers: vec![format!("idp.example:{another}")], ..ldap };
    assert_eq!(run(ldap).await.unwrap_err().message, format!("{} {}", refused(gone), refused(another)));
    // A result is one, whatever others would say.
    let refuses = directory(|_| result(0x61, 49)).await;
    let ldap = Ldap { servers: vec![format!("idp.example:{}", there.port)], ..settings(refuses.port) };
    assert_eq!(told(ldap).await, "IT does not accept the service account. Check 'bindDn' and 'bindPassword'.");
}

#[tokio::test]
async fn ssrf_1_to_18_an_internal_directory_gives_one_text_whatever_is_there() {
    let directory = directory(usual(&[BASE, PEOPLE], ACCOUNT)).await;
    for port in [directory.port, closed().await] {
        for host in ["127.0.0.2", "10.0.0.1", "internal.example", "::1", "2130706434"] {
            for use_ssl in [false, true] {
                let ldap = Ldap { server_address: host.into(), use_ssl, ..settings(port) };
                let message = run(ldap).await.unwrap_err().message;
                let closed = "may not be asked. The host is not allowed. What may be asked is set under 'egress' in the \
                              configuration.";
                assert!(message.ends_with(closed), "{host}: {message}");
            }
        }
    }
    assert!(directory.asked().is_empty());
}

#[tokio::test]
async fn what_is_too_deep_too_large_or_endless_ends_the_connection() {
    let garbled = "IT gave an answer that is no LDAP. Check the port and whether it expects TLS.";
    // 200,000 levels: a reader that recurses would run out of its stack.
    let mut deep = Vec::new();
    for level in (0..200_000_u32).rev() {
        deep.extend_from_slice(&[0x30, 0x83]);
        deep.extend_from_slice(&(level * 5).to_be_bytes()[1..]);
    }
    let large = [&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff][..], &[0; 100]].concat();
    for raw in [deep, large] {
        let directory = directory(move |_| Reply::Raw(raw.clone())).await;
        assert_eq!(told(settings(directory.port)).await, garbled);
    }
    let endless = directory(|request| match request {
        Request::Search(dn) => Reply::Answers(vec![entry(&format!("{dn}{}", "x".repeat(200_000))); 100]),
        _ => result(0x61, 0),
    })
    .await;
    assert_eq!(told(settings(endless.port)).await, garbled);
}

#[test]
fn what_is_about_to_be_stored_is_checked_by_its_field() {
    let config = config::Egress::default();
    let checks = Checks::new(Arc::new(Egress::in_test(&config, &[], None)));
    let admitted = |ldap: Ldap| checks.admit(&mut Settings::Ldap(Box::new(ldap)));
    let server = |host: &str| Ldap { server_address: host.into(), ..Ldap::default() };
    let error = |name: &str, text: &str| Error::invalid_field(format!("ldapConfig.{name}"), text);
    for host in ["127.0.0.1", "::1", "[::1]", "localhost", "0x7f.1", "169.254.169.254", "fd00::1"] {
        assert_eq!(admitted(server(host)).unwrap_err(), error("serverAddress", "The host is not allowed."), "{host}");
    }
    for host in ["ldap://a.example", "a.example/x", "user@a.example", "a b"] {
        assert_eq!(admitted(server(host)).unwrap_err(), error("serverAddress", "The host cannot be read."), "{host}");
    }
    let ports = Ldap { port: Some(6379), ..server("ldap.example") };
    assert_eq!(admitted(ports).unwrap_err(), error("serverAddress", "The port is not allowed."));
    let further = Ldap { servers: vec!["b.example".into(), "10.0.0.1:636".into()], ..server("ldap.example") };
    assert_eq!(admitted(further).unwrap_err(), error("servers.1", "The host is not allowed."));
    let pem = Ldap { ca_certificate_pem: Some("x".into()), ..server("ldap.example") };
    let text = "the value has no certificate in PEM, which begins with '-----BEGIN CERTIFICATE-----'";
    assert_eq!(admitted(pem).unwrap_err(), error("caCertificatePem", text));
    for (use_ssl, servers) in [(false, vec![]), (true, vec!["[2606:4700::1111]:3269".into(), "b.example".into()])] {
        let pem = Some(Authority::new("A").pem());
        let fine = Ldap { use_ssl, servers, ca_certificate_pem: pem, ..server("ldap.example") };
        assert!(admitted(fine).is_ok());
    }
}
