"""A real OpenID provider (npm `oidc-provider`) as a process of the tests, and what its clients do with it.

`openid_provider/` is the program; its dependencies, and the Node it runs on, come from npm by `run.sh`.
"""

import base64
import contextlib
import hashlib
import html
import json
import pathlib
import platform
import re
import secrets
import subprocess
import threading
import time
import urllib.parse
import uuid

import requests

from peers.jose import Key
from postgres import free_port

PROGRAM = pathlib.Path(__file__).resolve().parent / "openid_provider"
NODE = PROGRAM / f"node_modules/node-linux-{'arm64' if platform.machine() == 'aarch64' else 'x64'}/bin/node"
# The name of our service to the provider: the audience of access tokens meant for it.
AUDIENCE = "https://cloud.example/identity"
# Access tokens for this one are opaque.
OPAQUE = "https://cloud.example/opaque"
ALL_GRANTS = [
    "authorization_code",
    "client_credentials",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "refresh_token",
]


def client(client_id, method="client_secret_basic", **fields):
    """A client's registration; its secret is `<id> secret`, as far as it has one."""
    secret = {} if method == "none" else {"client_secret": f"{client_id} secret"}
    grants = [g for g in ALL_GRANTS if method != "none" or g != "client_credentials"]
    return {"client_id": client_id, "token_endpoint_auth_method": method, "grant_types": grants, "response_types": ["code"],
            "redirect_uris": ["http://127.0.0.1:1/callback"]} | secret | fields


# What people log in with from their terminals: `cloud` to tokens meant for us, `cli` the same without a secret, `opaque` to
# tokens that only the provider can read. `elsewhere` is an application that has nothing to do with us.
CLIENTS = [client("cloud"), client("cli", "none"), client("opaque"), client("elsewhere")]
RESOURCE_OF = {"cloud": AUDIENCE, "cli": AUDIENCE, "opaque": OPAQUE}


class OpenIdProvider:
    """One provider on a loopback port. `claims` are names of claims beyond the usual ones."""

    def __init__(self, claims=(), access_token_alg="RS256", pkce=True, port=None):
        self.port = port or free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.keys = [Key(f"rs-{secrets.token_hex(4)}"), Key("es", "ES256"), Key("ed", "EdDSA")]
        self.world = {
            "port": self.port,
            "keys": [k.private_jwk() for k in self.keys],
            "clients": CLIENTS,
            "claims": list(claims),
            "users": {},
            "opaque": [OPAQUE],
            "resourceOf": RESOURCE_OF,
            "accessTokenAlg": access_token_alg,
            "pkce": pkce,
        }
        self.process = None
        self.lock = threading.Lock()
        self.http = requests.Session()
        self.http.trust_env = False

    # -- the process ---------------------------------------------------------------------------------------------------

    def start(self):
        """Serves; returns when it listens. After `stop` it is the same provider again, without what it had issued."""
        self.process = subprocess.Popen([NODE, PROGRAM / "provider.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        assert self._line(self.world) == {"ready": self.issuer}
        return self

    def stop(self):
        """Ends the process; its port then refuses connections."""
        process, self.process = self.process, None
        if process:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()
        self.http.close()

    def _line(self, value):
        with self.lock:
            self.process.stdin.write(json.dumps(value) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        assert answer, "the OpenID provider has ended"
        return json.loads(answer)

    def command(self, name, **arguments):
        """Tells the provider something; its answer."""
        answer = self._line({"do": name} | arguments)
        assert "done" in answer, answer
        return answer["done"]

    # -- its world -----------------------------------------------------------------------------------------------------

    def user(self, id=None, **claims):
        """Makes or changes a user, whose password is `<id> password`; the id. Claims replace all earlier ones."""
        id = id or f"person-{uuid.uuid4().hex[:12]}"
        user = {"password": f"{id} password", "claims": claims}
        self.world["users"][id] = user
        self.command("user", id=id, user=user)
        return id

    def client(self, id, method="client_secret_basic", resource=None, lax=False, **fields):
        """Registers a client, or changes one. `resource` is what its access tokens are for when it asks for none; `lax` lets it
        do without PKCE."""
        self.command("client", client=client(id, method, **fields), resource=resource, lax=lax)

    def use_keys(self, keys):
        """From now on these sign and are shown; the first one that fits an algorithm signs."""
        self.keys = list(keys)
        self.command("keys", keys=[k.private_jwk() for k in self.keys])

    def rotate(self, keep=False):
        """Signs with a new RSA key from now on; `keep` shows the old one beside it. The old key."""
        old = self.keys[0]
        self.use_keys([Key(f"rs-{secrets.token_hex(4)}"), *self.keys[0 if keep else 1:]])
        return old

    @contextlib.contextmanager
    def misbehaving(self, **how):
        """Goes wrong within the block; see `tampering.mjs` for the ways."""
        self.command("misbehave", how=how)
        try:
            yield
        finally:
            self.command("misbehave", how={})

    def requests(self, path=None):
        """What has been asked of the provider since the last call, at this path only if told."""
        return [r for r in self.command("requests") if path in (None, r["path"])]

    # -- its clients ---------------------------------------------------------------------------------------------------

    @property
    def discovery(self):
        """The URL of the discovery document."""
        return f"{self.issuer}/.well-known/openid-configuration"

    def grant(self, client="cloud", public=False, **form):
        """A request to the token endpoint; what it answered."""
        if public:
            form["client_id"] = client
        auth = None if public else (urllib.parse.quote(client), urllib.parse.quote(f"{client} secret"))
        answer = self.http.post(f"{self.issuer}/token", data=form, auth=auth, timeout=10)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        return answer.json()

    def log_in(self, user, client="cloud", scope="openid profile email", **form):
        """The answer to the password grant: `access_token` (a JWT for us unless `resource` or the client says other) and
        `id_token`."""
        return self.grant(client, grant_type="password", username=user, password=f"{user} password", scope=scope, **form)

    def access_token(self, user, client="cloud", **form):
        """An access token of this user."""
        return self.log_in(user, client, **form)["access_token"]

    def id_token(self, user, client):
        """An ID token of this user for this client."""
        return self.log_in(user, client)["id_token"]

    def mint(self, claims, key=None, **header):
        """A JWT access token signed with the provider's current key, or `key`; good but for what `claims` and `header` change."""
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": AUDIENCE, "iat": now, "exp": now + 600, "client_id": "cloud", "jti": uuid.uuid4().hex}
        return (key or self.keys[0]).sign({k: v for k, v in (usual | claims).items() if v is not None}, **header)

    def authorization_code(self, user, client, redirect_uri, **parameters):
        """Goes through the provider's pages as a browser would; the code that arrives at `redirect_uri`."""
        query = {
            "client_id": client,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "openid profile email",
        } | parameters
        with requests.Session() as browser:
            browser.trust_env = False
            at = self.follow(browser, f"{self.issuer}/auth?{urllib.parse.urlencode(query)}", user, stop=redirect_uri)
        return urllib.parse.parse_qs(urllib.parse.urlsplit(at).query)["code"][0]

    def follow(self, browser, url, user, stop):
        """Follows redirects and fills in the login form (`user=None` cancels) until a URL begins with `stop`; that URL."""
        for _ in range(12):
            if url.startswith(stop):
                return url
            answer = browser.get(url, allow_redirects=False, timeout=10)
            if answer.status_code == 200:
                form = {"do": "cancel"} if user is None else {"do": "login", "login": user, "password": f"{user} password"}
                action = html.unescape(re.search(r'action="([^"]+)"', answer.text)[1])
                answer = browser.post(urllib.parse.urljoin(url, action), data=form, allow_redirects=False, timeout=10)
            assert answer.is_redirect, f"{url}: {answer.status_code} {answer.text[:2000]}"
            url = urllib.parse.urljoin(url, answer.headers["Location"])
        raise AssertionError(f"no end of redirects: {url}")


def pkce():
    """A verifier and its S256 challenge (RFC 7636)."""
    verifier = secrets.token_urlsafe(48)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
