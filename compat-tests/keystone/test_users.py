"""Users: what `test_identity.py` leaves out: members, options, default projects, projects of a user, federated links.

Passwords have a file of their own.
"""

import pytest

from harness import DEFAULT_DOMAIN, unique
from identity_calls import NOBODY, call, done, get, ids, items, make, message, patch, post, updated
from identity_provider_calls import BASE, create as create_identity_provider

OPTIONS = {
    "ignore_change_password_upon_first_use": True, "ignore_password_expiry": True, "ignore_lockout_failure_attempts": False,
    "lock_password": False, "ignore_user_inactivity": True, "multi_factor_auth_enabled": False,
    "multi_factor_auth_rules": [["password", "totp"], ["password"]],
}


def test_a_new_user_has_exactly_these_members(archstone):
    domain, name = archstone.new_domain()["id"], unique("user")
    user = post(archstone, "user", {"name": name, "domain_id": domain}).json()["user"]
    assert user == {"id": user["id"], "name": name, "domain_id": domain, "enabled": True, "password_expires_at": None, "options": {},
                    "links": {"self": f"{archstone.url}/v3/users/{user['id']}"}}
    assert get(archstone, "user", user["id"]) == user
    assert items(archstone, f"/users?domain_id={domain}") == [user]


def test_members_that_are_shown_when_they_are_set(archstone):
    project = archstone.new_project()
    given = {"description": None, "email": "u@example.com", "colour": "red", "default_project_id": project}
    user = make(archstone, "user", **given)
    assert {key: user[key] for key in given} == given
    changed = updated(archstone, "user", user["id"], default_project_id=None, email=None, description="d")
    assert "default_project_id" not in changed and changed["email"] is None and changed["description"] == "d"


@pytest.mark.parametrize("fields", [
    {"name": " "}, {"name": "x" * 256}, {"domain_id": None}, {"domain_id": "a/b"}, {"description": 7}, {"password": 7},
    {"default_project_id": 7}, {"enabled": "false"}, {"options": None}, {"options": []}, {"options": {"other": 1}},
    {"options": {"lock_password": "yes"}}, {"options": {"multi_factor_auth_rules": "x"}}, {"options": {"multi_factor_auth_rules": [[]]}},
    {"options": {"multi_factor_auth_rules": [[7]]}}, {"options": {"multi_factor_auth_rules": [["a"], ["a"]]}},
    {"options": {"multi_factor_auth_rules": [["a", "a"]]}}, {"federated": None}, {"federated": [{}]},
])
def test_a_bad_create_is_400(archstone, fields):
    message(post(archstone, "user", {"name": unique()} | fields), 400)


@pytest.mark.parametrize("body", [None, {}, [], {"user": {"name": "beside"}, "other": 1}])
def test_the_wrapper_is_required_and_alone(archstone, body):
    message(call(archstone, "POST", "/users", body), 400)


def test_names_are_255_characters_and_lose_their_outer_spaces(archstone):
    domain = archstone.new_domain()["id"]
    assert len(make(archstone, "user", domain_id=domain, name="x" * 255)["name"]) == 255
    assert make(archstone, "user", domain_id=domain, name=" sp ")["name"] == "sp"
    said = message(post(archstone, "user", {"name": "sp", "domain_id": domain}), 409)
    assert said == f"Conflict occurred attempting to store user - Duplicate entry found with name sp at domain ID {domain}."
    assert message(post(archstone, "user", {"name": "sp", "domain_id": NOBODY}), 404) == f"Could not find domain: {NOBODY}."


@pytest.mark.parametrize(("fields", "said"), [
    ({}, None), ({"name": None}, None), ({"enabled": None}, None), ({"password": 7}, None),
    ({"id": NOBODY}, "Cannot change ID"), ({"domain_id": DEFAULT_DOMAIN}, "Cannot change Domain ID"),
])
def test_a_bad_update_is_400(archstone, fields, said):
    user = make(archstone, "user", domain_id=archstone.new_domain()["id"])
    answer = message(patch(archstone, "user", user["id"], **fields), 400)
    assert said is None or answer == said
    assert get(archstone, "user", user["id"]) == user


def test_the_own_id_and_domain_may_be_repeated(archstone):
    user = make(archstone, "user")
    assert updated(archstone, "user", user["id"], id=user["id"], domain_id=user["domain_id"], name=user["name"]) == user


def test_a_change_never_keeps_or_shows_passwords(archstone):
    user = make(archstone, "user")
    patch(archstone, "user", user["id"], password="secret-password-2", original_password="secret-password-1")
    text = call(archstone, "GET", f"/users/{user['id']}").text
    assert "secret-password" not in text and "original_password" not in text


def test_an_unknown_user_is_404(archstone):
    for method in ("GET", "PATCH", "DELETE"):
        answer = call(archstone, method, f"/users/{NOBODY}", {"user": {"name": "x"}} if method == "PATCH" else None)
        assert message(answer, 404) == f"Could not find user: {NOBODY}."


@pytest.mark.parametrize("option", OPTIONS)
def test_options_are_set_changed_one_by_one_and_removed_by_null(archstone, option):
    user = make(archstone, "user", options={option: OPTIONS[option]})
    assert user["options"] == {option: OPTIONS[option]}
    other = "lock_password" if option != "lock_password" else "ignore_password_expiry"
    both = {option: OPTIONS[option], other: True}
    assert updated(archstone, "user", user["id"], options={other: True})["options"] == both
    assert updated(archstone, "user", user["id"], options={})["options"] == both
    assert updated(archstone, "user", user["id"], options={option: None})["options"] == {other: True}
    assert make(archstone, "user", options={option: None})["options"] == {}


def test_a_default_project_is_no_domain_and_need_not_exist(archstone):
    domain = archstone.new_domain()["id"]
    said = f"User's default project ID cannot be a domain ID: {domain}"
    assert message(post(archstone, "user", {"name": unique(), "default_project_id": domain}), 400) == said
    user = make(archstone, "user", default_project_id=NOBODY)
    assert user["default_project_id"] == NOBODY
    assert message(patch(archstone, "user", user["id"], default_project_id=domain), 400) == said


def test_a_default_project_is_the_scope_when_the_user_has_a_role_on_it(archstone):
    project, other = archstone.new_project(), archstone.new_project()
    user = archstone.new_user(default_project_id=project)
    login = {"user": {"id": user["id"]}, "password": user["password"]}
    assert "project" not in archstone.login(**login).json()["token"]
    archstone.grant(user, "member", project=project)
    assert archstone.login(**login).json()["token"]["project"]["id"] == project
    done(archstone, "DELETE", f"/projects/{project}")
    assert "project" not in archstone.login(**login).json()["token"]
    assert "default_project_id" not in get(archstone, "user", user["id"]), "it goes with the project"
    assert updated(archstone, "user", user["id"], default_project_id=other)["default_project_id"] == other


@pytest.mark.parametrize("query", ["enabled=maybe", "password_expires_at=nonsense",
                                   "password_expires_at=xx:2030-01-01T00:00:00Z", "password_expires_at=lt:2030-13-01T00:00:00Z"])
def test_a_bad_query_value_is_400(archstone, query):
    message(call(archstone, "GET", f"/users?{query}"), 400)


def test_the_projects_of_a_user(archstone):
    """Those on which they have a role: granted, through a group, or inherited; disabled ones too, domains not."""
    home, other = archstone.new_domain()["id"], archstone.new_domain()["id"]
    user = archstone.new_user(home)
    path = f"/users/{user['id']}/projects"
    assert items(archstone, path) == []
    parent = archstone.new_project(home)
    child = archstone.new_project(home, parent_id=parent)
    grouped = archstone.new_project(other, enabled=False)
    archstone.new_project(home)
    archstone.grant(user, "reader", project=parent)
    archstone.grant(user, "reader", project=parent, inherited=True)
    archstone.grant(user, "reader", domain=other)
    archstone.grant(None, "reader", project=grouped, group=archstone.new_group(other, user))
    shown = {project["id"]: project for project in items(archstone, path)}
    assert shown == {project: get(archstone, "project", project) for project in (parent, child, grouped)}
    for query, found in {"enabled=false": [grouped], "enabled=true": [parent, child], f"domain_id={home}": [parent, child],
                         f"name={shown[child]['name']}": [child]}.items():
        assert ids(archstone, f"{path}?{query}") == sorted(found), query
    own = archstone.token({"id": user["id"]}, user["password"])
    assert len(archstone.expect(200, "GET", f"/v3{path}", token=own)["projects"]) == 3
    assert message(call(archstone, "GET", f"/users/{NOBODY}/projects"), 404) == f"Could not find user: {NOBODY}."


# -- links to identities at identity providers -------------------------------------------------------------------------
# Keystone asks for the protocol to exist; Archstone has no protocols yet and accepts any id. What needs a protocol gets one
# where there are any.

def identity_provider(archstone, *protocols):
    """A new identity provider with these protocols; its id."""
    idp = create_identity_provider(archstone)["id"]
    rules = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "UserName"}]}]
    if call(archstone, "PUT", f"/OS-FEDERATION/mappings/{idp}", {"mapping": {"rules": rules}}).status_code == 201:
        for protocol in protocols:
            path = f"/OS-FEDERATION/identity_providers/{idp}/protocols/{protocol}"
            done(archstone, "PUT", path, {"protocol": {"mapping_id": idp}}, status=201)
    return idp


def links(idp, **unique_ids):
    """The member `federated` with a unique id per protocol."""
    return [{"idp_id": idp, "protocols": [{"protocol_id": protocol, "unique_id": value} for protocol, value in unique_ids.items()]}]


def test_federated_links_are_created_shown_and_replaced(archstone):
    idp = identity_provider(archstone, "saml2", "oidc")
    user = make(archstone, "user", federated=links(idp, saml2="first"))
    assert user["federated"] == links(idp, saml2="first")
    assert get(archstone, "user", user["id"]) == user
    assert updated(archstone, "user", user["id"], federated=links(idp, oidc="second"))["federated"] == links(idp, oidc="second")
    assert updated(archstone, "user", user["id"], description="d")["federated"] == links(idp, oidc="second")
    listed = items(archstone, f"/users?idp_id={idp}")
    assert [user["id"] for user in listed] == [user["id"]] and "federated" not in listed[0]
    assert "federated" not in make(archstone, "user", federated=[])
    archstone.expect(204, "DELETE", f"{BASE}/{idp}", token=archstone.admin_token)
    assert "federated" not in get(archstone, "user", user["id"])


def test_an_identity_is_one_users(archstone):
    idp = identity_provider(archstone, "saml2")
    make(archstone, "user", federated=links(idp, saml2="taken"))
    second = make(archstone, "user", federated=links(idp, saml2="free"))
    for answer in (post(archstone, "user", {"name": unique(), "federated": links(idp, saml2="taken")}),
                   patch(archstone, "user", second["id"], federated=links(idp, saml2="taken"))):
        assert message(answer, 409) == "Conflict occurred attempting to store federated_user - Duplicate entry."
    assert get(archstone, "user", second["id"]) == second


def test_filters_by_identity(archstone):
    idp, other = identity_provider(archstone, "saml2", "oidc"), identity_provider(archstone, "saml2")
    first = unique("a")
    one = make(archstone, "user", federated=links(idp, saml2=first, oidc="shared"))
    two = make(archstone, "user", federated=links(other, saml2="shared"))
    for query, found in {f"idp_id={idp}": [one], f"idp_id={other}": [two], f"idp_id={idp}&unique_id=shared": [one],
                         f"idp_id={idp}&protocol_id=saml2&unique_id={first}": [one],
                         f"idp_id={idp}&unique_id=nobody": [], f"idp_id={NOBODY}": [], f"idp_id={other}&name={two['name']}": [two],
                         f"idp_id={other}&name={one['name']}": []}.items():
        assert ids(archstone, f"/users?{query}") == sorted(user["id"] for user in found), query


def test_a_linked_user_is_listed_once(archstone):
    idp = identity_provider(archstone, "saml2", "oidc")
    user = make(archstone, "user", federated=links(idp, saml2="a", oidc="b"))
    assert ids(archstone, f"/users?name={user['name']}") == [user["id"]]


@pytest.mark.parametrize("federated", [
    {}, [{"idp_id": "i"}], [{"idp_id": "i", "protocols": []}], [{"idp_id": "i", "protocols": [{}]}],
    [{"idp_id": "i", "protocols": [{"protocol_id": "p"}]}], [{"idp_id": "i", "protocols": [{"protocol_id": "p", "unique_id": 7}]}],
])
def test_a_malformed_link_is_400(archstone, federated):
    message(post(archstone, "user", {"name": unique(), "federated": federated}), 400)


def test_a_link_to_an_unknown_identity_provider_is_400(archstone):
    said = message(post(archstone, "user", {"name": unique(), "federated": links("no-such-idp", saml2="x")}), 400)
    assert said.rstrip(".") == "Could not find Identity Provider: no-such-idp"
