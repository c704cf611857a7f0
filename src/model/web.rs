//! Addresses, origins, colours and pictures of the web, as administrators write them: each check says what is wrong with a text.
//!
//! What passes here may stand in a page, in a `Location` header or in a request of ours, so nothing odd passes: addresses
//! are absolute, without user names, fragments, blanks and backslashes, and speak TLS unless they lead to this very machine.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

/// Longest address, in characters.
pub const MAX_URL: usize = 2_048;
/// Most bytes of a picture that stands in a setting itself, as it is written.
const MAX_PICTURE: usize = 64 * 1024;
/// What a picture may be, as a `data:` URL begins.
const PICTURES: [&str; 3] = ["data:image/png;base64,", "data:image/svg+xml;base64,", "data:image/webp;base64,"];
/// Parameters of answers, which must not be taken for part of an address that answers are sent to (OP-REDIR-16).
const ANSWERS: [&str; 10] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
    "id_token",
    "access_token",
    "session_state",
];

/// What is wrong with a text; nothing if it may stand.
pub type Checked<T = ()> = std::result::Result<T, Cow<'static, str>>;

/// An address that a browser may be sent to: `https`, or `http` on this machine.
pub fn url(text: &str) -> Checked<Url> {
    let url = plain(text)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("http is for this machine's own addresses only; use https".into()),
        _ => return Err("the address must begin with https://".into()),
    }
    let prefix = [url.scheme(), "://"].concat();
    if !text.starts_with(&prefix) {
        return Err(format!("the address must begin with {prefix} as it is").into());
    }
    match url.host_str() {
        Some(host) if !host.contains('*') => Ok(url),
        Some(_) => Err("there are no wildcards in addresses".into()),
        None => Err("the address has no host".into()),
    }
}

/// Where an application's answers may go (RFC 9700 §2.1; RFC 8252 §7 for applications on devices).
pub fn redirect_uri(text: &str, native: bool) -> Checked {
    let of_web = text.starts_with("https://") || text.starts_with("http://");
    let url = if of_web || !native { url(text)? } else { private(text)? };
    if native && url.scheme() == "http" && matches!(url.host(), Some(Host::Domain(_))) {
        return Err("a device's own address is 127.0.0.1 or [::1]; a name may lead elsewhere".into());
    }
    match url.query_pairs().find(|(name, _)| ANSWERS.contains(&name.as_ref())) {
        None => Ok(()),
        Some((name, _)) => Err(format!("the parameter '{name}' is for answers").into()),
    }
}

/// An address of an application on a device: its scheme is a name of its maker's, turned round (RFC 8252 §7.1).
fn private(text: &str) -> Checked<Url> {
    let url = plain(text)?;
    let is_name = url.scheme().contains('.') && !url.scheme().ends_with('.') && !url.scheme().contains("..");
    if !is_name || !text.starts_with(url.scheme()) {
        return Err(
            "a scheme of one's own is a domain name turned round, in lower case, such as com.example.app".into()
        );
    }
    if url.path().is_empty() && !url.has_host() {
        return Err("nothing follows the scheme".into());
    }
    Ok(url)
}

/// What holds for addresses of every kind.
fn plain(text: &str) -> Checked<Url> {
    if text.is_empty() || text.len() > MAX_URL {
        return Err(format!("an address has 1 to {MAX_URL} characters").into());
    }
    if !text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>')) {
        return Err("an address has no blanks, quotes, backslashes and letters beyond ASCII".into());
    }
    if text.contains('#') {
        return Err("the address has a fragment".into());
    }
    let url = Url::parse(text).map_err(|e| format!("this is no absolute address: {e}"))?;
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Err("the address holds a user name".into());
    }
    Ok(url)
}

/// What stands between `//` and the path, as it is written.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Where people find help: an address, or a mailbox.
pub fn help(text: &str) -> Checked {
    match text.strip_prefix("mailto:") {
        None => url(text).map(drop),
        Some(mailbox) => {
            let sound = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.@".contains(&b);
            let named = mailbox.split_once('@').is_some_and(|(name, host)| !name.is_empty() && is_domain(host));
            if mailbox.len() <= 254 && mailbox.bytes().all(sound) && named {
                Ok(())
            } else {
                Err("this is no mailbox".into())
            }
        }
    }
}

/// An origin (RFC 6454 §6.2), as browsers write it.
pub fn origin(text: &str) -> Checked {
    let url = url(text)?;
    if url.origin().ascii_serialization() == text {
        Ok(())
    } else {
        Err("an origin is a scheme, a host and perhaps a port, as in https://app.example:8443".into())
    }
}

/// A colour: `#rrggbb`.
pub fn color(text: &str) -> Checked {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err("a colour is written as #rrggbb".into())
    }
}

/// A picture: where it is, or itself.
pub fn picture(text: &str) -> Checked {
    if !text.starts_with("data:") {
        return url(text).map(drop);
    }
    if text.len() > MAX_PICTURE {
        return Err(format!("the picture is over {MAX_PICTURE} bytes").into());
    }
    let data = PICTURES.iter().find_map(|kind| text.strip_prefix(kind));
    let data = data.ok_or("a picture is a PNG, SVG or WebP image in base64")?;
    match STANDARD.decode(data) {
        Ok(bytes) if !bytes.is_empty() => Ok(()),
        _ => Err("this is no base64".into()),
    }
}

/// Whether a text is a domain name in lower case, of two labels at least.
pub fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

/// Whether a text is a DNS label: lower-case letters, digits and hyphens, neither first nor last a hyphen.
pub fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether a text is one scope (RFC 6749 §3.3).
pub fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_speaks_tls_or_leads_to_this_machine() {
        for text in [
            "https://a.example",
            "https://a.example:8443/b?c=d",
            "http://localhost:3000/",
            "http://127.0.0.1",
            "http://[::1]:9/x",
        ] {
            assert!(url(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "a.example",
            "/b",
            "//a.example/b",
            "http://a.example",
            "ftp://a.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "HTTPS://a.example",
            "https:a.example",
            "https:/a.example",
            "https://",
            "https://*.example",
            "https://a b.example",
            "https://a.example/\u{e4}",
            "https://a.example/\r\nx",
            "https://a.example\\@b.example",
            "https://u@a.example",
            "https://u:p@a.example",
            "https://@a.example",
            "https://a.example#",
            "https://a.example/#x",
            "http://localhost.evil.example",
            &format!("https://a.example/{}", "x".repeat(2_048)),
        ] {
            assert!(url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn op_redir_16_an_address_for_answers_holds_no_parameter_of_an_answer() {
        for name in ANSWERS {
            for text in [format!("https://a.example/cb?{name}=x"), format!("https://a.example/cb?a=b&{name}")] {
                assert!(redirect_uri(&text, false).is_err(), "{text}");
            }
            assert!(redirect_uri(&format!("https://a.example/cb?x{name}=x"), false).is_ok());
        }
        assert!(redirect_uri("https://a.example/cb?c%6fde=x", false).is_err());
        assert!(redirect_uri("https://a.example/cb#code=x", false).is_err());
    }

    #[test]
    fn schemes_of_ones_own_are_for_devices_and_name_their_maker() {
        for text in [
            "com.example.app:/cb",
            "com.example.app://cb",
            "http://127.0.0.1/cb",
            "http://[::1]:7/cb",
            "https://a.example/cb",
        ] {
            assert!(redirect_uri(text, true).is_ok(), "{text}");
        }
        for text in [
            "myapp:/cb",
            "javascript:alert(1)",
            "Com.Example.App:/cb",
            "com.example.app:",
            "com..app:/x",
            "http://localhost/cb",
            "http://a.example/cb",
        ] {
            assert!(redirect_uri(text, true).is_err(), "{text}");
        }
        assert!(redirect_uri("com.example.app:/cb", false).is_err());
        assert!(redirect_uri("http://localhost/cb", false).is_ok());
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for text in ["https://a.example", "https://a.example:8443", "http://localhost:3000"] {
            assert!(origin(text).is_ok(), "{text}");
        }
        for text in
            ["*", "null", "https://a.example/", "https://a.example:443", "https://A.example", "https://*.example"]
        {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn colours_pictures_and_help_are_what_pages_may_show() {
        assert!(color("#00fFaA").is_ok());
        for text in ["", "#fff", "red", "#gggggg", "#ffffff;}"] {
            assert!(color(text).is_err(), "{text}");
        }
        assert!(picture("https://a.example/l.png").is_ok() && picture("data:image/svg+xml;base64,PHN2Zy8+").is_ok());
        for text in [
            "data:text/html;base64,PHN2Zy8+",
            "data:image/png,abc",
            "data:image/png;base64,",
            "data:image/png;base64,*",
            "http://a.example/l.png",
        ] {
            assert!(picture(text).is_err(), "{text}");
        }
        assert!(picture(&format!("data:image/png;base64,{}", "A".repeat(MAX_PICTURE))).is_err());
        assert!(help("mailto:help@a.example").is_ok() && help("https://a.example/help").is_ok());
        for text in ["mailto:", "mailto:a", "mailto:a@b", "mailto:a@b.example?bcc=x@c.example\r\n", "mailto:@a.example"]
        {
            assert!(help(text).is_err(), "{text}");
        }
    }

    #[test]
    fn domains_labels_and_scopes() {
        assert!(is_domain("a.example") && !is_domain("a") && !is_domain("A.example") && !is_domain("a..example"));
        assert!(is_label("a-1") && !is_label("-a") && !is_label(""));
        assert!(is_scope("openstack:project:p1") && !is_scope("a b") && !is_scope("") && !is_scope("a\"b"));
    }
}
