//! Checks of servers on loopback, each failure with its text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ldap;
mod oidc;
mod saml;

use super::*;
use crate::config;
use crate::testing::provider::Provider;

/// 2027-01-15.
const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

/// Checks that may ask 127.0.0.1, whose names all resolve: `idp.example` to it, `internal.example` to 10.0.0.1.
fn checks() -> Checks {
    checks_within(Duration::from_secs(5))
}

fn checks_within(limit: Duration) -> Checks {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = config::Egress {
        allow: vec!["127.0.0.1/32".into()],
        schemes: vec!["https".into(), "http".into()],
        ports: vec![],
        max_body_bytes: 65_536,
        ..config::Egress::default()
    };
    let names = [("idp.example", "127.0.0.1"), ("internal.example", "10.0.0.1")];
    Checks { egress: Arc::new(Egress::in_test(&config, &names, None)), limit }
}

/// A port where nobody listens.
async fn closed() -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

fn port(provider: &Provider) -> u16 {
    Url::parse(&provider.issuer).unwrap().port().unwrap()
}

const CLOSED: &str = "may not be asked. The URL's host is not allowed. What may be asked is set under 'egress' in the \
                      configuration.";
