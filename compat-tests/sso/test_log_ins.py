"""People who come in through an SSO configuration: who they are, their groups and roles, and when they may not (ADM-DIS-1; rulings 5,
12 and 13).

Where the documents are silent: `disabled` lets nobody new in, as `manual` does, and follows the provider in nothing.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import eventually, unique
from sso_calls import delete, get, listed, path_of, problem, send, system_admin, update
from trust import WEBSSO, user_id
from way import Way, federated, idp_path, keystone, token_of


def test_people_come_in_with_a_token(way, archstone):
    it = way()
    person = it.person()
    token, body = it.enter(person)
    assert body["user"]["id"] == user_id(it.domain, person) and body["user"]["name"] == f"{person}-name"
    assert body["user"]["domain"]["id"] == it.domain
    assert body["user"]["OS-FEDERATION"]["identity_provider"] == {"id": it.config["uuid"]} and body["user"]["OS-FEDERATION"][
        "protocol"
    ] == {"id": "oidc"}
    assert archstone.validate(token).status_code == 200
    assert it.user(body["user"]["id"])["email"] == f"{person}@example.com"
    # Again: the same account.
    assert it.enter(person)[1]["user"]["id"] == body["user"]["id"]


def test_people_come_in_by_single_sign_on(way, archstone, dashboard):
    it = way()
    person = it.person()
    token = token_of(it.websso(person, dashboard))
    assert f"client_id={it.client}" in it.asked and "scope=openid+profile+email" in it.asked.replace("%20", "+")
    assert archstone.validate(token).json()["token"]["user"]["id"] == user_id(it.domain, person)


def test_scopes_are_asked_for_as_configured(way, dashboard):
    it = way(block={"scope": "openid profile offline_access"})
    token_of(it.websso(it.person(), dashboard))
    assert "scope=openid+profile+offline_access" in it.asked.replace("%20", "+")


def test_a_redirect_uri_for_others_does_not_lead_log_ins_away(way, dashboard):
    """It is kept and shown; log-ins come back to where they began."""
    it = way(block={"redirectUri": "https://zcf.example.com/sso/callback"})
    assert it.config["oidcConfig"]["redirectUri"] == "https://zcf.example.com/sso/callback"
    token_of(it.websso(it.person(), dashboard))


def test_a_replaced_client_secret_is_the_one_that_is_used(way, archstone, dashboard):
    """The real provider gives a token for a code only to who knows it."""
    it = way()
    person = it.person()
    token_of(it.websso(person, dashboard))
    update(archstone, it.config, oidcConfig={"clientSecret": "wrong"})
    assert it.websso(person, dashboard).status_code != 200
    update(archstone, it.config, oidcConfig={"clientSecret": f"{it.client} secret"})
    token_of(it.websso(person, dashboard))
    # Read, write back: it still works.
    update(archstone, it.config, **get(archstone, it.config))
    token_of(it.websso(person, dashboard))


def test_group_mappings_give_roles_through_groups(way, archstone):
    it = way(
        groupMappings=[
            {"idpGroup": "staff", "zcfRole": "member"},
            {"idpGroup": "bosses", "zcfRole": "manager"},
            {"idpGroup": "cn=a,dc=b", "zcfRole": "reader"},
        ]
    )
    assert it.roles(it.person(groups=["staff", "others"])) == {"member", "reader"}
    assert it.roles(it.person(groups=["bosses"])) == {"manager", "member", "reader"}
    assert it.roles(it.person(groups=["staff", "bosses", "cn=a,dc=b"])) == {"manager", "member", "reader"}
    assert it.roles(it.person(groups=["cn=a,dc=b"])) == {"reader"}
    for groups in ([], ["Staff"], ["staf"], ["staff2"], ["others"], [".*"]):
        assert it.roles(it.person(groups=groups)) is None, groups
    assert it.roles(it.person()) is None
    # Through groups: no assignment of a person's own, none on the system, none elsewhere.
    _, body = it.enter(it.person(groups=["staff"]))
    assigned = keystone(archstone, f"/v3/role_assignments?user.id={body['user']['id']}")["role_assignments"]
    assert assigned == [] and len(body["user"]["OS-FEDERATION"]["groups"]) == 1
    on_domain = keystone(archstone, f"/v3/role_assignments?scope.domain.id={it.domain}")["role_assignments"]
    assert len(on_domain) == 3 and all("group" in a for a in on_domain)


def test_group_mappings_that_change(way, archstone):
    it = way(groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}])
    person = it.person(groups=["staff", "helpers"])
    assert it.roles(person) == {"member", "reader"}
    update(archstone, it.config, groupMappings=[{"idpGroup": "helpers", "zcfRole": "reader"}])
    assert it.roles(person) == {"reader"}
    update(
        archstone,
        it.config,
        groupMappings=[{"idpGroup": "helpers", "zcfRole": "reader"}, {"idpGroup": "helpers", "zcfRole": "manager"}],
    )
    assert it.roles(person) == {"manager", "member", "reader"}
    token, _ = it.enter(person)
    scoped = archstone.rescope(token, domain=it.domain).headers["X-Subject-Token"]
    update(archstone, it.config, groupMappings=[])
    assert it.roles(person) is None
    assert archstone.validate(scoped).status_code == 404, "what was got by it is void"
    on_domain = keystone(archstone, f"/v3/role_assignments?scope.domain.id={it.domain}")["role_assignments"]
    assert on_domain == []


def test_administrators_of_their_own_domain_only(way, archstone):
    """Ruling 13: a mapping to `admin` gives it on the users' domain, never on the system or another domain."""
    it = way()
    update(archstone, it.config, system_admin(archstone), groupMappings=[{"idpGroup": "idp-admins", "zcfRole": "admin"}])
    person = it.person(groups=["idp-admins"])
    assert "admin" in it.roles(person)
    token, _ = it.enter(person)
    assert archstone.rescope(token, system=True).status_code == 401
    assert archstone.rescope(token, domain="default").status_code == 401


def test_attribute_mappings_say_who_somebody_is(way, archstone):
    """Another claim for each; a dotted value walks nested claims."""
    it = way(
        attributeMappings={"username": "email", "email": "preferred_username", "groups": "level.roles", "externalId": "sub"},
        groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}],
    )
    person = it.person(level={"roles": ["staff"]}, groups=["bosses"])
    _, body = it.enter(person)
    assert body["user"]["name"] == f"{person}@example.com" and it.user(body["user"]["id"])["email"] == f"{person}-name"
    assert it.roles(person) == {"member", "reader"}
    assert it.roles(it.person(groups=["staff"])) is None


def test_claims_that_are_missing_do_not_keep_people_out(way):
    """What identifies must be there; a mail address need not."""
    it = way()
    person = it.provider.user(f"person-{unique()}", preferred_username="only-a-name")
    assert it.enter(person)[1]["user"]["name"] == "only-a-name"


def test_a_disabled_configuration_lets_nobody_in(way, archstone):
    """ADM-DIS-1."""
    it = way()
    person = it.person()
    token, _ = it.enter(person)
    update(archstone, it.config, enabled=False)
    it.refused(person)
    assert archstone.validate(token).status_code == 404 and archstone.rescope(token, unscoped=True).status_code in (401, 404)
    start = f"{WEBSSO}/identity_providers/{it.config['uuid']}/protocols/oidc/websso?origin=x"
    assert archstone.request("GET", start).status_code in (401, 403, 404)
    update(archstone, it.config, enabled=True)
    it.enter(person)


@pytest.mark.parametrize("how", ["manual", "disabled"])
def test_people_who_are_not_known_are_refused_where_nobody_is_made(way, archstone, how):
    it = way(userProvisioning=how)
    stranger = it.person()
    it.refused(stranger)
    found = keystone(archstone, f"/v3/users?domain_id={it.domain}")["users"]
    assert found == [], "nobody was made"
    # Somebody whom the administrator has made beforehand, or who came before the change, may come.
    known = it.person()
    link = {"idp_id": it.config["uuid"], "protocols": [{"protocol_id": "oidc", "unique_id": known}]}
    user = archstone.new_user(it.domain, password=None, name=f"{known}-name", federated=[link])
    if how == "manual":
        assert it.enter(known)[1]["user"]["id"] == user["id"]
    update(archstone, it.config, userProvisioning="auto")
    it.enter(stranger)
    update(archstone, it.config, userProvisioning=how)
    if how == "manual":
        it.enter(stranger)
    it.refused(it.person())


def test_groups_of_the_provider_are_made_where_that_is_wished(way, archstone):
    it = way(groupProvisioning="sync")
    names = [unique("team"), unique("team")]
    person = it.person(groups=names)
    _, body = it.enter(person)
    groups = {g["name"] for g in keystone(archstone, f"/v3/groups?domain_id={it.domain}")["groups"]}
    assert set(names) <= groups and set(names) <= {g["name"] for g in body["user"]["OS-FEDERATION"]["groups"]}
    it.provider.user(person, preferred_username=f"{person}-name", groups=names[:1])
    _, body = it.enter(person)
    assert names[1] not in {g["name"] for g in body["user"]["OS-FEDERATION"]["groups"]}
    assert names[1] not in it.groups(body["user"]["id"])


def test_groups_of_the_provider_are_not_made_otherwise(way, archstone):
    it = way(groupProvisioning="none")
    name = unique("team")
    it.enter(it.person(groups=[name]))
    assert name not in {g["name"] for g in keystone(archstone, f"/v3/groups?domain_id={it.domain}")["groups"]}


def test_a_group_of_the_provider_is_never_one_with_a_role_by_its_name(way, archstone):
    """Synchronised groups carry no role unless somebody gives it one: a group of the provider called like ours is in its own domain."""
    it = way(groupProvisioning="sync")
    group = archstone.new_group()
    archstone.grant(None, "member", domain="default", group=group)
    _, body = it.enter(it.person(groups=[group["name"]]))
    assert group["id"] not in {g["id"] for g in body["user"]["OS-FEDERATION"]["groups"]}


def test_log_ins_through_a_completed_identity_provider(archstone, provider):
    """Made on the Keystone face, completed here, used."""
    for item in listed(archstone, "limit=1000")["items"]:
        if item.get("issuer") == provider.issuer:
            delete(archstone, item, system_admin(archstone), force="true")
    id, client = federated(archstone, remote_ids=[provider.issuer]), unique("archstone")
    completed = update(
        archstone, id, oidcConfig={"clientId": client, "clientSecret": f"{client} secret", "wellKnownUrl": provider.discovery}
    )
    provider.client(client, redirect_uris=[completed["oidcConfig"]["redirectUri"]])
    person = provider.user(f"person-{unique()}", preferred_username="Ann", email="a@example.com")
    answer = archstone.request(
        "POST", f"{idp_path(id)}/protocols/oidc/auth", headers={"Authorization": f"Bearer {provider.id_token(person, client)}"}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["token"]["user"]["name"] == "Ann"
    assert delete(archstone, id, system_admin(archstone), force="true").status_code == 200


# -- what changes while people come and go -----------------------------------------------------------------------------


def test_deleting_a_configuration_ends_what_came_by_it(way, archstone):
    it = way(groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}])
    token, _ = it.enter(it.person(groups=["staff"]))
    scoped = archstone.rescope(token, domain=it.domain).headers["X-Subject-Token"]
    assert delete(archstone, it.config, propagationPolicy="Orphan").status_code == 200
    assert archstone.validate(token).status_code == archstone.validate(scoped).status_code == 404
    assert archstone.request("GET", "/v3/auth/projects", token=scoped).status_code == 401


@pytest.mark.parametrize("change", [{"enabled": False}, {"groupMappings": [{"idpGroup": "x", "zcfRole": "reader"}]}])
def test_adm_dis_1_a_log_in_that_was_on_its_way(way, archstone, dashboard, change):
    """It is judged by what is configured when the browser is back."""
    it = way()
    browser, back = it.websso(it.person(), dashboard, arrive=False)
    update(archstone, it.config, **change)
    page = browser.get(back, allow_redirects=False, timeout=20)
    assert (page.status_code == 200) is ("enabled" not in change), page.text


def test_accounts_follow_the_provider_or_do_not(way, archstone):
    it = way()
    person = it.person()
    id = it.enter(person)[1]["user"]["id"]
    it.provider.user(person, preferred_username=f"{person}-new", email="new@example.com")
    it.enter(person)
    assert (it.user(id)["name"], it.user(id)["email"]) == (f"{person}-new", "new@example.com")
    update(archstone, it.config, userProvisioning="disabled")
    it.provider.user(person, preferred_username=f"{person}-newest", email="newest@example.com")
    answer = it.present(person)
    assert answer.status_code == 201, "who is known may come"
    assert (it.user(id)["name"], it.user(id)["email"]) == (f"{person}-new", "new@example.com")


def test_groups_that_are_mapped_and_synchronised(way):
    """One group of one name: a role by the mapping, nothing by the others."""
    it = way(groupProvisioning="sync", groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}])
    person = it.person(groups=["staff", "team"])
    assert it.roles(person) == {"member", "reader"}
    _, body = it.enter(person)
    assert sorted(g["name"] for g in body["user"]["OS-FEDERATION"]["groups"]) == ["staff", "team"]
    assert it.roles(it.person(groups=["team"])) is None


@pytest.mark.parametrize(
    "name", ["x" * 255, 'a;b "é" {0} .*', "中文", "cn=admins,ou=groups,dc=example,dc=com", "%s", "a/b", "staff "]
)
def test_names_of_groups_with_everything_in_them(way, name):
    it = way(groupMappings=[{"idpGroup": name, "zcfRole": "member"}])
    assert it.roles(it.person(groups=[name.strip()])) == {"member", "reader"}
    assert it.roles(it.person(groups=["a", "b", name[:-2]])) is None


def test_a_group_that_is_there_already_gets_no_role_by_its_name(way, archstone):
    """Somebody made a group of that name in the domain, and has people in it: a mapping gives them nothing."""
    it = way()
    local = archstone.new_user(it.domain)
    archstone.new_group(it.domain, local, name="bosses")
    answer = send(archstone, "PUT", path_of(it.config), {"groupMappings": [{"idpGroup": "bosses", "zcfRole": "manager"}]})
    assert answer.status_code in (200, 409), answer.text
    assert archstone.login({"id": local["id"]}, local["password"], domain=it.domain).status_code == 401
    if answer.status_code == 200:
        assert it.roles(it.person(groups=["bosses"])) == {"manager", "member", "reader"}


def test_synchronisation_puts_nobody_into_somebody_elses_group(way, archstone):
    """A group that was made by hand is not the identity provider's to put people into, whatever it is called."""
    it = way(groupProvisioning="sync")
    bosses = archstone.new_group(it.domain, archstone.new_user(it.domain), name="bosses")
    archstone.grant(None, "manager", domain=it.domain, group=bosses)
    person = it.person(groups=["bosses", "staff"])
    assert it.roles(person) is None
    _, body = it.enter(person)
    assert it.groups(body["user"]["id"]) <= {"staff"} and [g["name"] for g in body["user"]["OS-FEDERATION"]["groups"]] == ["staff"]


def test_a_mapped_group_cannot_be_taken_away_from_under_people(way, archstone):
    """The groups of the mappings are generated, too: deleted on the Keystone face, they must not keep people out."""
    it = way(groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}])
    person = it.person(groups=["staff"])
    assert it.roles(person) == {"member", "reader"}
    for group in keystone(archstone, f"/v3/groups?domain_id={it.domain}")["groups"]:
        answer = archstone.request("DELETE", f"/v3/groups/{group['id']}", token=archstone.admin_token)
        assert answer.status_code in (204, 403, 409), answer.text
    it.enter(person)
    # Writing back mends what is missing.
    update(archstone, it.config, **get(archstone, it.config))
    assert it.roles(person) == {"member", "reader"}


def test_a_role_that_is_gone(way, archstone):
    """The row stays to be seen, gives nothing, and stands in nobody's way."""
    role = archstone.new_role()
    it = way(groupMappings=[{"idpGroup": "staff", "zcfRole": role["name"]}])
    person = it.person(groups=["staff"])
    assert it.roles(person) == {role["name"]}
    archstone.expect(204, "DELETE", f"/v3/roles/{role['id']}", token=archstone.admin_token)
    assert it.roles(person) is None
    assert update(archstone, it.config, displayName="x")["groupMappings"] == [{"idpGroup": "staff", "zcfRole": role["name"]}]
    update(archstone, it.config, groupMappings=[{"idpGroup": "staff", "zcfRole": "reader"}])
    assert it.roles(person) == {"reader"}


def test_the_domain_that_goes_takes_the_configuration_along(way, archstone):
    it = way()
    keystone(archstone, f"/v3/domains/{it.domain}", 200, "PATCH", {"domain": {"enabled": False}})
    it.refused(it.person())
    keystone(archstone, f"/v3/domains/{it.domain}", 204, "DELETE")
    problem(send(archstone, "GET", path_of(it.config)), 404)
    problem(send(archstone, "DELETE", path_of(it.config)), 404)
    assert it.config["uuid"] not in [i["uuid"] for i in listed(archstone, "limit=1000")["items"]]


def test_log_ins_among_a_deletion(way, archstone):
    """They work or are refused; the service is not to blame."""
    seen = set()
    for _ in range(5):
        it = way()
        person = it.person()
        bearer = it.provider.id_token(person, it.client)

        def act(what, it=it, bearer=bearer):
            if what == "delete":
                return delete(archstone, it.config, propagationPolicy="Foreground").status_code
            path = idp_path(it.config, "protocols/oidc/auth")
            return archstone.request("POST", path, headers={"Authorization": f"Bearer {bearer}"}).status_code

        with ThreadPoolExecutor(6) as pool:
            seen |= set(pool.map(act, ["enter", "enter", "delete", "enter", "enter", "enter"]))
    assert seen <= {200, 201, 401, 403, 404}, seen


# -- on two nodes ------------------------------------------------------------------------------------------------------


def test_what_changes_on_one_node_holds_on_the_other_within_a_second(pair, provider):
    a, b = pair
    it = Way(a, provider, groupMappings=[{"idpGroup": "staff", "zcfRole": "member"}])
    person = it.person(groups=["staff"])

    def enter_at_b():
        bearer = provider.id_token(person, it.client)
        return b.request("POST", idp_path(it.config, "protocols/oidc/auth"), headers={"Authorization": f"Bearer {bearer}"})

    assert eventually(lambda: enter_at_b().status_code == 201)
    token = enter_at_b().headers["X-Subject-Token"]
    assert b.rescope(token, domain=it.domain).status_code == 201
    update(a, it.config, enabled=False)
    assert eventually(lambda: b.validate(token).status_code == 404) and eventually(lambda: enter_at_b().status_code in (401, 403))
    update(a, it.config, enabled=True, groupMappings=[])
    assert eventually(lambda: enter_at_b().status_code == 201)
    time.sleep(1)
    assert b.rescope(enter_at_b().headers["X-Subject-Token"], domain=it.domain).status_code == 401
    update(a, it.config, oidcConfig={"clientId": "another"})
    assert eventually(lambda: enter_at_b().status_code == 401), "the token is for somebody else now"
    assert delete(a, it.config, propagationPolicy="Foreground").status_code == 200
    assert eventually(lambda: enter_at_b().status_code in (401, 403, 404))
