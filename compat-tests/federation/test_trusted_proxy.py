"""A web server in front that signs people in, as Apache's modules do, and knows the secret (WEB-HDR-2, OSSA-2026-001)."""

import html
import re

import pytest

from harness import Archstone
from trust import FEDERATION, PERSON, UNAUTHORIZED, WEBSSO, groups_of, user_id

SECRET = "a-secret-of-the-two-with-at-least-32-characters"
PROXY = {"X-Archstone-Proxy-Secret": SECRET}
ANN = {"OIDC-sub": "ann", "OIDC-name": "Ann", "OIDC-CLAIM-email": "ann@example.org", "OIDC-iss": "https://idp.example"}


@pytest.fixture(scope="module")
def node(settings):
    """A node that trusts such a server, and knows identity providers by their issuer."""
    it = Archstone(settings=settings | {"ARCHSTONE_FEDERATION__TRUSTED_PROXY_SECRET": SECRET,
                                        "ARCHSTONE_FEDERATION__REMOTE_ID_ATTRIBUTES": "openid=HTTP_OIDC_ISS"})
    yield it.prepare().start()
    it.remove()


@pytest.fixture(scope="module")
def idp(node):
    """An identity provider without a connection: its id, its domain, a group of it."""
    domain = node.new_domain()["id"]
    group = node.new_group(domain)
    for path, member, body in (
        (
            "identity_providers/apache",
            "identity_provider",
            {"enabled": True, "domain_id": domain, "remote_ids": ["https://idp.example"]},
        ),
        ("mappings/apache", "mapping", {"rules": [PERSON, groups_of(domain)]}),
        ("identity_providers/apache/protocols/openid", "protocol", {"mapping_id": "apache"}),
    ):
        node.expect(201, "PUT", f"{FEDERATION}/{path}", token=node.admin_token, json={member: body})
    return "apache", domain, group


def enter(node, headers, method="POST"):
    return node.request(method, f"{FEDERATION}/identity_providers/apache/protocols/openid/auth", headers=headers)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_the_server_says_it_is(node, idp, method):
    _, domain, group = idp
    answer = enter(node, PROXY | ANN | {"OIDC-groups": f"{group['name']};unknown"}, method)
    assert answer.status_code == 201, answer.text
    user = answer.json()["token"]["user"]
    assert (user["id"], user["name"]) == (user_id(domain, "ann"), "Ann")
    assert [g["id"] for g in user["OS-FEDERATION"]["groups"]] == [group["id"]], "such a server joins values with semicolons"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Archstone-Proxy-Secret": ""},
        {"X-Archstone-Proxy-Secret": "wrong"},
        {"X-Archstone-Proxy-Secret": SECRET + "x"},
        {"X-Archstone-Proxy-Secret": SECRET[:-1]},
        {"X_Archstone_Proxy_Secret": SECRET},
        {"Cookie": f"X-Archstone-Proxy-Secret={SECRET}"},
        {"Authorization": f"Bearer {SECRET}"},
    ],
)
def test_without_the_secret_nothing_counts(node, idp, headers):
    answer = enter(node, headers | ANN)
    assert answer.status_code == 401 and answer.json()["error"]["message"] == UNAUTHORIZED


def test_names_with_underscores_are_not_believed(node, idp):
    """Servers that strip `OIDC-sub` from what clients send let `OIDC_sub` through."""
    underscored = {name.replace("-", "_"): value for name, value in ANN.items() if name != "OIDC-iss"}
    assert enter(node, PROXY | underscored | {"OIDC-iss": ANN["OIDC-iss"]}).status_code == 401
    answer = enter(node, PROXY | ANN | {"OIDC_sub": "root", "OIDC_name": "root"})
    assert answer.status_code == 201 and answer.json()["token"]["user"]["name"] == "Ann"


def test_the_remote_id_counts(node, idp):
    assert enter(node, PROXY | ANN | {"OIDC-iss": "https://other.example"}).status_code == 403
    assert enter(node, PROXY | {k: v for k, v in ANN.items() if k != "OIDC-iss"}).status_code == 401


def test_websso_behind_the_server(node, idp, dashboard):
    """The global form finds the identity provider by its remote id; the form comes at once."""
    for path in ("websso/openid", "identity_providers/apache/protocols/openid/websso"):
        url = f"{WEBSSO}/{path}?origin={dashboard.origin}"
        answer = node.request("GET", url, headers=PROXY | ANN)
        assert answer.status_code == 200 and html.unescape(re.search('action="([^"]*)"', answer.text)[1]) == dashboard.origin
        token = html.unescape(re.search('name="token" value="([^"]*)"', answer.text)[1])
        assert node.validate(token).json()["token"]["user"]["name"] == "Ann"
        assert node.request("GET", url, headers=ANN).status_code in (401, 404)
    assert node.request("GET", f"{WEBSSO}/websso/openid?origin={dashboard.origin}",
                        headers=PROXY | ANN | {"OIDC-iss": "https://other.example"}).status_code == 404
    assert node.request("GET", f"{WEBSSO}/websso/openid?origin=https://evil.example/", headers=PROXY | ANN).status_code == 401


def test_utf_8_in_header_fields(node, idp):
    answer = enter(node, PROXY | ANN | {"OIDC-name": "Zoë 名前".encode()})
    assert answer.status_code == 201 and answer.json()["token"]["user"]["name"] == "Zoë 名前"


def test_the_secret_is_in_no_log(node, idp):
    enter(node, PROXY | ANN)
    assert SECRET not in node.log() and SECRET not in node.cli("config", "show").stdout
