//! Whatever is brought to the places where SAML messages come to: Responses (by themselves, in an envelope, unasked), messages
//! about logging out, metadata. Nothing may crash, and nothing made up may be believed: the seeds are signed, so a change that
//! is still believed must say what the seed says.
#![no_main]

use std::sync::{Arc, LazyLock};

use archstone::clock::{Random, Timestamp};
use archstone::egress::Egress;
use archstone::model::connection::saml::Saml as Settings;
use archstone::model::connection::{Connection, Settings as Kind};
use archstone::secret::Secret;
use archstone::upstream::check::metadata;
use archstone::upstream::saml::own::{Own, OwnKey};
use archstone::upstream::saml::{Carried, Saml};
use archstone::upstream::{Answer, Ask, Identity, Memo, Ready, Upstream as _};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

/// What the seeds are made for: `case.json` beside the corpus, by `seeds.py`.
struct Case {
    said: Value,
    ready: Ready,
    memo: Memo,
    own: Own,
    saml: Saml,
    random: Random,
    runtime: Runtime,
}

static CASE: LazyLock<Case> = LazyLock::new(|| {
    let file = std::env::var("ARCHSTONE_FUZZ_CASE").expect("ARCHSTONE_FUZZ_CASE names the case of the seeds");
    let said: Value = serde_json::from_slice(&std::fs::read(file).expect("the case")).expect("JSON");
    let text = |name: &str| said[name].as_str().expect("a text").to_owned();
    let settings = Settings {
        idp_entity_id: Some(text("idp_entity_id")),
        idp_sso_url: Some("https://idp.example.org/saml/sso".to_owned()),
        idp_slo_url: Some("https://idp.example.org/saml/slo".to_owned()),
        idp_certificate: Some(text("certificate")),
        ..Settings::default()
    };
    let connection = Connection {
        idp_id: "idp".to_owned(),
        protocol_id: "saml".to_owned(),
        settings: Kind::Saml(Box::new(settings)),
        updated_at: Timestamp(0),
    };
    let memo = json!({"saml": {"request_id": text("request_id"), "acs_url": text("acs_url"),
        "sp_entity_id": text("sp_entity_id"), "anew_since": null}});
    let private = Secret::new(hex(&text("own_key")));
    let key = OwnKey::read(&private, String::new()).expect("a key");
    Case {
        ready: Ready::new(connection, None).expect("a connection"),
        memo: Memo::from_text(&Secret::new(memo.to_string().into_bytes())).expect("a memo"),
        own: Own { keys: Arc::new(vec![key]), signing: 0 },
        saml: Saml::new(Arc::new(Egress::new(&archstone::config::Egress::default()).expect("a client"))),
        random: Random::seeded(1),
        runtime: Builder::new_current_thread().build().expect("a runtime"),
        said,
    }
});

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex")).collect()
}

/// What the seeds say, as it is believed of them.
static BELIEVED: LazyLock<Vec<(String, Map<String, Value>)>> = LazyLock::new(|| {
    let case = &*CASE;
    let folder = case.said["seeds"].as_str().expect("a folder");
    let files = std::fs::read_dir(folder).expect("the seeds").map(|file| file.expect("a seed").path());
    let said = files.filter_map(|file| believed(&std::fs::read(file).expect("a seed")));
    let said: Vec<_> = said.map(|identity| (identity.subject, identity.claims)).collect();
    assert!(said.len() > 5, "the seeds are believed");
    said
});

/// Brings it to where its first byte says: who is believed, if anybody is.
fn believed(data: &[u8]) -> Option<Identity> {
    let case = &*CASE;
    let text = |name: &str| case.said[name].as_str().expect("a text");
    let (kind, rest) = data.split_first()?;
    let now = Timestamp::from_secs(case.said["now"].as_i64().expect("a time"));
    let at = |place| Ask::new(&case.ready, now, &case.random).with_browser(place, "").with_own(Some(&case.own));
    if kind % 8 == 7 {
        let _ = metadata::read(rest, None);
        return None;
    }
    let message = std::str::from_utf8(rest).ok()?;
    let ask = at(text("acs_url"));
    let answer = Answer::Envelope(message.to_owned());
    match kind % 8 {
        0 | 1 => case.runtime.block_on(case.saml.finish(&ask, &case.memo, &answer)).ok(),
        2 => case.runtime.block_on(case.saml.unsolicited(&ask, &answer, Some(300))).ok(),
        3 => {
            let form = Answer::Form(vec![("SAMLResponse".to_owned(), message.to_owned())]);
            case.runtime.block_on(case.saml.finish(&ask, &case.memo, &form)).ok()
        }
        other => {
            let ask = at(text("slo_url"));
            let carried = match other {
                4 => Carried::Query(message.to_owned()),
                _ => Carried::Form(vec![("SAMLRequest".to_owned(), message.to_owned())]),
            };
            let _ = case.runtime.block_on(case.saml.peek_logout(&carried));
            if let Ok(asked) = case.runtime.block_on(case.saml.logout_asked(&ask, &carried)) {
                assert_eq!(asked.session_name, text("name"), "a wish about somebody else is believed");
            }
            None
        }
    }
}

fuzz_target!(|data: &[u8]| {
    if let Some(identity) = believed(data) {
        let said = (identity.subject, identity.claims);
        assert!(BELIEVED.contains(&said), "something is believed that no seed says: {said:?}");
    }
});
