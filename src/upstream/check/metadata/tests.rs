//! Tests of the reader of metadata: what it takes, and what strangers cannot do with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::clock::Stopwatch;

const HEAD: &str = r#"xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#""#;

fn role(content: &str) -> String {
    format!(r#"<IDPSSODescriptor protocolSupportEnumeration="{SAML_2}">{content}</IDPSSODescriptor>"#)
}

fn entity(id: &str, content: &str) -> String {
    format!(r#"<EntityDescriptor {HEAD} entityID="{id}">{content}</EntityDescriptor>"#)
}

fn sso(url: &str) -> String {
    format!(r#"<SingleSignOnService Binding="{HTTP_REDIRECT}" Location="{url}"/>"#)
}

fn why(text: &str, wanted: Option<&str>) -> String {
    read(text.as_bytes(), wanted).unwrap_err()
}

#[test]
fn what_a_login_needs_is_read() {
    let text = format!(
        r##"<?xml version="1.0" encoding="UTF-8"?>
<!-- Made by hand. -->
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" ID="_1" entityID="https://idp.example/saml?a=1&amp;b=2"
    validUntil="2027-02-01T02:00:00+02:00">
  <ds:Signature><ds:KeyInfo><ds:X509Data><ds:X509Certificate>bm90IHRoaXM=</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>
  <md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:mace:shibboleth:1.0 {SAML_2}">
    <md:Extensions><mdui:UIInfo><md:SingleSignOnService Binding="{HTTP_POST}" Location="https://not.this/"/></mdui:UIInfo></md:Extensions>
    <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:KeyName>one</ds:KeyName><ds:X509Data><ds:X509Certificate>
      Zmly
      c3Q=
    </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:KeyDescriptor use="encryption"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>bm90IHRoaXM=</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>c2Vjb25k</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleLogoutService Binding="{HTTP_REDIRECT}" Location="https://idp.example/slo"/>
    <md:NameIDFormat> urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress </md:NameIDFormat>
    <md:SingleSignOnService Binding="{HTTP_POST}" Location="https://idp.example/post"/>
    <md:SingleSignOnService Binding="{HTTP_REDIRECT}" Location="https://idp.example/redirect?x=&#49;"></md:SingleSignOnService>
  </md:IDPSSODescriptor>
  <md:SPSSODescriptor protocolSupportEnumeration="{SAML_2}">
    <md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>bm90IHRoaXM=</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:NameIDFormat>not this</md:NameIDFormat>
  </md:SPSSODescriptor>
</md:EntityDescriptor>
"##
    );
    let pair = |binding: &str, url: &str| (binding.to_owned(), url.to_owned());
    let expected = Metadata {
        entity_id: "https://idp.example/saml?a=1&b=2".into(),
        sso: vec![pair(HTTP_POST, "https://idp.example/post"), pair(HTTP_REDIRECT, "https://idp.example/redirect?x=1")],
        slo: vec![pair(HTTP_REDIRECT, "https://idp.example/slo")],
        slo_answers: vec![pair(HTTP_REDIRECT, "https://idp.example/slo")],
        certificates: vec![b"first".to_vec(), b"second".to_vec()],
        valid_until: Timestamp::parse("2027-02-01T00:00:00Z"),
        name_id_formats: vec!["urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".into()],
        want_authn_requests_signed: true,
    };
    let read_it = read(text.as_bytes(), None).unwrap();
    assert_eq!(read_it, expected);
    assert_eq!(read_it.sso_url(HTTP_REDIRECT), Some("https://idp.example/redirect?x=1"));
    assert_eq!(read(format!("\u{feff}{text}").as_bytes(), Some("https://idp.example/saml?a=1&b=2")).unwrap(), expected);
}

#[test]
fn one_of_many_is_found_by_its_entity_id() {
    let sp = r#"<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>"#;
    let many = format!(
        r#"<EntitiesDescriptor {HEAD} validUntil="2027-01-01T00:00:00Z">{}<EntitiesDescriptor validUntil="2026-01-01T00:00:00">{}</EntitiesDescriptor>{}</EntitiesDescriptor>"#,
        entity("a", &role(&sso("https://a.example/"))),
        entity("b", &role(&sso("https://b.example/"))),
        entity("sp", sp),
    );
    let (a, b) = (read(many.as_bytes(), Some("a")).unwrap(), read(many.as_bytes(), Some("b")).unwrap());
    assert_eq!((a.sso[0].1.as_str(), a.valid_until), ("https://a.example/", Timestamp::parse("2027-01-01T00:00:00Z")));
    assert_eq!((b.sso[0].1.as_str(), b.valid_until), ("https://b.example/", Timestamp::parse("2026-01-01T00:00:00Z")));
    assert_eq!(why(&many, None), "describes several identity providers; set the entity id of one");
    assert_eq!(why(&many, Some("c")), "does not describe the entity id that is set");
    assert_eq!(why(&many, Some("sp")), "describes an entity that is no identity provider ('IDPSSODescriptor')");
    let one = format!("<EntitiesDescriptor {HEAD}>{}{}</EntitiesDescriptor>", entity("sp", sp), entity("a", &role("")));
    assert_eq!(read(one.as_bytes(), None).unwrap().entity_id, "a");
    let twice =
        format!("<EntitiesDescriptor {HEAD}>{}{}</EntitiesDescriptor>", entity("a", &role("")), entity("a", sp));
    assert_eq!(why(&twice, Some("a")), "describes the entity id more than once");
}

#[test]
fn what_is_not_the_metadata_of_an_identity_provider_is_refused() {
    assert_eq!(why(&entity("a", &role("")), Some("b")), "is that of the entity id 'a'");
    assert_eq!(why(&entity("a", ""), None), "describes no identity provider");
    let old = r#"<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol"/>"#;
    assert_eq!(why(&entity("a", old), None), "describes an identity provider that does not speak SAML 2.0");
    for text in [
        r#"<html><body>Sign in</body></html>"#.to_owned(),
        format!(r#"<EntityDescriptor entityID="a">{}</EntityDescriptor>"#, role("")),
        format!(r#"<EntityDescriptor xmlns="urn:other" entityID="a">{}</EntityDescriptor>"#, role("")),
        role(&sso("https://a.example/")).replacen('>', &format!(" {HEAD}>"), 1),
    ] {
        assert_eq!(why(&text, None), "is no SAML metadata", "{text}");
    }
    let nameless = "has an entity without an 'entityID' of 1 to 1024 characters";
    assert_eq!(why(&entity("", &role("")), None), nameless);
    assert_eq!(why(&entity(&"a".repeat(1_025), &role("")), None), nameless);
    let never = entity("a", &role("")).replacen("entityID", r#"validUntil="tomorrow" entityID"#, 1);
    assert_eq!(why(&never, None), "has a 'validUntil' that is no time");
    let certificate = role(
        "<KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>",
    );
    assert_eq!(why(&entity("a", &certificate), None), "has a certificate that is no base64");
}

#[test]
fn saml_xxe_there_is_no_doctype_and_no_entity_but_the_five() {
    let body = entity("a", &role(""));
    for declared in [
        r#"<!DOCTYPE md>"#,
        r#"<!DOCTYPE md SYSTEM "http://127.0.0.1/x.dtd">"#,
        r#"<!DOCTYPE md [<!ENTITY x SYSTEM "file:///etc/passwd">]>"#,
        r#"<!DOCTYPE md [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>"#,
    ] {
        assert_eq!(why(&format!("{declared}{body}"), None), "has a DOCTYPE, which is not taken", "{declared}");
    }
    let entity_of_none = "has an entity that is none of the five";
    assert_eq!(why(&entity("&x;", &role("")), None), entity_of_none);
    assert_eq!(why(&entity("a", &role("<NameIDFormat>&x;</NameIDFormat>")), None), entity_of_none);
    assert_eq!(why(&entity("a", &role("<NameIDFormat>&#0;</NameIDFormat>")), None), entity_of_none);
    let five = entity("a", &role("<NameIDFormat>&lt;&gt;&amp;&quot;&apos;&#x41;</NameIDFormat>"));
    assert_eq!(read(five.as_bytes(), None).unwrap().name_id_formats, ["<>&\"'A"]);
}

#[test]
fn a_value_that_comments_or_elements_break_up_is_refused() {
    for value in ["a<!-- -->b", "a<?p?>b", "a<b/>c"] {
        let text = entity("a", &role(&format!("<NameIDFormat>{value}</NameIDFormat>")));
        assert_eq!(why(&text, None), "has a value that is broken up", "{value}");
    }
    let cdata = entity("a", &role("<NameIDFormat><![CDATA[a]]>b</NameIDFormat>"));
    assert_eq!(read(cdata.as_bytes(), None).unwrap().name_id_formats, ["ab"]);
}

#[test]
fn what_is_no_xml_is_refused() {
    let good = entity("a", &role(""));
    for text in [
        String::new(),
        "no".to_owned(),
        good.replace("</EntityDescriptor>", ""),
        good.replace("</IDPSSODescriptor>", "</X>"),
        format!("{good}{good}"),
        format!("{good}text"),
        format!("text{good}"),
        format!("{good}<!-- -- -->"),
        good.replacen("entityID", r#"entityID="b" entityID"#, 1),
        format!("{good}</EntityDescriptor>"),
        format!("{good}<![CDATA[x]]>"),
    ] {
        assert_eq!(why(&text, None), "is no well-formed XML", "{text}");
    }
    let declared = |encoding: &str| format!(r#"<?xml version="1.0" encoding="{encoding}"?>{good}"#);
    assert!(read(declared("utf-8").as_bytes(), None).is_ok());
    assert_eq!(why(&declared("ISO-8859-1"), None), "is not UTF-8");
    assert_eq!(read(b"<a>\xff</a>", None).unwrap_err(), "is not UTF-8");
    assert!(read(&good.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>(), None).is_err());
    assert_eq!(why(&good.replace("entityID=\"a\"", "entityID=\"a\u{1}\""), None), "has characters that XML has not");
    let undeclared = "uses a namespace that it does not declare";
    assert_eq!(why(&good.replace("IDPSSODescriptor", "x:IDPSSODescriptor"), None), undeclared);
}

#[test]
fn size_depth_and_numbers_are_bounded_and_reading_is_fast() {
    let watch = Stopwatch::start();
    assert_eq!(read(&vec![b' '; MAX_BYTES + 1], None).unwrap_err(), "is over 1048576 bytes");
    let deep = format!("<EntitiesDescriptor {HEAD}>{}", "<a>".repeat(300_000));
    assert_eq!(why(&deep, None), "has more than 24 elements within each other");
    let nested = format!("<EntitiesDescriptor {HEAD}>{}", "<EntitiesDescriptor>".repeat(40_000));
    assert_eq!(why(&nested, None), "has more than 24 elements within each other");
    let many: String = (0..101).map(|i| sso(&format!("https://a.example/{i}"))).collect();
    assert_eq!(why(&entity("a", &role(&many)), None), "has an identity provider with more than 100 of one thing");
    let attributes: String = (0..101).map(|i| format!(r#" a{i}="""#)).collect();
    let text = entity("a", &role(&format!("<x{attributes}/>")));
    assert_eq!(why(&text, None), "has an element with more than 100 attributes");
    let namespaces: String = (0..25).map(|i| format!(r#" xmlns:a{i}="b""#)).collect();
    assert_eq!(why(&entity("a", &role(&format!("<x{namespaces}/>"))), None), "is no well-formed XML");
    // The most that can be in force, looked up by the most elements.
    let layer = |i: usize| format!("<x{}>", (0..24).map(|j| format!(r#" xmlns:a{i}-{j}="b""#)).collect::<String>());
    let layers: String = (0..20).map(layer).collect();
    let rest = (MAX_BYTES - 20_000) / 4;
    let slow = entity("a", &role(&format!("{layers}{}{}", "<y/>".repeat(rest), "</x>".repeat(20))));
    assert!(read(slow.as_bytes(), None).is_ok());
    assert!(watch.elapsed() < std::time::Duration::from_secs(4), "{:?}", watch.elapsed());
}
