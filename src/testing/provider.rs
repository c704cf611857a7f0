//! Test-only: an OpenID provider on loopback, over a real socket, that says whatever a test wants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsBigEndian as _, EcPublicKeyUncompressedBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use crate::http::serve::{Limits, serve};

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key that signs for one algorithm.
pub struct Key {
    /// Its id.
    pub kid: String,
    alg: &'static str,
    pair: Pair,
}

impl Key {
    /// A new one.
    pub fn new(kid: &str, alg: &'static str) -> Self {
        let rsa =
            |encoding: &'static dyn RsaEncoding| Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap(), encoding);
        let pair = match alg {
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            "ES256" => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            "ES384" => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()),
            "EdDSA" => Pair::Ed(Ed25519KeyPair::generate().unwrap()),
            other => panic!("{other}"),
        };
        Self { kid: kid.to_owned(), alg, pair }
    }

    /// The public key as a JWK.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Rsa(pair, _) => {
                let n = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
                json!({"kty": "RSA", "n": B64.encode(n), "e": "AQAB"})
            }
            Pair::Ec(pair) => {
                let point: EcPublicKeyUncompressedBin<'_> = pair.public_key().as_be_bytes().unwrap();
                let (x, y) = point.as_ref()[1..].split_at(point.as_ref().len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "x": B64.encode(x), "y": B64.encode(y)})
            }
            Pair::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": B64.encode(pair.public_key().as_ref())}),
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The header of its tokens.
    pub fn header(&self) -> Value {
        json!({"alg": self.alg, "kid": self.kid, "typ": "JWT"})
    }

    /// A signed token.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    /// A signed token with another header.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = unsigned(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", B64.encode(signature))
    }
}

/// Header and claims, encoded.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()))
}

/// What the provider answers for a path.
#[derive(Debug, Clone)]
pub struct Canned {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
}

impl Canned {
    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".into())], body: body.to_string() }
    }

    /// A text, or no answer at all if its status is 0.
    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: vec![], body: body.to_owned() }
    }

    /// A redirect.
    pub fn redirect(to: &str) -> Self {
        Self { status: 302, headers: vec![("location", to.to_owned())], body: String::new() }
    }
}

/// What was asked of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path.
    pub path: String,
    /// `Authorization`.
    pub authorization: String,
    /// The form's fields.
    pub form: HashMap<String, String>,
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Canned>,
    asked: Vec<Asked>,
}

/// The provider.
pub struct Provider {
    /// Its issuer.
    pub issuer: String,
    state: Arc<Mutex<State>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Provider {
    /// One that publishes those keys, and says nothing of tokens yet.
    pub async fn new(keys: &[&Key]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let held = state.clone();
        let service = hyper::service::service_fn(move |request: ::http::Request<hyper::body::Incoming>| {
            let held = held.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let authorization = head.headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
                let form = url::form_urlencoded::parse(&body).into_owned().collect();
                let path = head.uri.path().to_owned();
                let canned = {
                    let mut state = held.lock().unwrap();
                    let answer = state.answers.get(&path).cloned();
                    state.asked.push(Asked { path, authorization: authorization.unwrap_or_default(), form });
                    answer.unwrap_or(Canned::text(404, ""))
                };
                if canned.status == 0 {
                    std::future::pending::<()>().await;
                }
                let mut response = ::http::Response::builder().status(canned.status);
                for (name, value) in canned.headers {
                    response = response.header(name, value);
                }
                Ok::<_, std::convert::Infallible>(response.body(Full::<Bytes>::from(canned.body)).unwrap())
            }
        });
        let limits = Limits::from(&crate::config::Config::default().server);
        let server = tokio::spawn(async move {
            serve(listener, None, service, limits, std::future::pending()).await;
        });
        let this = Self { issuer, state, server };
        this.describe(|_| {});
        this.publish(keys);
        this
    }

    /// What it answers at a path from now on.
    pub fn answer(&self, path: &str, canned: Canned) {
        self.state.lock().unwrap().answers.insert(path.to_owned(), canned);
    }

    /// Its configuration from now on.
    pub fn describe(&self, change: impl FnOnce(&mut Value)) {
        let url = |path: &str| format!("{}{path}", self.issuer);
        let mut described = json!({
            "issuer": self.issuer,
            "authorization_endpoint": url("/authorize"),
            "token_endpoint": url("/token"),
            "userinfo_endpoint": url("/userinfo"),
            "introspection_endpoint": url("/introspect"),
            "jwks_uri": url("/jwks"),
            "response_types_supported": ["code"],
        });
        change(&mut described);
        self.answer("/.well-known/openid-configuration", Canned::json(200, &described));
    }

    /// Its keys from now on.
    pub fn publish(&self, keys: &[&Key]) {
        self.answer("/jwks", Canned::json(200, &json!({"keys": keys.iter().map(|k| k.jwk()).collect::<Vec<_>>()})));
    }

    /// What was asked at a path.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.state.lock().unwrap().asked.iter().filter(|a| a.path == path).cloned().collect()
    }
}
