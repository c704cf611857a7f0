"""The SAML calls of the Huawei Cloud dialect: accounts, metadata imports, responses that nobody asked for
(keystone-api.md 2.2)."""

from harness import unique
from peers.saml import IdentityProvider, encode
from peers.saml_metadata import metadata_of
from saml_trust import ACS, ENTITY
from trust import FEDERATION, WEBSSO

TOKENS = "/v3.0/OS-FEDERATION/tokens"
X_USER_ID = "IAM_SAML_Attributes_xUserId"
# What the vendor's own tools map everybody to.
FEDERATION_USER = {"local": [{"user": {"name": "FederationUser"}}], "remote": [{"type": "__NAMEID__"}]}


def saml_idp():
    """A hand-made identity provider that nothing else knows."""
    return IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://idp.example/sso")


class Account:
    """An account with its security administrator's token and an identity provider, whose protocol is `saml`."""

    def __init__(self, archstone, sso_type="virtual_user_sso", idp=None, rules=(FEDERATION_USER,)):
        self.archstone, self.idp = archstone, idp or saml_idp()
        self.domain = archstone.new_domain()["id"]
        self.token = archstone.persona("secu_admin", domain=self.domain)[1]
        self.id, mapping = unique("acme"), unique("mapping")
        self.path = f"{FEDERATION}/identity_providers/{self.id}"
        fields = {"enabled": True, "sso_type": sso_type}
        self.done(201, "PUT", self.path, {"identity_provider": fields})
        protocol = {}
        if sso_type == "virtual_user_sso":
            self.done(201, "PUT", f"{FEDERATION}/mappings/{mapping}", {"mapping": {"rules": list(rules)}})
            protocol = {"mapping_id": mapping}
        self.done(201, "PUT", f"{self.path}/protocols/saml", {"protocol": protocol})

    def done(self, status, method, path, body=None):
        """A call of the security administrator's that must have this status; the answer's JSON, if any."""
        return self.archstone.expect(status, method, path, token=self.token, json=body)

    @property
    def metadata(self):
        """Where metadata are imported."""
        return f"/v3-ext/OS-FEDERATION/identity_providers/{self.id}/protocols/saml/metadata"

    def send(self, document=..., token=..., **members):
        """Imports metadata (the identity provider's own): the answer as it came. `members` are those of the body (None:
        leave out)."""
        document = metadata_of(self.idp) if document is ... else document
        body = {"xaccount_type": "", "domain_id": self.domain, "metadata": document} | members
        body = {k: v for k, v in body.items() if v is not None}
        token = self.token if token is ... else token
        return self.archstone.request("POST", self.metadata, token=token, json=body)

    def imported(self, *document):
        """The same, which must succeed; the account."""
        answer = self.send(*document)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text[:1000]}"
        assert answer.json() == {"message": "Import metadata successful"}
        return self

    def response(self, what="assertion", name=None, **parts):
        """A response that nobody asked for, to the entrance for browsers."""
        acs = self.archstone.url + ACS
        usual = {"destination": acs, "recipient": acs, "audiences": [[self.archstone.url + ENTITY]]}
        return self.idp.respond(None, what, name_id=name or unique("person"), **(usual | parts))

    def present(self, document, id=..., **options):
        """Shows it to the call for tokens: the answer as it came."""
        id = self.id if id is ... else id
        headers = ({"X-Idp-Id": id} if id is not None else {}) | options.pop("headers", {})
        form = document if isinstance(document, dict) else {"SAMLResponse": encode(document)}
        return self.archstone.request("POST", TOKENS, data=form, headers=headers, **options)

    def enter(self, *document, **parts):
        """The same, which must succeed: (token, its body)."""
        answer = self.present(*document) if document else self.present(self.response(**parts))
        assert answer.status_code == 201, f"{answer.status_code} {answer.text[:1000]}"
        return answer.headers["X-Subject-Token"], answer.json()["token"]


class AccountWay:
    """An account's way in for browsers, as `saml_trust` has it."""

    def __init__(self, account):
        self.provider, self.archstone, self.acs = account.idp, account.archstone, account.archstone.url + ACS
        self.websso = f"{self.archstone.url}{WEBSSO}/identity_providers/{account.id}/protocols/saml/websso"


def refused(answer, status=401):
    """An answer of the `/v3.0` face that lets nobody in; its text."""
    assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:1000]}"
    assert "X-Subject-Token" not in answer.headers
    body = answer.json()
    codes = {400: "IAM.0011", 401: "IAM.0001", 403: "IAM.0003", 404: "IAM.0004"}
    assert set(body) == {"error_msg", "error_code"} and body["error_code"] == codes[status], body
    return body["error_msg"]
