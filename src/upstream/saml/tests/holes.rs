//! What another library for SAML was found to do (each test is named for one of its holes), and is not done here.

use std::net::TcpListener;

use super::*;
use crate::upstream::saml::encryption::Mode;
use crate::upstream::saml::signature::is_signed;

const ACS: &str = "https://sp.example/acs";
const IDP: &str = "https://idp.example";

/// A Response for us, signed.
fn response(own: &OwnKey) -> String {
    let attributes = [("mail", vec!["ann@example.org".to_owned()])];
    let vouching = Vouching {
        issuer: IDP,
        recipient: ACS,
        audience: Some(SP),
        subject: "ann",
        attributes: &attributes,
        now: NOW,
        until: NOW.plus_secs(300),
    };
    vouching.response(&Random::seeded(3), Key::Certified(own)).unwrap()
}

fn read(text: &str, trust: &Trust) -> std::result::Result<Said, Refusal> {
    let expected = Expected {
        idp_entity_id: IDP,
        trust,
        keys: &[],
        require_signed_assertion: false,
        require_encrypted_assertion: false,
        sp_entity_id: SP,
        acs_url: ACS,
        request_id: None,
        longest_secs: None,
        anew_since: None,
        now: NOW,
    };
    response::read(text, &expected)
}

#[test]
fn what_we_say_ourselves_is_believed_by_whoever_trusts_us() {
    let own = key();
    let said = read(&response(&own), &trust(&own)).unwrap();
    assert_eq!((said.named.value.as_str(), said.attributes.len()), ("ann", 1));
    assert!(read(&response(&own), &trust(&key())).is_err());
}

#[test]
fn a_reference_to_another_host_is_refused_and_nothing_is_fetched() {
    let own = key();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let text = response(&own);
    let (at, end) = (text.find("URI=\"#").unwrap() + 5, text.find("\"><ds:Transforms>").unwrap());
    let refused = read(&format!("{}{url}{}", &text[..at], &text[end..]), &trust(&own)).unwrap_err();
    assert!(format!("{refused:?}").contains("something else than the element"), "{refused:?}");
    assert!(listener.accept().is_err(), "somebody was asked");
}

#[test]
fn an_identity_provider_without_a_signing_key_lets_nobody_in() {
    let (open, own) = (Trust { keys: Vec::new(), allow_sha1: false }, key());
    let text = response(&own);
    let (from, to) = (text.find("<ds:Signature").unwrap(), text.find("</ds:Signature>").unwrap());
    let unsigned = format!("{}{}", &text[..from], &text[to + "</ds:Signature>".len()..]);
    assert!(read(&text, &open).is_err() && read(&unsigned, &open).is_err() && read(&unsigned, &trust(&own)).is_err());
    let metadata = format!(
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' entityID='{IDP}'><md:IDPSSODescriptor \
         protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'><md:SingleSignOnService \
         Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect' Location='{IDP}/sso'/></md:IDPSSODescriptor>\
         </md:EntityDescriptor>"
    );
    let wanted = Wanted { idp_metadata_xml: Some(metadata), ..Wanted::default() };
    assert!(Pinned::read(&wanted).unwrap().check(&wanted, NOW).is_err());
}

#[test]
fn what_is_broken_is_not_mended() {
    let (own, text) = (key(), response(&key()));
    for broken in [format!("{text}<a>"), format!("{text}</a>"), format!("{text}x"), text.replace("</saml:Subject>", "")]
    {
        let refused = format!("{:?}", read(&broken, &trust(&own)).unwrap_err());
        assert!(refused.contains("not well-formed"), "{refused}");
    }
}

#[test]
fn algorithms_that_are_not_listed_are_not_tried() {
    let trust = trust(&key());
    for name in [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "",
    ] {
        assert!(is_signed(&trust, name, b"message", b"signed").is_err(), "{name}");
    }
    let lax = Trust { allow_sha1: true, ..trust };
    assert_eq!(is_signed(&lax, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", b"message", b"signed"), Ok(false));
}

#[test]
fn a_state_is_text_wherever_it_is_written() {
    let state = "\"><script>'&<";
    let fields = request().message().post(Some(state), None).unwrap();
    assert_eq!(fields[1].1, state, "pages escape it");
    let url = request().message().redirect(Some(state), None).unwrap();
    assert!(url.ends_with("&RelayState=%22%3E%3Cscript%3E%27%26%3C"), "{url}");
    let envelope = soap::request(ACS, SP, state, "<x/>");
    assert_eq!(soap::relay_state(&Tree::read(&envelope).unwrap()).as_deref(), Some(state));
}

#[test]
fn aes_with_256_bits_is_read_and_short_ciphertext_is_no_panic() {
    for (name, size) in [
        ("http://www.w3.org/2009/xmlenc11#aes128-gcm", 16),
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", 32),
        ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", 16),
        ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", 32),
    ] {
        let mode = Mode::parse(name).unwrap();
        for length in 0..80 {
            for key in [size, size - 1, 0, 24] {
                // Only whole blocks could be anything, and these are padded at random.
                assert!(mode.open(&vec![7; key], &vec![0; length]).is_none_or(|plain| plain.len() < length));
            }
        }
    }
    for name in ["http://www.w3.org/2001/04/xmlenc#tripledes-cbc", "http://www.w3.org/2009/xmlenc11#aes192-gcm", ""] {
        assert!(Mode::parse(name).is_none(), "{name}");
    }
}

#[test]
fn ids_of_requests_have_256_bits() {
    let (one, other) = (request_id("a"), request_id("b"));
    assert_eq!(one.len(), 44);
    assert!(one.starts_with('_') && one != other);
}
