"""What stands between a node and an OpenID provider: identity provider, mapping, protocol, connection; logins through them."""

import hashlib
import urllib.parse

from harness import unique
from peers.openid import AUDIENCE

FEDERATION = "/v3/OS-FEDERATION"
WEBSSO = "/v3/auth/OS-FEDERATION"
UNAUTHORIZED = "The request you have made requires authentication."
# An identity provider of the tests lives on the loopback interface, which egress rules forbid unless told otherwise.
EGRESS = {"ARCHSTONE_EGRESS__ALLOW": "127.0.0.1", "ARCHSTONE_EGRESS__SCHEMES": "http,https", "ARCHSTONE_EGRESS__PORTS": ""}

# Who it is, as most mapping documents for OpenID Connect say it.
PERSON = {"local": [{"user": {"id": "{0}", "name": "{1}", "email": "{2}"}}],
          "remote": [{"type": "HTTP_OIDC_SUB"}, {"type": "OIDC-name"}, {"type": "OIDC_CLAIM_email"}]}
# The least: whoever has a subject.
ANYBODY = {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}]}


def groups_of(domain_id, claim="OIDC-groups"):
    """A rule by which the values of a claim are names of groups of this domain."""
    return {"local": [{"groups": "{0}", "domain": {"id": domain_id}}], "remote": [{"type": claim}]}


def group_by_id(group, value, claim="OIDC-groups"):
    """A rule that puts everybody whose claim has this value into a group."""
    return {"local": [{"group": {"id": group["id"]}}], "remote": [{"type": claim, "any_one_of": [value]}]}


def project_of(name, *roles, **more):
    """A rule that provides a project with roles on it."""
    return {
        "local": [{"projects": [{"name": name, "roles": [{"name": r} for r in roles]} | more]}],
        "remote": [{"type": "OIDC-sub"}],
    }


def user_id(domain_id, unique_id):
    """The id of a federated user, as Keystone derives it."""
    return hashlib.sha256(f"{domain_id}user{urllib.parse.quote(unique_id)}".encode()).hexdigest()


class Trust:
    """One way in at a node: people of `provider` come by `protocol` and become what `rules` say.

    The relying party is a client of its own at the provider, authenticated by `method`. `connection` are members of the
    connection beside the usual ones (None: leave out), `client` fields of the client's registration, `idp` fields of the
    identity provider.
    """

    def __init__(self, archstone, provider, *rules, protocol="openid", method="client_secret_basic", id=None, schema_version=None,
                 remote_id_attribute=None, connection=None, client=None, **idp):
        self.archstone, self.provider, self.protocol = archstone, provider, protocol
        self.id, self.mapping = id or unique("idp"), unique("mapping")
        self.path = f"{FEDERATION}/identity_providers/{self.id}"
        self.client_id = unique("archstone")
        self.idp = self._put(self.path, "identity_provider", {"enabled": True} | idp)
        self.domain_id = self.idp["domain_id"]
        self.map(*(rules or (PERSON,)), schema_version=schema_version)
        self.connect(protocol, method, remote_id_attribute, connection, client)

    def _put(self, path, member, body, method="PUT", status=201):
        return self.archstone.expect(status, method, path, token=self.archstone.admin_token, json={member: body})[member]

    def map(self, *rules, schema_version=None):
        """The mapping says this from now on."""
        body = {"rules": list(rules)} | ({"schema_version": schema_version} if schema_version else {})
        path, exists = f"{FEDERATION}/mappings/{self.mapping}", hasattr(self, "document")
        self.document = self._put(path, "mapping", body, *(("PATCH", 200) if exists else ()))

    def connect(self, protocol, method="client_secret_basic", remote_id_attribute=None, connection=None, client=None):
        """Adds a protocol with its connection; the mapping is the same."""
        callback = f"{self.archstone.url}{WEBSSO}/identity_providers/{self.id}/protocols/{protocol}/callback"
        self.provider.client(self.client_id, method, redirect_uris=[callback], **client or {})
        body = {"mapping_id": self.mapping} | ({"remote_id_attribute": remote_id_attribute} if remote_id_attribute else {})
        self._put(f"{self.path}/protocols/{protocol}", "protocol", body)
        secret = {} if method == "none" else {"client_secret": f"{self.client_id} secret"}
        body = {"kind": "oidc", "issuer": self.provider.issuer, "client_id": self.client_id, "audiences": [AUDIENCE],
                "token_endpoint_auth_method": method} | secret | (connection or {})
        self._put(f"{self.path}/protocols/{protocol}/connection", "connection", {k: v for k, v in body.items() if v is not None})

    def patch(self, **fields):
        """Changes the identity provider."""
        return self._put(self.path, "identity_provider", fields, "PATCH", 200)

    def delete(self, path=""):
        """Deletes the identity provider, or what stands below it."""
        return self.archstone.expect(204, "DELETE", self.path + path, token=self.archstone.admin_token)

    # -- logging in ----------------------------------------------------------------------------------------------------

    def present(self, bearer, protocol=None, method="POST", node=None, **options):
        """Shows a token of the provider (None: nothing) at the way in; the answer as it came."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        path = f"{self.path}/protocols/{protocol or self.protocol}/auth"
        return (node or self.archstone).request(method, path, headers=headers | options.pop("headers", {}), **options)

    def enter(self, user, **options):
        """Logs a user of the provider in by an access token: (token, its body)."""
        answer = self.present(self.provider.access_token(user), **options)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text[:2000]}"
        return answer.headers["X-Subject-Token"], answer.json()["token"]

    def refused(self, bearer, status=401, **options):
        """The answer to a token of the provider that must be refused; its message."""
        answer = self.present(bearer, **options)
        assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:2000]}"
        assert "X-Subject-Token" not in answer.headers
        error = answer.json()["error"]
        assert error["code"] == status
        return error["message"]

    def scoped(self, token, **scope):
        """Rescopes: (token, its body)."""
        answer = self.archstone.rescope(token, **scope)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text[:2000]}"
        return answer.headers["X-Subject-Token"], answer.json()["token"]

    # -- looking at it as the administrator ----------------------------------------------------------------------------

    def get(self, path):
        """What the administrator reads at this path below /v3."""
        return self.archstone.expect(200, "GET", f"/v3/{path}", token=self.archstone.admin_token)

    def user(self, id):
        """The user as the administrator sees them."""
        return self.get(f"users/{id}")["user"]

    def groups(self, id):
        """Names of the user's groups with the end of each membership (None: without end)."""
        return {g["name"]: g.get("membership_expires_at") for g in self.get(f"users/{id}/groups")["groups"]}

    def granted(self, id):
        """What the user holds directly: pairs of the target's name and the role's."""
        found = self.get(f"role_assignments?user.id={id}&include_names=true")["role_assignments"]
        return {(next(v for k, v in a["scope"].items() if k in ("project", "domain"))["name"], a["role"]["name"]) for a in found}
