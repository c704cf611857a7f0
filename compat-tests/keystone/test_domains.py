"""Domains: what `test_identity.py` leaves out: explicit ids, tags and options, and what goes with a deleted domain."""

import uuid

import pytest

from harness import DEFAULT_DOMAIN, unique
from identity_calls import IMMUTABLE, NOBODY, call, done, get, items, make, message, patch, post, updated
from identity_provider_calls import create as create_identity_provider, get as get_identity_provider


def test_a_new_domain_has_exactly_these_members(archstone):
    name = unique("domain")
    domain = post(archstone, "domain", {"name": name}).json()["domain"]
    assert domain == {"id": domain["id"], "name": name, "description": "", "enabled": True, "tags": [], "options": {},
                      "links": {"self": f"{archstone.url}/v3/domains/{domain['id']}"}}
    assert get(archstone, "domain", domain["id"]) == domain
    assert items(archstone, f"/domains?name={name}") == [domain]
    assert items(archstone, f"/domains?name={name}&enabled=false") == []


def test_an_explicit_id_is_a_uuid_without_hyphens(archstone):
    wanted = uuid.uuid4().hex
    assert make(archstone, "domain", explicit_domain_id=wanted)["id"] == wanted
    said = message(post(archstone, "domain", {"name": unique(), "explicit_domain_id": wanted}), 409)
    assert said.startswith("Conflict occurred attempting to store project - ")
    for bad in ("my-id", wanted.upper(), wanted[1:], str(uuid.UUID(wanted))):
        said = message(post(archstone, "domain", {"name": unique(), "explicit_domain_id": bad}), 400)
        assert said == "Domain ID does not conform to required UUID format."
    for bad in (7, None, "a/b", ""):
        message(post(archstone, "domain", {"name": unique(), "explicit_domain_id": bad}), 400)
    assert make(archstone, "domain", id=uuid.uuid4().hex)["id"] != wanted


@pytest.mark.parametrize("fields", [{"name": "x" * 65}, {"name": " "}, {"tags": ["a", "a"]}, {"tags": ["a,b"]},
                                    {"options": {"other": True}}, {"options": {"immutable": 7}}, {"enabled": "true"}])
def test_a_bad_create_is_400(archstone, fields):
    message(post(archstone, "domain", {"name": unique()} | fields), 400)


def test_names_are_unique_and_lose_their_outer_spaces(archstone):
    domain = make(archstone, "domain", name=f" {unique('spaced')} ")
    assert domain["name"] == domain["name"].strip()
    said = message(post(archstone, "domain", {"name": domain["name"]}), 409)
    assert said == ("Conflict occurred attempting to store project - it is not permitted to have two projects acting as domains with the "
                    f"same name: {domain['name']}.")


def test_tags_and_options(archstone):
    domain = make(archstone, "domain", tags=["b", "a"], options={"immutable": False})
    assert sorted(domain["tags"]) == ["a", "b"] and domain["options"] == {"immutable": False}
    changed = updated(archstone, "domain", domain["id"], tags=["c"], options={"immutable": None})
    assert (changed["tags"], changed["options"]) == (["c"], {})
    assert done(archstone, "GET", f"/projects/{domain['id']}/tags", status=200)["tags"] == ["c"]


def test_an_empty_update_is_400_and_what_is_a_projects_is_ignored(archstone):
    domain = make(archstone, "domain")
    message(patch(archstone, "domain", domain["id"]), 400)
    for ignored in ({"parent_id": NOBODY}, {"is_domain": False}, {"domain_id": DEFAULT_DOMAIN}):
        assert updated(archstone, "domain", domain["id"], **ignored) == domain


def test_an_immutable_domain_is_neither_changed_nor_deleted(archstone):
    domain = make(archstone, "domain", options={"immutable": True})
    refusal = IMMUTABLE.format(verb="update", kind="domain", id=domain["id"])
    for change in ({"description": "x"}, {"enabled": False}, {"enabled": False, "options": {"immutable": False}}):
        assert message(patch(archstone, "domain", domain["id"], **change), 403) == refusal
    said = message(call(archstone, "DELETE", f"/domains/{domain['id']}"), 403)
    assert said == IMMUTABLE.format(verb="delete", kind="domain", id=domain["id"])
    updated(archstone, "domain", domain["id"], options={"immutable": False})
    updated(archstone, "domain", domain["id"], enabled=False)
    done(archstone, "DELETE", f"/domains/{domain['id']}")


def test_an_unknown_domain_is_404(archstone):
    for method in ("GET", "PATCH", "DELETE"):
        answer = call(archstone, method, f"/domains/{NOBODY}", {"domain": {"name": "x"}} if method == "PATCH" else None)
        assert message(answer, 404) == f"Could not find domain: {NOBODY}."


class Inhabited:
    """A domain with everything in it that goes with it, and somebody of another domain with ties to it."""

    def __init__(self, archstone):
        self.id = archstone.new_domain()["id"]
        self.outside = archstone.new_domain()["id"]
        self.project = archstone.new_project(self.id)
        self.child = archstone.new_project(self.id, parent_id=self.project)
        self.grandchild = archstone.new_project(self.id, parent_id=self.child)
        self.elsewhere = archstone.new_project(self.outside)
        self.user, self.guest = archstone.new_user(self.id), archstone.new_user(self.outside)
        self.group = archstone.new_group(self.id, self.user, self.guest)
        self.role, self.own_role = make(archstone, "role"), make(archstone, "role", domain_id=self.id)
        self.idp = create_identity_provider(archstone, domain_id=self.id)["id"]
        archstone.grant(self.guest, self.role, project=self.grandchild)
        archstone.grant(self.guest, self.role, domain=self.id)
        archstone.grant(self.guest, self.role, domain=self.id, inherited=True)
        archstone.grant(self.user, self.role, project=self.elsewhere)
        archstone.grant(self.user, self.role, system=True)
        archstone.grant(None, self.role, project=self.elsewhere, group=self.group)

    def delete(self, archstone):
        updated(archstone, "domain", self.id, enabled=False)
        return call(archstone, "DELETE", f"/domains/{self.id}")


def test_a_domain_is_deleted_disabled_with_everything_in_it(archstone):
    world = Inhabited(archstone)
    said = message(call(archstone, "DELETE", f"/domains/{world.id}"), 403)
    assert said == "Cannot delete a domain that is enabled, please disable it first."
    assert len(items(archstone, f"/role_assignments?role.id={world.role['id']}")) == 6
    assert world.delete(archstone).status_code == 204
    gone = [f"/domains/{world.id}", f"/users/{world.user['id']}", f"/groups/{world.group['id']}"]
    gone += [f"/projects/{project}" for project in (world.id, world.project, world.child, world.grandchild)]
    for path in gone:
        message(call(archstone, "GET", path), 404)
    assert get_identity_provider(archstone, world.idp).status_code == 404
    assert items(archstone, f"/role_assignments?role.id={world.role['id']}") == []
    assert items(archstone, f"/users/{world.guest['id']}/groups") == []
    assert items(archstone, f"/projects?domain_id={world.id}") == []
    assert get(archstone, "project", world.elsewhere)["id"] == world.elsewhere


def test_the_domains_own_roles_go_with_it(archstone):
    world = Inhabited(archstone)
    done(archstone, "PUT", f"/roles/{world.own_role['id']}/implies/{world.role['id']}", status=201)
    assert world.delete(archstone).status_code == 204
    message(call(archstone, "GET", f"/roles/{world.own_role['id']}"), 404)
    assert items(archstone, f"/roles?domain_id={world.id}") == []


def test_an_immutable_project_keeps_its_domain(archstone):
    world = Inhabited(archstone)
    updated(archstone, "project", world.grandchild, options={"immutable": True})
    said = message(world.delete(archstone), 403)
    assert said == IMMUTABLE.format(verb="delete", kind="project", id=world.grandchild)
    assert get(archstone, "domain", world.id)["enabled"] is False
