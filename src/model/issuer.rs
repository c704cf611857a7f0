//! Issuers: what identifies an identity provider (sso-api §3.3), and when two texts name the same one.

use url::Url;

/// What a discovery URL ends with (OpenID Connect Discovery 1.0 §4).
pub const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// The issuer whose discovery document is at `url`; none if the URL has no usual form.
pub fn of_discovery(url: &str) -> Option<&str> {
    url.strip_suffix(WELL_KNOWN).filter(|issuer| !issuer.is_empty())
}

/// The issuer in the form in which it is compared: scheme and host in lower case, without the scheme's own port, without
/// one slash at the end. What is no URL is compared as it is.
pub fn comparable(issuer: &str) -> String {
    let whole = Url::parse(issuer).ok().filter(Url::has_host);
    let text = whole.map_or_else(|| issuer.to_owned(), |url| canonical(&url));
    text.strip_suffix('/').unwrap_or(&text).to_owned()
}

/// Whether two texts name the same one.
pub fn same(a: &str, b: &str) -> bool {
    a == b || comparable(a) == comparable(b)
}

fn canonical(url: &Url) -> String {
    let own = match url.scheme() {
        "ldap" => Some(389),
        "ldaps" => Some(636),
        _ => None,
    };
    let mut url = url.clone();
    // The parser keeps the letter case and the ports of schemes that it does not know.
    if own.is_some() {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let _ = url.set_host(Some(&host));
        if url.port() == own {
            let _ = url.set_port(None);
        }
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_name_the_same_issuer_compare_the_same() {
        for (a, b) in [
            ("https://IDP.example.com", "https://idp.example.com/"),
            ("https://idp.example.com:443/realms/x/", "https://idp.example.com/realms/x"),
            ("HTTP://idp.example.com:80", "http://idp.example.com"),
            ("ldap://LDAP.example.com:389/dc=example,dc=com", "ldap://ldap.example.com/dc=example,dc=com"),
            ("ldaps://ldap.example.com:636/dc=x", "ldaps://ldap.example.com/dc=x"),
            ("urn:example:idp", "urn:example:idp"),
        ] {
            assert_eq!(comparable(a), comparable(b), "{a}");
        }
        for (a, b) in [
            ("https://idp.example.com/a", "https://idp.example.com/A"),
            ("https://idp.example.com", "http://idp.example.com"),
            ("https://idp.example.com:8443", "https://idp.example.com"),
            ("https://idp.example.com//", "https://idp.example.com"),
            ("urn:example:IdP", "urn:example:idp"),
        ] {
            assert_ne!(comparable(a), comparable(b), "{a}");
        }
    }

    #[test]
    fn an_issuer_is_its_discovery_url_without_the_well_known_part() {
        assert_eq!(
            of_discovery("https://idp.example.com/.well-known/openid-configuration"),
            Some("https://idp.example.com")
        );
        assert_eq!(of_discovery("https://idp.example.com/discovery.json"), None);
        assert_eq!(of_discovery("/.well-known/openid-configuration"), None);
    }
}
