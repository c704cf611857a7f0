//! JWS tokens (RFC 7515, ES256 of RFC 7518 §3.4) with Keystone's claims (keystone-api §5.5).
//!
//! The algorithm is pinned: a header that names another (`none`, `HS256`, `RS256`) is refused before a key is looked
//! at, and the header may hold nothing but `alg`, `typ` and a `kid`, which is ignored: every public key is tried.
//! `exp` is a claim like the others here; whether a token has ended is decided by whoever reads it (`allow_expired`).
//! A JWS is signed and not encrypted: the ids in it can be read by anyone.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::fernet::MAX_TOKEN;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::model::token::{Federated, Payload, Scope};

const ALGORITHM: &str = "ES256";
const SIGNATURE: usize = 64;
const SYSTEM_ALL: &str = "all";
const MAX_AUDIT_IDS: usize = 2;

/// Issues and reads JWS tokens with one set of keys.
pub struct Jws {
    signing: Option<EcdsaKeyPair>,
    public: Vec<ParsedPublicKey>,
}

impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jws({} public keys)", self.public.len())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "tolerated, and ignored")]
    kid: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iat: i64,
    exp: i64,
    #[serde(rename = "openstack_methods")]
    methods: Vec<String>,
    #[serde(rename = "openstack_audit_ids")]
    audit_ids: Vec<String>,
    #[serde(rename = "openstack_system", skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    #[serde(rename = "openstack_domain_id", skip_serializing_if = "Option::is_none")]
    domain_id: Option<String>,
    #[serde(rename = "openstack_project_id", skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    #[serde(rename = "openstack_trust_id", skip_serializing_if = "Option::is_none")]
    trust_id: Option<String>,
    #[serde(rename = "openstack_group_ids", skip_serializing_if = "Option::is_none")]
    group_ids: Option<Vec<Group>>,
    #[serde(rename = "openstack_idp_id", skip_serializing_if = "Option::is_none")]
    idp_id: Option<String>,
    #[serde(rename = "openstack_protocol_id", skip_serializing_if = "Option::is_none")]
    protocol_id: Option<String>,
    #[serde(rename = "openstack_access_token_id", skip_serializing_if = "Option::is_none")]
    access_token_id: Option<String>,
    #[serde(rename = "openstack_app_cred_id", skip_serializing_if = "Option::is_none")]
    app_cred_id: Option<String>,
    #[serde(rename = "openstack_thumbprint", skip_serializing_if = "Option::is_none")]
    thumbprint: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Group {
    id: String,
}

impl Jws {
    /// With the private key that signs, if tokens are to be issued, and the public keys that verify.
    pub fn new(signing: Option<EcdsaKeyPair>, public: Vec<ParsedPublicKey>) -> Self {
        Self { signing, public }
    }

    /// A token that says `payload`; its times are whole seconds.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the token would be longer than [`MAX_TOKEN`] (a federated user with too many groups),
    /// [`Error::Internal`] if there is no private key or for what a token cannot carry.
    pub fn issue(&self, payload: &Payload) -> Result<String> {
        let signing =
            self.signing.as_ref().ok_or_else(|| Error::internal("there is no private key to sign a token with"))?;
        let header = Header { alg: ALGORITHM.into(), typ: Some("JWT".into()), kid: None };
        let encode = |json: serde_json::Result<Vec<u8>>| {
            let json = json.map_err(|e| Error::internal(format!("cannot write a token's claims: {e}")))?;
            Ok::<_, Error>(URL_SAFE_NO_PAD.encode(json))
        };
        let signed =
            format!("{}.{}", encode(serde_json::to_vec(&header))?, encode(serde_json::to_vec(&claims(payload)?))?);
        let signature = signing.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| Error::internal("cannot sign a token"))?;
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
        if token.len() > MAX_TOKEN {
            return Err(Error::invalid(format!(
                "the token would have {} characters, more than the {MAX_TOKEN} allowed: the user is in too many groups",
                token.len()
            )));
        }
        Ok(token)
    }

    /// What `token` says, or `None` if none of the keys made it. Expiry is not looked at.
    pub fn read(&self, token: &str) -> Option<Payload> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, body) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.alg != ALGORITHM || header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return None;
        }
        let signature: [u8; SIGNATURE] = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
        self.public.iter().find(|key| key.verify_sig(signed.as_bytes(), &signature).is_ok())?;
        payload(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?)
    }
}

fn claims(payload: &Payload) -> Result<Claims> {
    payload.kind()?;
    let (system, project_id, domain_id) = match &payload.scope {
        Scope::Unscoped => (None, None, None),
        Scope::System => (Some(SYSTEM_ALL.to_owned()), None, None),
        Scope::Project(id) => (None, Some(id.clone()), None),
        Scope::Domain(id) => (None, None, Some(id.clone())),
    };
    let federated = payload.federated.as_ref();
    let groups = |federated: &Federated| federated.group_ids.iter().map(|id| Group { id: id.clone() }).collect();
    Ok(Claims {
        sub: payload.user_id.clone(),
        iat: payload.issued_at.secs(),
        exp: payload.expires_at.secs(),
        methods: payload.methods.clone(),
        audit_ids: payload.audit_ids.clone(),
        system,
        domain_id,
        project_id,
        trust_id: payload.trust_id.clone(),
        group_ids: federated.map(groups),
        idp_id: federated.map(|f| f.idp_id.clone()),
        protocol_id: federated.map(|f| f.protocol_id.clone()),
        access_token_id: payload.access_token_id.clone(),
        app_cred_id: payload.app_cred_id.clone(),
        thumbprint: payload.thumbprint.clone(),
    })
}

fn payload(claims: Claims) -> Option<Payload> {
    let scope = match (claims.system, claims.project_id, claims.domain_id) {
        (None, None, None) => Scope::Unscoped,
        (None, Some(project), None) => Scope::Project(project),
        (None, None, Some(domain)) => Scope::Domain(domain),
        (Some(all), None, None) if all == SYSTEM_ALL => Scope::System,
        // OAuth 2.0 tokens may name both; as in a Fernet payload, the project counts.
        (None, Some(project), Some(_)) if claims.thumbprint.is_some() => Scope::Project(project),
        _ => return None,
    };
    let federated = match (claims.idp_id, claims.protocol_id, claims.group_ids) {
        (None, None, None) => None,
        (Some(idp_id), Some(protocol_id), groups) => {
            let group_ids = groups.unwrap_or_default().into_iter().map(|group| group.id).collect();
            Some(Federated { group_ids, idp_id, protocol_id })
        }
        _ => return None,
    };
    let audits = &claims.audit_ids;
    let audited = (1..=MAX_AUDIT_IDS).contains(&audits.len()) && audits.iter().all(|id| is_audit_id(id));
    let times = [claims.iat, claims.exp].iter().all(|secs| (0..=Timestamp::MAX.secs()).contains(secs));
    (audited && times && !claims.sub.is_empty()).then_some(Payload {
        user_id: claims.sub,
        methods: claims.methods,
        issued_at: Timestamp::from_secs(claims.iat),
        expires_at: Timestamp::from_secs(claims.exp),
        audit_ids: claims.audit_ids,
        scope,
        federated,
        trust_id: claims.trust_id,
        app_cred_id: claims.app_cred_id,
        access_token_id: claims.access_token_id,
        thumbprint: claims.thumbprint,
    })
}

fn is_audit_id(id: &str) -> bool {
    URL_SAFE_NO_PAD.decode(id).is_ok_and(|raw| raw.len() == 16)
}

#[cfg(test)]
mod tests;
