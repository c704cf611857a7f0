"""A small Identity v3 client on `http.client`: no retries, no redirects, every answer kept as it came."""

import http.client
import json
import threading
from dataclasses import dataclass


@dataclass
class Answer:
    """Status, headers (lower-case names) and body of one response."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def token(self):
        """The token that the answer issues."""
        return self.headers["x-subject-token"]


class Api:
    """Calls one node. Connections are kept per thread, so that load costs one connection a worker."""

    def __init__(self, address, timeout=10.0):
        self.address = address
        self.timeout = timeout
        self._local = threading.local()

    def _connection(self):
        held = getattr(self._local, "connection", None)
        if held is None:
            held = http.client.HTTPConnection(*self.address, timeout=self.timeout)
            self._local.connection = held
        return held

    def close(self):
        """Drops this thread's connection."""
        held = getattr(self._local, "connection", None)
        if held is not None:
            held.close()
            self._local.connection = None

    def call(self, method, path, body=None, token=None, headers=None):
        """One request. `body` is sent as JSON; transport failures come out as OSError or HTTPException."""
        send = dict(headers or {})
        if token:
            send.setdefault("X-Auth-Token", token)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            send.setdefault("Content-Type", "application/json")
        connection = self._connection()
        try:
            connection.request(method, path, body=data, headers=send)
            reply = connection.getresponse()
            content = reply.read()
        except BaseException:
            self.close()
            raise
        if reply.will_close:
            self.close()
        return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, content)

    def get(self, path, **how):
        """GET."""
        return self.call("GET", path, **how)

    def want(self, status, method, path, body=None, token=None, headers=None):
        """A call that must answer `status`."""
        got = self.call(method, path, body, token, headers)
        assert got.status == status, f"{method} {path}: {got.status}, not {status}: {got.body[:300]!r}"
        return got

    # -- tokens ---------------------------------------------------------------------------------------------------

    def login(self, user, password, scope=None, domain="default"):
        """The answer to a password login of a user named in a domain given by id."""
        return self.call("POST", "/v3/auth/tokens?nocatalog", password_request(user, password, scope, domain))

    def token(self, user, password, scope=None, domain="default"):
        """A token by password; the login must work."""
        got = self.login(user, password, scope, domain)
        assert got.status == 201, f"login of {user}: {got.status} {got.body[:300]!r}"
        return got.token

    def rescope(self, parent, scope):
        """The answer to method `token`."""
        body = {"auth": {"identity": {"methods": ["token"], "token": {"id": parent}}, "scope": scope}}
        return self.call("POST", "/v3/auth/tokens?nocatalog", body)

    def validate(self, subject, token=None):
        """Validation of `subject`, by itself unless `token` is given."""
        return self.call("GET", "/v3/auth/tokens?nocatalog", token=token or subject, headers={"X-Subject-Token": subject})

    def revoke(self, subject, token=None):
        """Revocation of `subject`."""
        return self.call("DELETE", "/v3/auth/tokens", token=token or subject, headers={"X-Subject-Token": subject})

    # -- objects --------------------------------------------------------------------------------------------------

    def create_domain(self, token, name):
        """A domain; its document."""
        return self.want(201, "POST", "/v3/domains", {"domain": {"name": name}}, token).json["domain"]

    def create_user(self, token, name, password, domain="default", **more):
        """A user; its document."""
        user = {"name": name, "password": password, "domain_id": domain, **more}
        return self.want(201, "POST", "/v3/users", {"user": user}, token).json["user"]

    def create_role(self, token, name):
        """A role; its document."""
        return self.want(201, "POST", "/v3/roles", {"role": {"name": name}}, token).json["role"]

    def role_id(self, token, name):
        """The id of a global role by name."""
        found = self.want(200, "GET", f"/v3/roles?name={name}", token=token).json["roles"]
        assert len(found) == 1, found
        return found[0]["id"]

    def grant(self, token, domain, user, role, method="PUT", expect=204):
        """Grants (or with DELETE takes away) a role on a domain."""
        return self.want(expect, method, f"/v3/domains/{domain}/users/{user}/roles/{role}", token=token)


def password_request(user, password, scope=None, domain="default"):
    """The body of a password login."""
    identity = {"methods": ["password"], "password": {"user": {"name": user, "domain": {"id": domain}, "password": password}}}
    auth = {"identity": identity}
    if scope is not None:
        auth["scope"] = scope
    return {"auth": auth}


SYSTEM = {"system": {"all": True}}


def project(name, domain="default"):
    """Scope: a project by name."""
    return {"project": {"name": name, "domain": {"id": domain}}}


def domain_scope(domain):
    """Scope: a domain by id."""
    return {"domain": {"id": domain}}


# Scopes the bootstrapped administrator can always ask for.
ADMIN_SCOPES = [project("admin"), SYSTEM]
