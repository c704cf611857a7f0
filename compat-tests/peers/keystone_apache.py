"""A real Keystone behind a real Apache with mod_auth_openidc, as clouds run it: what identity providers are pushed to.

Keystone comes from the environment of `requirements-keystone.txt`, with SQLite and Fernet tokens in a folder of its own; Apache and
its module are Debian's. Apache knows one client of one OpenID provider and asks for sign-ins by browsers (`websso`) and for bearer
tokens (`auth`); which identity providers, mappings and protocols there are is Keystone's business alone.
"""

import html
import json
import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import urllib.parse

import requests

from harness import ADMIN_PASSWORD, KEYSTONE_VENV, eventually, unique
from postgres import free_port

HERE = pathlib.Path(__file__).resolve().parent
MODULES = pathlib.Path("/usr/lib/apache2/modules")
FEDERATION = "/v3/OS-FEDERATION"
LOADED = ["mpm_event", "authn_core", "authz_core", "authz_user", "alias", "headers", "proxy", "proxy_http", "auth_openidc"]

KEYSTONE = """[DEFAULT]
log_file={folder}/keystone.log
public_endpoint={url}
[database]
connection=sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository={folder}/fernet-keys
[fernet_receipts]
key_repository={folder}/fernet-keys
[credential]
key_repository={folder}/credential-keys
[identity]
password_hash_rounds=4
[cache]
enabled=false
[token]
provider=fernet
[auth]
methods=password,token,mapped,openid,application_credential
[openid]
remote_id_attribute=HTTP_OIDC_ISS
[federation]
sso_callback_template={folder}/callback.html
{dashboards}
"""
CALLBACK = """<!doctype html><html><body><form id="sso" action="$host" method="post"><input name="token" value="$token">
</form><script>document.getElementById("sso").submit()</script></body></html>
"""
APACHE = """ServerRoot {folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
LogLevel warn auth_openidc:info
DefaultRuntimeDir {folder}
{account}
{modules}
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID "{client_id}"
OIDCClientSecret "{client_secret}"
OIDCRedirectURI {redirect_uri}
OIDCCryptoPassphrase {passphrase}
OIDCResponseType code
OIDCPKCEMethod S256
OIDCScope "openid profile email"
OIDCClaimPrefix OIDC-
OIDCClaimDelimiter ;
OIDCPassClaimsAs both
OIDCRemoteUserClaim sub
OIDCAuthNHeader X-Remote-User
OIDCCookieSameSite On
OIDCHTTPTimeoutLong 10
OIDCHTTPTimeoutShort 5
OIDCOAuthServerMetadataURL {url}/{metadata}
OIDCOAuthClientID "{client_id}"
OIDCOAuthClientSecret "{client_secret}"
OIDCOAuthAcceptTokenAs header
OIDCOAuthRemoteUserClaim sub

RequestHeader unset X-Remote-User early
ProxyPreserveHost On
ProxyPass /v3/redirect_uri !
ProxyPass /{metadata} !
Alias /{metadata} {folder}/{metadata}
ProxyPass / http://127.0.0.1:{behind}/ retry=0
ProxyPassReverse / http://127.0.0.1:{behind}/

<LocationMatch "^/v3/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+/auth$">
  AuthType oauth20
  Require valid-user
</LocationMatch>
<LocationMatch "^/v3/(redirect_uri$|auth/OS-FEDERATION/websso/|auth/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+/websso$)">
  AuthType openid-connect
  Require valid-user
</LocationMatch>
"""
# The module takes addresses without TLS from documents only. One without this member has tokens verified by keys.
METADATA = "authorization-server.json"
INTROSPECTION = "introspection_endpoint"


class KeystoneApache:
    """One cloud on a loopback port, bootstrapped with the tests' administrator.

    `provider` is where people sign in (`peers.openid.OpenIdProvider`), where this cloud is a client of its own, `client_id`.
    `bearers` says how bearer tokens are verified: "jwt" by the provider's keys, "introspection" by asking it. `dashboards` are the
    origins that may be given tokens.
    """

    def __init__(self, provider, dashboards=(), bearers="jwt", client_id=None):
        for need in (MODULES / "mod_auth_openidc.so", KEYSTONE_VENV / "bin/keystone-manage"):
            assert need.exists(), f"{need} is missing: see run.sh"
        self.provider = provider
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="archstone-keystone-"))
        self.port, self.behind = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.auth_url = f"{self.url}/v3"
        self.redirect_uri = f"{self.url}/v3/redirect_uri"
        self.client_id = client_id or unique("keystone")
        self.http = requests.Session()
        self.http.trust_env = False
        self.processes, self._admin = [], None
        provider.client(self.client_id, redirect_uris=[self.redirect_uri])
        try:
            self._configure(dashboards, bearers)
            self._start()
        except BaseException:
            self.remove()
            raise

    def _configure(self, dashboards, bearers):
        assert bearers in ("jwt", "introspection"), bearers
        discovered = self.http.get(self.provider.discovery, timeout=10).json()
        document = {name: value for name, value in discovered.items() if bearers == "introspection" or name != INTROSPECTION}
        (self.folder / METADATA).write_text(json.dumps(document))
        client = {"client_id": self.client_id, "client_secret": f"{self.client_id} secret"}
        account = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
        modules = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED]
        (self.folder / "callback.html").write_text(CALLBACK)
        (self.folder / "keystone.conf").write_text(KEYSTONE.format(
            folder=self.folder, url=self.url, dashboards="\n".join(f"trusted_dashboard={origin}" for origin in dashboards)))
        (self.folder / "apache.conf").write_text(APACHE.format(
            folder=self.folder, port=self.port, behind=self.behind, account=account, modules="\n".join(modules), issuer=self.provider.issuer,
            redirect_uri=self.redirect_uri, passphrase=secrets.token_hex(16), url=self.url, metadata=METADATA, **client))
        if account:
            # Its workers are not root and look through the folder.
            self.folder.chmod(0o755)

    def _manage(self, *args):
        done = subprocess.run([KEYSTONE_VENV / "bin/keystone-manage", "--config-file", self.folder / "keystone.conf", *args],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"keystone-manage {args[0]}: {done.stdout}{done.stderr}"[-3000:]

    def _start(self):
        who = pwd.getpwuid(os.getuid()).pw_name
        self._manage("db_sync")
        self._manage("fernet_setup", "--keystone-user", who, "--keystone-group", who)
        self._manage("bootstrap", "--bootstrap-password", ADMIN_PASSWORD, "--bootstrap-region-id", "RegionOne",
                     *(part for name in ("public", "internal", "admin") for part in (f"--bootstrap-{name}-url", self.auth_url)))
        variables = os.environ | {"OS_KEYSTONE_CONFIG_FILES": str(self.folder / "keystone.conf"), "OS_KEYSTONE_CONFIG_DIR": str(self.folder)}
        for command in ([KEYSTONE_VENV / "bin/python", HERE / "keystone_wsgi.py", str(self.behind)],
                        ["/usr/sbin/apache2", "-f", self.folder / "apache.conf", "-DFOREGROUND"]):
            with open(self.folder / "output.txt", "ab") as output:
                self.processes.append(subprocess.Popen(command, env=variables, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output,
                                                       stderr=output, start_new_session=True))
        assert eventually(self._ready, 30.0, 0.1), self.log()

    def _ready(self):
        assert all(p.poll() is None for p in self.processes), self.log()
        try:
            return requests.get(self.auth_url, timeout=10).status_code == 200
        except requests.RequestException:
            return False

    def log(self):
        """The end of what it has to say of itself."""
        files = [self.folder / name for name in ("output.txt", "apache.log", "keystone.log")]
        return "\n".join(f"== {f.name}\n{f.read_text(errors='replace')[-4000:]}" for f in files if f.exists())

    # -- what its administrator does -----------------------------------------------------------------------------------

    @property
    def admin_token(self):
        """A token of the administrator on the system."""
        if self._admin is None:
            self._admin = self.log_in("admin", ADMIN_PASSWORD, {"system": {"all": True}})
        return self._admin

    def log_in(self, name, password, scope="unscoped"):
        """A token by password, of a user of the default domain."""
        identity = {"methods": ["password"], "password": {"user": {"name": name, "domain": {"id": "default"}, "password": password}}}
        answer = self.request("POST", "/v3/auth/tokens", None, {"auth": {"identity": identity, "scope": scope}})
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"]

    def request(self, method, path, token, json=None):
        """One request through Apache; redirects are not followed."""
        return self.http.request(method, f"{self.url}{path}", json=json, headers={"X-Auth-Token": token} if token else {}, timeout=30,
                                 allow_redirects=False)

    def expect(self, status, method, path, json=None):
        """One request as the administrator that must end so; the body."""
        answer = self.request(method, path, self.admin_token, json)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return answer.json() if answer.content else None

    def found(self, path, member):
        """What is there below `/v3/OS-FEDERATION`: the member of the answer, or None for 404."""
        answer = self.request("GET", f"{FEDERATION}/{path}", self.admin_token)
        assert answer.status_code in (200, 404), answer.text
        return answer.json()[member] if answer.status_code == 200 else None

    def forget_providers(self):
        """Takes away every identity provider: there may be one for an issuer."""
        for one in self.expect(200, "GET", f"{FEDERATION}/identity_providers")["identity_providers"]:
            self.expect(204, "DELETE", f"{FEDERATION}/identity_providers/{one['id']}")

    def federate(self, idp, rules, protocol="openid", remote_ids=None):
        """Makes identity provider, mapping and protocol, as a push does."""
        self.expect(201, "PUT", f"{FEDERATION}/identity_providers/{idp}",
                    {"identity_provider": {"enabled": True, "remote_ids": remote_ids or [self.provider.issuer]}})
        self.expect(201, "PUT", f"{FEDERATION}/mappings/{idp}-rules", {"mapping": {"rules": rules}})
        self.expect(201, "PUT", f"{FEDERATION}/identity_providers/{idp}/protocols/{protocol}", {"protocol": {"mapping_id": f"{idp}-rules"}})

    # -- what its people do --------------------------------------------------------------------------------------------

    def by_bearer(self, idp, access_token, protocol="openid"):
        """An access token for an unscoped token: the answer."""
        return self.http.post(f"{self.url}{FEDERATION}/identity_providers/{idp}/protocols/{protocol}/auth",
                              headers={"Authorization": f"Bearer {access_token}"}, timeout=30, allow_redirects=False)

    def by_browser(self, user, origin, idp=None, protocol="openid"):
        """WebSSO in a browser of its own: the last page, whose form goes to the dashboard. Without `idp` the provider's issuer says it."""
        path = f"identity_providers/{idp}/protocols/{protocol}/websso" if idp else f"websso/{protocol}"
        begin = f"{self.auth_url}/auth/OS-FEDERATION/{path}?origin={urllib.parse.quote(origin, safe='')}"
        with requests.Session() as browser:
            browser.trust_env = False
            back = self.provider.follow(browser, begin, user, stop=f"{self.redirect_uri}?")
            return browser.get(back, timeout=30)

    def token_of(self, page):
        """(the address that a page of `by_browser` posts to, the unscoped token that it posts)."""
        assert page.status_code == 200, f"{page.status_code} {page.text[:500]}\n{self.log()}"
        return html.unescape(re.search(r'action="([^"]+)"', page.text)[1]), re.search(r'name="token" value="([^"]+)"', page.text)[1]

    def scoped(self, token, domain):
        """A token for a domain instead of this one: the answer."""
        auth = {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": {"domain": {"id": domain}}}
        return self.request("POST", "/v3/auth/tokens", None, {"auth": auth})

    def whoami(self, token):
        """What a token says of itself."""
        answer = self.http.get(f"{self.auth_url}/auth/tokens", headers={"X-Auth-Token": token, "X-Subject-Token": token}, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["token"]

    def remove(self):
        """Ends both processes and deletes the folder."""
        self.http.close()
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
