//! SAML identity providers: their metadata, their certificates, their sign-on page, and the key that we sign with.
//!
//! What the settings say wins over metadata. Certificates that are set are the only ones that count, so that whoever
//! pins them does not trust whoever serves the metadata.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use super::certificate::{self, Certificate, Judged, date, is_key_of};
use super::metadata::{self, HTTP_POST, HTTP_REDIRECT, Metadata};
use super::{Outcome, Run, list, place, quote, status};
use crate::egress::{Egress, Kind, Trouble};
use crate::error::{Error, Result};
use crate::model::connection::saml::Saml;
use crate::secret::Secret;

const XML: &str = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8";
const WHO: &str = "the identity provider";

/// See [`super::Checks::admit_key`].
pub fn admit_key(saml: &Saml, key: &Secret) -> Result<()> {
    let wrong = |why: &str| Error::invalid_field("samlConfig.spPrivateKeyPem", format!("the value {why}"));
    let Some(pem) = &saml.sp_certificate_pem else { return Ok(()) };
    let certificates = Certificate::from_pem(pem)
        .map_err(|why| Error::invalid_field("samlConfig.spCertificatePem", format!("the value {why}")))?;
    let Some(own) = certificates.first() else { return Ok(()) };
    match is_key_of(key, own) {
        Ok(true) => Ok(()),
        Ok(false) => Err(wrong("is not the key of the certificate 'spCertificatePem'")),
        Err(why) => Err(wrong(why)),
    }
}

/// See [`super::Checks::admit`].
pub fn admit(egress: &Egress, saml: &mut Saml) -> Result<()> {
    for (name, url) in [
        ("samlConfig.idpMetadataUrl", &saml.idp_metadata_url),
        ("samlConfig.idpSsoUrl", &saml.idp_sso_url),
        ("samlConfig.idpSloUrl", &saml.idp_slo_url),
    ] {
        if let Some(url) = url {
            egress.check_url(url).map_err(|e| Error::invalid_field(name, e.to_string()))?;
        }
    }
    for (name, pem) in [
        ("samlConfig.idpCertificate", &saml.idp_certificate),
        ("samlConfig.spCertificatePem", &saml.sp_certificate_pem),
    ] {
        if let Some(pem) = pem {
            Certificate::from_pem(pem).map_err(|e| Error::invalid_field(name, format!("the value {e}")))?;
        }
    }
    let Some(text) = &saml.idp_metadata_xml else { return Ok(()) };
    let wrong = |why: String| Error::invalid_field("samlConfig.idpMetadataXml", format!("the value {why}"));
    let metadata = metadata::read(text.as_bytes(), saml.idp_entity_id.as_deref()).map_err(wrong)?;
    for (_, url) in metadata.sso.iter().chain(&metadata.slo) {
        egress.check_url(url).map_err(|e| wrong(format!("names an address: {e}")))?;
    }
    saml.idp_entity_id.get_or_insert(metadata.entity_id);
    Ok(())
}

/// Checks the identity provider of a connection.
pub async fn check(run: &mut Run<'_>, saml: &Saml, secret: Option<&Secret>) -> Outcome<()> {
    run.report.issuer.clone_from(&saml.idp_entity_id);
    run.report.authorization_endpoint.clone_from(&saml.idp_sso_url);
    let metadata = match (&saml.idp_metadata_xml, &saml.idp_metadata_url) {
        (Some(text), _) => Some(described(run, saml, "The metadata", text.as_bytes())?),
        (None, Some(url)) => Some(describe(run, saml, url).await?),
        (None, None) => None,
    };
    if run.report.issuer.is_none() {
        return Err("The configuration has neither entity id nor metadata of the identity provider.".to_owned());
    }
    let url = run.report.authorization_endpoint.clone().ok_or_else(|| match metadata {
        Some(_) => "The identity provider's metadata offers no sign-on by HTTP-Redirect or HTTP-POST.".to_owned(),
        None => "The configuration has no sign-on URL of the identity provider.".to_owned(),
    })?;
    trusted(run, saml, metadata.as_ref())?;
    if let Some(metadata) = &metadata {
        wishes(run, saml, metadata);
    }
    own_key(run, saml, secret)?;
    reach(run, &url).await
}

/// Fetches and reads metadata.
async fn describe(run: &mut Run<'_>, saml: &Saml, url: &str) -> Outcome<Metadata> {
    let what = format!("The metadata {}", place(url));
    let text = run.document(Kind::Metadata, &what, url, XML).await?;
    described(run, saml, &what, &text)
}

/// Reads metadata.
fn described(run: &mut Run<'_>, saml: &Saml, what: &str, text: &[u8]) -> Outcome<Metadata> {
    let metadata = metadata::read(text, saml.idp_entity_id.as_deref())
        .map_err(|why| format!("{what} cannot be used: it {why}."))?;
    run.report.issuer = Some(metadata.entity_id.clone());
    if run.report.authorization_endpoint.is_none() {
        let offered = metadata.sso_url(HTTP_REDIRECT).or_else(|| metadata.sso_url(HTTP_POST));
        run.report.authorization_endpoint = offered.map(str::to_owned);
    }
    if let Some(until) = metadata.valid_until.filter(|until| *until < run.now) {
        return Err(format!("{what} cannot be used: it was valid until {}.", date(until.secs())));
    }
    Ok(metadata)
}

/// Whether there are certificates to verify with.
fn trusted(run: &mut Run<'_>, saml: &Saml, metadata: Option<&Metadata>) -> Outcome<()> {
    let certificates = match (&saml.idp_certificate, metadata) {
        (Some(pem), _) => {
            Certificate::from_pem(pem).map_err(|why| format!("The certificate of the identity provider {why}."))?
        }
        (None, Some(metadata)) => published(run, metadata)?,
        (None, None) => return Err("The configuration has no certificate of the identity provider.".to_owned()),
    };
    let Judged { usable, ends, remarks } = certificate::judge(certificates, WHO, run.now)?;
    run.report.certificate_expires_at = ends;
    remarks.into_iter().for_each(|remark| run.warn(remark));
    let pinned = saml.idp_certificate.is_some();
    if let Some(metadata) = metadata.filter(|m| pinned && !m.certificates.is_empty())
        && !usable.iter().any(|c| metadata.certificates.contains(&c.der))
    {
        run.warn(
            "No certificate that is set stands in the identity provider's metadata. It may sign with another one.",
        );
    }
    Ok(())
}

/// The certificates that metadata has.
fn published(run: &mut Run<'_>, metadata: &Metadata) -> Outcome<Vec<Certificate>> {
    let (mut read, mut broken) = (Vec::new(), None);
    for der in &metadata.certificates {
        match Certificate::from_der(der) {
            Ok(certificate) => read.push(certificate),
            Err(why) => broken = Some(format!("A certificate in the identity provider's metadata {why}.")),
        }
    }
    match (read.is_empty(), broken) {
        (true, Some(broken)) => return Err(broken),
        (true, None) => return Err("The identity provider's metadata has no certificate for signatures.".to_owned()),
        (false, Some(broken)) => run.warn(broken),
        (false, None) => {}
    }
    Ok(read)
}

/// What the identity provider says that it wants, against what it will get.
fn wishes(run: &mut Run<'_>, saml: &Saml, metadata: &Metadata) {
    if metadata.want_authn_requests_signed && !saml.sign_requests {
        run.warn("The identity provider wants signed requests, and 'signRequests' is not set.");
    }
    if let Some(url) = &saml.idp_sso_url
        && !metadata.sso.iter().any(|(_, offered)| offered == url)
    {
        run.warn("The sign-on URL that is set does not stand in the identity provider's metadata.");
    }
    if let Some(format) = &saml.name_id_format
        && !metadata.name_id_formats.is_empty()
        && !metadata.name_id_formats.contains(format)
    {
        let known = list(&metadata.name_id_formats);
        run.warn(format!("The identity provider does not announce the name format {}, but {known}.", quote(format)));
    }
}

/// Whether requests can be signed as the settings want it.
fn own_key(run: &mut Run<'_>, saml: &Saml, secret: Option<&Secret>) -> Outcome<()> {
    const OURS: &str = "this service ('spCertificatePem')";
    let own = match &saml.sp_certificate_pem {
        Some(pem) => {
            let all = Certificate::from_pem(pem).map_err(|why| format!("'spCertificatePem' {why}."))?;
            all.into_iter().next()
        }
        None => None,
    };
    if saml.sign_requests && secret.is_none() {
        run.warn("'signRequests' is set, and there is no key to sign with ('spPrivateKeyPem').");
    }
    if saml.sign_requests && secret.is_some() && own.is_none() {
        run.warn(
            "'signRequests' is set without 'spCertificatePem', so the identity provider cannot learn our key from us.",
        );
    }
    if let (Some(secret), Some(own)) = (secret, &own)
        && !certificate::is_key_of(secret, own).map_err(|why| format!("The key 'spPrivateKeyPem' {why}."))?
    {
        return Err("The key 'spPrivateKeyPem' is not that of the certificate 'spCertificatePem'.".to_owned());
    }
    if let Some(own) = own.filter(|_| saml.sign_requests) {
        match certificate::judge(vec![own], OURS, run.now) {
            Ok(judged) => judged.remarks.into_iter().for_each(|remark| run.warn(remark)),
            Err(text) => run.warn(text),
        }
    }
    Ok(())
}

/// Whether somebody answers where browsers are sent. Without a request in it the page may well be an error's.
async fn reach(run: &mut Run<'_>, url: &str) -> Outcome<()> {
    let what = format!("The sign-on page {}", place(url));
    what.clone_into(&mut run.asking);
    let answer = run.egress.ask(Kind::Presence, Method::GET, url, HeaderMap::new(), Bytes::new()).await;
    let told = match answer {
        Ok(answer) => answer.status,
        Err(Trouble::TooLarge) => return Ok(()),
        Err(trouble) => return Err(trouble.told(&what)),
    };
    match told {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Err(format!("{what} does not work: the server answered {}.", status(told)))
        }
        status_code if status_code.is_server_error() => {
            run.warn(format!("{what} answered {} to a request without a message.", status(told)));
            Ok(())
        }
        _ => Ok(()),
    }
}
