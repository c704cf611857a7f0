//! Envelopes of SOAP 1.1, in which clients without a browser carry messages: the enhanced client profile
//! (saml-profiles-2.0-os §4.2) by reverse SOAP (saml-bindings-2.0-os §3.3).

use super::message::escape;
use super::xml::{Element, Outcome, SAML, SAMLP, Tree};

/// Envelopes.
const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The profile.
const ECP: &str = "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp";
/// Reverse SOAP.
const PAOS: &str = "urn:liberty:paos:2003-08";
/// Whoever reads a header first.
const NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";
/// Longest text that clients bring back to us.
const MAX_STATE: usize = 256;

/// A request that a client takes to its identity provider, and the answer to `acs_url`.
pub fn request(acs_url: &str, issuer: &str, relay_state: &str, request: &str) -> String {
    let (acs_url, issuer, relay_state) = (escape(acs_url), escape(issuer), escape(relay_state));
    format!(
        "<S:Envelope xmlns:S=\"{SOAP}\"><S:Header><paos:Request xmlns:paos=\"{PAOS}\" S:mustUnderstand=\"1\" \
         S:actor=\"{NEXT}\" responseConsumerURL=\"{acs_url}\" service=\"{ECP}\"/><ecp:Request xmlns:ecp=\"{ECP}\" \
         S:mustUnderstand=\"1\" S:actor=\"{NEXT}\" IsPassive=\"false\"><saml:Issuer xmlns:saml=\"{SAML}\">{issuer}\
         </saml:Issuer></ecp:Request>{}</S:Header><S:Body>{request}</S:Body></S:Envelope>",
        state(&relay_state)
    )
}

/// A response that a client takes to a service provider which has not asked for it.
pub fn response(relay_state: &str, response: &str) -> String {
    let state = state(&escape(relay_state));
    format!("<S:Envelope xmlns:S=\"{SOAP}\"><S:Header>{state}</S:Header><S:Body>{response}</S:Body></S:Envelope>")
}

fn state(escaped: &str) -> String {
    format!("<ecp:RelayState xmlns:ecp=\"{ECP}\" S:mustUnderstand=\"1\" S:actor=\"{NEXT}\">{escaped}</ecp:RelayState>")
}

/// The message in an envelope, or the one that stands by itself.
pub fn message<'t, 'a>(tree: &'t Tree<'a>) -> Outcome<Element<'t, 'a>> {
    let root = tree.root();
    if !root.is(SOAP, "Envelope") {
        return Ok(root);
    }
    let body = root.only(SOAP, "Body")?;
    if body.children().count() != 1 {
        return Err("is an envelope with more or less than one message".to_owned());
    }
    body.only(SAMLP, "Response")
}

/// What a client brings back beside the message.
pub fn relay_state(tree: &Tree<'_>) -> Option<String> {
    let header = tree.root().one(SOAP, "Header").ok()??;
    let state = header.one(ECP, "RelayState").ok()??.text().ok()?;
    Some(state.trim().to_owned()).filter(|s| !s.is_empty() && s.len() <= MAX_STATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_as_it_is_written() {
        let inner = format!("<samlp:Response xmlns:samlp=\"{SAMLP}\" ID=\"_1\"/>");
        let text = response("ss:mem:<1>", &inner);
        let tree = Tree::read(&text).unwrap();
        assert_eq!(relay_state(&tree).as_deref(), Some("ss:mem:<1>"));
        assert_eq!(message(&tree).unwrap().attribute("ID"), Some("_1"));
        let two = response("", &format!("{inner}{}", inner.replace("_1", "_2")));
        assert!(message(&Tree::read(&two).unwrap()).is_err());
        let text = request("https://sp.example/ecp?a&b", "https://sp.example", "s", "<x/>");
        let tree = Tree::read(&text).unwrap();
        let asked = tree.root().only(SOAP, "Header").unwrap().only(PAOS, "Request").unwrap();
        assert_eq!(asked.attribute("responseConsumerURL"), Some("https://sp.example/ecp?a&b"));
    }
}
