//! SAML identity providers.

use super::super::metadata::{HTTP_POST, HTTP_REDIRECT};
use super::*;
use crate::model::connection::saml::Saml;
use crate::testing::provider::Canned;
use crate::testing::tls::Pair;

struct Scene {
    server: Provider,
    saml: Saml,
    secret: Option<Secret>,
}

fn pair() -> Pair {
    Pair::new((2026, 1, 1), (2030, 1, 1))
}

/// What an identity provider publishes.
fn metadata(id: &str, attributes: &str, content: &str) -> String {
    format!(
        r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
        entityID="{id}"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" {attributes}>
        {content}</IDPSSODescriptor></EntityDescriptor>"#
    )
}

fn key(pair: &Pair) -> String {
    use base64::Engine;
    let packed = base64::engine::general_purpose::STANDARD.encode(&pair.der);
    format!(
        "<KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{packed}</ds:X509Certificate></ds:X509Data>\
         </ds:KeyInfo></KeyDescriptor>"
    )
}

fn service(binding: &str, url: &str) -> String {
    format!(r#"<SingleSignOnService Binding="{binding}" Location="{url}"/>"#)
}

impl Scene {
    /// One whose settings say everything, with a sign-on page.
    async fn new(certificates: &str) -> Self {
        let server = Provider::new(&[]).await;
        server.answer("/sso", Canned::text(400, "canary"));
        let saml = Saml {
            idp_entity_id: Some("https://idp.example/saml".into()),
            idp_sso_url: Some(format!("{}/sso", server.issuer)),
            idp_certificate: Some(certificates.to_owned()),
            ..Saml::default()
        };
        Self { server, saml, secret: None }
    }

    /// One that only says where the metadata is.
    async fn published(certificates: &[&Pair], attributes: &str) -> Self {
        let mut scene = Self::new("").await;
        let url = format!("{}/sso", scene.server.issuer);
        let keys: String = certificates.iter().map(|pair| key(pair)).collect();
        let services = service(HTTP_POST, "https://idp.example/post") + &service(HTTP_REDIRECT, &url);
        scene.publish(&metadata("https://idp.example/saml", attributes, &(keys + &services)));
        scene.saml = Saml { idp_metadata_url: Some(format!("{}/metadata", scene.server.issuer)), ..Saml::default() };
        scene
    }

    fn publish(&mut self, text: &str) {
        self.server.answer("/metadata", Canned::text(200, text));
    }

    async fn run(&self) -> std::result::Result<Report, Failure> {
        let outcome = checks().run(&Settings::Saml(Box::new(self.saml.clone())), self.secret.as_ref(), NOW).await;
        assert!(!format!("{outcome:?}").contains("canary"), "{outcome:?}");
        outcome
    }

    async fn told(&self) -> String {
        self.run().await.unwrap_err().message.replace(&self.server.issuer, "IDP")
    }

    async fn warnings(&self) -> Vec<String> {
        self.run().await.unwrap().warnings
    }
}

fn expected(scene: &Scene, warnings: &[&str]) -> Report {
    Report {
        issuer: Some("https://idp.example/saml".into()),
        authorization_endpoint: Some(format!("{}/sso", scene.server.issuer)),
        token_endpoint: None,
        warnings: warnings.iter().map(|w| (*w).to_owned()).collect(),
        certificate_expires_at: Timestamp::parse("2030-01-01T00:00:00Z"),
    }
}

#[tokio::test]
async fn settings_that_say_everything_pass() {
    let scene = Scene::new(&pair().certificate).await;
    assert_eq!(scene.run().await.unwrap(), expected(&scene, &[]));
    assert_eq!(scene.server.asked("/sso").len(), 1);
}

#[tokio::test]
async fn metadata_alone_passes() {
    let mut scene = Scene::published(&[&pair()], "").await;
    assert_eq!(scene.run().await.unwrap(), expected(&scene, &[]));
    scene.saml.idp_entity_id = Some("https://idp.example/saml".into());
    assert_eq!(scene.run().await.unwrap(), expected(&scene, &[]));
    scene.saml.idp_entity_id = Some("https://other.example/".into());
    assert_eq!(
        scene.told().await,
        "The metadata IDP/metadata cannot be used: it is that of the entity id 'https://idp.example/saml'."
    );
}

#[tokio::test]
async fn metadata_that_cannot_be_used_is_told_by_its_cause() {
    let mut scene = Scene::published(&[&pair()], "").await;
    let what = "The metadata IDP/metadata";
    for (canned, why) in [
        (Canned::text(404, ""), "is not there: the server answered 404 (Not Found). Check the URL."),
        (Canned::text(200, "canary"), "cannot be used: it is no well-formed XML."),
        (Canned::text(200, "<html/>"), "cannot be used: it is no SAML metadata."),
        (
            Canned::text(200, "<!DOCTYPE a [<!ENTITY x SYSTEM 'http://127.0.0.1/'>]><a>&x;</a>"),
            "cannot be used: it has a DOCTYPE, which is not taken.",
        ),
        (Canned::redirect("/metadata"), "redirects too often. Use the URL that it leads to."),
        (Canned::text(200, &" ".repeat(70_000)), "gave an answer that is too large."),
    ] {
        scene.server.answer("/metadata", canned);
        assert_eq!(scene.told().await, format!("{what} {why}"));
    }
    let old = r#"validUntil="2027-01-14T00:00:00Z""#;
    scene.publish(&metadata("https://idp.example/saml", old, &key(&pair())));
    assert_eq!(scene.told().await, format!("{what} cannot be used: it was valid until 2027-01-14."));
    scene.publish(&metadata("https://idp.example/saml", "", &key(&pair())));
    let none = "The identity provider's metadata offers no sign-on by HTTP-Redirect or HTTP-POST.";
    assert_eq!(scene.told().await, none);
    let artifact = service("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact", "https://idp.example/a");
    scene.publish(&metadata("https://idp.example/saml", "", &(key(&pair()) + &artifact)));
    assert_eq!(scene.told().await, none);
    let url = service(HTTP_REDIRECT, "https://idp.example/sso");
    scene.publish(&metadata("https://idp.example/saml", "", &url));
    assert_eq!(scene.told().await, "The identity provider's metadata has no certificate for signatures.");
    let broken = key(&Pair { der: b"x".to_vec(), ..pair() });
    scene.publish(&metadata("https://idp.example/saml", "", &(broken + &url)));
    assert_eq!(scene.told().await, "A certificate in the identity provider's metadata is no X.509 certificate.");
}

#[tokio::test]
async fn certificates_that_do_not_hold_fail_or_warn() {
    let whose = "of the identity provider";
    for (pair, why) in [
        (Pair::new((2020, 1, 1), (2026, 1, 1)), "expired on 2026-01-01"),
        (Pair::new((2028, 1, 1), (2030, 1, 1)), "is not valid before 2028-01-01"),
    ] {
        let told = format!("The certificate {whose} {why}. Set the certificate that it uses now.");
        assert_eq!(Scene::new(&pair.certificate).await.told().await, told);
        assert_eq!(Scene::published(&[&pair], "").await.told().await, told);
    }
    let (old, soon) = (Pair::new((2020, 1, 1), (2026, 1, 1)), Pair::new((2020, 1, 1), (2027, 2, 1)));
    let report = Scene::new(&(old.certificate.clone() + &soon.certificate)).await.run().await.unwrap();
    let warnings = [
        format!("Certificate 1 {whose} expired on 2026-01-01."),
        format!("Certificate 2 {whose} expires on 2027-02-01."),
    ];
    assert_eq!(report.warnings, warnings);
    assert_eq!(report.certificate_expires_at, Timestamp::parse("2027-02-01T00:00:00Z"));
    let garbled = Scene::new("canary").await.told().await;
    assert_eq!(
        garbled,
        format!("The certificate {whose} has no certificate in PEM, which begins with '-----BEGIN CERTIFICATE-----'.")
    );
}

#[tokio::test]
async fn what_is_set_wins_over_metadata_and_what_differs_is_a_warning() {
    let (set, published) = (pair(), pair());
    let mut scene = Scene::published(&[&published], r#"WantAuthnRequestsSigned="true""#).await;
    scene.saml.idp_certificate = Some(set.certificate);
    scene.saml.idp_sso_url = Some(format!("{}/other", scene.server.issuer));
    let report = scene.run().await.unwrap();
    assert_eq!(report.authorization_endpoint, scene.saml.idp_sso_url);
    assert_eq!(
        report.warnings,
        [
            "No certificate that is set stands in the identity provider's metadata. It may sign with another one.",
            "The identity provider wants signed requests, and 'signRequests' is not set.",
            "The sign-on URL that is set does not stand in the identity provider's metadata.",
        ]
    );
    scene.saml.idp_certificate = Some(published.certificate);
    scene.saml.idp_sso_url = None;
    assert_eq!(scene.warnings().await.len(), 1);
    let formats =
        "<NameIDFormat>urn:x</NameIDFormat>".to_owned() + &service(HTTP_POST, &format!("{}/sso", scene.server.issuer));
    scene.publish(&metadata("https://idp.example/saml", "", &formats));
    scene.saml.name_id_format = Some("urn:y".into());
    assert_eq!(
        scene.warnings().await,
        ["The identity provider does not announce the name format 'urn:y', but 'urn:x'."]
    );
}

#[tokio::test]
async fn requests_that_cannot_be_signed_warn_and_a_wrong_key_fails() {
    let (own, other) = (pair(), pair());
    let mut scene = Scene::new(&pair().certificate).await;
    scene.saml.sign_requests = true;
    scene.saml.sp_certificate_pem = Some(own.certificate.clone());
    let no_key = "'signRequests' is set, and there is no key to sign with ('spPrivateKeyPem').";
    assert_eq!(scene.warnings().await, [no_key]);
    scene.secret = Some(Secret::from(own.key.as_str()));
    assert_eq!(scene.warnings().await, Vec::<String>::new());
    scene.secret = Some(Secret::from(other.key.as_str()));
    assert_eq!(scene.told().await, "The key 'spPrivateKeyPem' is not that of the certificate 'spCertificatePem'.");
    scene.secret = Some(Secret::from("canary"));
    assert_eq!(
        scene.told().await,
        "The key 'spPrivateKeyPem' is no private key in PEM without a password, which begins with \
         '-----BEGIN PRIVATE KEY-----'."
    );
    scene.saml.sp_certificate_pem = None;
    scene.secret = Some(Secret::from(own.key.as_str()));
    assert_eq!(
        scene.warnings().await,
        ["'signRequests' is set without 'spCertificatePem', so the identity provider cannot learn our key from us."]
    );
    let old = Pair::new((2020, 1, 1), (2026, 1, 1));
    scene.saml.sp_certificate_pem = Some(old.certificate);
    scene.secret = Some(Secret::from(old.key.as_str()));
    assert_eq!(
        scene.warnings().await,
        [
            "The certificate of this service ('spCertificatePem') expired on 2026-01-01. Set the certificate that it uses now."
        ]
    );
}

#[tokio::test]
async fn a_sign_on_page_must_be_there_and_may_say_anything() {
    let mut scene = Scene::new(&pair().certificate).await;
    for canned in [
        Canned::text(200, "canary"),
        Canned::text(404, ""),
        Canned::redirect("http://10.0.0.1/"),
        Canned::text(200, &"canary".repeat(20_000)),
    ] {
        scene.server.answer("/sso", canned);
        assert_eq!(scene.warnings().await, Vec::<String>::new());
    }
    scene.server.answer("/sso", Canned::text(500, "canary"));
    let url = format!("{}/sso", scene.server.issuer);
    assert_eq!(
        scene.warnings().await,
        [format!("The sign-on page {url} answered 500 (Internal Server Error) to a request without a message.")]
    );
    scene.server.answer("/sso", Canned::text(503, "canary"));
    assert_eq!(
        scene.told().await,
        "The sign-on page IDP/sso does not work: the server answered 503 (Service Unavailable)."
    );
    scene.saml.idp_sso_url = Some(format!("http://127.0.0.1:{}/sso", closed().await));
    assert!(
        scene
            .told()
            .await
            .ends_with("/sso cannot be reached: the connection was refused. Check the port and that the server runs.")
    );
}

#[tokio::test]
async fn ssrf_1_to_18_internal_metadata_and_sign_on_pages_give_one_text_whatever_is_there() {
    let mut scene = Scene::new(&pair().certificate).await;
    let open = port(&scene.server);
    for port in [open, closed().await] {
        for host in ["127.0.0.2", "10.0.0.1", "internal.example"] {
            let url = format!("http://{host}:{port}/sso");
            scene.saml.idp_sso_url = Some(url.clone());
            assert_eq!(scene.told().await, format!("The sign-on page {url} {CLOSED}"));
            scene.saml.idp_metadata_url = Some(url.clone());
            assert_eq!(scene.told().await, format!("The metadata {url} {CLOSED}"));
            scene.saml.idp_metadata_url = None;
        }
    }
    // SSRF-17: the page that metadata names.
    let mut scene = Scene::published(&[&pair()], "").await;
    let content = key(&pair()) + &service(HTTP_REDIRECT, "http://10.0.0.1/sso");
    scene.publish(&metadata("https://idp.example/saml", "", &content));
    assert_eq!(scene.told().await, format!("The sign-on page http://10.0.0.1/sso {CLOSED}"));
}

#[test]
fn what_is_about_to_be_stored_is_checked_by_its_field() {
    let checks = checks();
    let admitted = |saml: Saml| checks.admit(&mut Settings::Saml(Box::new(saml)));
    let inside = || Some("http://10.0.0.1/x".to_owned());
    let closed = |name: &str| Error::invalid_field(format!("samlConfig.{name}"), "The URL's host is not allowed.");
    for (saml, error) in [
        (Saml { idp_metadata_url: inside(), ..Saml::default() }, closed("idpMetadataUrl")),
        (Saml { idp_sso_url: inside(), ..Saml::default() }, closed("idpSsoUrl")),
        (Saml { idp_slo_url: inside(), ..Saml::default() }, closed("idpSloUrl")),
        (
            Saml { idp_certificate: Some("x".into()), ..Saml::default() },
            Error::invalid_field(
                "samlConfig.idpCertificate",
                "the value has no certificate in PEM, which begins with '-----BEGIN CERTIFICATE-----'",
            ),
        ),
        (
            Saml { sp_certificate_pem: Some(pair().key), ..Saml::default() },
            Error::invalid_field(
                "samlConfig.spCertificatePem",
                "the value has a PEM block 'PRIVATE KEY'; only certificates may be there",
            ),
        ),
    ] {
        assert_eq!(admitted(saml).unwrap_err(), error);
    }
    // Whether it holds is for the test to say.
    let old = Pair::new((2020, 1, 1), (2021, 1, 1));
    assert!(admitted(Saml { idp_certificate: Some(old.certificate), ..Saml::default() }).is_ok());
}
