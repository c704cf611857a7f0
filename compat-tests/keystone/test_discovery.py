"""Discovery and the HTTP rules that every route shares: versions, JSON-home, health, HEAD, OPTIONS, 404 and 405."""

import http.client
import json
import re

import pytest

REL = "https://docs.openstack.org/api/openstack-identity/3"


def assert_envelope(answer, code, title):
    """The Keystone error envelope, with this code."""
    assert answer.status_code == code
    assert answer.headers["Content-Type"].startswith("application/json")
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["title"] == title
    assert isinstance(error["message"], str) and error["message"]


def version(archstone):
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{archstone.url}/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    }


def test_root_answers_300_with_every_version_and_a_location(archstone):
    answer = archstone.request("GET", "/")
    assert answer.status_code == 300
    assert answer.headers["Location"] == f"{archstone.url}/v3/"
    assert answer.json() == {"versions": {"values": [version(archstone)]}}


@pytest.mark.parametrize("path", ["/v3", "/v3/"])
def test_v3_answers_its_version(archstone, path):
    answer = archstone.request("GET", path)
    assert answer.status_code == 200
    assert answer.json() == {"version": version(archstone)}


def test_discovery_needs_no_token_and_ignores_a_bad_one(archstone):
    assert archstone.request("GET", "/v3", token="nonsense").status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
                                     {"Forwarded": "host=evil.example;proto=https"}])
def test_a_clients_host_never_gets_into_links(archstone, headers):
    for answer in (archstone.request("GET", "/v3", headers=headers), archstone.request("GET", "/", headers=headers),
                   archstone.request("GET", "/v3/roles", headers=headers, token=archstone.admin_token)):
        assert "evil.example" not in answer.text
        assert "evil.example" not in answer.headers.get("Location", "")


def test_the_configured_public_url_wins_over_host_and_forwarded_headers(launch):
    server = launch(settings={"ARCHSTONE_SERVER__PUBLIC_URL": "https://iam.example.com"})
    for headers in ({}, {"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}):
        answer = server.request("GET", "/v3", headers=headers)
        assert answer.json()["version"]["links"][0]["href"] == "https://iam.example.com/v3/"
    assert server.request("GET", "/").headers["Location"] == "https://iam.example.com/v3/"
    refused = server.request("GET", "/v3/users")
    assert refused.headers["WWW-Authenticate"] == 'Keystone uri="https://iam.example.com/v3"'


@pytest.mark.parametrize(("path", "prefix"), [("/v3", ""), ("/", "/v3")])
def test_json_home_lists_the_resources(archstone, path, prefix):
    answer = archstone.request("GET", path, headers={"Accept": "application/json-home"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json-home")
    resources = answer.json()["resources"]
    assert resources[f"{REL}/rel/auth_tokens"]["href"] == f"{prefix}/auth/tokens"
    assert resources[f"{REL}/rel/auth_catalog"]["href"] == f"{prefix}/auth/catalog"
    assert resources[f"{REL}/ext/OS-FEDERATION/1.0/rel/identity_providers"]["href"] == f"{prefix}/OS-FEDERATION/identity_providers"
    one = resources[f"{REL}/ext/OS-FEDERATION/1.0/rel/identity_provider"]
    assert one["href-template"] == f"{prefix}/OS-FEDERATION/identity_providers/{{idp_id}}"
    assert one["href-vars"] == {"idp_id": f"{REL}/ext/OS-FEDERATION/1.0/param/idp_id"}
    for entry in resources.values():
        assert ("href" in entry) != ("href-template" in entry)


def test_healthcheck_answers_200(archstone):
    assert archstone.request("GET", "/healthcheck").status_code == 200
    assert archstone.request("HEAD", "/healthcheck").status_code == 200


@pytest.mark.parametrize("path", ["/", "/v3", "/healthcheck"])
def test_head_answers_as_get_without_a_body(archstone, path):
    head, get = archstone.request("HEAD", path), archstone.request("GET", path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert head.headers.get("Content-Type") == get.headers.get("Content-Type")
    assert head.headers.get("Location") == get.headers.get("Location")


@pytest.mark.parametrize(("path", "methods"), [
    ("/v3", {"GET", "HEAD", "OPTIONS"}),
    ("/v3/auth/tokens", {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}),
    ("/v3/OS-FEDERATION/identity_providers", {"GET", "HEAD", "OPTIONS"}),
    ("/v3/OS-FEDERATION/identity_providers/x", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
])
def test_options_answers_200_with_the_allowed_methods(archstone, path, methods):
    answer = archstone.request("OPTIONS", path)
    assert answer.status_code == 200
    assert {m.strip() for m in answer.headers["Allow"].split(",")} == methods


@pytest.mark.parametrize("path", ["/nosuch", "/v3/nosuch", "/v3/auth/tokens/x/y/z", "/v2.0", "/v2.0/tokens", "/v4"])
def test_unknown_path_is_404_in_the_json_envelope(archstone, path):
    assert_envelope(archstone.request("GET", path), 404, "Not Found")


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", "/v3/auth/tokens"),
    ("PATCH", "/v3/auth/tokens"),
    ("POST", "/v3"),
    ("POST", "/v3/OS-FEDERATION/identity_providers"),
    ("POST", "/v3/OS-FEDERATION/identity_providers/x"),
    ("DELETE", "/v3/users"),
])
def test_wrong_method_is_405_with_allow(archstone, method, path):
    answer = archstone.request(method, path)
    assert_envelope(answer, 405, "Method Not Allowed")
    allowed = {m.strip() for m in answer.headers["Allow"].split(",")}
    assert method not in allowed
    assert {"GET", "HEAD", "OPTIONS"} <= allowed


def test_method_override_headers_change_nothing(archstone):
    answer = archstone.request("POST", "/v3/OS-FEDERATION/identity_providers/x", token=archstone.admin_token,
                               headers={"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"})
    assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/v3/users/", "/v3/OS-FEDERATION/identity_providers/", "/v3/auth/catalog/"])
def test_a_trailing_slash_is_ignored(archstone, path):
    assert archstone.request("GET", path, token=archstone.admin_token).status_code == 200


@pytest.mark.parametrize("path", ["/v3/users", "/v3/auth/catalog", "/v3/auth/projects", "/v3/OS-FEDERATION/identity_providers"])
@pytest.mark.parametrize("token", [None, "nonsense", "gAAAAABnonsense"])
def test_a_protected_route_without_a_valid_token_is_401(archstone, path, token):
    answer = archstone.request("GET", path, token=token)
    assert_envelope(answer, 401, "Unauthorized")
    assert answer.json()["error"]["message"] == "The request you have made requires authentication."
    assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{archstone.url}/v3"'


@pytest.mark.parametrize("path", ["/", "/v3", "/v3/users", "/v3/nosuch", "/v3/auth/tokens"])
def test_every_answer_has_vary_and_a_request_id(archstone, path):
    first, second = archstone.request("GET", path), archstone.request("GET", path)
    assert "X-Auth-Token" in first.headers["Vary"]
    pattern = r"req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    assert re.fullmatch(pattern, first.headers["x-openstack-request-id"])
    assert first.headers["x-openstack-request-id"] != second.headers["x-openstack-request-id"]


@pytest.mark.parametrize("size", [2, 400, 20_000, 100_000])
def test_a_body_nobody_reads_leaves_the_connection_usable_or_closes_it_openly(archstone, size):
    # A client that keeps its connection and is told nothing sends its next request into a closed one.
    connection = http.client.HTTPConnection("127.0.0.1", archstone.port, timeout=10)
    body = json.dumps({"x": "y" * size})
    for method, path, expected in [("GET", "/v3/users", 401), ("GET", "/v3", 200), ("POST", "/v3/nosuch", 404), ("PUT", "/v3/users", 405)] * 25:
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == expected
        answer.read()
    connection.close()
