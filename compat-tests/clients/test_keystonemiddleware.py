"""keystonemiddleware's auth_token in front of a small service: what every other OpenStack service sees of a token.

The middleware runs unmodified in a process of its own and caches nothing, so that every request is a validation.
"""

import contextlib
import glob
import json
import pathlib
import socket
import subprocess

import pytest
import requests

from harness import DEFAULT_DOMAIN, TEMPEST_VENV, eventually, free_port, unique

SERVICE = pathlib.Path(__file__).parent / "guarded_service.py"


class Guarded:
    """The service behind the middleware, which logs in with the role `service`."""

    def __init__(self, archstone, **settings):
        project = archstone.new_project()
        self.archstone = archstone
        self.user, _ = archstone.persona("service", project=project)
        self.project = project
        self.url = f"http://127.0.0.1:{free_port()}"
        self.configuration = {
            "auth_type": "password", "auth_url": archstone.auth_url, "www_authenticate_uri": archstone.auth_url,
            "username": self.user["name"], "password": self.user["password"], "user_domain_id": DEFAULT_DOMAIN,
            "project_id": project, "region_name": "RegionOne", "token_cache_time": "-1", "service_token_roles": "service",
            "service_token_roles_required": "true",
        } | settings

    def __enter__(self):
        port = self.url.rpartition(":")[2]
        self.log = open(self.archstone.folder / f"middleware-{port}.txt", "wb")
        self.process = subprocess.Popen([TEMPEST_VENV / "bin/python", SERVICE, port, json.dumps(self.configuration)],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)

        def listening():
            assert self.process.poll() is None, pathlib.Path(self.log.name).read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), timeout=1):
                return True

        assert eventually(listening, within=30)
        return self

    def __exit__(self, *_error):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()

    def call(self, token=None, service_token=None, path="/", **headers):
        """A request to the service; the answer as it came."""
        tokens = {"X-Auth-Token": token, "X-Service-Token": service_token}
        headers = {name.replace("_", "-"): value for name, value in headers.items()} | {n: v for n, v in tokens.items() if v}
        return requests.get(self.url + path, headers=headers, timeout=30)

    def seen(self, *args, **options):
        """The headers that the service got; the request must be let through."""
        answer = self.call(*args, **options)
        log = pathlib.Path(self.log.name).read_text()[-2000:]
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}\n{log}"
        return answer.json()

    def refuses(self, *args, **options):
        """Whether the request is answered 401 with the place to log in."""
        answer = self.call(*args, **options)
        assert answer.status_code == 401, f"{answer.status_code} {answer.text}"
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{self.archstone.auth_url}"'
        return True

    def token(self, user=None, **scope):
        """A token of `user`; of the middleware's own user with the role `service` when there is none."""
        user, scope = (user, scope) if user else (self.user, {"project": self.project})
        return self.archstone.token({"id": user["id"]}, user["password"], **scope)


@pytest.fixture(scope="module")
def guarded(_servers):
    """A guarded service of the shared server."""
    with Guarded(_servers("sqlite")) as service:
        yield service


@pytest.fixture
def person(archstone):
    """A user with the role `member` on a project, both in a domain of the test's own."""
    domain = archstone.new_domain()
    user, project = archstone.new_user(domain["id"]), archstone.new_project(domain["id"])
    archstone.grant(user, "member", project=project)
    return {"domain": domain, "user": user, "project": project}


def test_a_project_token_becomes_headers(archstone, guarded, person):
    user, domain = person["user"], person["domain"]
    project = archstone.expect(200, "GET", f"/v3/projects/{person['project']}", token=archstone.admin_token)["project"]
    seen = guarded.seen(guarded.token(user, project=person["project"]))
    expected = {
        "X-IDENTITY-STATUS": "Confirmed", "X-USER-ID": user["id"], "X-USER-NAME": user["name"],
        "X-USER-DOMAIN-ID": domain["id"], "X-USER-DOMAIN-NAME": domain["name"],
        "X-PROJECT-ID": project["id"], "X-PROJECT-NAME": project["name"],
        "X-PROJECT-DOMAIN-ID": domain["id"], "X-PROJECT-DOMAIN-NAME": domain["name"],
        "X-TENANT-ID": project["id"], "X-TENANT-NAME": project["name"], "X-USER": user["name"], "X-IS-ADMIN-PROJECT": "True",
    }
    assert {name: seen.get(name) for name in expected} == expected
    assert set(seen["X-ROLES"].split(",")) == set(seen["X-ROLE"].split(",")) == {"member", "reader"}
    assert not {"X-DOMAIN-ID", "X-DOMAIN-NAME", "OPENSTACK-SYSTEM-SCOPE", "X-SERVICE-USER-ID", "X-SERVICE-IDENTITY-STATUS"} & set(seen)
    [keystone] = [s for s in json.loads(seen["X-SERVICE-CATALOG"]) if s["type"] == "identity"]
    assert keystone == {"type": "identity", "name": "keystone", "endpoints": [
        {"region": "RegionOne", **{f"{interface}URL": archstone.auth_url for interface in ("public", "internal", "admin")}}]}


def test_a_domain_token_becomes_headers(archstone, guarded, person):
    user, domain = person["user"], person["domain"]
    archstone.grant(user, "reader", domain=domain["id"])
    seen = guarded.seen(guarded.token(user, domain=domain["id"]))
    assert (seen["X-DOMAIN-ID"], seen["X-DOMAIN-NAME"], seen["X-ROLES"]) == (domain["id"], domain["name"], "reader")
    assert seen["X-USER-ID"] == user["id"] and "X-PROJECT-ID" not in seen and "OPENSTACK-SYSTEM-SCOPE" not in seen


def test_a_system_token_becomes_headers(archstone, guarded, person):
    user = person["user"]
    archstone.grant(user, "reader", system=True)
    seen = guarded.seen(guarded.token(user, system=True))
    assert (seen["OPENSTACK-SYSTEM-SCOPE"], seen["X-ROLES"]) == ("all", "reader")
    assert seen["X-USER-ID"] == user["id"] and not {"X-PROJECT-ID", "X-DOMAIN-ID"} & set(seen)


def test_an_unscoped_token_becomes_headers(guarded, person):
    seen = guarded.seen(guarded.token(person["user"], unscoped=True))
    assert seen["X-IDENTITY-STATUS"] == "Confirmed" and seen["X-USER-ID"] == person["user"]["id"] and seen["X-ROLES"] == ""
    assert not {"X-PROJECT-ID", "X-DOMAIN-ID", "OPENSTACK-SYSTEM-SCOPE", "X-SERVICE-CATALOG"} & set(seen)


def test_what_is_no_token_is_refused(guarded):
    assert guarded.refuses()
    for token in ("garbage", "gAAAAAB" + "x" * 180, unique("token")):
        assert guarded.refuses(token)


def test_headers_of_the_callers_own_do_not_get_through(guarded, person):
    token = guarded.token(person["user"], project=person["project"])
    seen = guarded.seen(token, X_User_Id="forged", X_Roles="admin", X_Service_Roles="service", X_Domain_Id="forged",
                        X_Identity_Status="Confirmed")
    assert seen["X-USER-ID"] == person["user"]["id"] and "admin" not in seen["X-ROLES"].split(",")
    assert not {"X-DOMAIN-ID", "X-SERVICE-ROLES"} & set(seen)


def disable(kind):
    """A change that disables the person's user, project or domain."""
    def change(archstone, person):
        id = person[kind] if kind == "project" else person[kind]["id"]
        archstone.expect(200, "PATCH", f"/v3/{kind}s/{id}", token=archstone.admin_token, json={kind: {"enabled": False}})

    return change


def take_role(archstone, person):
    archstone.grant(person["user"], "member", project=person["project"], method="DELETE")


def change_password(archstone, person):
    path = f"/v3/users/{person['user']['id']}"
    archstone.expect(200, "PATCH", path, token=archstone.admin_token, json={"user": {"password": "another-one"}})


@pytest.mark.parametrize("change", [disable("user"), disable("project"), disable("domain"), take_role, change_password],
                         ids=["user disabled", "project disabled", "domain disabled", "role removed", "password changed"])
def test_a_change_ends_the_token_at_once(archstone, guarded, person, change):
    token = guarded.token(person["user"], project=person["project"])
    guarded.seen(token)
    change(archstone, person)
    assert guarded.refuses(token)


def test_a_revoked_token_is_refused_at_once(archstone, guarded, person):
    token, other = (guarded.token(person["user"], project=person["project"]) for _ in range(2))
    guarded.seen(token)
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": token})
    assert guarded.refuses(token)
    assert guarded.seen(other)["X-USER-ID"] == person["user"]["id"]


def test_leaving_a_group_ends_what_it_gave(archstone, guarded, person):
    user = archstone.new_user(person["domain"]["id"])
    group = archstone.new_group(person["domain"]["id"], user)
    archstone.grant(None, "member", project=person["project"], group=group)
    token = guarded.token(user, project=person["project"])
    assert set(guarded.seen(token)["X-ROLES"].split(",")) == {"member", "reader"}
    archstone.expect(204, "DELETE", f"/v3/groups/{group['id']}/users/{user['id']}", token=archstone.admin_token)
    assert guarded.refuses(token)


def test_a_service_token_stands_beside_the_users(guarded, person):
    token, service = guarded.token(person["user"], project=person["project"]), guarded.token()
    seen = guarded.seen(token, service)
    assert seen["X-SERVICE-IDENTITY-STATUS"] == seen["X-IDENTITY-STATUS"] == "Confirmed"
    assert (seen["X-SERVICE-USER-ID"], seen["X-SERVICE-PROJECT-ID"]) == (guarded.user["id"], guarded.project)
    assert "service" in seen["X-SERVICE-ROLES"].split(",") and "service" not in seen["X-ROLES"].split(",")
    assert seen["X-USER-ID"] == person["user"]["id"]
    assert guarded.refuses(token, token), "a service token without the role"
    assert guarded.refuses(token, "garbage")
    assert guarded.refuses(None, service), "a service's token alone"


def test_the_decision_can_be_left_to_the_service(archstone, person):
    with Guarded(archstone, delay_auth_decision="true") as service:
        token = service.token(person["user"], project=person["project"])
        assert service.seen(token)["X-IDENTITY-STATUS"] == "Confirmed"
        for call in ({}, {"token": "garbage"}, {"X_User_Id": "forged", "X_Identity_Status": "Confirmed"}):
            seen = service.seen(**call)
            assert seen["X-IDENTITY-STATUS"] == "Invalid" and "X-USER-ID" not in seen
        assert service.seen(token, "garbage")["X-SERVICE-IDENTITY-STATUS"] == "Invalid"
        assert service.refuses(path="/private") and service.call(token, path="/private").status_code == 200


def test_expired_tokens(launch, tmp_path):
    """The server's clock is moved past the tokens' end; the middleware's stays, so that it is the server that refuses."""
    [library] = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    server = launch(start=False)
    server.settings |= {
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "ARCHSTONE_TOKEN__EXPIRATION_SECS": "60", "ARCHSTONE_TOKEN__ALLOW_EXPIRED_WINDOW_SECS": "600",
    }
    server.start()
    project = server.new_project()
    user, _ = server.persona("member", project=project)
    with Guarded(server) as guarded:
        token, expired_service = guarded.token(user, project=project), guarded.token()
        assert guarded.seen(token, expired_service)["X-USER-ID"] == user["id"]
        clock.write_text("+120")
        assert guarded.refuses(token) and guarded.refuses(token, expired_service)
        seen = guarded.seen(token, guarded.token())
        assert seen["X-USER-ID"] == user["id"]
        assert seen["X-IDENTITY-STATUS"] == seen["X-SERVICE-IDENTITY-STATUS"] == "Confirmed"
        assert guarded.refuses(token, guarded.token(user, project=project)), "a service token without the role"
        assert guarded.seen(guarded.token(user, project=project))["X-USER-ID"] == user["id"]
        clock.write_text("+720")
        assert guarded.refuses(token, guarded.token()), "the window is over"
