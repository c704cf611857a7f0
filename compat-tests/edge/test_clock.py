"""CLK: the machine's clock is wrong or is stepped while the server runs (libfaketime in front of the real clock).

Only the time of day is faked; the monotonic clock stays, as it does when an operator or NTP sets a clock.
"""

import json
import time
from datetime import datetime, timezone

import pytest

from api import domain_scope
from harness import faketime, set_clock, unique
from rig import Load, Node, admin_token

SKEW = 2.0
LIFE = 60


@pytest.fixture
def clocked(tmp_path):
    """Makes a node with a token life of `life` seconds and a clock of its own: (node, control file)."""
    made = []

    def make(life=3600, offset="+0", beside=None, database_url=None):
        control, settings = faketime(tmp_path, offset)
        settings["ARCHSTONE_TOKEN__EXPIRATION_SECS"] = str(life)
        if beside is not None:
            server = beside.beside(settings)
        else:
            server = Node(database_url)
            server.prepare()
            server.settings |= settings
        made.append(server)
        server.start()
        return server, control

    yield make
    for server in reversed(made):
        server.remove()


def expiry(answer):
    """Seconds since the epoch at which the token of an answer ends."""
    return datetime.strptime(answer.json["token"]["expires_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()


def test_clk_1_tokens_end_when_they_say(clocked):
    """The shortest life that can be configured is a minute; the clock is moved to just before and just after its end."""
    server, control = clocked(life=LIFE)
    api = server.api()
    made = time.time()
    subject = admin_token(api)
    answer = api.validate(subject)
    assert abs(expiry(answer) - made - LIFE) <= SKEW
    set_clock(control, f"+{LIFE - 4}s")
    for _ in range(3):
        assert api.validate(subject).status == 200
    set_clock(control, f"+{LIFE + 1}s")
    # The cache must not outlive the token.
    assert api.validate(subject).status == 401
    assert api.validate(subject, admin_token(api)).status == 404


@pytest.mark.parametrize("offset", ["+30s", "-30s", "+10m", "-10m"])
def test_clk_1_node_whose_clock_is_off(clocked, cluster, offset):
    """Within a minute nodes accept each other's tokens; ten minutes off nothing crashes and no token gains life."""
    right, _ = clocked(life=300, database_url=cluster.fresh_database())
    wrong, _ = clocked(beside=right, offset=offset, life=300)
    a, b = right.api(), wrong.api()
    for issuer, other in ((a, b), (b, a)):
        subject = admin_token(issuer)
        own = issuer.validate(subject)
        assert own.status == 200
        status = other.validate(subject).status
        if offset in ("+30s", "-30s"):
            assert status == 200, f"a token of a node {offset} off is refused"
        else:
            assert status in (200, 401), status
    # Revocation holds whoever issued and whoever revokes.
    for issuer, revoker in ((a, b), (b, a)):
        subject = admin_token(issuer)
        if revoker.validate(subject).status != 200:
            continue
        assert revoker.revoke(subject).status == 204
        deadline = time.monotonic() + 1
        while issuer.validate(subject).status != 401:
            assert time.monotonic() < deadline, f"revoked by a node {offset} off, still valid"
        # … also a user's tokens as a whole.
    name = unique("skewed")
    user = a.create_user(right.admin(), name, "skewed-password-1")["id"]
    a.grant(right.admin(), "default", user, a.role_id(right.admin(), "reader"))
    subject = a.token(name, "skewed-password-1", domain_scope("default"))
    b_admin = admin_token(b)
    b.want(200, "PATCH", f"/v3/users/{user}", {"user": {"enabled": False}}, b_admin)
    deadline = time.monotonic() + 1
    while a.get("/v3/auth/projects", token=subject).status != 401:
        assert time.monotonic() < deadline, f"disabled by a node {offset} off, still valid"
        time.sleep(0.02)


def test_clk_2_clock_stepped_back_an_hour_under_load(clocked):
    """A token never outlives its true life: an hour stepped back does not give it another hour."""
    server, control = clocked(life=LIFE)
    api = server.api()

    def act(api, turn):
        return api.validate(admin_token(api)).status

    with Load(server, act, workers=4, rate=40) as load:
        early = admin_token(api)
        made = time.monotonic()
        assert api.validate(early).status == 200
        time.sleep(1)
        set_clock(control, "-3600s")
        time.sleep(0.5)
        # What is issued after the step is good, and does not live longer than its life either.
        late = admin_token(api)
        late_made = time.monotonic()
        assert api.validate(late).status == 200
        assert server.running()
        time.sleep(max(0.0, made + LIFE + SKEW - time.monotonic()))
        assert api.validate(early).status == 401, "the token lives on because the clock went back"
        time.sleep(max(0.0, late_made + LIFE + SKEW - time.monotonic()))
        assert api.validate(late).status == 401, "a token issued after the step lives on"
    assert set(load.labels()) == {200}, load.labels()
    assert "panicked" not in server.log()
    assert server.running()


def test_clk_2_clock_stepped_forward_an_hour_and_back(clocked):
    """Forward: tokens end (that is what their text says). Back again: what ended stays ended, new log-ins work."""
    server, control = clocked(life=60)
    api = server.api()
    subject = admin_token(api)
    assert api.validate(subject).status == 200
    set_clock(control, "+3600s")
    time.sleep(0.2)
    assert api.validate(subject).status == 401
    ahead = admin_token(api)
    assert api.validate(ahead).status == 200
    set_clock(control, "+0")
    time.sleep(0.2)
    fresh = admin_token(api)
    assert api.validate(fresh).status == 200
    assert server.running()


def test_clk_2_revocation_survives_a_step_back(clocked):
    """An event written after the step has an older time; it must still catch the token made before it."""
    server, control = clocked(life=600)
    api = server.api()
    by_id, by_user = admin_token(api), unique("stepped")
    user = api.create_user(server.admin(), by_user, "stepped-password-1")["id"]
    subject = api.token(by_user, "stepped-password-1")
    assert api.get("/v3/auth/projects", token=subject).status == 200
    set_clock(control, "-3600s")
    time.sleep(0.2)
    assert api.revoke(by_id).status == 204
    assert api.validate(by_id).status == 401
    api.want(200, "PATCH", f"/v3/users/{user}", {"user": {"password": "stepped-password-2"}}, server.admin())
    assert api.get("/v3/auth/projects", token=subject).status == 401, "a password change after a step back leaves old tokens alive"


def test_clk_login_in_the_second_of_a_password_change(node):
    """Tokens count whole seconds: a log-in right after a change must not be taken for one of before it, nor the reverse."""
    api, admin = node.api(), node.admin()
    name = unique("changing")
    user = api.create_user(admin, name, "changing-password-0")["id"]
    for turn in range(1, 6):
        before = api.token(name, f"changing-password-{turn - 1}")
        api.want(200, "PATCH", f"/v3/users/{user}", {"user": {"password": f"changing-password-{turn}"}}, admin)
        assert api.get("/v3/auth/projects", token=before).status == 401, "a token of before the change lives on"
        after = api.token(name, f"changing-password-{turn}")
        assert api.get("/v3/auth/projects", token=after).status == 200, "a token of after the change is dead"


@pytest.mark.parametrize("offset", ["+12y", "+80y", "+7900y"], ids=["2038", "2106", "far"])
def test_clk_3_far_future(clocked, offset):
    """2038, 2106 and the last years that can be written: no overflow, no panic."""
    server, _ = clocked(offset=offset)
    api = server.api()
    got = api.login("admin", "wrong")
    assert got.status == 401, got
    answer = api.validate(admin_token(api))
    assert answer.status == 200
    assert json.loads(answer.body)["token"]["expires_at"] > "2037"
    assert "panicked" not in server.log()
