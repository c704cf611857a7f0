"""WEB-LOCK and WEB-ENUM-1 (short form): guessing is slowed, and failures look alike whoever is asked about.

The options are Keystone's own: `[security_compliance] lockout_failure_attempts` and `lockout_duration` (seconds). The
statistics of WEB-ENUM-1 (times) are in `long.sh`.
"""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import wire
from api import Api, password_request
from harness import unique

ATTEMPTS = 5
SECONDS = 3
LOCKOUT = {
    "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS": str(ATTEMPTS),
    "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION": str(SECONDS),
}
RIGHT = "right-password-1"


@pytest.fixture(scope="module")
def locking(make_node):
    """A node that locks after five failures for three seconds."""
    return make_node(settings=LOCKOUT)


@pytest.fixture(scope="module")
def locking_pair(make_node, cluster):
    """Two such nodes on one PostgreSQL database."""
    first = make_node(cluster.fresh_database(), settings=LOCKOUT)
    second = first.beside()
    second.start()
    yield first, second
    second.remove()


def sameness(answer):
    """What may be compared of an answer: status, body and the headers that are not about this one request."""
    own = ("x-openstack-request-id", "date")
    return answer.status, bytes(answer.body), sorted((k, v) for k, v in answer.headers.items() if k not in own)


def test_web_lock_1_ten_wrong_passwords(locking):
    api, name = locking.api(), unique("locked")
    locking.api().create_user(locking.admin(), name, RIGHT)
    wrong = [api.login(name, f"wrong-{n}") for n in range(10)]
    assert all(sameness(a) == sameness(wrong[0]) for a in wrong)
    assert wrong[0].status == 401
    locked = api.login(name, RIGHT)
    assert sameness(locked) == sameness(wrong[0]), "a locked account tells that the password was right"


def test_web_lock_1_success_resets_the_count(locking):
    api, name = locking.api(), unique("careless")
    api.create_user(locking.admin(), name, RIGHT)
    for _ in range(3):
        for n in range(ATTEMPTS - 1):
            assert api.login(name, f"wrong-{n}").status == 401
        assert api.login(name, RIGHT).status == 201


def test_web_lock_1_from_many_addresses_and_spellings(locking):
    """X-Forwarded-For is not believed (WEB-LOCK-4), and id and name are one account."""
    api, name = locking.api(), unique("roaming")
    user = api.create_user(locking.admin(), name, RIGHT)
    for n in range(ATTEMPTS):
        if n % 2:
            body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": user["id"], "password": "wrong"}}}}}
        else:
            body = password_request(name, "wrong")
        got = api.call("POST", "/v3/auth/tokens", body, headers={"X-Forwarded-For": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}"})
        assert got.status == 401
    assert api.login(name, RIGHT).status == 401


def test_web_lock_2_a_hundred_at_once_over_two_nodes(locking_pair):
    """Each of 60 guesses for one of 12 accounts is the right one somewhere; only the first few may have been tried.

    If all were tried, every account would fall. With at most limit + nodes tried, 7 of 60 guesses count, so about one and a
    half of 12 accounts fall by luck; seven or more falling has a probability of less than one in ten thousand.
    """
    apis = [Api(node.address) for node in locking_pair]
    chance, fallen, accounts, guesses = random.Random(20), 0, 12, 60
    with ThreadPoolExecutor(32) as pool:
        for _ in range(accounts):
            name = unique("stormed")
            apis[0].create_user(locking_pair[0].admin(), name, RIGHT)
            passwords = [f"wrong-{n}" for n in range(guesses - 1)] + [RIGHT]
            chance.shuffle(passwords)
            answers = list(pool.map(lambda pair: apis[pair[0] % 2].login(name, pair[1]).status, enumerate(passwords)))
            assert set(answers) <= {201, 401, 429, 503}, answers
            fallen += 201 in answers
    assert fallen <= 6, f"{fallen} of {accounts} accounts fell to a storm of {guesses} guesses"


def test_web_lock_3_the_lock_is_temporary_and_audited(locking):
    api, name = locking.api(), unique("victim")
    user = api.create_user(locking.admin(), name, RIGHT)
    for n in range(ATTEMPTS + 3):
        api.login(name, f"wrong-{n}")
    assert api.login(name, RIGHT).status == 401
    time.sleep(SECONDS + 0.5)
    assert api.login(name, RIGHT).status == 201
    events = api.want(200, "GET", f"/v3/archstone/audit?limit=200&user_id={user['id']}", token=locking.admin()).json["audit_events"]
    reasons = [event["reason"] or "" for event in events if event["outcome"] == "failure"]
    assert any("lock" in reason for reason in reasons), reasons


def test_web_lock_3_other_people_are_not_locked(locking):
    api, name, other = locking.api(), unique("target"), unique("bystander")
    api.create_user(locking.admin(), name, RIGHT)
    api.create_user(locking.admin(), other, RIGHT)
    for n in range(ATTEMPTS + 3):
        api.login(name, f"wrong-{n}")
    assert api.login(name, RIGHT).status == 401
    assert api.login(other, RIGHT).status == 201


@pytest.mark.parametrize("by", ["name", "id"])
def test_web_enum_1_failures_look_alike(locking, by):
    api, token = locking.api(), locking.admin()
    elsewhere = api.create_domain(token, unique("elsewhere"))["id"]
    people = {
        "existing": api.create_user(token, unique("existing"), RIGHT),
        "disabled": api.create_user(token, unique("disabled"), RIGHT, enabled=False),
        "locked": api.create_user(token, unique("locked"), RIGHT),
        "elsewhere": api.create_user(token, unique("elsewhere"), RIGHT, domain=elsewhere),
        "without_password": api.want(201, "POST", "/v3/users", {"user": {"name": unique("bare"), "domain_id": "default"}}, token).json["user"],
        "unknown": {"name": unique("unknown"), "id": "0" * 32},
        "odd": {"name": "x' OR '1'='1", "id": "' OR ''='"},
        "empty": {"name": "", "id": ""},
    }
    for n in range(ATTEMPTS):
        api.login(people["locked"]["name"], f"wrong-{n}")

    def attempt(who, password, domain="default"):
        user = {"id": who["id"]} if by == "id" else {"name": who["name"], "domain": {"id": domain}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user | {"password": password}}}}}
        # A body that is too long is not read to its end, so each attempt has a connection of its own.
        answer = api.call("POST", "/v3/auth/tokens", body)
        api.close()
        return answer

    for label, password in (("wrong", "wrong-password"), ("empty", ""), ("100kB", "p" * 100_000), ("1MB", "p" * 1_000_000)):
        reference = sameness(attempt(people["unknown"], password))
        assert reference[0] == (413 if label == "1MB" else 401), (label, reference)
        for kind, who in people.items():
            if kind == "empty":
                assert attempt(who, password).status in (400, 401, 413)
                continue
            assert sameness(attempt(who, password)) == reference, (label, kind)
    # The right password of a disabled or locked account tells nothing either; nor does a domain that is not there.
    wrong = sameness(attempt(people["unknown"], "wrong-password"))
    assert sameness(attempt(people["disabled"], RIGHT)) == wrong
    for n in range(ATTEMPTS):
        api.login(people["locked"]["name"], f"wrong-{n}")
    assert sameness(attempt(people["locked"], RIGHT)) == wrong
    if by == "name":
        assert sameness(attempt(people["existing"], RIGHT, domain="nowhere")) == wrong
        assert sameness(attempt(people["elsewhere"], RIGHT)) == wrong


def test_web_enum_1_scope_tells_nothing_before_the_password(locking):
    """A wrong password is refused in the same words whether or not the scope that is asked for exists."""
    api = locking.api()
    scopes = [None, {"project": {"id": "0" * 32}}, {"domain": {"id": "default"}}, {"domain": {"id": "nowhere"}}, {"system": {"all": True}}]
    answers = [sameness(api.login(unique("nobody"), "wrong", scope)) for scope in scopes]
    assert all(a == answers[0] for a in answers), answers
    # A known person without a role learns the same about a domain that exists and one that does not.
    name = unique("roleless")
    api.create_user(locking.admin(), name, RIGHT)
    real, unreal = (sameness(api.login(name, RIGHT, {"domain": {"id": d}})) for d in ("default", "nowhere"))
    assert real == unreal
    # Raw bytes too: nothing beside the request id and the date differs.
    def raw(user):
        return wire.ask(locking.address, "POST", "/v3/auth/tokens", [("Content-Type", "application/json")], json.dumps(password_request(user, "x")).encode())

    a, b = raw("admin-nobody"), raw(name)
    assert [k for k, _ in a.headers] == [k for k, _ in b.headers]
