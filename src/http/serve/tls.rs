//! TLS for the listening side: certificate and key from PEM files, HTTP/2 and HTTP/1.1 offered (RFC 7301).

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};

/// An acceptor for the certificate chain in `certificate` and its private key in `key`.
///
/// # Errors
/// A file that cannot be read, holds nothing of use, or a key that does not fit the certificate.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|e| Error::invalid_field("server.tls_certificate", format!("{}: {e}", certificate.display())))?;
    if chain.is_empty() {
        return Err(Error::invalid_field(
            "server.tls_certificate",
            format!("{}: holds no certificate", certificate.display()),
        ));
    }
    let key_error =
        |e: &dyn std::fmt::Display| Error::invalid_field("server.tls_key", format!("{}: {e}", key.display()));
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| key_error(&e))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::internal(format!("TLS: {e}")))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| key_error(&e))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
