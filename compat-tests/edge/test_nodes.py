"""REL-NODE-2, TOK-KEY-2 and TOK-KEY-4: what is done on one node holds on the other within a second.

Two nodes share one PostgreSQL database and one key repository. The same must hold while the connections on which the nodes
listen for changes are being cut: then the poll behind them carries the news.
"""

import base64
import threading
import time

import pytest

from api import domain_scope
from harness import unique
from rig import Load, Node, admin_token, wait_until

BOUND = 1.0
IDPS = "/v3/OS-FEDERATION/identity_providers"
CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{}' AND query ILIKE 'listen%'"


@pytest.fixture(scope="module")
def pair(cluster):
    """Two nodes on one database, and the database's name."""
    first = Node(cluster.fresh_database())
    try:
        first.prepare().start()
        second = first.beside()
        try:
            yield first, second.start(), first.database_url.rsplit("/", 1)[1]
        finally:
            second.remove()
    finally:
        first.remove()


@pytest.fixture(params=["listening", "cut"])
def a_and_b(request, pair, cluster):
    """The nodes' clients; with `cut`, every listening connection is ended again and again while the test runs."""
    first, second, name = pair
    stop = threading.Event()

    def keep_cutting():
        while not stop.is_set():
            cluster.sql(CUT.format(name))
            stop.wait(0.1)

    thread = threading.Thread(target=keep_cutting, daemon=True)
    if request.param == "cut":
        thread.start()
        time.sleep(0.3)
    yield first.api(), second.api(), first.admin()
    stop.set()
    if request.param == "cut":
        thread.join(10)


def person(api, admin, role="reader"):
    """A user with a role on a new domain, and a token with that scope."""
    name, password = unique("person"), "a-password-for-nodes"
    domain = api.create_domain(admin, unique("domain"))["id"]
    user = api.create_user(admin, name, password)["id"]
    role = api.role_id(admin, role)
    api.grant(admin, domain, user, role)
    return domain, user, role, api.token(name, password, domain_scope(domain))


def seen(b, subject, what, token):
    """B has cached the token; fails unless B answers 404 for it within the bound."""
    wait_until(lambda: b.validate(subject, token).status == 404, BOUND, what)


def both_know(a, b, subject, admin):
    for _ in range(3):
        assert a.validate(subject, admin).status == 200
        assert b.validate(subject, admin).status == 200


def test_rel_node_2_revocation(a_and_b):
    a, b, admin = a_and_b
    for _ in range(5):
        subject = admin_token(a)
        both_know(a, b, subject, admin)
        assert a.revoke(subject, admin).status == 204
        assert a.validate(subject, admin).status == 404, "not at once on the node itself"
        seen(b, subject, "revocation", admin)
        # The dead token opens nothing on B either.
        assert b.get("/v3/users", token=subject).status == 401


def test_rel_node_2_user_disabled(a_and_b):
    a, b, admin = a_and_b
    _, user, _, subject = person(a, admin)
    both_know(a, b, subject, admin)
    a.want(200, "PATCH", f"/v3/users/{user}", {"user": {"enabled": False}}, admin)
    assert a.validate(subject, admin).status == 404
    seen(b, subject, "user disabled", admin)


def test_rel_node_2_password_changed(a_and_b):
    a, b, admin = a_and_b
    _, user, _, subject = person(a, admin)
    both_know(a, b, subject, admin)
    a.want(200, "PATCH", f"/v3/users/{user}", {"user": {"password": "another-password-2"}}, admin)
    assert a.validate(subject, admin).status == 404
    seen(b, subject, "password changed", admin)


def test_rel_node_2_domain_disabled(a_and_b):
    a, b, admin = a_and_b
    domain, _, _, subject = person(a, admin)
    both_know(a, b, subject, admin)
    a.want(200, "PATCH", f"/v3/domains/{domain}", {"domain": {"enabled": False}}, admin)
    assert a.validate(subject, admin).status == 404
    seen(b, subject, "domain disabled", admin)


def test_rel_node_2_last_role_taken(a_and_b):
    a, b, admin = a_and_b
    domain, user, role, subject = person(a, admin)
    both_know(a, b, subject, admin)
    a.grant(admin, domain, user, role, method="DELETE")
    assert a.validate(subject, admin).status == 404
    seen(b, subject, "role taken", admin)


def test_rel_node_2_role_added(a_and_b):
    a, b, admin = a_and_b
    domain, user, _, subject = person(a, admin)
    both_know(a, b, subject, admin)
    a.grant(admin, domain, user, a.role_id(admin, "manager"))

    def roles(api):
        return {r["name"] for r in api.validate(subject, admin).json["token"]["roles"]}

    assert "manager" in roles(a)
    wait_until(lambda: "manager" in roles(b), BOUND, "role added")


def test_rel_node_2_user_deleted_and_role_deleted(a_and_b):
    a, b, admin = a_and_b
    _, user, _, subject = person(a, admin)
    both_know(a, b, subject, admin)
    a.want(204, "DELETE", f"/v3/users/{user}", token=admin)
    assert a.validate(subject, admin).status == 404
    seen(b, subject, "user deleted", admin)
    role = a.create_role(admin, unique("role"))
    _, _, _, subject = person(a, admin, role["name"])
    both_know(a, b, subject, admin)
    a.want(204, "DELETE", f"/v3/roles/{role['id']}", token=admin)
    assert a.validate(subject, admin).status == 404
    seen(b, subject, "role deleted", admin)


def test_rel_node_2_identity_provider_change(a_and_b):
    a, b, admin = a_and_b
    name = unique("provider")
    a.want(201, "PUT", f"{IDPS}/{name}", {"identity_provider": {}}, admin)
    wait_until(lambda: b.get(f"{IDPS}/{name}", token=admin).status == 200, BOUND, "created")
    a.want(200, "PATCH", f"{IDPS}/{name}", {"identity_provider": {"enabled": True}}, admin)
    wait_until(lambda: b.get(f"{IDPS}/{name}", token=admin).json["identity_provider"]["enabled"], BOUND, "enabled")
    a.want(204, "DELETE", f"{IDPS}/{name}", token=admin)
    wait_until(lambda: b.get(f"{IDPS}/{name}", token=admin).status == 404, BOUND, "deleted")


def test_rel_node_2_revocation_on_b_while_a_dies(cluster):
    """What a node acknowledged before it was killed reaches the others."""
    first = Node(cluster.fresh_database())
    try:
        first.prepare().start()
        second = first.beside()
        try:
            second.start()
            a, b = first.api(), second.api()
            admin, subject = first.admin(), admin_token(first.api())
            both_know(a, b, subject, admin)
            assert a.revoke(subject, admin).status == 204
            first.kill()
            seen(b, subject, "revocation by a node that died", admin)
        finally:
            second.remove()
    finally:
        first.remove()


@pytest.fixture
def own_pair(cluster):
    """Two nodes whose keys the test may turn."""
    first = Node(cluster.fresh_database())
    try:
        first.prepare().start()
        second = first.beside()
        try:
            yield first, second.start()
        finally:
            second.remove()
    finally:
        first.remove()


@pytest.mark.parametrize("noise", [False, True], ids=["quiet", "with_unreadable_tokens"])
def test_tok_key_2_a_token_of_the_new_key_is_good_on_the_other_node_at_once(own_pair, noise):
    """From the moment of a rotation on, whatever one node issues the other accepts, also while it is being shown rubbish."""
    first, second = own_pair
    a, b = first.api(), second.api()
    rubbish = fernet_like()

    def pester(api, turn):
        return api.get("/v3/users", token=rubbish).status

    with Load(second, pester, workers=2, rate=50 if noise else 0.5) as load:
        for _ in range(4):
            first.cli("keys", "rotate")
            ended = time.monotonic() + 1.2
            while time.monotonic() < ended:
                for issuer, other in ((a, b), (b, a)):
                    subject = admin_token(issuer)
                    assert other.validate(subject).status == 200, "a token of the other node was refused"
                    assert issuer.validate(subject).status == 200
    assert set(load.labels()) == {401}


def fernet_like():
    """A well-formed token that no key has made."""
    return base64.urlsafe_b64encode(b"\x80" + bytes(8) + b"i" * 16 + b"c" * 64 + b"h" * 32).rstrip(b"=").decode()


def fernet_repository(server):
    """The folder of numbered key files."""
    found = {p.parent for p in server.data.rglob("0") if p.is_file() and p.stat().st_size in (44, 45)}
    assert len(found) == 1, found
    return found.pop()


def test_tok_key_4_a_key_is_taken_out_now(own_pair):
    """In an emergency the key's file is deleted: its tokens die within a second on every node, cached or not."""
    first, second = own_pair
    a, b = first.api(), second.api()
    first.cli("keys", "rotate")
    time.sleep(1.1)
    subject = admin_token(a)
    both_know(a, b, subject, subject)
    folder = fernet_repository(first)
    primary = max((p for p in folder.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
    primary.unlink()
    started = time.monotonic()
    for api in (a, b):
        wait_until(lambda api=api: api.validate(subject).status == 401, BOUND - (time.monotonic() - started), "the key's tokens die")
        assert api.get("/v3/users", token=subject).status == 401
    # Logging in again works, with the next key.
    fresh = admin_token(a)
    assert b.validate(fresh).status == 200
