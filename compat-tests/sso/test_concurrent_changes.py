"""Two administrators at once: entity tags, and changes that meet (sso-api.md 4.4).

Where the documents are silent: an entity tag is the configuration's, so that a test does not move it.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import unique
from sso_bodies import any_kind, oidc
from sso_calls import CONFIGURATIONS, create, done, get, listed, path_of, problem, send, settled, update


@pytest.mark.parametrize("kind", ["OIDC", "SAML", "LDAP"])
def test_entity_tags_are_strong_and_the_same_everywhere(archstone, kind):
    answer = send(archstone, "POST", CONFIGURATIONS, any_kind(kind))
    tag, path = answer.headers["ETag"], path_of(answer.json())
    assert tag.startswith('"') and tag.endswith('"') and len(tag) > 2
    assert send(archstone, "GET", path).headers["ETag"] == tag
    changed = send(archstone, "PUT", path, {"displayName": unique("x")})
    assert changed.headers["ETag"] != tag and send(archstone, "GET", path).headers["ETag"] == changed.headers["ETag"]
    assert send(archstone, "PATCH", path, {"displayName": unique("x")}).headers["ETag"] not in (tag, changed.headers["ETag"])


def test_a_test_does_not_move_the_entity_tag(archstone):
    answer = send(archstone, "POST", CONFIGURATIONS, oidc())
    settled(archstone, answer.json(), 30)
    done(archstone, "POST", path_of(answer.json(), "test"), {}, timeout=30)
    changed = send(archstone, "PUT", path_of(answer.json()), {"displayName": "x"}, headers={"If-Match": answer.headers["ETag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_adm_race_1_the_second_change_of_what_has_changed_is_412(archstone, method):
    answer = send(archstone, "POST", CONFIGURATIONS, oidc())
    path, tag = path_of(answer.json()), answer.headers["ETag"]
    current = send(archstone, "PUT", path, {"displayName": "first"}, headers={"If-Match": tag})
    assert current.status_code == 200
    body = None if method == "DELETE" else {"displayName": "second"}
    for stale in (tag, '"nonsense"', f"W/{current.headers['ETag']}", f'{tag}, "other"', "nonsense", '""'):
        answer = send(archstone, method, path, body, headers={"If-Match": stale})
        assert answer.status_code in ((412,) if '"' in stale else (400, 412)), stale
        problem(answer, answer.status_code)
    assert get(archstone, path.rsplit("/", 1)[1])["displayName"] == "first"
    good = current.headers["ETag"]
    if method != "DELETE":
        again = send(archstone, method, path, body, headers={"If-Match": f'"other", {good}'})
        assert again.status_code == 200
        good = "*"
    assert send(archstone, method, path, body, headers={"If-Match": good}).status_code == 200


def test_if_match_is_not_required_and_does_not_make_things_be(archstone):
    problem(send(archstone, "PUT", path_of(unique()), {"displayName": "x"}, headers={"If-Match": "*"}), 404)
    update(archstone, create(archstone), displayName="x")


def test_adm_race_1_of_many_administrators_at_once_one_wins(archstone):
    answer = send(archstone, "POST", CONFIGURATIONS, oidc())
    path, headers = path_of(answer.json()), {"If-Match": answer.headers["ETag"]}

    def change(n):
        return n, send(archstone, "PUT", path, {"displayName": f"by {n}"}, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        outcomes = dict(pool.map(change, range(16)))
    assert sorted(outcomes.values()) == [200] + [412] * 15
    winner = next(n for n, status in outcomes.items() if status == 200)
    assert get(archstone, answer.json())["displayName"] == f"by {winner}"


def test_adm_race_1_changes_of_different_fields_at_once_are_both_there(archstone):
    """Without If-Match, each change is of what it names, none is lost."""
    made = create(archstone, oidc(block={"configName": "0"}))
    changes = [
        {"displayName": "a"},
        {"oidcConfig": {"configName": "1"}},
        {"oidcConfig": {"clientId": "c"}},
        {"userProvisioning": "manual"},
        {"groupProvisioning": "sync"},
        {"attributeMappings": {"email": "m"}},
        {"enabled": False},
        {"oidcConfig": {"scope": "openid x"}},
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda change: send(archstone, "PUT", path_of(made), change), changes))
    assert [a.status_code for a in answers] == [200] * len(changes), [a.text for a in answers]
    now = get(archstone, made)
    assert (now["displayName"], now["userProvisioning"], now["groupProvisioning"], now["enabled"]) == (
        "a",
        "manual",
        "sync",
        False,
    )
    assert now["attributeMappings"] == {"email": "m"}
    assert {k: now["oidcConfig"][k] for k in ("configName", "clientId", "scope")} == {
        "configName": "1",
        "clientId": "c",
        "scope": "openid x",
    }


def test_one_issuer_at_once_is_made_once(archstone):
    body = oidc()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: send(archstone, "POST", CONFIGURATIONS, body | {"displayName": f"{n}"}), range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    issuer = body["oidcConfig"]["wellKnownUrl"].partition("/.well-known")[0]
    assert [i.get("issuer") for i in listed(archstone, "limit=1000")["items"]].count(issuer) == 1
