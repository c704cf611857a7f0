"""Passwords: changing one's own, and the rules of `security_compliance`. What takes days is in the Rust tests."""

import pytest

from harness import unique
from identity_calls import NOBODY, call, done, get, ids, make, message, patch, post, updated

FIRST, SECOND, THIRD = "first secret", "second secret", "third secret"
UNAUTHENTICATED = "The request you have made requires authentication."
LOCKED = ("You cannot change your password at this time due to password policy disallowing password changes. Please contact your "
          "administrator to reset your password.")


def change(archstone, user, original, password):
    """The user changes their password, without a token; the answer as it came."""
    body = {"user": {"original_password": original, "password": password}}
    return archstone.request("POST", f"/v3/users/{user['id']}/password", json=body)


def login(archstone, user, password):
    return archstone.login({"id": user["id"]}, password).status_code


def refusal(archstone, user, password):
    """The text with which a log-in is refused."""
    return message(archstone.login({"id": user["id"]}, password), 401)


def ruled(launch, **rules):
    """A server with these settings of `security_compliance`, which come into force after the administrator was made."""
    server = launch(start=False)
    server.settings |= {f"ARCHSTONE_SECURITY_COMPLIANCE__{name.upper()}": value for name, value in rules.items()}
    return server.start()


# -- changing one's own ------------------------------------------------------------------------------------------------

def test_a_user_changes_their_password_with_the_old_one(archstone):
    user = archstone.new_user(password=FIRST)
    assert message(change(archstone, user, "wrong", SECOND), 401) == UNAUTHENTICATED
    assert login(archstone, user, FIRST) == 201
    answer = change(archstone, user, FIRST, SECOND)
    assert answer.status_code == 204 and not answer.content
    assert (login(archstone, user, FIRST), login(archstone, user, SECOND)) == (401, 201)


def test_a_token_neither_helps_nor_hinders(archstone):
    user = archstone.new_user(password=FIRST)
    body = {"user": {"original_password": "wrong", "password": SECOND}}
    path = f"/users/{user['id']}/password"
    assert call(archstone, "POST", path, body).status_code == 401
    body["user"]["original_password"] = FIRST
    own = archstone.token({"id": user["id"]}, FIRST)
    assert archstone.request("POST", f"/v3{path}", token=own, json=body).status_code == 204


@pytest.mark.parametrize("body", [
    None, {}, {"other": {}}, {"user": {}}, {"user": {"password": SECOND}}, {"user": {"original_password": FIRST}},
    {"user": {"original_password": FIRST, "password": None}}, {"user": {"original_password": None, "password": SECOND}},
    {"user": {"original_password": FIRST, "password": 7}}, {"user": {"original_password": FIRST, "password": SECOND, "other": 1}},
])
def test_a_malformed_change_is_400(archstone, body):
    user = archstone.new_user(password=FIRST)
    message(archstone.request("POST", f"/v3/users/{user['id']}/password", json=body), 400)
    assert login(archstone, user, FIRST) == 201


def test_only_post_and_only_known_users(archstone):
    user = archstone.new_user(password=FIRST)
    answer = call(archstone, "GET", f"/users/{user['id']}/password")
    assert answer.status_code == 405 and "POST" in answer.headers["Allow"]
    assert message(change(archstone, {"id": NOBODY}, FIRST, SECOND), 401) == UNAUTHENTICATED


def test_a_disabled_user_is_told_what_anybody_is_told(archstone):
    user = archstone.new_user(password=FIRST)
    updated(archstone, "user", user["id"], enabled=False)
    for password in (FIRST, "wrong"):
        assert message(change(archstone, user, password, SECOND), 401) == UNAUTHENTICATED


def test_lock_password_leaves_changes_to_administrators(archstone):
    user = archstone.new_user(password=FIRST, options={"lock_password": True})
    assert message(change(archstone, user, FIRST, SECOND), 400) == LOCKED
    assert message(change(archstone, user, "wrong", SECOND), 401) == UNAUTHENTICATED
    updated(archstone, "user", user["id"], password=SECOND)
    assert login(archstone, user, SECOND) == 201
    updated(archstone, "user", user["id"], options={"lock_password": None})
    assert change(archstone, user, SECOND, THIRD).status_code == 204


def test_a_user_without_a_password_has_none_to_change(archstone):
    user = make(archstone, "user")
    for original in ("", "anything"):
        assert message(change(archstone, user, original, SECOND), 401) == UNAUTHENTICATED
    updated(archstone, "user", user["id"], password=FIRST)
    assert login(archstone, user, FIRST) == 201
    updated(archstone, "user", user["id"], password=None)
    assert login(archstone, user, FIRST) == 401


# -- the rules ---------------------------------------------------------------------------------------------------------

def test_history_holds_for_users_and_not_for_administrators(launch):
    server = ruled(launch, unique_last_password_count="2")
    user = server.new_user(password=FIRST)
    said = ("The new password cannot be identical to a previous password. The total number which includes the new password must be "
            "unique is 2.")
    message(change(server, user, FIRST, FIRST), 400)
    assert change(server, user, FIRST, SECOND).status_code == 204
    assert message(change(server, user, SECOND, FIRST), 400) == said
    assert change(server, user, SECOND, THIRD).status_code == 204
    assert change(server, user, THIRD, FIRST).status_code == 204
    updated(server, "user", user["id"], password=FIRST)
    updated(server, "user", user["id"], password=THIRD)
    assert login(server, user, THIRD) == 201


def test_minimum_age_holds_for_what_users_set_themselves(launch):
    server = ruled(launch, minimum_password_age="1")
    user = server.new_user(password=FIRST)
    assert change(server, user, FIRST, SECOND).status_code == 204, "an administrator's password may be changed at once"
    said = message(change(server, user, SECOND, THIRD), 400)
    assert said == ("You cannot change your password at this time due to the minimum password age. Once you change your password, it "
                    "must be used for 1 day(s) before it can be changed. Please try again in 0 day(s) or contact your administrator to "
                    "reset your password.")
    assert message(change(server, user, "wrong", THIRD), 401) == UNAUTHENTICATED
    updated(server, "user", user["id"], password=THIRD)
    assert change(server, user, THIRD, FIRST).status_code == 204


def test_expiry_is_shown_and_can_be_asked_for(launch):
    server = ruled(launch, password_expires_days="10")
    group = server.new_group()
    user = server.new_user(password=FIRST)
    done(server, "PUT", f"/groups/{group['id']}/users/{user['id']}")
    shown = get(server, "user", user["id"])["password_expires_at"]
    assert server.login({"id": user["id"]}, FIRST).json()["token"]["user"]["password_expires_at"] == shown
    never = server.new_user(password=FIRST, options={"ignore_password_expiry": True})
    assert login(server, never, FIRST) == 201
    for path in (f"/users?name={user['name']}&", f"/groups/{group['id']}/users?"):
        for query, found in {"gt:2000-01-01T00:00:00Z": True, "lt:2000-01-01T00:00:00Z": False, "gte:2000-01-01T00:00:00Z": True,
                             "lte:2000-01-01T00:00:00Z": False, "eq:2000-01-01T00:00:00Z": False,
                             "neq:2000-01-01T00:00:00Z": True}.items():
            assert ids(server, f"{path}password_expires_at={query}") == ([user["id"]] if found else []), query


def test_the_regular_expression_holds_for_everybody(launch):
    server = ruled(launch, password_regex=r"^(?=.*\d)[a-z0-9]{7,}$", password_regex_description="seven or more, one a digit")
    said = "The password does not match the requirements: seven or more, one a digit."
    for bad in ("sh0rt", "nodigits", "UPPER777"):
        assert message(post(server, "user", {"name": unique(), "password": bad}), 400) == said
    user = server.new_user(password="secret1")
    assert message(patch(server, "user", user["id"], password="short"), 400) == said
    assert message(change(server, user, "secret1", "short"), 400) == said
    assert message(change(server, user, "wrong", "short"), 401) == UNAUTHENTICATED
    assert change(server, user, "secret1", "secret2").status_code == 204
    assert login(server, user, "secret2") == 201


def test_a_first_password_must_be_changed(launch):
    server = ruled(launch, change_password_upon_first_use="true", minimum_password_age="1")
    user = server.new_user(password=FIRST)
    must = UNAUTHENTICATED
    assert refusal(server, user, FIRST) == must
    assert refusal(server, user, "wrong") == UNAUTHENTICATED
    assert change(server, user, FIRST, SECOND).status_code == 204, "the minimum age does not stand in the way"
    assert login(server, user, SECOND) == 201
    assert get(server, "user", user["id"])["password_expires_at"] is None
    updated(server, "user", user["id"], password=THIRD)
    assert refusal(server, user, THIRD) == must
    updated(server, "user", user["id"], options={"ignore_change_password_upon_first_use": True})
    updated(server, "user", user["id"], password=FIRST)
    assert login(server, user, FIRST) == 201
    ignoring = server.new_user(password=FIRST, options={"ignore_password_expiry": True})
    assert login(server, ignoring, FIRST) == 201


def test_lockout_counts_changes_too_and_some_are_exempt(launch):
    server = ruled(launch, lockout_failure_attempts="3", lockout_duration="1800")
    user, exempt = server.new_user(password=FIRST), server.new_user(password=FIRST, options={"ignore_lockout_failure_attempts": True})
    for _ in range(3):
        assert change(server, user, "wrong", SECOND).status_code == 401
        assert login(server, exempt, "wrong") == 401
    assert message(change(server, user, FIRST, SECOND), 401) == UNAUTHENTICATED
    assert refusal(server, user, FIRST) == UNAUTHENTICATED
    assert login(server, exempt, FIRST) == 201
