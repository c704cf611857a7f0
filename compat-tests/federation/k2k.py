"""Keystone to Keystone: a cloud that vouches for its own users, and those to whom it does (keystone-api.md 1.9)."""

from harness import Archstone, unique
from peers.saml import find, parse
from peers.saml_ecp import SPACES

SAML2, ECP = "/v3/auth/OS-FEDERATION/saml2", "/v3/auth/OS-FEDERATION/saml2/ecp"
METADATA = "/v3/OS-FEDERATION/saml2/metadata"
# A service provider that is no Archstone.
FOREIGN = {
    "sp_url": "https://sp.example/Shibboleth.sso/SAML2/ECP",
    "auth_url": "https://sp.example/v3/OS-FEDERATION/identity_providers/home/protocols/saml2/auth",
}


def cloud(settings):
    """A node that serves."""
    return Archstone(settings=settings).prepare().start()


def new_sp(node, **fields):
    """A service provider with an id of its own; its id."""
    id = unique("sp")
    body = {"service_provider": FOREIGN | {"enabled": True} | fields}
    node.expect(201, "PUT", f"/v3/OS-FEDERATION/service_providers/{id}", token=node.admin_token, json=body)
    return id


def asking(token, sp):
    """The body that asks for a response."""
    return {
        "auth": {"identity": {"methods": ["token"], "token": {"id": token}}, "scope": {"service_provider": {"id": sp}}}
    }


def response_in(answer):
    """The response in an answer of either call."""
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:1000]}"
    assert answer.headers["Content-Type"].split(";")[0] == "text/xml"
    root = parse(answer.content)
    return root if root.tag.endswith("}Response") else root.find("S:Body/samlp:Response", SPACES)


def certificate_of(node):
    """The PEM of the certificate in a cloud's metadata as an identity provider."""
    text = find(parse(node.request("GET", METADATA).content), ".//md:KeyDescriptor//ds:X509Certificate").text
    return f"-----BEGIN CERTIFICATE-----\n{''.join(text.split())}\n-----END CERTIFICATE-----\n"


class Someone:
    """A user of a cloud with the role `member` on a project, in `groups` of the same domain."""

    def __init__(self, node, groups=(), **fields):
        self.node = node
        self.domain = node.new_domain()
        self.user = node.new_user(self.domain["id"], **fields)
        self.project_name = fields.get("name", unique("project"))
        self.project = node.new_project(self.domain["id"], name=self.project_name)
        node.grant(self.user, "member", project=self.project)
        self.groups = [node.new_group(self.domain["id"], self.user, name=name) for name in groups]

    def token(self, **scope):
        """A token, on the project unless told otherwise."""
        return self.node.token({"id": self.user["id"]}, self.user["password"], **(scope or {"project": self.project}))

    def ask(self, sp, path=SAML2, token=None):
        """Asks for a response to this service provider: the answer as it came."""
        return self.node.request("POST", path, json=asking(token or self.token(), sp))
