"""Whose account it is: federated users, their ids, names, links; users who exist by themselves (1.5.8, KS-FED-5, ruling 5)."""

import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from harness import unique
from token_calls import assert_alive
from trust import PERSON, UNAUTHORIZED, user_id


def test_the_second_login_is_the_same_user_with_the_new_name(trust, provider):
    way = trust(PERSON)
    person = provider.user(name="Ann", email="ann@example.org")
    first, body = way.enter(person)
    user = way.user(body["user"]["id"])
    assert user["id"] == user_id(way.domain_id, person) and user["domain_id"] == way.domain_id
    assert (user["name"], user["email"], user["enabled"], user["password_expires_at"]) == ("Ann", "ann@example.org", True, None)
    assert user["federated"] == [{"idp_id": way.id, "protocols": [{"protocol_id": "openid", "unique_id": person}]}]
    provider.user(person, name="Ann Married", email="new@example.org")
    second, body = way.enter(person)
    assert body["user"]["id"] == user["id"] and body["user"]["name"] == "Ann Married"
    assert way.user(user["id"]) == user | {"name": "Ann Married", "email": "new@example.org"}
    for token in (first, second):
        assert_alive(way.archstone, token)
        assert way.archstone.validate(token).json()["token"]["user"]["name"] == "Ann Married"
    assert [u["id"] for u in way.get(f"users?domain_id={way.domain_id}")["users"]] == [user["id"]]
    assert [u["id"] for u in way.get(f"users?idp_id={way.id}&protocol_id=openid&unique_id={person}")["users"]] == [user["id"]]


@pytest.mark.parametrize("name", ["ann", "a b@c", "zoë/ünï~x", "a+b%20c", "名前", "x" * 60])
def test_ids_are_keystones(trust, provider, name):
    """Q29: the unique id is quoted before it is hashed, and so stored."""
    way = trust({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-name"}]})
    _, body = way.enter(provider.user(name=name))
    assert body["user"]["id"] == user_id(way.domain_id, name) and body["user"]["name"] == name
    [link] = way.user(body["user"]["id"])["federated"]
    assert link["protocols"] == [{"protocol_id": "openid", "unique_id": urllib.parse.quote(name)}]


def test_without_a_user_in_the_mapping_it_is_the_remote_user(trust, provider):
    way = trust({"local": [{}], "remote": [{"type": "OIDC-sub"}]})
    person = provider.user()
    _, body = way.enter(person)
    assert body["user"]["name"] == f"{person}@{provider.issuer.split('://')[1]}"


def test_a_second_protocol_of_the_same_person_is_the_same_user(trust, provider):
    """Q30: Keystone refuses this login with 409."""
    way = trust(PERSON)
    person = provider.user(name="Ann", email="ann@example.org")
    first, body = way.enter(person)
    way.connect("second")
    again, same = way.enter(person, protocol="second")
    assert same["user"]["id"] == body["user"]["id"] and same["user"]["OS-FEDERATION"]["protocol"] == {"id": "second"}
    [link] = way.user(body["user"]["id"])["federated"]
    assert sorted(p["protocol_id"] for p in link["protocols"]) == ["openid", "second"]
    for token in (first, again):
        assert_alive(way.archstone, token)


def test_two_identity_providers_with_one_domain_have_two_users(archstone, trust, provider, other_provider):
    """KS-FED-5 and ruling 5: nobody becomes somebody else by having the same subject at another provider."""
    domain = archstone.new_domain()["id"]
    person = unique("person")
    for at in (provider, other_provider):
        at.user(person, name="Ann", email="ann@example.org")
    first = trust(PERSON, domain_id=domain)
    second = trust(PERSON, domain_id=domain, provider=other_provider)
    ids = [way.enter(person)[1]["user"]["id"] for way in (first, second)]
    assert ids[0] == user_id(domain, person) and ids[1] != ids[0]
    assert [way.enter(person)[1]["user"]["id"] for way in (first, second)] == ids, "and it stays so"


def test_the_same_name_in_two_domains_and_a_local_user_of_that_name(archstone, trust, provider):
    """KS-FED-5: three users; the local one's password opens the local account only."""
    domain = archstone.new_domain()["id"]
    local = archstone.new_user(domain)
    person = provider.user(name=local["name"], email="x@example.org")
    rule = {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-name"}]}
    here, there = trust(rule, domain_id=domain), trust(rule)
    ids = {way.enter(person)[1]["user"]["id"] for way in (here, there)} | {local["id"]}
    assert len(ids) == 3
    answer = archstone.login(local["name"], local["password"], domain, unscoped=True)
    assert answer.status_code == 201 and answer.json()["token"]["user"]["id"] == local["id"]


def test_the_domain_that_a_mapping_names(archstone, trust, provider):
    domain = archstone.new_domain()
    for reference in ({"id": domain["id"]}, {"name": domain["name"]}):
        way = trust({"local": [{"user": {"name": "{0}", "domain": reference}}], "remote": [{"type": "OIDC-sub"}]})
        person = provider.user()
        _, body = way.enter(person)
        assert body["user"]["domain"]["id"] == domain["id"] and body["user"]["id"] == user_id(domain["id"], person)


def test_a_local_user_gets_an_ordinary_token(archstone, trust, provider):
    """`type: local` (1.5.8): groups and roles come from the database, and there is no OS-FEDERATION."""
    domain = archstone.new_domain()["id"]
    local = archstone.new_user(domain)
    group, project = archstone.new_group(domain, local), archstone.new_project(domain)
    archstone.grant(None, "member", project=project, group=group)
    way = trust(
        {"local": [{"user": {"name": "{0}", "domain": {"id": domain}, "type": "local"}}], "remote": [{"type": "OIDC-name"}]}
    )
    person = provider.user(name=local["name"])
    token, body = way.enter(person)
    assert body["user"]["id"] == local["id"] and "OS-FEDERATION" not in body["user"] and "password_expires_at" in body["user"]
    assert body["methods"] == ["mapped"]
    assert {r["name"] for r in way.scoped(token, project=project)[1]["roles"]} == {"member", "reader"}
    assert "federated" not in way.user(local["id"])
    bearer = provider.access_token(provider.user(name=unique("nobody")))
    assert way.refused(bearer) == UNAUTHORIZED, "who is not there is not made"
    archstone.expect(200, "PATCH", f"/v3/users/{local['id']}", token=archstone.admin_token, json={"user": {"enabled": False}})
    assert way.refused(provider.access_token(person)) == UNAUTHORIZED


def test_a_disabled_user_is_refused_and_comes_back(archstone, trust, provider):
    way = trust(PERSON)
    person = provider.user(name="Ann", email="ann@example.org")
    token, body = way.enter(person)
    path = f"/v3/users/{body['user']['id']}"
    archstone.expect(200, "PATCH", path, token=archstone.admin_token, json={"user": {"enabled": False}})
    assert archstone.validate(token).status_code == 404
    assert way.refused(provider.access_token(person)) == UNAUTHORIZED
    assert way.user(body["user"]["id"])["enabled"] is False, "a login does not enable anybody"
    archstone.expect(200, "PATCH", path, token=archstone.admin_token, json={"user": {"enabled": True}})
    assert way.enter(person)[1]["user"]["id"] == body["user"]["id"]


def test_a_deleted_user_is_made_anew(archstone, trust, provider):
    way = trust(PERSON)
    person = provider.user(name="Ann", email="ann@example.org")
    token, body = way.enter(person)
    archstone.expect(204, "DELETE", f"/v3/users/{body['user']['id']}", token=archstone.admin_token)
    assert archstone.validate(token).status_code == 404
    assert way.enter(person)[1]["user"]["id"] == body["user"]["id"]


def test_nobody_gets_in_by_the_password_method_as_a_federated_user(archstone, trust, provider):
    way = trust(PERSON)
    person = provider.user(name="Ann", email="ann@example.org")
    _, body = way.enter(person)
    for reference in ({"id": body["user"]["id"]}, {"name": "Ann", "domain": {"id": way.domain_id}}):
        for password in ("", f"{person} password"):
            assert archstone.login(reference, password, unscoped=True).status_code in (400, 401)


def test_many_logins_at_once_make_one_user(trust, provider):
    """Twenty first logins of one person at the same time."""
    way = trust(PERSON)
    person = provider.user(name="Ann", email="ann@example.org")
    bearer = provider.access_token(person)

    def enter(_):
        url = f"{way.archstone.url}{way.path}/protocols/openid/auth"
        return requests.post(url, headers={"Authorization": f"Bearer {bearer}"}, timeout=20)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(enter, range(20)))
    assert [a.status_code for a in answers] == [201] * 20, [a.text for a in answers if a.status_code != 201]
    assert {a.json()["token"]["user"]["id"] for a in answers} == {user_id(way.domain_id, person)}
