//! Test-only: an authority of our own, certificates by it, and servers that show them.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// An authority.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate.
    pub fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// The same in PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A server's side of TLS with a certificate for `name`, valid in the years from the first to the second.
    pub fn server(&self, name: &str, years: (i32, i32)) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A certificate that vouches for itself, and its key.
pub struct Pair {
    /// The certificate, in PEM.
    pub certificate: String,
    /// The same in DER.
    pub der: Vec<u8>,
    /// The key, in PEM.
    pub key: String,
}

impl Pair {
    /// An elliptic one that holds from one day to another.
    pub fn new(from: (i32, u8, u8), until: (i32, u8, u8)) -> Self {
        Self::with(&KeyPair::generate().unwrap(), from, until)
    }

    /// The same with that key.
    pub fn with(key: &KeyPair, from: (i32, u8, u8), until: (i32, u8, u8)) -> Self {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let certificate = params.self_signed(key).unwrap();
        Self { certificate: certificate.pem(), der: certificate.der().to_vec(), key: key.serialize_pem() }
    }
}

/// A server that gives every connection one HTTP answer over TLS; its port.
pub async fn https(acceptor: TlsAcceptor, answer: &str) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = answer.to_owned();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}
