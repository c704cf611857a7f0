//! Reads one SAML Response again and again, for the benchmark of readers: `saml_reader FILE SECONDS`.
//!
//! The file says who may say what to whom, and has the Response. Each reading is a whole one, by what a login calls: decoding,
//! parsing, the signature, every check, and the attributes. Beside it the floor: one RSA-2048 verification and one parse of the
//! document, which no reader could do without. Counted is the CPU time of this process. See `README.md` beside this file.

use std::error::Error;
use std::fs;
use std::sync::Arc;

use archstone::clock::{Random, Stopwatch, Timestamp};
use archstone::egress::Egress;
use archstone::model::connection::saml::Saml as Settings;
use archstone::model::connection::{Connection, Settings as Kind};
use archstone::secret::Secret;
use archstone::upstream::saml::Saml;
use archstone::upstream::{Answer, Ask, Memo, Ready, Upstream as _};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn text<'v>(case: &'v Value, name: &str) -> Result<&'v str, String> {
    case[name].as_str().ok_or_else(|| format!("the case has no '{name}'"))
}

/// What this process has used, in seconds: user and system time in hundredths (proc(5)).
fn cpu() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
    let [user, system] = [11, 12].map(|n| fields.get(n).and_then(|n| n.parse::<f64>().ok()));
    Ok((user.ok_or("no user time")? + system.ok_or("no system time")?) / 100.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, seconds] = arguments.as_slice() else { return Err("saml_reader FILE SECONDS".into()) };
    let case: Value = serde_json::from_slice(&fs::read(file)?)?;
    let seconds: f64 = seconds.parse()?;
    let settings = Settings {
        idp_entity_id: Some(text(&case, "idp_entity_id")?.to_owned()),
        idp_sso_url: Some("https://idp.example.org/saml/sso".to_owned()),
        idp_certificate: Some(text(&case, "certificate")?.to_owned()),
        ..Settings::default()
    };
    let connection = Connection {
        idp_id: "idp".to_owned(),
        protocol_id: "saml".to_owned(),
        settings: Kind::Saml(Box::new(settings)),
        updated_at: Timestamp(0),
    };
    let memo = json!({"saml": {
        "request_id": text(&case, "request_id")?, "acs_url": text(&case, "acs_url")?,
        "sp_entity_id": text(&case, "sp_entity_id")?, "anew_since": null,
    }});
    let (ready, random) = (Ready::new(connection, None)?, Random::system());
    let memo = Memo::from_text(&Secret::new(memo.to_string().into_bytes()))?;
    let saml = Saml::new(Arc::new(Egress::new(&archstone::config::Egress::default())?));
    let now = Timestamp::from_secs(case["now"].as_i64().ok_or("the case has no 'now'")?);
    let ask = Ask::new(&ready, now, &random).with_browser(text(&case, "acs_url")?, "");
    let posted = |name: &str| Ok::<_, String>(Answer::Form(vec![("SAMLResponse".into(), text(&case, name)?.into())]));
    let (right, forged) = (posted("response")?, posted("forged")?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let refuses = runtime.block_on(saml.finish(&ask, &memo, &forged)).is_err();
    let said = runtime.block_on(saml.finish(&ask, &memo, &right))?;
    let mut found: Vec<&str> = Vec::new();
    let own = ["sid", "acr", "auth_time"];
    for (_, value) in said.claims.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        found.extend(value.as_str());
        found.extend(value.as_array().into_iter().flatten().filter_map(Value::as_str));
    }
    found.sort_unstable();
    let wanted: Vec<&str> = case["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if found != wanted {
        return Err(format!("read {found:?} instead of {wanted:?}").into());
    }

    let measure = |read: &mut dyn FnMut() -> Result<(), Box<dyn Error>>| {
        let warming = Stopwatch::start();
        while warming.elapsed().as_secs_f64() < seconds / 10.0 {
            read()?;
        }
        let (before, watch, mut count) = (cpu()?, Stopwatch::start(), 0_u64);
        while watch.elapsed().as_secs_f64() < seconds {
            for _ in 0..20 {
                read()?;
            }
            count += 20;
        }
        Ok::<_, Box<dyn Error>>((count, cpu()? - before))
    };
    let (responses, cpu_secs) = measure(&mut || {
        runtime.block_on(saml.finish(&ask, &memo, &right))?;
        Ok(())
    })?;

    let document = String::from_utf8(STANDARD.decode(text(&case, "response")?)?)?;
    let pair = RsaKeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048)?;
    let (message, mut signed) = (&document.as_bytes()[..1_000.min(document.len())], vec![0; pair.public_modulus_len()]);
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signed)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref().to_vec());
    let (floor_responses, floor_cpu_secs) = measure(&mut || {
        uppsala::parse(&document).map_err(|_| "the document is not parsed")?;
        key.verify(message, &signed).map_err(|_| "the signature does not hold")?;
        Ok(())
    })?;
    println!(
        "{}",
        json!({"responses": responses, "cpu_secs": cpu_secs, "floor_responses": floor_responses,
               "floor_cpu_secs": floor_cpu_secs, "refuses_forgery": refuses})
    );
    Ok(())
}
