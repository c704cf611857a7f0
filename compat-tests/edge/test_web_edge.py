"""WEB-HOST, WEB-HDR and WEB-CACHE: what a client says about itself or about us changes nothing.

WEB-CACHE-1 follows RFC 9111 section 5.2.2.5 (`no-store`).
"""

import json

import pytest

import wire
from harness import ADMIN_PASSWORD
from api import Api, password_request, project

JSON = ("Content-Type", "application/json")
PUBLIC = "https://identity.example.org/keystone"
EVIL = b"evil.example"


@pytest.fixture(scope="module")
def public(make_node):
    """A node behind a configured public URL."""
    server = make_node(limits={"public_url": PUBLIC})
    token = server.admin()
    server.api().want(201, "PUT", "/v3/OS-FEDERATION/identity_providers/host", {"identity_provider": {}}, token)
    return server


def linked(node, headers, host, absolute=""):
    """Every answer that carries links, asked with these headers."""
    token = [("X-Auth-Token", node.admin())]
    for path, extra in (
        ("/", []), ("/v3", []), ("/v3", [("Accept", "application/json-home")]), ("/v3/users?limit=1", token), ("/v3/domains", token),
        ("/v3/OS-FEDERATION/identity_providers", token), ("/v3/OS-FEDERATION/identity_providers/host", token), ("/v3/users", []),
    ):
        yield path, wire.ask(node.address, "GET", absolute + path, [*extra, *headers], host=host)


FORWARDED = [
    ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", "666"), ("X-Forwarded-Prefix", "/evil.example"),
    ("Forwarded", "host=evil.example;proto=http"), ("X-Host", "evil.example"), ("X-Original-URL", "/evil.example"), ("X-Rewrite-URL", "/evil.example"),
]


@pytest.mark.parametrize(
    "case, headers, host, absolute",
    [("1_host", [], "evil.example", ""), ("2_forwarded", FORWARDED, "127.0.0.1", ""), ("3_absolute_target", [], "127.0.0.1", "http://evil.example")],
    ids=lambda value: value if isinstance(value, str) and value[:1].isdigit() else "",
)
def test_web_host_links_come_from_the_configured_public_url(public, case, headers, host, absolute):
    for path, got in linked(public, headers, host, absolute):
        everything = got.body + repr(got.headers).encode()
        assert EVIL not in everything, (case, path, got)
        assert got.status in (200, 300, 401), (case, path, got)
        if got.status != 401 and got.get("Content-Type", "").endswith("json") and b'"href"' in got.body:
            for link in hrefs(json.loads(got.body)):
                assert link.startswith((PUBLIC, "/")), (case, path, link)


def hrefs(value):
    """All `href` members and members of `links`, at any depth, that look like URLs."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "href" and isinstance(item, str):
                yield item
            yield from hrefs(item)
    elif isinstance(value, list):
        for item in value:
            yield from hrefs(item)


def test_web_host_1_location_and_challenge_use_the_public_url(public):
    found = wire.ask(public.address, "GET", "/", host="evil.example")
    assert found.status == 300 and found.get("Location") == f"{PUBLIC}/v3/"
    refused = wire.ask(public.address, "GET", "/v3/users", host="evil.example")
    assert refused.status == 401 and refused.get("WWW-Authenticate") == f'Keystone uri="{PUBLIC}/v3"'
    home = json.loads(wire.ask(public.address, "GET", "/v3", host="evil.example").body)["version"]
    assert home["links"] == [{"rel": "self", "href": f"{PUBLIC}/v3/"}]
    idp = wire.ask(public.address, "GET", "/v3/OS-FEDERATION/identity_providers/host", [("X-Auth-Token", public.admin())], host="evil.example")
    assert json.loads(idp.body)["identity_provider"]["links"]["self"] == f"{PUBLIC}/v3/OS-FEDERATION/identity_providers/host"


@pytest.mark.parametrize("raw", [
    b"GET /v3 HTTP/1.1\r\n\r\n",
    b"GET /v3 HTTP/1.1\r\nHost: a\r\nHost: evil.example\r\n\r\n",
    b"GET /v3 HTTP/1.1\r\nHost: evil.example/x@y\r\n\r\n",
], ids=["none", "two", "not_a_host"])
def test_web_host_1_missing_or_doubled_host(public, raw):
    """RFC 9112 section 3.2 wants 400; an answer that does not depend on the header does no harm either."""
    got = wire.send(public.address, raw, enough=1)
    assert got.status in (200, 400) and EVIL not in got.replies[0].body, got


SPOOFED = [
    ("X-Remote-User", "admin"), ("REMOTE_USER", "admin"), ("Remote-User", "admin"), ("X-Forwarded-User", "admin"), ("OIDC-sub", "admin"),
    ("OIDC_CLAIM_sub", "admin"), ("HTTP_OIDC_ISS", "https://evil.example"), ("MELLON_NAME_ID", "admin"), ("Shib-Session-ID", "x"), ("eppn", "admin"),
    ("X-User-Id", "admin"), ("X-User-Name", "admin"), ("X-Roles", "admin"), ("X-Role", "admin"), ("X-Is-Admin-Project", "True"),
    ("X-Identity-Status", "Confirmed"), ("X-Project-Id", "admin"), ("X-Domain-Id", "default"), ("OpenStack-System-Scope", "all"),
    ("X-Service-Token", "admin"), ("X-Service-Roles", "service"), ("X-Auth-User", "admin"), ("X-Auth-Key", ADMIN_PASSWORD), ("X-SSL-Client-Verify", "SUCCESS"),
    ("X-Client-Cert", "x"), ("X-Authentication-Context", "is_admin=True"),
]


def test_web_hdr_2_identity_headers_open_nothing(node):
    api = node.api()
    for header in [*[[h] for h in SPOOFED], SPOOFED]:
        got = wire.ask(node.address, "GET", "/v3/users", header)
        assert got.status == 401, (header, got)
        login = wire.ask(node.address, "POST", "/v3/auth/tokens", [JSON, *header], json.dumps(password_request("nobody-here", "wrong")).encode())
        assert login.status == 401, (header, login)
        external = {"auth": {"identity": {"methods": ["external"], "external": {}}}}
        assert wire.ask(node.address, "POST", "/v3/auth/tokens", [JSON, *header], json.dumps(external).encode()).status in (400, 401)
    # A token keeps its own roles, whatever stands beside it.
    user = api.create_user(node.admin(), "spoofer", "spoofers-password-1")
    token = api.token("spoofer", "spoofers-password-1")
    assert api.get("/v3/users", token=token).status == 403
    assert api.get("/v3/users", token=token, headers=dict(SPOOFED)).status == 403
    api.want(204, "DELETE", f"/v3/users/{user['id']}", token=node.admin())


def test_web_hdr_2_two_different_tokens_are_not_a_choice(node):
    """`X-Auth-Token` twice, or beside another `Authorization`, never picks the one that happens to be valid silently."""
    good = node.admin()
    twice = wire.ask(node.address, "GET", "/v3/users", [("X-Auth-Token", "nonsense"), ("X-Auth-Token", good)])
    assert twice.status in (400, 401), twice
    joined = wire.ask(node.address, "GET", "/v3/users", [("X-Auth-Token", f"{good}, {good}")])
    assert joined.status in (400, 401), joined


def test_web_cache_1_tokens_and_secrets_are_not_stored(node):
    api, token = Api(node.address), node.admin()
    issued = api.login("admin", ADMIN_PASSWORD, project("admin"))
    answers = {
        "issue": issued,
        "failed": api.login("admin", "wrong"),
        "unknown token": api.validate("nonsense", token),
        "refused": api.get("/v3/users"),
        "validate": api.validate(token),
        "catalog": api.get("/v3/auth/catalog", token=token),
        "users": api.get("/v3/users", token=token),
        "projects": api.get("/v3/auth/projects", token=token),
    }
    for name, got in answers.items():
        assert "no-store" in got.headers.get("cache-control", ""), (name, got.headers)
        assert "X-Auth-Token" in got.headers.get("vary", ""), (name, got.headers)
        assert "etag" not in got.headers
    assert issued.token not in issued.body.decode()


def test_web_cache_1_every_answer_says_what_it_is(node):
    for path in ("/", "/v3", "/v3/users", "/v3/nothing", "/healthcheck"):
        got = wire.ask(node.address, "GET", path)
        assert got.get("x-openstack-request-id", "").startswith("req-"), (path, got.headers)
        if path != "/healthcheck":
            assert got.get("Content-Type", "").startswith("application/json"), (path, got.headers)


def test_web_hdr_1_request_id_of_the_client_is_not_echoed_raw(node):
    got = wire.ask(node.address, "GET", "/v3", [("X-OpenStack-Request-ID", "req-<script>"), ("X-Request-Id", "a b c")])
    assert "<" not in got.get("x-openstack-request-id") and " " not in got.get("x-openstack-request-id")
