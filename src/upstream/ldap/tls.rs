//! TLS towards directories: who vouches for them, and the handshake.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::egress::Trouble;
use crate::upstream::check::certificate::Certificate;

/// Trust in the authorities of a text in PEM, or else in those of the system, as every other outgoing connection has it.
///
/// # Errors
/// What is wrong; the text goes on after their name.
pub fn trusting(authorities: Option<&str>) -> Result<Arc<ClientConfig>, &'static str> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| "cannot be used")?;
    let config = match authorities {
        None => builder.with_platform_verifier().map_err(|_| "are not there")?,
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in Certificate::from_pem(pem).map_err(|_| "cannot be read")? {
                roots.add(certificate.der.into()).map_err(|_| "cannot be used")?;
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(Arc::new(config.with_no_client_auth()))
}

/// The handshake, for `host`.
///
/// # Errors
/// Why it failed.
pub async fn secure(stream: TcpStream, host: &str, config: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, Trouble> {
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| Trouble::Tls("the host has no form that a certificate could be for".to_owned()))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|e| match Trouble::of_io(&e) {
        // The connection stood: who speaks otherwise hangs up at the first bytes of TLS.
        Trouble::Unreachable => {
            Trouble::Tls("the server broke it off, so it may not speak TLS at this port".to_owned())
        }
        trouble => trouble,
    })
}
