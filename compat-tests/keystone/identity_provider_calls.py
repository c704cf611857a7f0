"""Calls on identity providers that several test files make, as the cloud administrator unless told otherwise."""

import urllib.parse

from harness import error_of, unique

BASE = "/v3/OS-FEDERATION/identity_providers"


def path_of(idp_id):
    return f"{BASE}/{urllib.parse.quote(idp_id, safe='')}"


def put(archstone, idp_id, fields=None, token=None):
    """PUT of these fields; the answer as it came."""
    return archstone.request("PUT", path_of(idp_id), token=token or archstone.admin_token, json={"identity_provider": fields or {}})


def patch(archstone, idp_id, fields):
    return archstone.request("PATCH", path_of(idp_id), token=archstone.admin_token, json={"identity_provider": fields})


def get(archstone, idp_id):
    return archstone.request("GET", path_of(idp_id), token=archstone.admin_token)


def create(archstone, **fields):
    """A new identity provider with a name of its own; the member."""
    answer = put(archstone, unique("idp"), fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["identity_provider"]


def listed(archstone, query):
    """Ids that a list with this query answers (one page)."""
    answer = archstone.expect(200, "GET", f"{BASE}?{query}", token=archstone.admin_token)
    return [idp["id"] for idp in answer["identity_providers"]]


def message(answer, code):
    """The message of an error answer with this code."""
    return error_of(answer, code)["message"]
