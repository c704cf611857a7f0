//! A reader of SAML metadata (OASIS saml-metadata-2.0-os §2.3, §2.4): bytes in, what a log-in needs of one identity
//! provider out.
//!
//! It reads strictly what strangers send: UTF-8 only, no DOCTYPE, no entities but the five and characters by number, a
//! bounded size and depth, names by their namespace, and elements only where the schema has them. Metadata is not believed
//! because of a signature in it but because of where it was fetched from, so signatures are not looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::Timestamp;

/// Most bytes.
pub const MAX_BYTES: usize = 1_048_576;
/// Elements within each other.
const MAX_DEPTH: usize = 24;
/// Namespaces that one element declares: each name is looked up among all that are in force.
const MAX_NAMESPACES: usize = 24;
/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 100;
/// Certificates, endpoints and forms of names of one identity provider, each.
const MAX_ITEMS: usize = 100;

/// Names of elements of metadata.
const METADATA: &[u8] = b"urn:oasis:names:tc:SAML:2.0:metadata";
/// Names of elements of signatures, which keys are written with.
const SIGNATURE: &[u8] = b"http://www.w3.org/2000/09/xmldsig#";
/// What a role must speak.
const SAML_2: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// The browser is redirected (saml-bindings-2.0-os §3.4).
pub const HTTP_REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// The browser posts a form (§3.5).
pub const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// What is said of one identity provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// What it calls itself.
    pub entity_id: String,
    /// Where one signs in: binding and URL, in their order.
    pub sso: Vec<(String, String)>,
    /// Where one signs out: the same.
    pub slo: Vec<(String, String)>,
    /// Where answers to log-outs go that were begun there: the same, one for each of `slo`.
    pub slo_answers: Vec<(String, String)>,
    /// Its certificates for signatures, in DER, not looked into.
    pub certificates: Vec<Vec<u8>>,
    /// Until when all this holds.
    pub valid_until: Option<Timestamp>,
    /// The forms of names that it knows.
    pub name_id_formats: Vec<String>,
    /// It wants requests to be signed.
    pub want_authn_requests_signed: bool,
}

impl Metadata {
    /// Where one signs in by a binding.
    pub fn sso_url(&self, binding: &str) -> Option<&str> {
        self.sso.iter().find(|(b, _)| b == binding).map(|(_, url)| url.as_str())
    }
}

/// Reads metadata of one entity, or of many of which `wanted` is one. Without a name, it must be of one identity provider.
///
/// # Errors
/// What is wrong with it; the text goes on after its name.
pub fn read(bytes: &[u8], wanted: Option<&str>) -> Result<Metadata, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("is over {MAX_BYTES} bytes"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.bytes().any(|b| b.is_ascii_control() && !b"\t\n\r".contains(&b)) {
        return Err("has characters that XML has not".to_owned());
    }
    let entities = Reader::new(text).read()?;
    let known = entities.iter().filter(|entity| wanted.is_none_or(|w| entity.metadata.entity_id == w));
    let mut matching = known.filter(|entity| wanted.is_some() || entity.is_idp);
    let (found, another) = (matching.next(), matching.next());
    match (found, another, wanted) {
        (Some(entity), None, _) => finish(entity),
        (Some(_), Some(_), Some(_)) => Err("describes the entity id more than once".to_owned()),
        (Some(_), Some(_), None) => Err("describes several identity providers; set the entity id of one".to_owned()),
        (None, _, Some(_)) => Err(match entities.as_slice() {
            [one] => format!("is that of the entity id {}", super::quote(&one.metadata.entity_id)),
            _ => "does not describe the entity id that is set".to_owned(),
        }),
        (None, _, None) => Err("describes no identity provider".to_owned()),
    }
}

/// The entity, if it is what a log-in needs.
fn finish(entity: &Entity) -> Result<Metadata, String> {
    if !entity.is_idp {
        return Err("describes an entity that is no identity provider ('IDPSSODescriptor')".to_owned());
    }
    if !entity.speaks_saml_2 {
        return Err("describes an identity provider that does not speak SAML 2.0".to_owned());
    }
    Ok(entity.metadata.clone())
}

/// An entity as it is read.
#[derive(Debug, Default)]
struct Entity {
    metadata: Metadata,
    is_idp: bool,
    speaks_saml_2: bool,
}

/// What an element is, by its name and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Entities,
    Entity,
    Role,
    Key,
    KeyInfo,
    X509Data,
    X509Certificate,
    NameIdFormat,
    /// Anything else, with all that is in it.
    Other,
}

struct Reader<'a> {
    xml: NsReader<&'a [u8]>,
    /// Where we are, and until when each element's content holds.
    path: Vec<(Place, Option<Timestamp>)>,
    entities: Vec<Entity>,
    /// Text of the element, if it is one whose text counts.
    text: Option<String>,
    began: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let mut xml = NsReader::from_str(text);
        xml.config_mut().expand_empty_elements = true;
        xml.config_mut().check_comments = true;
        xml.resolver_mut().set_max_declarations_per_element(MAX_NAMESPACES);
        Self { xml, path: Vec::new(), entities: Vec::new(), text: None, began: false }
    }

    fn read(mut self) -> Result<Vec<Entity>, String> {
        loop {
            let (namespace, event) = self.xml.read_resolved_event().map_err(|_| "is no well-formed XML")?;
            let namespace = match (namespace, &event) {
                (ResolveResult::Unknown(_), _) => return Err("uses a namespace that it does not declare".to_owned()),
                (ResolveResult::Bound(Namespace(name)), Event::Start(_)) => {
                    Some(name == METADATA).zip(Some(name == SIGNATURE))
                }
                _ => None,
            };
            match event {
                Event::Start(element) => self.start(namespace.unwrap_or_default(), &element)?,
                Event::End(_) => self.end()?,
                Event::Text(text) => {
                    let text = text.xml10_content().map_err(|_| "is not UTF-8")?;
                    self.content(&text)?;
                }
                Event::CData(text) => {
                    let text = text.xml10_content().map_err(|_| "is not UTF-8")?;
                    self.content(&text)?;
                }
                Event::GeneralRef(name) => {
                    let name = name.decode().map_err(|_| "is not UTF-8")?;
                    let text = quick_xml::escape::unescape(&format!("&{name};")).map(|t| t.into_owned());
                    self.content(&text.map_err(|_| "has an entity that is none of the five")?)?;
                }
                Event::DocType(_) => return Err("has a DOCTYPE, which is not taken".to_owned()),
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose().map_err(|_| "is no well-formed XML")?;
                    if encoding.is_some_and(|name| !name.eq_ignore_ascii_case(b"utf-8")) {
                        return Err("is not UTF-8".to_owned());
                    }
                }
                Event::Comment(_) | Event::PI(_) if self.text.is_some() => {
                    return Err("has a value that is broken up".to_owned());
                }
                Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
                Event::Eof => break,
            }
        }
        if !self.path.is_empty() || !self.began {
            return Err("is no well-formed XML".to_owned());
        }
        Ok(self.entities)
    }

    fn start(&mut self, (is_metadata, is_signature): (bool, bool), element: &BytesStart<'_>) -> Result<(), String> {
        if self.path.len() == MAX_DEPTH {
            return Err(format!("has more than {MAX_DEPTH} elements within each other"));
        }
        if self.text.is_some() {
            return Err("has a value that is broken up".to_owned());
        }
        if self.path.is_empty() && std::mem::replace(&mut self.began, true) {
            return Err("is no well-formed XML".to_owned());
        }
        let attributes = attributes(element)?;
        let attribute = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let (parent, outer) = self.path.last().copied().unwrap_or((Place::Entities, None));
        let name = element.local_name();
        let place = match (parent, name.as_ref()) {
            (Place::Entities, b"EntitiesDescriptor") if is_metadata => Place::Entities,
            (Place::Entities, b"EntityDescriptor") if is_metadata => Place::Entity,
            (Place::Entity, b"IDPSSODescriptor") if is_metadata => Place::Role,
            (Place::Role, b"KeyDescriptor") if is_metadata && attribute("use").is_none_or(|u| u == "signing") => {
                Place::Key
            }
            (Place::Role, b"NameIDFormat") if is_metadata => Place::NameIdFormat,
            (Place::Key, b"KeyInfo") if is_signature => Place::KeyInfo,
            (Place::KeyInfo, b"X509Data") if is_signature => Place::X509Data,
            (Place::X509Data, b"X509Certificate") if is_signature => Place::X509Certificate,
            _ => Place::Other,
        };
        if self.path.is_empty() && place == Place::Other {
            return Err("is no SAML metadata".to_owned());
        }
        let own = match place {
            Place::Entities | Place::Entity | Place::Role => attribute("validUntil").map(moment).transpose()?,
            _ => None,
        };
        // What holds for what is around an element holds for it.
        let holds = [own, outer].into_iter().flatten().min();
        match place {
            Place::Entity => {
                let id = attribute("entityID").filter(|id| !id.is_empty() && id.chars().count() <= 1_024);
                let id = id.ok_or("has an entity without an 'entityID' of 1 to 1024 characters")?.to_owned();
                let metadata = Metadata { entity_id: id, valid_until: holds, ..Metadata::default() };
                self.entities.push(Entity { metadata, ..Entity::default() });
            }
            Place::Role => {
                let spoken = attribute("protocolSupportEnumeration").unwrap_or_default();
                let speaks = spoken.split_ascii_whitespace().any(|protocol| protocol == SAML_2);
                let signed = matches!(attribute("WantAuthnRequestsSigned").map(str::trim), Some("true" | "1"));
                let entity = self.entity()?;
                entity.is_idp = true;
                if speaks {
                    entity.speaks_saml_2 = true;
                    entity.metadata.want_authn_requests_signed |= signed;
                    entity.metadata.valid_until = [entity.metadata.valid_until, holds].into_iter().flatten().min();
                    self.path.push((Place::Role, holds));
                } else {
                    self.path.push((Place::Other, holds));
                }
                return Ok(());
            }
            Place::X509Certificate | Place::NameIdFormat => self.text = Some(String::new()),
            Place::Other if parent == Place::Role && is_metadata => {
                let service = match name.as_ref() {
                    b"SingleSignOnService" => Some(true),
                    b"SingleLogoutService" => Some(false),
                    _ => None,
                };
                if let (Some(signs_on), Some(binding), Some(url)) =
                    (service, attribute("Binding"), attribute("Location"))
                {
                    let answers = attribute("ResponseLocation").unwrap_or(url).trim().to_owned();
                    let metadata = &mut self.entity()?.metadata;
                    if !signs_on {
                        push(&mut metadata.slo_answers, (binding.to_owned(), answers))?;
                    }
                    let service = (binding.to_owned(), url.trim().to_owned());
                    push(if signs_on { &mut metadata.sso } else { &mut metadata.slo }, service)?;
                }
            }
            _ => {}
        }
        self.path.push((place, holds));
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let (place, _) = self.path.pop().ok_or("is no well-formed XML")?;
        let Some(text) = self.text.take() else { return Ok(()) };
        let metadata = &mut self.entity()?.metadata;
        match place {
            Place::X509Certificate => {
                let packed: String = text.split_ascii_whitespace().collect();
                let der = STANDARD.decode(packed).map_err(|_| "has a certificate that is no base64")?;
                if !metadata.certificates.contains(&der) {
                    push(&mut metadata.certificates, der)?;
                }
            }
            Place::NameIdFormat => push(&mut metadata.name_id_formats, text.trim().to_owned())?,
            _ => {}
        }
        Ok(())
    }

    fn content(&mut self, content: &str) -> Result<(), String> {
        match &mut self.text {
            Some(text) => text.push_str(content),
            None if self.path.is_empty() && !content.trim().is_empty() => {
                return Err("is no well-formed XML".to_owned());
            }
            None => {}
        }
        Ok(())
    }

    /// The entity that is being read.
    fn entity(&mut self) -> Result<&mut Entity, String> {
        self.entities.last_mut().ok_or_else(|| "is no SAML metadata".to_owned())
    }
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), String> {
    if list.len() == MAX_ITEMS {
        return Err(format!("has an identity provider with more than {MAX_ITEMS} of one thing"));
    }
    list.push(item);
    Ok(())
}

/// An element's attributes without a prefix, which is how all that count are written.
fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    let mut all = Vec::new();
    for (i, attribute) in element.attributes().enumerate() {
        let attribute = attribute.map_err(|_| "is no well-formed XML")?;
        if i == MAX_ATTRIBUTES {
            return Err(format!("has an element with more than {MAX_ATTRIBUTES} attributes"));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0);
        let value = value.map_err(|_| "has an entity that is none of the five")?;
        if let (name, None) = attribute.key.decompose() {
            let name = std::str::from_utf8(name.as_ref()).map_err(|_| "is not UTF-8")?;
            all.push((name.to_owned(), value.into_owned()));
        }
    }
    Ok(all)
}

/// A point in time (XML Schema `dateTime`; without a zone it is UTC, saml-core-2.0-os §1.3.3).
fn moment(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let time = read(text).or_else(|| read(&format!("{text}Z"))).ok_or("has a 'validUntil' that is no time")?;
    Ok(Timestamp::from_secs(time.unix_timestamp()))
}

#[cfg(test)]
mod tests;
