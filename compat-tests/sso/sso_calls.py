"""Calls on the SSO face that several test files make, as the cloud administrator unless told otherwise."""

import contextlib
import re
import time

from harness import eventually
from sso_bodies import BLOCKS, oidc

BASE = "/api/v1/sso"
CONFIGURATIONS = f"{BASE}/configurations"
DRAFT, PROBE, JOBS = f"{CONFIGURATIONS}/test", f"{BASE}/probe", f"{BASE}/jobs"
FEDERATION = "/v3/OS-FEDERATION"
# What `request` is told beside a body that is text already.
JSON = {"Content-Type": "application/json"}
MASK = "******"
# Texts that every answer of the face writes times in.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def path_of(config, *more):
    """The path of a configuration (a resource or its id), or of what stands below it."""
    return "/".join([CONFIGURATIONS, config if isinstance(config, str) else config["uuid"], *more])


def send(archstone, method, path, body=None, token=None, **options):
    """One request by `Authorization: Bearer`; the answer as it came. `token=False` is nobody."""
    headers = options.pop("headers", {})
    if token is not False:
        headers = {"Authorization": f"Bearer {token or archstone.admin_token}"} | headers
    return archstone.request(method, path, json=body, headers=headers, **options)


def done(archstone, method, path, body=None, token=None, **options):
    """A request that must be answered 200; the answer's JSON."""
    answer = send(archstone, method, path, body, token, **options)
    assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
    return answer.json()


CODES = {
    400: "SSO.1001",
    401: "AUTH.1001",
    403: "AUTH.1002",
    404: "SSO.1002",
    409: "SSO.1003",
    412: "SSO.1004",
    502: "SSO.1005",
    504: "SSO.1006",
}


def problem(answer, status, field=None):
    """The error of an answer that must have this status, in the form of this face, and name this field in `details`."""
    assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:1000]}"
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"
    body = answer.json()
    assert set(body) == {"error"} and set(body["error"]) <= {"code", "description", "details"}, body
    error = body["error"]
    assert error["code"] == CODES.get(status, error["code"]) and error["description"].strip(), error
    if field:
        assert error["details"] == field, f"{error} does not name {field}"
    return error


# -- configurations ------------------------------------------------------------------------------------------------------


def create(archstone, body=None, token=None):
    """A configuration; the resource."""
    return done(archstone, "POST", CONFIGURATIONS, body or oidc(), token)


def any_made(archstone, found={}):  # noqa: B006 (one for all)
    """A configuration that tests may try to change in vain; one for each server."""
    if archstone.url not in found:
        found[archstone.url] = create(archstone, oidc(enabled=False))
    return found[archstone.url]


def afresh(archstone, body):
    """A configuration of something that can stand behind one only: what other tests left there goes first."""
    answer = send(archstone, "POST", CONFIGURATIONS, body)
    if answer.status_code == 409:
        block = BLOCKS[body["providerType"]]
        at = [body[block].get(name) for name in ("wellKnownUrl", "idpEntityId", "idpMetadataUrl", "serverAddress", "port")]
        for item in everything(archstone):
            if [
                item.get(block, {}).get(name)
                for name in ("wellKnownUrl", "idpEntityId", "idpMetadataUrl", "serverAddress", "port")
            ] == at:
                assert delete(archstone, item, system_admin(archstone), force="true").status_code == 200
    return answer.json() if answer.status_code == 200 else create(archstone, body)


def get(archstone, config, token=None):
    """A configuration as it is now."""
    return done(archstone, "GET", path_of(config), token=token)


def update(archstone, config, token=None, **fields):
    """Changes a configuration; the resource."""
    return done(archstone, "PUT", path_of(config), fields, token)


def delete(archstone, config, token=None, **options):
    """Deletes a configuration; options by their dotted names. The answer as it came."""
    query = "&".join(f"options.{name}={value}" for name, value in options.items())
    return send(archstone, "DELETE", path_of(config) + (f"?{query}" if query else ""), token=token)


def preview(archstone, config, token=None, **options):
    """What deleting it would do."""
    return done(archstone, "POST", path_of(config, "previewDelete"), {"options": options}, token)


def test(archstone, config, token=None, within=10.0):
    """Tests a configuration; the outcome."""
    return _timely(lambda: done(archstone, "POST", path_of(config, "test"), {}, token, timeout=30), within)


def draft(archstone, body, token=None, within=10.0):
    """Tests what is not stored; the outcome."""
    return _timely(lambda: done(archstone, "POST", DRAFT, body, token, timeout=30), within)


# `test` is a verb here, not a test.
test.__test__ = False


def _timely(act, within):
    # Half a second for everything that is not the peer.
    began = time.monotonic()
    outcome = act()
    took = time.monotonic() - began
    assert took < within + 0.5, f"it took {took:.1f} s"
    return outcome


def listed(archstone, query="", token=None):
    """One page of the list."""
    return done(archstone, "GET", f"{CONFIGURATIONS}{f'?{query}' if query else ''}", token=token)


def everything(archstone):
    """Every configuration, page by page."""
    found, offset = [], 0
    while True:
        page = listed(archstone, f"limit=100&offset={offset}")
        found += page["items"]
        offset += len(page["items"])
        if offset >= page["total"] or not page["items"]:
            return found


def settled(archstone, config, within=15.0):
    """The configuration once it has been tested, whoever did that."""

    def tested():
        now = get(archstone, config)
        return now if "lastTestAt" in now else None

    now = eventually(tested, within, 0.1)
    assert now, f"never tested: {get(archstone, config)}"
    return now


def status(archstone, config, wanted, within=15.0):
    """The configuration once its status is this."""
    eventually(lambda: get(archstone, config)["status"] == wanted, within, 0.1)
    now = get(archstone, config)
    assert now["status"] == wanted, now
    return now


@contextlib.contextmanager
def kept(archstone, *configs):
    """Nothing of these configurations changes within the block."""
    before = [get(archstone, config) for config in configs]
    yield
    assert [get(archstone, config) for config in configs] == before


# -- who calls -----------------------------------------------------------------------------------------------------------


def system_admin(archstone):
    """The administrator's token for the system."""
    return archstone.token(system=True)


def system_person(archstone, role):
    """A token of a new user who has this role on the system."""
    user = archstone.new_user()
    archstone.grant(user, role, system=True)
    return archstone.token({"id": user["id"]}, user["password"], system=True)


def project_person(archstone, role):
    """A token of a new user who has this role on a new project."""
    return archstone.persona(role, project=archstone.new_project())[1]


def domain_person(archstone, role):
    """A token of a new user who has this role on a new domain."""
    return archstone.persona(role, domain=archstone.new_domain()["id"])[1]
