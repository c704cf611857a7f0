"""Tokens as Huawei Cloud's clients get them by SAML: for responses that nobody asked for, and as users by their
external id (keystone-api.md 2.2, 2.5)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import unique
from huawei import TOKENS, X_USER_ID, Account, AccountWay, refused
from peers import saml
from peers.saml import encode
from saml_cases import OTHER_KEY
from saml_trust import begin, send, token_for


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough."""
    return sqlite_archstone


@pytest.fixture
def account(archstone):
    """An account whose identity provider has told its metadata."""
    return Account(archstone).imported()


@pytest.mark.parametrize("what", ["assertion", "both"])
def test_a_token_for_a_response_that_nobody_asked_for(account, what):
    token, body = account.enter(what=what)
    assert body["methods"] == ["mapped"] and body["user"]["name"] == "FederationUser" and "project" not in body
    assert body["user"]["OS-FEDERATION"]["identity_provider"] == {"id": account.id}
    assert body["user"]["OS-FEDERATION"]["protocol"] == {"id": "saml"}
    assert account.archstone.validate(token).json()["token"] == body


def test_it_is_good_once(account):
    """Also when it comes twenty times at once."""
    response = account.response()
    account.enter(response)
    refused(account.present(response))
    response = account.response("both")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: account.present(response, timeout=60).status_code, range(20)))
    assert sorted(answers) == [201] + [401] * 19


def test_rel_node_3_at_both_nodes_at_once(one_address):
    a, b = one_address
    account = Account(a).imported()
    for _ in range(3):
        form = {"SAMLResponse": encode(account.response())}
        with ThreadPoolExecutor(8) as pool:

            def send_it(node, form=form):
                return node.request("POST", TOKENS, data=form, headers={"X-Idp-Id": account.id}, timeout=60).status_code

            assert sorted(pool.map(send_it, [a, b] * 4)) == [201] + [401] * 7


WRONG = {
    "signed around it alone": {"what": "response"},
    "in response to a request": {"in_response_to": saml.new_id(), "confirmed_request": saml.new_id()},
    "for another audience": {"audiences": [["urn:other"]]},
    "for no audience": {"audiences": []},
    "for another recipient": {"recipient": "https://other.example/acs"},
    "for another destination": {"what": "both", "destination": "https://other.example/acs"},
    "over": {"not_on_or_after": -120},
    "confirmed until yesterday": {"confirmed_until": -86_400},
    "another issuer's": {"assertion_issuer": "https://other.example"},
    "a failure": {"status": f"{saml.STATUS}Responder"},
    "nobody's": {"subject": False},
}


@pytest.mark.parametrize("parts", WRONG.values(), ids=WRONG)
def test_responses_that_say_something_else(account, parts):
    texts = {refused(account.present(account.response(**parts))), refused(account.present({"SAMLResponse": "x"}))}
    assert len(texts) == 1, "all are refused alike"


def test_responses_that_others_signed(account):
    other = Account(account.archstone).imported()
    refused(account.present(account.idp.sign(saml.build_response(account.idp.entity_id), key=OTHER_KEY)))
    refused(account.present(other.response()))
    refused(
        account.present(other.response(response_issuer=account.idp.entity_id, assertion_issuer=account.idp.entity_id))
    )
    tree = account.response()
    saml.find(tree, ".//saml:NameID").text = "victim"
    refused(account.present(tree))


def test_two_accounts_with_one_identity_provider(account):
    """Each says which one of theirs it is, and a response is good at one of them."""
    other = Account(account.archstone, idp=account.idp).imported()
    for one in (account, other):
        assert one.enter()[1]["user"]["domain"]["id"] == one.domain


def test_what_the_call_has_to_be_told(account):
    refused(account.present(account.response(), id=None), 400)
    refused(account.present({}), 400)
    answer = account.present(account.response(), id=unique())
    refused(answer, answer.status_code if answer.status_code in (401, 404) else 401)
    twice = account.present({"SAMLResponse": [encode(account.response()), encode(account.response())]})
    refused(twice, 400 if twice.status_code == 400 else 401)
    before = Account(account.archstone)
    answer = before.present(before.response())
    refused(answer, answer.status_code if answer.status_code in (401, 404) else 401)


def test_ks_fed_2_an_identity_provider_that_is_closed(account):
    account.done(200, "PATCH", account.path, {"identity_provider": {"enabled": False}})
    answer = account.present(account.response())
    refused(answer, answer.status_code if answer.status_code in (401, 403) else 401)


def test_refusals_are_told_to_administrators(account):
    """Ruling 16: why."""
    refused(account.present(account.response(audiences=[["urn:other"]])))
    [told] = account.done(200, "GET", f"{account.path}/logins")["logins"]
    assert told["outcome"] != "success" and told["reason"], told


# -- users by their external id ----------------------------------------------------------------------------------------


@pytest.fixture
def staff(archstone):
    """An account whose users come as themselves."""
    return Account(archstone, "iam_user_sso").imported()


def by_id(*ids):
    """The attribute that says who it is."""
    return {"attributes": {X_USER_ID: list(ids)}}


def test_an_iam_user(archstone, staff, browse, dashboard):
    """They are the account's own user, with the user's own roles, and nothing of the identity provider is in the
    token."""
    user = archstone.new_user(staff.domain, xuser_id=unique("x"))
    project = archstone.new_project(staff.domain)
    archstone.grant(user, "member", project=project)
    token, body = staff.enter(**by_id(user["xuser_id"]))
    assert body["user"]["id"] == user["id"] and body["user"]["name"] == user["name"]
    assert "OS-FEDERATION" not in body["user"] and "project" not in body
    scoped = archstone.rescope(token, project=project)
    assert scoped.status_code == 201 and {r["name"] for r in scoped.json()["token"]["roles"]} == {"member", "reader"}
    case = begin(AccountWay(staff), browse(), dashboard.origin)
    token = token_for(send(case, case.signed(**by_id(user["xuser_id"]))), dashboard.origin)
    assert archstone.validate(token).json()["token"]["user"]["id"] == user["id"]


def test_an_external_id_that_is_given_later_and_taken_back(archstone, staff):
    user, ids = archstone.new_user(staff.domain), (unique("x"), unique("x"))
    refused(staff.present(staff.response(**by_id(ids[0]))))
    for now, then in (ids, ids[::-1]):
        body = {"user": {"xuser_id": now}}
        archstone.expect(200, "PATCH", f"/v3/users/{user['id']}", token=archstone.admin_token, json=body)
        assert staff.enter(**by_id(now))[1]["user"]["id"] == user["id"]
        refused(staff.present(staff.response(**by_id(then))))


def test_whom_an_external_id_does_not_let_in(archstone, staff):
    """Nobody's, another account's, a disabled user's, two people's, several at once, none, and one that is only
    similar."""
    node, own, common = archstone, unique("x"), unique("x")
    user = node.new_user(staff.domain, xuser_id=own)
    stranger = node.new_user(node.new_domain()["id"], xuser_id=unique("x"))
    disabled = node.new_user(staff.domain, xuser_id=unique("x"), enabled=False)
    node.new_user(staff.domain, xuser_id=common)
    body = {"user": {"name": unique("user"), "domain_id": staff.domain, "xuser_id": common}}
    shared = node.request("POST", "/v3/users", token=node.admin_token, json=body)
    assert shared.status_code in (201, 409)
    for ids in (
        [unique("x")],
        [stranger["xuser_id"]],
        [disabled["xuser_id"]],
        [own, unique("x")],
        [own, own + "x"],
        [own.upper()],
        [own[:-1]],
        [""],
        [user["id"]],
        [user["name"]],
        ["%"],
        [None],
        [],
        *([[common]] if shared.status_code == 201 else []),
    ):
        answer = staff.present(staff.response(**by_id(*ids)))
        assert answer.status_code == 401, f"{ids}: {answer.status_code} {answer.text[:500]}"
    refused(staff.present(staff.response()))
    refused(staff.present(staff.response(name=own)))
    staff.enter(**by_id(own))


def test_a_virtual_user_chooses_no_user_by_an_external_id(archstone, account):
    """The attribute counts where the identity provider is of that kind alone."""
    user = archstone.new_user(account.domain, xuser_id=unique("x"))
    _, body = account.enter(**by_id(user["xuser_id"]))
    assert body["user"]["id"] != user["id"] and body["user"]["name"] == "FederationUser"


def test_the_domain_of_the_users_closes_the_way(archstone, staff):
    user = archstone.new_user(staff.domain, xuser_id=unique("x"))
    body = {"domain": {"enabled": False}}
    archstone.expect(200, "PATCH", f"/v3/domains/{staff.domain}", token=archstone.admin_token, json=body)
    answer = staff.present(staff.response(**by_id(user["xuser_id"])))
    assert answer.status_code in (401, 403) and "X-Subject-Token" not in answer.headers


def test_nobody_gives_themselves_an_external_id(archstone, staff):
    """Whoever may write it may become whom they like."""
    user = archstone.new_user(staff.domain)
    token = archstone.token({"id": user["id"]}, user["password"])
    body = {"user": {"xuser_id": unique("x")}}
    assert archstone.request("PATCH", f"/v3/users/{user['id']}", token=token, json=body).status_code == 403
