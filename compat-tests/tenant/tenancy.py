"""A tenant as an administrator makes it, with applications, identity providers and people; and what its applications ask."""

import contextlib
import json
import time
import urllib.parse

from harness import unique
from peers.jose import decode
from peers.openid import pkce
from visitor import Page, Visitor, query_of

ADMIN = "/api/v1/admin"
TENANTS, APPLICATIONS, PROVIDERS = f"{ADMIN}/tenants", f"{ADMIN}/applications", f"{ADMIN}/identity-providers"
SESSIONS, TRACES = f"{ADMIN}/sessions", f"{ADMIN}/traces"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
# Where no application listens: a code arrives in the test's hands.
CALLBACK = "http://127.0.0.1:9/callback"
PASSWORD = "secret-password-1"


def admin(node, method, path, body=None, status=None, token=None, **options):
    """A call on the admin API as the cloud administrator, or with `token`; the answer's JSON, with `status=None` the answer."""
    answer = node.request(method, path, token=token or node.admin_token, json=body, **options)
    if status is None:
        return answer
    assert answer.status_code == status, f"{method} {path}: {answer.status_code} instead of {status}: {answer.text[:2000]}"
    return answer.json() if answer.content else None


def refused(answer, status, error):
    """The error of an answer in the form of OAuth 2.0 (RFC 6749 section 5.2)."""
    assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:1000]}"
    body = answer.json()
    assert body["error"] == error, body
    assert set(body) <= {"error", "error_description", "error_uri"}, body
    return body


class Tenant:
    """A tenant of its own domain on a node; `settings` are members of its settings."""

    def __init__(self, node, slug=None, name=None, **settings):
        self.node = node
        body = {"slug": slug or unique("acme"), "settings": settings} | ({"name": name} if name else {})
        self.resource = admin(node, "POST", TENANTS, body, 201)
        self.id, self.slug, self.issuer = self.resource["id"], self.resource["slug"], self.resource["issuer"]
        self.url = f"{node.url}/api/v1/auth/tenants/{self.slug}"
        self.pages = f"{node.url}/auth/{self.slug}"
        self.ways = []
        self.idps = f"{self.url}/federation/idps"

    def path(self, *more):
        """Its path on the admin API."""
        return "/".join([TENANTS, self.id, *more])

    def set(self, **settings):
        """Changes members of its settings."""
        return admin(self.node, "PATCH", self.path(), {"settings": settings}, 200)

    def patch(self, **fields):
        """Changes it."""
        return admin(self.node, "PATCH", self.path(), fields, 200)

    # -- what belongs to it --------------------------------------------------------------------------------------------

    def client(self, kind="WEB", redirect_uris=(CALLBACK,), **settings):
        """An application. A service has no redirect URIs."""
        body = {"tenant_id": self.id, "name": settings.pop("name", unique("app")), "type": kind}
        if kind != "SERVICE":
            body["redirect_uris"] = list(redirect_uris)
        if "allowed_scopes" in settings:
            settings.setdefault("default_scopes", settings["allowed_scopes"][:1])
        return Client(self, admin(self.node, "POST", APPLICATIONS, body | settings, 201))

    def way(self, provider, method="client_secret_basic", client=None, oidc=None, keep=False, **settings):
        """An identity provider of its own: `provider` (of `peers.openid`), at which it is a client of its own. A domain has room
        for ten: unless `keep`, it goes with `clear`."""
        way = Way(self, provider, method, client or {}, oidc or {}, settings)
        if not keep:
            self.ways.append(way)
        return way

    def clear(self):
        """Deletes its identity providers."""
        while self.ways:
            answer = admin(self.node, "DELETE", self.ways.pop().path)
            assert answer.status_code in (204, 404), answer.text

    def user(self, password=PASSWORD, **fields):
        """A user of its domain with a password; the member with the password beside it."""
        return self.node.new_user(self.id, password, **fields)

    def people(self):
        """The users of its domain by name."""
        return {u["name"]: u for u in self.get(f"users?domain_id={self.id}")["users"]}

    def get(self, path):
        """What the administrator reads on the Keystone face."""
        return self.node.expect(200, "GET", f"/v3/{path}", token=self.node.admin_token)

    def change_user(self, id, **fields):
        """Changes a user on the Keystone face."""
        return self.node.expect(200, "PATCH", f"/v3/users/{id}", token=self.node.admin_token, json={"user": fields})["user"]

    def sessions(self, **filters):
        """Its sessions, as the administrator lists them."""
        query = urllib.parse.urlencode({"tenant_id": self.id, "per_page": 100} | filters)
        return admin(self.node, "GET", f"{SESSIONS}?{query}", status=200)["items"]

    def trace(self, request_id):
        """The steps of the sign-in of a request."""
        return admin(self.node, "GET", f"{TRACES}/{request_id}?tenant_id={self.id}", status=200)

    def metadata(self):
        """Its discovery document."""
        return self.node.expect(200, "GET", f"{self.url}/.well-known/openid-configuration")

    def keys(self):
        """Its public keys by `kid`."""
        return {k["kid"]: k for k in self.node.expect(200, "GET", f"{self.url}/.well-known/jwks.json")["keys"]}

    # -- what everybody may ask ----------------------------------------------------------------------------------------

    def userinfo(self, access_token, method="GET", **options):
        """The userinfo endpoint's answer."""
        headers = {"Authorization": f"Bearer {access_token}"} | options.pop("headers", {})
        return self.node.request(method, f"{self.url}/oauth/userinfo", headers=headers, **options)

    def visitor(self, **options):
        """A browser that has never been here."""
        return Visitor(self.node, **options)


class Way:
    """An identity provider of a tenant: a client at an OpenID provider."""

    def __init__(self, tenant, provider, method, client, oidc, settings):
        self.tenant, self.provider = tenant, provider
        self.client_id = unique("archstone")
        self.callback = f"{tenant.issuer}/federation/oidc/callback"
        self.returning = f"{tenant.issuer}/federation/oidc/logout"
        provider.client(self.client_id, method, redirect_uris=[self.callback], post_logout_redirect_uris=[self.returning],
                        backchannel_logout_uri=f"{tenant.issuer}/backchannel-logout", backchannel_logout_session_required=True, **client)
        own = {"issuer": provider.issuer, "client_id": self.client_id, "token_endpoint_auth_method": method}
        own |= {} if method == "none" else {"client_secret": f"{self.client_id} secret"}
        body = {"tenant_id": tenant.id, "name": settings.pop("name", unique("Corp")), "provider_type": "oidc", "oidc": own | oidc}
        self.resource = admin(tenant.node, "POST", PROVIDERS, body | settings, 201)
        self.id = self.resource["id"]
        self.authorize = f"{tenant.url}/federation/oidc/{self.id}/authorize"

    @property
    def path(self):
        """Its address on the admin API."""
        return f"{PROVIDERS}/{self.id}?tenant_id={self.tenant.id}"

    def set(self, **settings):
        """Changes what the tenant says of it."""
        return admin(self.tenant.node, "PATCH", self.path, settings, 200)

    def person(self, **claims):
        """Somebody new at the provider, with an e-mail address that it calls verified."""
        id = f"person-{unique()}"
        usual = {"preferred_username": id, "name": "Ann Other", "email": f"{id}@example.com", "email_verified": True}
        return self.provider.user(id, **{k: v for k, v in (usual | claims).items() if v is not None})

    def return_from(self, visitor, url, person):
        """Logs in at the provider, at which `url` is; the address that it sends the browser back to."""
        return self.provider.follow(visitor.http, url, person, stop=self.callback)


class Attempt:
    """One request of an application: what it asked for, and what it has to check in the answer."""

    def __init__(self, client, **parameters):
        self.client = client
        self.verifier, challenge = pkce()
        self.state, self.nonce = unique("state"), unique("nonce")
        usual = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": client.redirect_uri,
            "scope": "openid profile email",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        # None: leave out.
        self.parameters = {k: v for k, v in (usual | parameters).items() if v is not None}
        self.url = f"{client.tenant.url}/oauth/authorize?{urllib.parse.urlencode(self.parameters)}"

    def at(self, way):
        """The same at an identity provider's own entry (F2)."""
        return f"{way.authorize}?{urllib.parse.urlencode(self.parameters)}"

    def answer(self, url):
        """The parameters of the answer, checked as an application must."""
        assert isinstance(url, str), f"no answer for the application: {url!r}"
        assert url.startswith(self.parameters["redirect_uri"]), url
        parameters = query_of(url)
        assert parameters.get("state") == self.parameters.get("state"), parameters
        assert parameters["iss"] == self.client.tenant.issuer, "RFC 9207"
        return parameters

    def code(self, url):
        """The code in an answer that must have one."""
        parameters = self.answer(url)
        assert "code" in parameters, parameters
        assert set(parameters) <= {"code", "state", "iss"}, parameters
        return parameters["code"]

    def error(self, url, error):
        """An answer that must be this error; its parameters."""
        parameters = self.answer(url)
        assert parameters.get("error") == error and "code" not in parameters, parameters
        return parameters

    def redeem(self, code, **changes):
        """The token endpoint's answer to the code; `changes` replace fields of the form (None: leave out)."""
        usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.parameters["redirect_uri"]}
        usual |= {"code_verifier": self.verifier} if "code_challenge" in self.parameters else {}
        return self.client.ask(**(usual | changes))

    def tokens(self, url):
        """The tokens for an answer, as they came, with `claims` of the ID token beside them."""
        answer = self.redeem(self.code(url))
        assert answer.status_code == 200, answer.text
        return answer.json()


class Client:
    """An application as it is registered."""

    def __init__(self, tenant, resource):
        self.tenant, self.node, self.resource = tenant, tenant.node, resource
        self.id, self.secret = resource["client_id"], resource.get("client_secret")
        self.redirect_uri = (resource.get("redirect_uris") or [None])[0]

    @property
    def path(self):
        """Its path on the admin API."""
        return f"{APPLICATIONS}/{self.id}"

    def set(self, **settings):
        """Changes it."""
        return admin(self.node, "PATCH", self.path, settings, 200)

    def credentials(self):
        """How it proves who it is at the token endpoint: what `requests` is told."""
        if self.secret is None:
            return {"data": {"client_id": self.id}}
        return {"auth": (urllib.parse.quote(self.id, safe=""), urllib.parse.quote(self.secret, safe="")), "data": {}}

    def post(self, endpoint, node=None, headers=None, credentials=None, **form):
        """A form to one of the tenant's endpoints, by default with the application's credentials."""
        how = self.credentials() if credentials is None else credentials
        data = {k: v for k, v in form.items() if v is not None} | how.get("data", {})
        node = node or self.node
        url = f"{node.url}/api/v1/auth/tenants/{self.tenant.slug}/{endpoint}"
        return node.request("POST", url, data=data, headers=headers, **{k: v for k, v in how.items() if k != "data"})

    def ask(self, **form):
        """The token endpoint's answer; see `post`."""
        return self.post("oauth/token", **form)

    def introspect(self, token, **form):
        """What the tenant says of a token."""
        answer = self.post("oauth/introspect", token=token, **form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def revoke(self, token, **form):
        """Takes a token back."""
        answer = self.post("oauth/revoke", token=token, **form)
        assert answer.status_code == 200, answer.text

    def refresh(self, refresh_token, **form):
        """The answer to a refresh token."""
        return self.ask(grant_type="refresh_token", refresh_token=refresh_token, **form)

    def attempt(self, **parameters):
        """A new request."""
        return Attempt(self, **parameters)

    # -- whole sign-ins ------------------------------------------------------------------------------------------------

    def sign_in(self, user, visitor=None, **parameters):
        """Somebody signs in with a password on the tenant's page: the tokens."""
        attempt = self.attempt(**parameters)
        with closing(visitor, self.tenant) as browser:
            return attempt.tokens(by_password(browser, attempt, user))

    def come_by(self, way, person, visitor=None, **parameters):
        """Somebody signs in at an identity provider: the tokens."""
        attempt = self.attempt(**parameters)
        with closing(visitor, self.tenant) as browser:
            return attempt.tokens(by_provider(browser, attempt, way, person))


@contextlib.contextmanager
def closing(visitor, tenant):
    """The visitor, or a new one that is closed afterwards."""
    if visitor:
        yield visitor
        return
    visitor = tenant.visitor()
    try:
        yield visitor
    finally:
        visitor.close()


def login_page(visitor, attempt):
    """The login page to which an application's request leads."""
    page = visitor.go(attempt.url, attempt.client.redirect_uri)
    assert isinstance(page, Page) and page.status == 200, page
    assert urllib.parse.urlsplit(page.url).path == f"/auth/{attempt.client.tenant.slug}/login", page.url
    return page


def by_password(visitor, attempt, user, password=None):
    """Signs in with a password; the address that goes to the application (or the page that came instead)."""
    form = login_page(visitor, attempt).form("password")
    return visitor.submit(form, attempt.client.redirect_uri, username=user["name"], password=password or user["password"])


def by_provider(visitor, attempt, way, person):
    """Signs in at an identity provider from the login page; as `by_password`."""
    return visitor.go(to_provider(visitor, attempt, way, person), attempt.client.redirect_uri)


def to_provider(visitor, attempt, way, person):
    """The same as far as the callback, which is not gone to yet; its address."""
    button = login_page(visitor, attempt).link(way.id)
    leaving = visitor.go(button, f"{way.provider.issuer}/")
    assert isinstance(leaving, str), leaving
    return way.return_from(visitor, leaving, person)


def claims_of(tokens):
    """The claims of an ID token; nothing is verified."""
    return decode(tokens["id_token"])[1]


def access_claims(tokens):
    """The claims of an access token; nothing is verified."""
    return decode(tokens["access_token"])[1]


def mutated(text, at=10):
    """A token or code with one character changed."""
    at %= len(text)
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


def told(answer):
    """The JSON of an answer, whose shape is the tenant face's for failures."""
    body = json.loads(answer.text)
    assert isinstance(body.get("detail"), str) and body["detail"], body
    return body


def wait(seconds):
    """Sleeps; only where a clock cannot be stepped."""
    time.sleep(seconds)
