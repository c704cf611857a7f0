//! The msgpack payload inside a Fernet token, in all of Keystone's versions (keystone-api §5.2).
//!
//! Both services must list the same authentication methods in the same order, because a payload carries them as a
//! bitmap over that list; a bit beyond the list makes the token unreadable rather than a token of other methods.
//!
//! Ids are 16 raw bytes if they are the 32 lower-case hexadecimal digits of a UUID, and text otherwise. Keystone
//! packs other spellings of a UUID (upper case, hyphens, braces) into bytes too and reads back another id; we write
//! those as text, which Keystone's reader accepts and returns unchanged.
//!
//! The reader takes text and bytes in either of msgpack's two forms (old writers knew only one), and nothing else that
//! is off: unknown versions, missing or further elements, trailing bytes, times beyond the year 9999.

mod msgpack;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::{Timestamp, hex};
use crate::error::{Error, Result};
use crate::model::token::{Kind, Payload, Scope};
use msgpack::{Reader, Writer, uuid_bytes};

const SYSTEM_ALL: &str = "all";
const MICROS: f64 = 1e6;

/// What both ends of a payload must agree on.
#[derive(Debug, Clone)]
pub struct Codec {
    methods: Vec<String>,
    default_domain_id: String,
}

impl Codec {
    /// For the configured authentication methods, in order, and the default domain's id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no method, more than 63, or one named twice.
    pub fn new(methods: Vec<String>, default_domain_id: String) -> Result<Self> {
        let twice = methods.iter().enumerate().any(|(i, name)| methods[..i].contains(name));
        if methods.is_empty() || methods.len() > 63 || twice {
            return Err(Error::invalid("the authentication methods must be 1 to 63 different names"));
        }
        Ok(Self { methods, default_domain_id })
    }

    /// Writes the payload.
    ///
    /// # Errors
    /// [`Error::Internal`] for what Keystone's payloads cannot carry.
    pub fn encode(&self, payload: &Payload) -> Result<Vec<u8>> {
        let kind = payload.kind()?;
        let (project, domain) = match &payload.scope {
            Scope::Project(id) => (Some(id.as_str()), None),
            Scope::Domain(id) => (None, Some(id.as_str())),
            Scope::Unscoped | Scope::System => (None, None),
        };
        let mut w = Writer::default();
        w.array(length(kind))?;
        w.unsigned(u64::from(kind.version()))?;
        w.id(Some(&payload.user_id))?;
        w.unsigned(self.bitmap(&payload.methods))?;
        let federated = payload.federated.as_ref();
        match kind {
            Kind::Unscoped | Kind::FederatedUnscoped => {}
            Kind::Domain => self.write_bare_domain(&mut w, domain.unwrap_or_default())?,
            Kind::System => w.text(SYSTEM_ALL)?,
            Kind::Project | Kind::Trust | Kind::Oauth1 | Kind::AppCred => w.id(project)?,
            Kind::FederatedProject | Kind::FederatedDomain => w.id(project.or(domain))?,
            Kind::Oauth2 => {
                w.id(project)?;
                w.id(domain)?;
            }
        }
        if let Some(federated) = federated {
            w.array(federated.group_ids.len())?;
            for group in &federated.group_ids {
                w.id(Some(group))?;
            }
            w.id(Some(&federated.idp_id))?;
            w.text(&federated.protocol_id)?;
        }
        if kind == Kind::Oauth1 {
            w.id(payload.access_token_id.as_deref())?;
        }
        w.float(payload.expires_at.0 as f64 / MICROS)?;
        w.array(payload.audit_ids.len())?;
        for id in &payload.audit_ids {
            let raw: Option<[u8; 16]> = URL_SAFE_NO_PAD.decode(id).ok().and_then(|raw| raw.try_into().ok());
            w.bytes(&raw.ok_or_else(|| Error::internal("an audit id is not 22 characters of base64url"))?)?;
        }
        match kind {
            Kind::Trust => {
                let raw = payload.trust_id.as_deref().and_then(uuid_bytes);
                w.bytes(
                    &raw.ok_or_else(|| Error::internal("a token payload cannot carry a trust id that is not a UUID"))?,
                )?;
            }
            Kind::AppCred => w.id(payload.app_cred_id.as_deref())?,
            Kind::Oauth2 => w.plain_id(payload.thumbprint.as_deref())?,
            _ => {}
        }
        Ok(w.0)
    }

    /// Reads a payload; `issued_at` comes from the envelope. `None` for anything but a whole, well-formed payload.
    pub fn decode(&self, bytes: &[u8], issued_at: Timestamp) -> Option<Payload> {
        let mut r = Reader(bytes);
        let elements = r.array()?;
        let kind = Kind::from_version(r.unsigned()?)?;
        if elements != length(kind) {
            return None;
        }
        let user_id = r.id()??;
        let methods = self.names(r.unsigned()?)?;
        let scope = match kind {
            Kind::Unscoped | Kind::FederatedUnscoped => Scope::Unscoped,
            Kind::Domain => Scope::Domain(self.read_bare_domain(&mut r)?),
            Kind::System => (r.text()? == SYSTEM_ALL).then_some(Scope::System)?,
            Kind::Project | Kind::FederatedProject => Scope::Project(r.id()??),
            Kind::FederatedDomain => Scope::Domain(r.id()??),
            Kind::Trust | Kind::Oauth1 | Kind::AppCred => r.id()?.map_or(Scope::Unscoped, Scope::Project),
            // With both, the project: the narrower of the two.
            Kind::Oauth2 => match (r.id()?, r.id()?) {
                (Some(project), _) => Scope::Project(project),
                (None, Some(domain)) => Scope::Domain(domain),
                (None, None) => Scope::Unscoped,
            },
        };
        let federated = match kind {
            Kind::FederatedUnscoped | Kind::FederatedProject | Kind::FederatedDomain => Some(r.federated()?),
            _ => None,
        };
        let access_token_id = if kind == Kind::Oauth1 { Some(r.id()??) } else { None };
        let expires_at = timestamp(r.float()?)?;
        let audit_ids = r.audit_ids()?;
        let trust_id = if kind == Kind::Trust { Some(hex(r.blob()?.first_chunk::<16>()?)) } else { None };
        let app_cred_id = if kind == Kind::AppCred { Some(r.id()??) } else { None };
        let thumbprint = if kind == Kind::Oauth2 { Some(r.id()??) } else { None };
        let payload = Payload {
            user_id,
            methods,
            issued_at,
            expires_at,
            audit_ids,
            scope,
            federated,
            trust_id,
            app_cred_id,
            access_token_id,
            thumbprint,
        };
        r.0.is_empty().then_some(payload)
    }

    /// A method that is not in the list is encoded as nothing, as Keystone does.
    fn bitmap(&self, methods: &[String]) -> u64 {
        let bit = |name| self.methods.iter().position(|known| known == name).map_or(0, |i| 1u64 << i);
        methods.iter().map(bit).fold(0, |all, bit| all | bit)
    }

    /// Names of the set bits, the highest first as Keystone lists them.
    fn names(&self, bitmap: u64) -> Option<Vec<String>> {
        if bitmap >> self.methods.len() != 0 {
            return None;
        }
        Some((0..self.methods.len()).rev().filter(|i| bitmap >> i & 1 == 1).map(|i| self.methods[i].clone()).collect())
    }

    /// A domain scope has no flag beside it: 16 bytes, or the text of the one domain whose id need not be a UUID.
    fn write_bare_domain(&self, w: &mut Writer, id: &str) -> Result<()> {
        match uuid_bytes(id) {
            Some(raw) => w.bytes(&raw),
            None if id == self.default_domain_id => w.text(id),
            None => Err(Error::internal(
                "a token payload carries a domain whose id is not a UUID only if it is the default domain",
            )),
        }
    }

    fn read_bare_domain(&self, r: &mut Reader<'_>) -> Option<String> {
        let blob = r.blob()?;
        if blob == self.default_domain_id.as_bytes() {
            return Some(self.default_domain_id.clone());
        }
        <&[u8; 16]>::try_from(blob).ok().map(|raw| hex(raw))
    }
}

/// Elements of a payload, its version included.
fn length(kind: Kind) -> usize {
    match kind {
        Kind::Unscoped => 5,
        Kind::Domain | Kind::Project | Kind::System => 6,
        Kind::Trust | Kind::Oauth1 | Kind::AppCred => 7,
        Kind::FederatedUnscoped | Kind::Oauth2 => 8,
        Kind::FederatedProject | Kind::FederatedDomain => 9,
    }
}

/// Seconds since the epoch within the years 1970 to 9999.
fn timestamp(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * MICROS).round();
    (0.0..=Timestamp::MAX.0 as f64).contains(&micros).then_some(Timestamp(micros as i64))
}

#[cfg(test)]
mod tests;
