"""The description by itself: valid OpenAPI 3.1, kept by caches, and told from what it does not say."""

import json

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

from description import Description, Undescribed


@pytest.fixture
def document(sqlite_archstone):
    """The description of the server."""
    return sqlite_archstone.expect(200, "GET", "/openapi.json")


def test_it_is_valid(document):
    errors = OpenAPIV31SpecValidator(document).iter_errors()
    assert [f"{list(error.absolute_path)}: {error.message}" for error in errors] == []


def test_a_cache_may_keep_it_and_ask_again(sqlite_archstone):
    first = sqlite_archstone.request("GET", "/openapi.json")
    assert first.headers["Cache-Control"] == "public, max-age=300" and "Vary" not in first.headers
    again = sqlite_archstone.request("GET", "/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = sqlite_archstone.request("HEAD", "/openapi.json")
    assert (head.status_code, head.headers["ETag"], head.content) == (200, first.headers["ETag"], b"")


def test_it_says_the_same_to_everybody(sqlite_archstone):
    plain, mine = (sqlite_archstone.request("GET", "/openapi.json", token=t) for t in (None, sqlite_archstone.admin_token))
    assert plain.content == mine.content


def answer(method, path, status, body, kind="application/json"):
    """An answer as `requests` has it."""
    made = requests.Response()
    made.request = requests.Request(method, f"http://id.example{path}").prepare()
    made.status_code = status
    made.headers["Content-Type"] = kind
    made._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return made


DOMAIN = {"id": "d", "name": "n", "enabled": True, "description": "", "tags": [], "options": {},
          "links": {"self": "http://id.example/v3/domains/d"}}


def test_what_is_described_passes(document):
    described = Description(document)
    described.check(answer("GET", "/v3/domains/d", 200, {"domain": DOMAIN | {"colour": "red"}}))
    described.check(answer("GET", "/v3/domains/d/", 404, {"error": {"code": 404, "title": "Not Found", "message": "m"}}))
    described.check(answer("GET", "/no/such/path", 200, b"anything"))


@pytest.mark.parametrize("method,status,body,kind,why", [
    ("GET", 201, {"domain": DOMAIN}, "application/json", "none of 200"),
    ("GET", 200, {"domain": DOMAIN}, "text/html", "text/html"),
    ("GET", 200, b"", "application/json", "without a body"),
    ("GET", 200, {"domain": DOMAIN | {"name": None}}, "application/json", "domain/name"),
    ("GET", 200, {"domain": DOMAIN, "more": 1}, "application/json", "more"),
    ("GET", 200, {"domain": {k: v for k, v in DOMAIN.items() if k != "tags"}}, "application/json", "tags"),
    ("GET", 200, {"domain": DOMAIN | {"links": {"self": "no link"}}}, "application/json", "links/self"),
    ("DELETE", 204, b"a body", "application/json", "no body"),
    ("GET", 403, {"error_code": "IAM.0003", "error_msg": "m"}, "application/json", "error"),
])
def test_what_is_not_described_fails(document, method, status, body, kind, why):
    with pytest.raises(Undescribed, match=why):
        Description(document).check(answer(method, "/v3/domains/d", status, body, kind))
