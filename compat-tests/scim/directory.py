"""A directory that speaks SCIM 2.0 to a tenant, by a token of its own."""

from tenancy import TENANTS, admin

MEDIA = "application/scim+json"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Directory:
    """A tenant's directory: what it asks, and what it is told."""

    def __init__(self, tenant, name="Directory"):
        self.tenant, self.node = tenant, tenant.node
        made = admin(self.node, "POST", f"{TENANTS}/{tenant.id}/scim-tokens", {"name": name}, 201)
        self.token, self.token_id, self.url = made["token"], made["id"], made["scim_url"]
        self.base = f"/api/v1/tenants/{tenant.id}/scim/v2"

    def ask(self, method, path, body=None, node=None, token=None, headers=None, **options):
        """A request; the answer as it came."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Accept": MEDIA} | (headers or {})
        if body is not None:
            headers.setdefault("Content-Type", MEDIA)
        url = path if path.startswith("http") else self.base + path
        return (node or self.node).request(method, url, json=body, headers=headers, timeout=60, **options)

    def expect(self, status, method, path, body=None, **options):
        """The same with the status checked; the answer's JSON."""
        answer = self.ask(method, path, body, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} instead of {status}: {answer.text[:2000]}"
        assert not answer.content or answer.headers["Content-Type"] == MEDIA
        return answer.json() if answer.content else None

    def user(self, name, **fields):
        """Makes a user; the resource."""
        return self.expect(201, "POST", "/Users", {"schemas": [USER], "userName": name} | fields)

    def group(self, name, *members, **fields):
        """Makes a group of these ids; the resource."""
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": id} for id in members]}
        return self.expect(201, "POST", "/Groups", body | fields)

    def patch(self, path, *operations, **options):
        """Changes a resource; the answer as it came."""
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **options)

    def find(self, kind, filter, **query):
        """What a filter finds."""
        answer = self.ask("GET", f"/{kind}", params={"filter": filter} | query)
        assert answer.status_code == 200, answer.text
        return answer.json()["Resources"]

    def members(self, group):
        """The ids of a group's members."""
        return {m["value"] for m in self.expect(200, "GET", f"/Groups/{group}").get("members", [])}


def fault(answer, status, kind=None):
    """The text of a failure in SCIM's words (RFC 7644 section 3.12)."""
    assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:1000]}"
    assert answer.headers["Content-Type"] == MEDIA
    body = answer.json()
    assert body["schemas"] == [ERROR] and body["status"] == str(status), body
    assert body.get("scimType") == kind, body
    return body["detail"]
