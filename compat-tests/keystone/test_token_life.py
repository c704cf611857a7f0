"""GET, HEAD and DELETE /v3/auth/tokens, and what becomes of a token: rescoping, revocation, expiry, and what it opens."""

import http.client
import os
import re
import time

import msgpack
import pytest
from cryptography.fernet import Fernet

from harness import DEFAULT_DOMAIN, error_of

ADMIN_PROJECT = {"name": "admin", "domain": {"id": DEFAULT_DOMAIN}}
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


# -- validating -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [{"project": ADMIN_PROJECT}, {"system": True}, {"unscoped": True}])
def test_validation_answers_what_was_issued(archstone, scope):
    issued = archstone.login(**scope)
    subject = issued.headers["X-Subject-Token"]
    for _ in range(2):
        answer = archstone.validate(subject)
        assert answer.status_code == 200
        assert answer.headers["X-Subject-Token"] == subject
        assert answer.json() == issued.json()


def test_head_checks_without_a_body(archstone):
    subject = archstone.token(unscoped=True)
    answer = archstone.request("HEAD", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": subject})
    assert answer.status_code == 200
    assert answer.content == b""
    answer = archstone.request("HEAD", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": "nonsense"})
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("subject", ["nonsense", "gAAAAABnonsense", "a.b.c", None])
def test_an_unknown_or_absent_subject_is_404(archstone, method, subject):
    headers = {"X-Subject-Token": subject} if subject else {}
    answer = archstone.request(method, "/v3/auth/tokens", token=archstone.admin_token, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_without_a_valid_auth_token_it_is_401_whatever_the_subject(archstone, method):
    for subject in (archstone.token(unscoped=True), "nonsense"):
        answer = archstone.request(method, "/v3/auth/tokens", token="nonsense", headers={"X-Subject-Token": subject})
        assert answer.status_code == 401


def test_ks_tok_3_a_user_may_look_at_and_revoke_their_own_token(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    other = archstone.token({"id": user["id"]}, user["password"])
    assert archstone.validate(other, token=token).status_code == 200
    assert archstone.request("DELETE", "/v3/auth/tokens", token=token, headers={"X-Subject-Token": other}).status_code == 204
    assert archstone.validate(other, token=token).status_code == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_ks_tok_3_a_member_may_not_touch_another_users_token(archstone, method):
    _, token = archstone.persona("member", domain=archstone.new_domain()["id"])
    subject = archstone.token(unscoped=True)
    answer = archstone.request(method, "/v3/auth/tokens", token=token, headers={"X-Subject-Token": subject})
    assert answer.status_code == 403
    assert archstone.validate(subject).status_code == 200


def test_a_service_may_validate_but_not_revoke(archstone):
    _, service = archstone.persona("service", project=archstone.new_project())
    subject = archstone.token(unscoped=True)
    assert archstone.validate(subject, token=service).status_code == 200
    answer = archstone.request("DELETE", "/v3/auth/tokens", token=service, headers={"X-Subject-Token": subject})
    assert answer.status_code == 403


def test_a_token_works_as_bearer_too(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    answer = archstone.request("GET", "/v3/auth/projects", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    answer = archstone.request("GET", "/v3/auth/projects", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    answer = archstone.request("GET", "/v3/auth/projects", headers={"Authorization": f"Basic {token}"})
    assert answer.status_code == 401


# -- KS-TOK-2: nothing that is almost a token is one --------------------------------------------------------------------------


def almost(token):
    """Texts that differ a little from the token."""
    other = {"A": "B"}
    for place in (0, 5, 9, 20, len(token) // 2, len(token) - 2, len(token) - 1):
        yield token[:place] + other.get(token[place], "A") + token[place + 1:]
    yield token.swapcase()
    yield token + "="
    yield token + "=="
    yield token + "A"
    yield token[:-1]
    yield token[:40] + " " + token[40:]
    yield token[:40] + "\t" + token[40:]
    yield token.replace("_", "/").replace("-", "+") + "+"
    yield f"{token},{token}"
    yield f'"{token}"'


def test_ks_tok_2_a_changed_token_is_401(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 200
    for text in almost(token):
        assert archstone.request("GET", "/v3/auth/projects", token=text).status_code == 401, text
        assert archstone.validate(text).status_code == 404, text


def test_ks_tok_2_the_unused_bits_of_the_last_character_make_no_second_token(archstone):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    for last in alphabet:
        if last != token[-1]:
            assert archstone.request("GET", "/v3/auth/projects", token=token[:-1] + last).status_code == 401


def test_ks_tok_2_a_revoked_token_stays_revoked_however_it_is_written(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=token, headers={"X-Subject-Token": token})
    for text in [token, *almost(token)]:
        assert archstone.request("GET", "/v3/auth/projects", token=text).status_code == 401, text


def test_ks_tok_2_a_doubled_header_is_401(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    for first, second in ((token, token), (token, "nonsense"), ("nonsense", token)):
        connection = http.client.HTTPConnection("127.0.0.1", archstone.port, timeout=10)
        connection.putrequest("GET", "/v3/auth/projects")
        connection.putheader("X-Auth-Token", first)
        connection.putheader("X-Auth-Token", second)
        connection.endheaders()
        assert connection.getresponse().status == 401
        connection.close()


# -- rescoping ----------------------------------------------------------------------------------------------------------------


def test_rescoping_keeps_expiry_and_chain(archstone):
    first = archstone.login(unscoped=True)
    second = archstone.rescope(first.headers["X-Subject-Token"], project=ADMIN_PROJECT)
    third = archstone.rescope(second.headers["X-Subject-Token"], system=True)
    root = first.json()["token"]["audit_ids"]
    assert len(root) == 1
    for answer in (second, third):
        assert answer.status_code == 201
        token = answer.json()["token"]
        assert token["expires_at"] == first.json()["token"]["expires_at"]
        assert set(token["methods"]) == {"password", "token"}
        assert len(token["audit_ids"]) == 2
        assert token["audit_ids"][1] == root[0]
        assert token["audit_ids"][0] != root[0]
        validated = archstone.validate(answer.headers["X-Subject-Token"]).json()["token"]
        assert validated | {"methods": None} == token | {"methods": None}
        assert set(validated["methods"]) == {"password", "token"}
    assert third.json()["token"]["system"] == {"all": True}


def test_rescoping_needs_a_role_on_the_new_scope(archstone):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    error_of(archstone.rescope(token, project=ADMIN_PROJECT), 401)


def test_rescoping_needs_a_live_token(archstone):
    # Keystone says 404 here; 401 is the better answer to a bad credential, and clients treat both as failed logins.
    assert archstone.rescope("nonsense").status_code in (401, 404)
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"])
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=token, headers={"X-Subject-Token": token})
    assert archstone.rescope(token).status_code in (401, 404)


def test_a_system_token_cannot_become_a_project_or_domain_token(archstone):
    token = archstone.token(system=True)
    error_of(archstone.rescope(token, project=ADMIN_PROJECT), 403)
    error_of(archstone.rescope(token, domain="default"), 403)
    assert archstone.rescope(token, system=True).status_code == 201


def test_a_hundred_rescopes_never_live_longer_than_the_first(archstone):
    first = archstone.login(project=ADMIN_PROJECT)
    token, expiry = first.headers["X-Subject-Token"], first.json()["token"]["expires_at"]
    for turn in range(100):
        answer = archstone.rescope(token, **({"unscoped": True} if turn % 2 else {"project": ADMIN_PROJECT}))
        assert answer.json()["token"]["expires_at"] == expiry
        token = answer.headers["X-Subject-Token"]


# -- revoking -----------------------------------------------------------------------------------------------------------------


def test_a_revoked_token_is_dead_as_subject_and_as_credential(archstone):
    token = archstone.token(project=ADMIN_PROJECT)
    assert archstone.validate(token).status_code == 200
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": token})
    assert archstone.validate(token).status_code == 404
    assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 401
    assert archstone.request("DELETE", "/v3/auth/tokens", token=archstone.admin_token,
                             headers={"X-Subject-Token": token}).status_code == 404


def test_ks_tok_5_revoking_the_root_kills_the_whole_chain(archstone):
    root = archstone.token(unscoped=True)
    child = archstone.rescope(root, project=ADMIN_PROJECT).headers["X-Subject-Token"]
    grandchild = archstone.rescope(child, system=True).headers["X-Subject-Token"]
    stranger = archstone.token(unscoped=True)
    for token in (root, child, grandchild):
        assert archstone.validate(token).status_code == 200
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": root})
    for token in (root, child, grandchild):
        assert archstone.validate(token).status_code == 404
        assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 401
    assert archstone.validate(stranger).status_code == 200


def test_ks_tok_5_revoking_a_child_leaves_its_parent_alive(archstone):
    root = archstone.token(unscoped=True)
    child = archstone.rescope(root, project=ADMIN_PROJECT).headers["X-Subject-Token"]
    sibling = archstone.rescope(root, system=True).headers["X-Subject-Token"]
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": child})
    assert archstone.validate(child).status_code == 404
    assert archstone.validate(root).status_code == 200
    assert archstone.validate(sibling).status_code == 200


def test_revocations_are_listed_as_events(archstone):
    issued = archstone.login(unscoped=True)
    audit_id = issued.json()["token"]["audit_ids"][0]
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token,
                     headers={"X-Subject-Token": issued.headers["X-Subject-Token"]})
    body = archstone.expect(200, "GET", "/v3/OS-REVOKE/events", token=archstone.admin_token)
    assert body["links"]["self"].endswith("/v3/OS-REVOKE/events")
    [event] = [event for event in body["events"] if event.get("audit_id") == audit_id]
    assert re.fullmatch(STAMP, event["issued_before"])
    assert None not in event.values()
    later = archstone.expect(200, "GET", "/v3/OS-REVOKE/events?since=2099-01-01T00:00:00.000000Z", token=archstone.admin_token)
    assert later["events"] == []
    assert archstone.request("GET", "/v3/OS-REVOKE/events?since=nonsense", token=archstone.admin_token).status_code == 400


def test_revocation_events_are_not_for_members(archstone):
    _, token = archstone.persona("member", project=archstone.new_project())
    assert archstone.request("GET", "/v3/OS-REVOKE/events", token=token).status_code == 403


def test_the_revocation_list_of_old_gives_no_data(archstone):
    answer = archstone.request("GET", "/v3/auth/tokens/OS-PKI/revoked", token=archstone.admin_token)
    assert answer.status_code in (403, 410)


# -- expiry -------------------------------------------------------------------------------------------------------------------


HOUR = 3600


def minted(archstone, user, life_ended, life=HOUR):
    """An unscoped Fernet token of the user that ended `life_ended` seconds ago, made with the server's own primary key."""
    now = int(time.time())
    payload = [0, [True, bytes.fromhex(user["id"])], 2, float(now - life_ended), [os.urandom(16)]]
    [folder] = {path.parent for path in archstone.data.rglob("0") if (path.parent / "1").exists()}
    primary = max((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    text = Fernet(primary.read_bytes()).encrypt_at_time(msgpack.packb(payload, use_bin_type=True), now - life_ended - life)
    return text.rstrip(b"=").decode()


def test_a_token_minted_with_the_key_is_a_token(archstone):
    user = archstone.new_user()
    token = minted(archstone, user, -HOUR // 2)
    assert archstone.validate(token).json()["token"]["user"]["id"] == user["id"]


def test_ks_tok_3_an_expired_token_is_dead_as_credential_and_for_rescoping(archstone):
    user = archstone.new_user()
    token = minted(archstone, user, 1)
    assert archstone.request("GET", "/v3/auth/projects", token=token).status_code == 401
    assert archstone.rescope(token).status_code in (401, 404)
    # The window is for the subject only, never for the caller's own token.
    assert archstone.validate(token, token=token, path="/v3/auth/tokens?allow_expired=1").status_code == 401


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ks_tok_3_an_expired_subject_is_404_unless_expired_ones_are_allowed(archstone, method):
    user = archstone.new_user()

    def status(token, query=""):
        return archstone.request(method, f"/v3/auth/tokens{query}", token=archstone.admin_token, headers={"X-Subject-Token": token}).status_code

    just_now, yesterday, long_ago = (minted(archstone, user, ended) for ended in (1, 47 * HOUR, 49 * HOUR))
    for token in (just_now, yesterday, long_ago):
        assert status(token) == 404
        assert status(token, "?allow_expired=0") == 404
    assert status(just_now, "?allow_expired=1") == 200
    assert status(yesterday, "?allow_expired=1") == 200
    assert status(long_ago, "?allow_expired=1") == 404, "the window is 48 hours"
    assert status(just_now) == 404, "nothing remembers that it was allowed once"


# -- what a token opens ---------------------------------------------------------------------------------------------------------


def test_auth_projects_domains_and_system_list_what_the_user_may_scope_to(archstone):
    domain, project = archstone.new_domain(), archstone.new_project()
    user = archstone.new_user(domain["id"])
    token = archstone.token({"id": user["id"]}, user["password"])
    assert archstone.expect(200, "GET", "/v3/auth/projects", token=token)["projects"] == []
    assert archstone.expect(200, "GET", "/v3/auth/domains", token=token)["domains"] == []
    assert archstone.expect(200, "GET", "/v3/auth/system", token=token)["system"] == []
    archstone.grant(user, "reader", domain=domain["id"])
    archstone.grant(user, "reader", project=project)
    projects = archstone.expect(200, "GET", "/v3/auth/projects", token=token)
    assert [p["id"] for p in projects["projects"]] == [project]
    assert projects["links"]["self"].endswith("/v3/auth/projects")
    assert [d["id"] for d in archstone.expect(200, "GET", "/v3/auth/domains", token=token)["domains"]] == [domain["id"]]
    assert archstone.expect(200, "GET", "/v3/auth/system", token=archstone.admin_token)["system"] == [{"all": True}]


def test_auth_catalog_is_the_tokens_catalog_and_needs_a_scope(archstone):
    issued = archstone.login(project=ADMIN_PROJECT)
    catalog = archstone.expect(200, "GET", "/v3/auth/catalog", token=issued.headers["X-Subject-Token"])
    assert catalog["catalog"] == issued.json()["token"]["catalog"]
    assert catalog["links"]["self"].endswith("/v3/auth/catalog")
    error_of(archstone.request("GET", "/v3/auth/catalog", token=archstone.token(unscoped=True)), 403)
