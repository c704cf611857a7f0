//! Our requests against our own verifier, what a hostile document may cost, and what is made of names and attributes. What
//! identity providers say is tested over sockets, with documents that others have signed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod holes;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::assertion::{Attribute, Named, Said};
use super::logout::Between;
use super::request::AuthnRequest;
use super::said::{Hint, session_name, subject};
use super::signature::Trust;
use super::xml::Tree;
use super::*;
use crate::clock::Random;

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn key() -> OwnKey {
    let (private, certificate) = own::make("acme", NOW, &Random::seeded(7)).unwrap();
    OwnKey::read(&private, STANDARD.encode(certificate)).unwrap()
}

fn request() -> AuthnRequest {
    AuthnRequest {
        id: "_1".into(),
        now: NOW,
        destination: "https://idp.example/sso?a=1&b=\"2\"".into(),
        acs_url: "https://sp.example/acs".into(),
        binding: request::HTTP_POST,
        issuer: "https://sp.example/<metadata>".into(),
        force_authn: true,
        is_passive: false,
        name_id_format: Some(PERSISTENT.into()),
        contexts: vec!["urn:x".into(), "urn:<y>".into()],
    }
}

fn trust(own: &OwnKey) -> Trust {
    let certificate = Certificate::from_der(&STANDARD.decode(&own.certificate).unwrap()).unwrap();
    Trust { keys: vec![certificate.key], allow_sha1: false }
}

fn said(name_id: &str) -> Said {
    Said {
        assertion_id: "_a".into(),
        ends: NOW,
        named: Named { value: name_id.into(), ..Named::default() },
        session_index: Some("s".into()),
        session_ends: None,
        authn_instant: NOW,
        authn_context: None,
        attributes: Vec::new(),
    }
}

#[test]
fn a_posted_request_is_signed_as_it_is_verified_and_in_no_other_words() {
    let own = key();
    let fields = request().message().post(Some("state"), Some(Key::Certified(&own))).unwrap();
    let xml = String::from_utf8(STANDARD.decode(&fields[0].1).unwrap()).unwrap();
    let tree = Tree::read(&xml).unwrap();
    let verified = signature::verify(tree.root(), &trust(&own)).unwrap().unwrap();
    assert!(verified.contains("ForceAuthn=\"true\"") && verified.contains("&lt;metadata&gt;"), "{verified}");
    assert!(!verified.contains("Signature"), "{verified}");
    for (old, new) in [("ForceAuthn=\"true\"", "ForceAuthn=\"0\""), ("urn:x", "urn:z"), ("ID=\"_1\"", "ID=\"_2\"")] {
        let changed = xml.replace(old, new);
        assert!(signature::verify(Tree::read(&changed).unwrap().root(), &trust(&own)).is_err(), "{new}");
    }
    assert!(signature::verify(tree.root(), &trust(&key())).is_err(), "by another key");
}

#[test]
fn a_redirect_keeps_the_query_of_its_address_and_signs_what_it_sends() {
    let own = key();
    let url = request().message().redirect(Some("st-a_te.~"), Some(Key::Certified(&own))).unwrap();
    let (base, signed) = url.split_once("&SAMLRequest=").unwrap();
    assert_eq!(base, "https://idp.example/sso?a=1&b=\"2\"");
    let (signed, value) = signed.split_once("&Signature=").unwrap();
    assert!(signed.contains("&RelayState=st-a_te.~&SigAlg=http%3A%2F%2F"), "{signed}");
    let value = percent_encoding::percent_decode_str(value).decode_utf8().unwrap();
    let message = format!("SAMLRequest={signed}");
    let value = STANDARD.decode(&*value).unwrap();
    assert!(signature::is_signed(&trust(&own), signature::RSA_SHA256, message.as_bytes(), &value).unwrap());
}

#[test]
fn what_a_document_costs_is_bounded_before_its_signature_is_looked_at() {
    let own = trust(&key());
    let reference = "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:SignedInfo><ds:CanonicalizationMethod \
         Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/><ds:SignatureMethod \
         Algorithm='http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'/><ds:Reference URI='#x'><ds:Transforms><ds:Transform \
         Algorithm='http://www.w3.org/2000/09/xmldsig#enveloped-signature'/><ds:Transform \
         Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/></ds:Transforms><ds:DigestMethod \
         Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/><ds:DigestValue>AA==</ds:DigestValue></ds:Reference>\
         </ds:SignedInfo><ds:SignatureValue>AA==</ds:SignatureValue></ds:Signature>";
    // An exclusive canonical form repeats a namespace wherever it is used.
    for (uri, why) in [("u".repeat(1_000), "no canonical form"), ("u".repeat(200_000), "a long one")] {
        let many = "<p:a/>".repeat(4_900);
        let text = format!("<r xmlns:p='{uri}' ID='x'>{reference}{many}</r>");
        let refused = Tree::read(&text).and_then(|tree| signature::verify(tree.root(), &own));
        let refused = refused.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn a_name_is_somebodys_only_within_its_qualifiers_and_none_if_it_is_made_anew() {
    let named = || said("ann").named;
    let name = |named: Named| subject("idp", "sp", &named);
    assert_eq!(name(named()), "ann");
    let usual = Named { name_qualifier: Some("idp".into()), sp_name_qualifier: Some("sp".into()), ..named() };
    assert_eq!(name(usual), "ann");
    assert_eq!(name(Named { name_qualifier: Some("other".into()), ..named() }), "!other!!ann");
    assert_eq!(name(Named { sp_name_qualifier: Some("app".into()), ..named() }), "!!app!ann");
    let transient = Named { format: Some(TRANSIENT.into()), ..named() };
    assert_eq!((session_name("idp", "sp", &transient).as_str(), name(transient).as_str()), ("!transient!!!ann", ""));
    assert_eq!(session_name("idp", "sp", &named()), "ann");
    let plain = |text: &str| name(Named { value: text.into(), ..Named::default() });
    assert_eq!(plain("q!s!v"), "q!s!v");
    let qualified =
        |q: &str, s: &str| name(Named { name_qualifier: Some(q.into()), sp_name_qualifier: Some(s.into()), ..named() });
    assert_ne!(plain("!q!s!ann"), qualified("q", "s"));
    assert_ne!(qualified("q!s", "x"), qualified("q", "s!x"));
    let long = |last: &str| session_name("idp", "sp", &Named { value: "x".repeat(300) + last, ..named() });
    assert!(long("a").len() <= 255 && long("a") != long("b"));
}

#[test]
fn attributes_of_one_name_add_up_and_none_stands_for_what_the_message_says() {
    let attribute = |name: &str, friendly: Option<&str>, values: &[&str]| Attribute {
        name: name.into(),
        friendly_name: friendly.map(str::to_owned),
        values: values.iter().map(|v| (*v).to_owned()).collect(),
    };
    let attributes = vec![
        attribute("role", None, &["a"]),
        attribute("role", None, &["b", "c"]),
        attribute("urn:oid:0.9", Some("mail"), &["a@x"]),
        attribute("urn:oid:1.0", Some("role"), &["evil"]),
        attribute("sid", Some("acr"), &["evil"]),
    ];
    let identity = identity("idp".into(), "sp", Said { attributes, ..said("ann") });
    let claims = json!(identity.claims);
    assert_eq!(claims["role"], json!(["a", "b", "c"]));
    assert_eq!((&claims["mail"], &claims["urn:oid:0.9"]), (&json!("a@x"), &json!("a@x")));
    assert_eq!((&claims["sid"], claims.get("acr")), (&json!("s"), None));
    assert_eq!(identity.once, Some(("_a".to_owned(), NOW)));
}

const SP: &str = "https://sp.example/metadata";
const SLO: &str = "https://sp.example/slo";

fn partner(own: &OwnKey) -> Partner {
    Partner {
        entity_id: "https://sp.example/metadata".into(),
        redirect: None,
        post: None,
        logout: None,
        trust: trust(own),
        own: Arc::default(),
    }
}

fn hint() -> Hint {
    let named = Named { value: "ann <1>".into(), name_qualifier: Some("q".into()), ..Named::default() };
    Hint { named, session_index: Some("s&1".into()), sp_entity_id: SP.into() }
}

/// Reads a wish of our own making as if an identity provider of our name had made it.
fn asked(carried: &Carried, own: &OwnKey, now: Timestamp) -> std::result::Result<Asked, String> {
    let partner = partner(own);
    let between = Between { partner: &partner, sp_entity_id: SP, slo_url: SLO, now };
    logout::asked(&carried.open()?, &between)
}

#[test]
fn a_wish_to_log_out_is_read_as_it_is_written_by_both_bindings() {
    let own = key();
    let wish = || logout::request("_w".into(), &hint(), SLO, NOW);
    let url = wish().redirect(Some("st ate+"), Some(Key::Certified(&own))).unwrap();
    let query = Carried::Query(url.split_once('?').unwrap().1.to_owned());
    let form = Carried::Form(wish().post(Some("st ate+"), Some(Key::Certified(&own))).unwrap());
    for carried in [&query, &form] {
        assert_eq!(carried.open().unwrap().relay_state.as_deref(), Some("st ate+"));
        let read = asked(carried, &own, NOW).unwrap();
        assert_eq!((read.id.as_str(), read.session_name.as_str()), ("_w", "!q!!ann <1>"));
        assert_eq!(read.sessions, ["s&1"]);
        assert!(asked(carried, &key(), NOW).is_err(), "by another key");
        assert!(asked(carried, &own, NOW.plus_secs(FRESH_SECS + 61)).is_err(), "late");
        assert!(asked(carried, &own, NOW.plus_secs(-61)).is_err(), "from the future");
    }
}

#[test]
fn a_query_is_verified_as_it_stands_there_and_nothing_that_is_added_counts() {
    let own = key();
    let url = logout::request("_w".into(), &hint(), SLO, NOW).redirect(Some("s"), Some(Key::Certified(&own))).unwrap();
    let query = url.split_once('?').unwrap().1.to_owned();
    let read = |query: String| asked(&Carried::Query(query), &own, NOW);
    assert!(read(query.clone()).is_ok() && read(format!("a=b&{query}&c")).is_ok());
    let parts: Vec<&str> = query.split('&').collect();
    let reordered = parts.iter().rev().copied().collect::<Vec<_>>().join("&");
    assert!(read(reordered).is_ok(), "the order of what was signed is the standard's");
    for changed in [
        query.replace("RelayState=s", "RelayState=t"),
        query.replace("&RelayState=s", ""),
        format!("{query}&RelayState=t"),
        format!("{query}&SAMLRequest=x"),
        query.replace("%3A", "%3a"),
        query.replace("rsa-sha256", "rsa-sha1"),
        query.split("&SigAlg").next().unwrap().to_owned(),
        format!("{query}&SAMLEncoding=urn%3Ax"),
        query.replace("SAMLRequest=", "SAMLResponse="),
    ] {
        assert!(read(changed.clone()).is_err(), "{changed}");
    }
}

#[test]
fn what_is_unpacked_is_bounded() {
    use std::io::Write as _;
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..200 {
        packed.write_all(&vec![b'<'; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 300_000, "{}", packed.len());
    let query = format!("SAMLRequest={}", STANDARD.encode(packed).replace('+', "%2B"));
    let refused = Carried::Query(query).open().unwrap_err();
    assert!(refused.contains("has over"), "{refused}");
}

#[test]
fn metadata_that_is_signed_is_verified_and_read() {
    let own = key();
    let sp = metadata::ServiceProvider {
        entity_id: SP,
        acs_url: "https://sp.example/acs",
        ecp_url: None,
        slo_url: Some(SLO),
        until: "2030-01-01T00:00:00Z",
        organisation: "A & B",
        public_url: "https://sp.example",
        certificates: &[&own.certificate],
    };
    let signed = sp.message(Some("_m".into())).signed(Key::Certified(&own)).unwrap();
    let tree = Tree::read(&signed).unwrap();
    let verified = signature::verify(tree.root(), &trust(&own)).unwrap().unwrap();
    assert!(verified.contains("A &amp; B") && verified.contains(SLO));
    assert!(!sp.message(None).unsigned().contains(" ID="));
}

#[test]
fn an_answer_names_the_login_that_it_is_of() {
    let id = request_id("a state");
    assert_eq!(login_of(&id), Some(digest("a state").as_str()));
    assert!(login_of("_x").is_none() && login_of(&digest("a state")).is_none());
}
