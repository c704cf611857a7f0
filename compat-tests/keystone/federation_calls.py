"""Calls on protocols, mappings and service providers that several test files make, as the cloud administrator unless told otherwise."""

import urllib.parse

from harness import error_of, unique
from identity_provider_calls import create as new_idp  # noqa: F401  (part of this module's face)

BASE = "/v3/OS-FEDERATION"
MAPPINGS, SPS = f"{BASE}/mappings", f"{BASE}/service_providers"
# The shortest useful mapping: who logs in is called what the attribute says.
RULES = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]
# What a service provider cannot do without.
URLS = {"auth_url": "https://sp.example/v3/OS-FEDERATION/identity_providers/here/protocols/saml2/auth",
        "sp_url": "https://sp.example/Shibboleth.sso/SAML2/ECP"}


def quoted(text):
    """An id as a segment of a path."""
    return urllib.parse.quote(text, safe="")


def mapping_path(mapping_id):
    return f"{MAPPINGS}/{quoted(mapping_id)}"


def sp_path(sp_id):
    return f"{SPS}/{quoted(sp_id)}"


def protocols_path(idp_id):
    return f"{BASE}/identity_providers/{quoted(idp_id)}/protocols"


def protocol_path(idp_id, protocol_id):
    return f"{protocols_path(idp_id)}/{quoted(protocol_id)}"


def send(archstone, method, path, body=None, token=None):
    """One request; the answer as it came."""
    return archstone.request(method, path, token=token or archstone.admin_token, json=body)


def done(archstone, status, method, path, body=None, token=None):
    """A request that must have this status; the answer's JSON, if any."""
    return archstone.expect(status, method, path, token=token or archstone.admin_token, json=body)


def new_mapping(archstone, rules=RULES, token=None, **fields):
    """A mapping with an id of its own; the member."""
    body = {"mapping": {"rules": rules} | fields}
    return done(archstone, 201, "PUT", mapping_path(unique("mapping")), body, token)["mapping"]


def new_protocol(archstone, idp_id, mapping_id, protocol_id=None, token=None, **fields):
    """A protocol with an id of its own, unless one is given; the member."""
    body = {"protocol": {"mapping_id": mapping_id} | fields}
    return done(archstone, 201, "PUT", protocol_path(idp_id, protocol_id or unique("protocol")), body, token)["protocol"]


def new_sp(archstone, sp_id=None, **fields):
    """A service provider with an id of its own, unless one is given; the member."""
    body = {"service_provider": URLS | fields}
    return done(archstone, 201, "PUT", sp_path(sp_id or unique("sp")), body)["service_provider"]


def message(answer, code):
    """The message of an error answer with this code."""
    return error_of(answer, code)["message"]


def listed(archstone, path, token=None):
    """The ids on one page of a list."""
    body = done(archstone, 200, "GET", path, token=token)
    return [item["id"] for item in body[next(key for key in body if key not in ("links", "truncated"))]]


def everything(archstone, path, token=None):
    """The members of a list, `links.next` followed to the end."""
    url, found = path, []
    while url:
        body = done(archstone, 200, "GET", url, token=token)
        found += body[next(key for key in body if key not in ("links", "truncated"))]
        url = body["links"]["next"]
    return found


def pages(archstone, path, token=None):
    """Follows `links.next` to the end: the ids on each page, each page's form checked."""
    url, found = archstone.url + path, []
    while url:
        assert url.startswith(archstone.url)
        body = done(archstone, 200, "GET", url, token=token)
        assert body["links"]["self"] == url and body["links"]["previous"] is None
        assert body.get("truncated", False) is (body["links"]["next"] is not None)
        found.append([item["id"] for item in body[next(key for key in body if key not in ("links", "truncated"))]])
        assert len(found) < 200, "following next never ends"
        url = body["links"]["next"]
    return found


def secu_admin(archstone, scope="domain"):
    """The security administrator of a new domain: (domain id, token for it or for a project in it)."""
    domain = archstone.new_domain()["id"]
    where = {"domain": domain} if scope == "domain" else {"project": archstone.new_project(domain)}
    return domain, archstone.persona("secu_admin", **where)[1]


def account_idp(archstone, token, **fields):
    """An identity provider of a security administrator's; its id."""
    idp_id = unique("ACME")
    done(archstone, 201, "PUT", f"{BASE}/identity_providers/{idp_id}", {"identity_provider": fields}, token)
    return idp_id
