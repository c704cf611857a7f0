//! Asking another machine: the `http:` and `https:` checks of oslo.policy.
//!
//! This file says what is sent and what an answer means; the sending is injected, so that every outgoing request passes
//! the one door of the house. An answer is true if the body is exactly `True`, with or without double quotes. Failure to
//! get an answer is an error (503), never an allowance.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::{Error, Result};

/// How the question is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteFormat {
    /// `application/x-www-form-urlencoded`, each field a JSON text (oslo.policy's default).
    #[default]
    Form,
    /// One JSON object.
    Json,
}

/// One question for another machine.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteAsk {
    /// Where to POST; the places of the rule are filled in.
    pub url: String,
    /// The rule that is being enforced.
    pub rule: String,
    /// The target's flat attributes.
    pub target: Value,
    /// The caller's attributes.
    pub credentials: Value,
    /// How to write the body.
    pub format: RemoteFormat,
}

impl RemoteAsk {
    /// Value of the `Content-Type` header.
    pub fn content_type(&self) -> &'static str {
        match self.format {
            RemoteFormat::Form => "application/x-www-form-urlencoded",
            RemoteFormat::Json => "application/json",
        }
    }

    /// The body to send.
    pub fn body(&self) -> String {
        match self.format {
            RemoteFormat::Form => url::form_urlencoded::Serializer::new(String::new())
                .append_pair("rule", &json!(self.rule).to_string())
                .append_pair("target", &self.target.to_string())
                .append_pair("credentials", &self.credentials.to_string())
                .finish(),
            RemoteFormat::Json => {
                json!({"rule": self.rule, "target": self.target, "credentials": self.credentials}).to_string()
            }
        }
    }

    /// Whether an answer's body allows.
    pub fn allows(answer: &[u8]) -> bool {
        std::str::from_utf8(answer).is_ok_and(|text| text.trim_matches('"') == "True")
    }
}

/// An answer to come.
pub type Answer = Pin<Box<dyn Future<Output = Result<bool>> + Send + 'static>>;

/// The way to other machines.
#[derive(Clone)]
pub struct Remote {
    send: Arc<dyn Fn(RemoteAsk) -> Answer + Send + Sync>,
    format: RemoteFormat,
}

impl Remote {
    /// `send` posts [`RemoteAsk::body`] to the URL, within the time and size limits of outgoing requests, and reads the
    /// answer with [`RemoteAsk::allows`].
    pub fn new(format: RemoteFormat, send: impl Fn(RemoteAsk) -> Answer + Send + Sync + 'static) -> Self {
        Self { send: Arc::new(send), format }
    }

    /// Asks nobody: every such check is an error. For the command line and for services without outgoing requests.
    pub fn refused() -> Self {
        Self::new(RemoteFormat::Form, |ask| {
            Box::pin(async move {
                Err(Error::unavailable(format!("remote policy checks are off, so {} is not asked", ask.url)))
            })
        })
    }

    pub(super) fn format(&self) -> RemoteFormat {
        self.format
    }

    pub(super) fn ask(&self, ask: RemoteAsk) -> Answer {
        (self.send)(ask)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("format", &self.format).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn ask(format: RemoteFormat) -> RemoteAsk {
        RemoteAsk {
            url: "http://127.0.0.1/check".to_owned(),
            rule: "identity:get_user".to_owned(),
            target: json!({"target.user.id": "u&1"}),
            credentials: json!({"user_id": "me"}),
            format,
        }
    }

    #[test]
    fn form_fields_are_json_texts() {
        let ask = ask(RemoteFormat::Form);
        assert_eq!(ask.content_type(), "application/x-www-form-urlencoded");
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(ask.body().as_bytes()).into_owned().collect();
        let expected = [
            ("rule", "\"identity:get_user\""),
            ("target", "{\"target.user.id\":\"u&1\"}"),
            ("credentials", "{\"user_id\":\"me\"}"),
        ];
        assert_eq!(fields, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn json_body_is_one_object() {
        let ask = ask(RemoteFormat::Json);
        assert_eq!(ask.content_type(), "application/json");
        let body: Value = serde_json::from_str(&ask.body()).unwrap();
        assert_eq!(
            body,
            json!({"rule": "identity:get_user", "target": {"target.user.id": "u&1"}, "credentials": {"user_id": "me"}})
        );
    }

    #[test]
    fn only_exactly_true_allows() {
        for (answer, allows) in [
            ("True", true),
            ("\"True\"", true),
            ("\"\"True", true),
            ("true", false),
            ("True\n", false),
            (" True", false),
            ("", false),
            ("False", false),
            ("TrueTrue", false),
            ("'True'", false),
        ] {
            assert_eq!(RemoteAsk::allows(answer.as_bytes()), allows, "{answer:?}");
        }
        assert!(!RemoteAsk::allows(b"\xffTrue"));
    }
}
