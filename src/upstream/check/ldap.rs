//! Directories: whether they can be reached, take the service account, and have what is searched.

use std::time::Duration;

use tokio::time::timeout;

use super::certificate::{Certificate, date};
use super::{Outcome, Run, quote};
use crate::egress::{Egress, Trouble};
use crate::error::{Error, Result};
use crate::model::connection::ldap::Ldap;
use crate::secret::Secret;
use crate::upstream::ldap::{Address, Directory, Fault, Security, code, trusting};

/// Least time for one of several servers.
const LEAST: Duration = Duration::from_secs(1);
/// The port where directories usually speak without TLS at first.
const PLAIN_PORT: u16 = 389;

/// See [`super::Checks::admit`].
pub fn admit(egress: &Egress, ldap: &Ldap) -> Result<()> {
    for (i, address) in Address::all(ldap)
        .map_err(|e| Error::invalid_field("ldapConfig.serverAddress", e.to_string()))?
        .iter()
        .enumerate()
    {
        let field = match i {
            0 => "ldapConfig.serverAddress".to_owned(),
            i => format!("ldapConfig.servers.{}", i - 1),
        };
        egress.check_host(&address.host, address.port).map_err(|e| Error::invalid_field(field, e.to_string()))?;
    }
    if let Some(pem) = &ldap.ca_certificate_pem {
        let wrong = |why: String| Error::invalid_field("ldapConfig.caCertificatePem", format!("the value {why}"));
        Certificate::from_pem(pem).map_err(wrong)?;
        trusting(Some(pem)).map_err(|why| wrong(why.to_owned()))?;
    }
    Ok(())
}

/// Checks the directory of a connection.
pub async fn check(run: &mut Run<'_>, ldap: &Ldap, secret: Option<&Secret>) -> Outcome<()> {
    let addresses =
        Address::all(ldap).map_err(|_| "A server of the configuration is no host with a port.".to_owned())?;
    let first = addresses.first().ok_or("The configuration has no server.")?;
    let scheme = if ldap.use_ssl { "ldaps" } else { "ldap" };
    run.report.issuer = Some(format!("{scheme}://{first}/{}", ldap.base_dn));
    remark(run, ldap);
    let account = account(ldap, secret)?;
    let security = Security::of(ldap).map_err(|why| format!("The authorities that vouch for the server {why}."))?;
    let mut directory = reach(run, &addresses, &security).await?;
    sign_in(&mut directory, account).await?;
    for (name, dn) in bases(ldap) {
        look(&mut directory, name, dn, account.is_some()).await?;
    }
    directory.unbind().await;
    Ok(())
}

/// What is worth a warning by the settings alone.
fn remark(run: &mut Run<'_>, ldap: &Ldap) {
    if !ldap.use_ssl && !ldap.use_start_tls {
        run.warn("Passwords go to the directory without TLS. Set 'useSsl' or 'useStartTls'.");
    }
    if ldap.use_ssl && ldap.port() == PLAIN_PORT {
        run.warn("'useSsl' is set with port 389, where directories usually speak without TLS. The usual port is 636.");
    }
}

/// The service account: its name and password.
fn account<'a>(ldap: &'a Ldap, secret: Option<&'a Secret>) -> Outcome<Option<(&'a str, &'a str)>> {
    let Some(dn) = ldap.bind_dn.as_deref().filter(|dn| !dn.is_empty()) else { return Ok(None) };
    // A directory takes a name without a password for nobody, and says yes (RFC 4513 §5.1.2).
    let password =
        secret.filter(|s| !s.is_empty()).ok_or("The service account 'bindDn' has no password 'bindPassword'.")?;
    let password = password.expose_str().ok_or("The password 'bindPassword' is no text.")?;
    Ok(Some((dn, password)))
}

/// The entries that searches begin at, each once.
fn bases(ldap: &Ldap) -> Vec<(&'static str, &str)> {
    let mut bases = vec![("baseDn", ldap.base_dn.as_str())];
    for (name, dn) in [("userSearchBase", &ldap.user_search_base), ("groupSearchBase", &ldap.group_search_base)] {
        if let Some(dn) = dn
            && !bases.iter().any(|(_, known)| known == dn)
        {
            bases.push((name, dn));
        }
    }
    bases
}

/// Connects to the first server that can be had; those before it are warnings.
async fn reach(run: &mut Run<'_>, addresses: &[Address], security: &Security) -> Outcome<Reached> {
    let share = run.limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut troubles = Vec::new();
    for address in addresses {
        let what = format!("The directory {address}");
        what.clone_into(&mut run.asking);
        let connecting = Directory::connect(run.egress, address, security);
        let connected = timeout(share.max(LEAST), connecting).await;
        match connected.unwrap_or(Err(Fault::Trouble(Trouble::Timeout))) {
            Ok(directory) => {
                troubles.into_iter().for_each(|trouble: String| run.warn(trouble));
                shown(run, &what, &directory);
                return Ok(Reached { directory, what });
            }
            Err(fault) => troubles.push(told(&what, &fault)),
        }
    }
    troubles.truncate(3);
    Err(troubles.join(" "))
}

/// A directory, and what sentences about it begin with.
struct Reached {
    directory: Directory,
    what: String,
}

impl Reached {
    async fn unbind(self) {
        self.directory.unbind().await;
    }
}

/// Notes until when the server's certificate holds.
fn shown(run: &mut Run<'_>, what: &str, directory: &Directory) {
    let Some(Ok(certificate)) = directory.certificate().map(Certificate::from_der) else { return };
    run.report.certificate_expires_at = Some(certificate.ends());
    if certificate.ends_soon(run.now) {
        run.warn(format!("{what} has a certificate that expires on {}.", date(certificate.not_after)));
    }
}

fn told(what: &str, fault: &Fault) -> String {
    match fault {
        Fault::Trouble(trouble) => trouble.told(what),
        Fault::NoStartTls => {
            format!("{what} does not offer StartTLS. Set 'useSsl' with its port, or let it offer StartTLS.")
        }
        Fault::Closed => format!("{what} closed the connection. Check the port and whether it expects TLS."),
        Fault::Garbled => format!("{what} gave an answer that is no LDAP. Check the port and whether it expects TLS."),
    }
}

/// Binds as the service account, or as nobody.
async fn sign_in(reached: &mut Reached, account: Option<(&str, &str)>) -> Outcome<()> {
    let what = &reached.what;
    let (dn, password) = account.unwrap_or_default();
    let result = reached.directory.bind(dn, password).await.map_err(|fault| told(what, &fault))?;
    let text = match (result, account) {
        (code::SUCCESS, _) => return Ok(()),
        (code::CONFIDENTIALITY_REQUIRED | code::STRONGER_AUTH_REQUIRED, _) => {
            format!("{what} wants TLS or a stronger proof than a password. Set 'useSsl' or 'useStartTls'.")
        }
        (code::BUSY | code::UNAVAILABLE, _) => format!("{what} is busy or shutting down. Try again."),
        (code::INVALID_CREDENTIALS | code::INAPPROPRIATE_AUTHENTICATION | code::UNWILLING, None) => anonymous(what),
        (code::INVALID_CREDENTIALS, Some(_)) => {
            format!("{what} does not accept the service account. Check 'bindDn' and 'bindPassword'.")
        }
        (code::NO_SUCH_OBJECT | code::INVALID_DN_SYNTAX, Some(_)) => {
            format!("{what} does not know the service account {}. Check 'bindDn'.", quote(dn))
        }
        (code::INAPPROPRIATE_AUTHENTICATION | code::UNWILLING, Some(_)) => {
            format!("{what} does not let the service account bind with a password. It may be locked or have none.")
        }
        (result, _) => format!("{what} refused to bind, with the result {result}."),
    };
    Err(text)
}

fn anonymous(what: &str) -> String {
    format!("{what} does not answer without a service account. Set 'bindDn' and 'bindPassword'.")
}

/// Whether the entry that a search begins at is there and can be seen.
async fn look(reached: &mut Reached, name: &str, dn: &str, signed_in: bool) -> Outcome<()> {
    let what = &reached.what;
    let (result, seen) = reached.directory.look_at(dn).await.map_err(|fault| told(what, &fault))?;
    let entry = format!("{} ('{name}')", quote(dn));
    let text = match result {
        code::SUCCESS | code::SIZE_LIMIT_EXCEEDED if seen => return Ok(()),
        code::OPERATIONS_ERROR | code::INSUFFICIENT_ACCESS if !signed_in => anonymous(what),
        code::SUCCESS | code::SIZE_LIMIT_EXCEEDED | code::INSUFFICIENT_ACCESS => {
            format!("{what} does not show the entry {entry}. Let the service account read it.")
        }
        code::NO_SUCH_OBJECT if signed_in => {
            format!("{what} has no entry {entry}, or does not show it to the service account.")
        }
        code::NO_SUCH_OBJECT => format!("{what} has no entry {entry}, or does not show it without a service account."),
        code::INVALID_DN_SYNTAX => format!("{what} does not take {entry} for a DN."),
        code::REFERRAL => format!("{what} does not hold the entry {entry} but refers to another server. Set that one."),
        code::BUSY | code::UNAVAILABLE => format!("{what} is busy or shutting down. Try again."),
        result => format!("{what} refused to look at the entry {entry}, with the result {result}."),
    };
    Err(text)
}
