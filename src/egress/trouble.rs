//! What went wrong with an outgoing request, for the few callers that may tell an administrator.
//!
//! Nothing here quotes an answer. An address that may not be asked always gives one and the same [`Trouble`], since nothing
//! is sent there: what listens at it, and whether anything does, cannot be learnt (SSRF-18).

use std::error::Error as StdError;
use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::resolver::NoAddress;

/// The one text for a URL that leads, by name or by number, to addresses that may not be asked.
pub const CLOSED_URL: &str = "The URL's host is not allowed.";
/// The same for a host without a URL.
pub const CLOSED_HOST: &str = "The host is not allowed.";

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// URL or address breaks a rule, which is named.
    NotAllowed(String),
    /// The name has no address.
    Unresolved,
    /// Nobody listens at the port.
    Refused,
    /// There is no way there, or the connection broke.
    Unreachable,
    /// TLS did not come about, and why.
    Tls(String),
    /// No answer in time.
    Timeout,
    /// The answer is over the limit.
    TooLarge,
    /// It redirects where we do not follow, and why not.
    Redirects(&'static str),
    /// What came back is no answer.
    Broken,
}

impl Trouble {
    /// For an administrator: what is wrong with `what`, which begins the sentence, and what to do about it.
    pub fn told(&self, what: &str) -> String {
        match self {
            Self::NotAllowed(rule) => {
                format!("{what} may not be asked. {rule} What may be asked is set under 'egress' in the configuration.")
            }
            Self::Unresolved => {
                format!("{what} cannot be reached: the host name does not resolve. Check the name and the DNS.")
            }
            Self::Refused => {
                format!(
                    "{what} cannot be reached: the connection was refused. Check the port and that the server runs."
                )
            }
            Self::Unreachable => {
                format!("{what} cannot be reached: there is no connection, or it broke. Check network and firewall.")
            }
            Self::Tls(why) => format!("{what} cannot be reached: TLS failed, {why}."),
            Self::Timeout => format!("{what} did not answer in time. Check network and firewall."),
            Self::TooLarge => format!("{what} gave an answer that is too large."),
            Self::Redirects(why) => format!("{what} redirects {why}. Use the URL that it leads to."),
            Self::Broken => format!("{what} gave an answer that is no HTTP. Check scheme and port."),
        }
    }

    /// What failed, by the causes of a client's error.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let mut cause = error.source();
        let mut parsed = true;
        while let Some(e) = cause {
            if let Some(trouble) = Self::of_cause(e) {
                return trouble;
            }
            // Whoever speaks before being asked cancels the request.
            parsed &= !e.downcast_ref::<hyper::Error>().is_some_and(|e| e.is_parse() || e.is_canceled());
            cause = e.source();
        }
        if parsed { Self::Unreachable } else { Self::Broken }
    }

    /// What failed at a socket, also in TLS on it.
    pub fn of_io(error: &io::Error) -> Self {
        Self::of_cause(error).unwrap_or(Self::Unreachable)
    }

    /// What one cause says; `None` if nothing.
    fn of_cause(error: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(none) = error.downcast_ref::<NoAddress>() {
            return Some(none.trouble(CLOSED_URL));
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(Self::of_tls(tls));
        }
        let io = error.downcast_ref::<io::Error>()?;
        // Errors of others come inside those of I/O, whose source is that of what is inside.
        if let Some(inner) = io.get_ref() {
            return Self::of_cause(inner);
        }
        match io.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::Timeout),
            _ => None,
        }
    }

    /// Why TLS failed, in words that tell who has to do what.
    pub(super) fn of_tls(error: &rustls::Error) -> Self {
        let why = match error {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "the server's certificate has expired"
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "the server's certificate is not valid yet"
                }
                CertificateError::UnknownIssuer => {
                    "the server's certificate is from an authority that is not trusted here"
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    "the server's certificate is for another name"
                }
                CertificateError::Revoked => "the server's certificate has been revoked",
                CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                    "the server's certificate is not for servers"
                }
                _ => "the server's certificate cannot be verified",
            },
            rustls::Error::InvalidMessage(_) => "the server does not speak TLS at this port",
            rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
                "the server wants a certificate of ours"
            }
            rustls::Error::AlertReceived(_) => "the server broke it off",
            rustls::Error::PeerIncompatible(_) => "the server speaks no version or cipher that is safe",
            _ => "the server does not keep to the protocol",
        };
        Self::Tls(why.to_owned())
    }
}

impl fmt::Display for Trouble {
    /// For the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed(rule) => f.write_str(rule),
            Self::Unresolved => f.write_str("the name has no address"),
            Self::Refused => f.write_str("the connection was refused"),
            Self::Unreachable => f.write_str("there is no connection"),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Redirects(why) => write!(f, "a redirect {why}"),
            Self::Broken => f.write_str("the answer is none"),
        }
    }
}
