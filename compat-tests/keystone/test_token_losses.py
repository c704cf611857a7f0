"""KS-TOK-4: what a token of a project rests on is lost: a grant, a group, an implication, a project, a domain, a password.

On the node that made the change the effect is there with the answer; on another node of the same database within a second.
"""

import pytest

from harness import eventually, unique
from token_calls import DEAD, assert_alive, patch, statuses


class ProjectHolder:
    """A user with a token on a project below another, and no role there but the one that `give` gives.

    The user, the projects and the group are each of a domain of their own.
    """

    def __init__(self, archstone, give):
        self.home, self.domain, self.elsewhere = (archstone.new_domain()["id"] for _ in range(3))
        self.user = archstone.new_user(self.home)
        self.parent = archstone.new_project(self.domain)
        self.project = archstone.new_project(self.domain, parent_id=self.parent)
        self.group = archstone.new_group(self.elsewhere, self.user)
        self.role = archstone.new_role()
        # A role of the domain, worth what it implies.
        self.own = archstone.new_role(domain_id=self.domain)
        send(archstone, "PUT", f"roles/{self.own['id']}/implies/{self.role['id']}", 201)
        give(archstone, self)
        self.reference = {"id": self.user["id"]}
        self.token = archstone.token(self.reference, self.user["password"], project=self.project)


def send(archstone, method, path, status=204, body=None):
    archstone.expect(status, method, f"/v3/{path}", token=archstone.admin_token, json=body)


def directly(archstone, h, method="PUT"):
    archstone.grant(h.user, h.role, project=h.project, method=method)


def by_group(archstone, h, method="PUT"):
    archstone.grant(None, h.role, project=h.project, group=h.group, method=method)


def inherited_from_parent(archstone, h, method="PUT"):
    archstone.grant(h.user, h.role, project=h.parent, inherited=True, method=method)


def inherited_from_domain(archstone, h, method="PUT"):
    archstone.grant(h.user, h.role, domain=h.domain, inherited=True, method=method)


def inherited_by_group(archstone, h, method="PUT"):
    archstone.grant(None, h.role, domain=h.domain, group=h.group, inherited=True, method=method)


def by_implication(archstone, h, method="PUT"):
    archstone.grant(h.user, h.own, project=h.project, method=method)


def take(give):
    """The loss of what `give` gave."""
    def taken(archstone, h):
        give(archstone, h, method="DELETE")

    taken.__name__ = "grant_taken"
    return taken


def member_removed(archstone, h):
    send(archstone, "DELETE", f"groups/{h.group['id']}/users/{h.user['id']}")


def group_deleted(archstone, h):
    send(archstone, "DELETE", f"groups/{h.group['id']}")


def role_deleted(archstone, h):
    send(archstone, "DELETE", f"roles/{h.role['id']}")


def implication_taken(archstone, h):
    send(archstone, "DELETE", f"roles/{h.own['id']}/implies/{h.role['id']}")


def project_disabled(archstone, h):
    patch(archstone, f"/v3/projects/{h.project}", {"project": {"enabled": False}})


def project_deleted(archstone, h):
    send(archstone, "DELETE", f"projects/{h.project}")


def projects_domain_disabled(archstone, h):
    patch(archstone, f"/v3/domains/{h.domain}", {"domain": {"enabled": False}})


def projects_domain_deleted(archstone, h):
    projects_domain_disabled(archstone, h)
    send(archstone, "DELETE", f"domains/{h.domain}")


def users_domain_disabled(archstone, h):
    patch(archstone, f"/v3/domains/{h.home}", {"domain": {"enabled": False}})


def groups_domain_deleted(archstone, h):
    patch(archstone, f"/v3/domains/{h.elsewhere}", {"domain": {"enabled": False}})
    send(archstone, "DELETE", f"domains/{h.elsewhere}")


def own_password_changed(archstone, h):
    body = {"user": {"original_password": h.user["password"], "password": unique("password")}}
    send(archstone, "POST", f"users/{h.user['id']}/password", body=body)


LOSSES = [
    *((give, take(give)) for give in (by_group, inherited_from_parent, inherited_from_domain, inherited_by_group, by_implication)),
    *((give, loss) for give in (by_group, inherited_by_group) for loss in (member_removed, group_deleted, groups_domain_deleted)),
    (by_implication, implication_taken), (directly, role_deleted), (by_group, role_deleted), (by_implication, role_deleted),
    *((directly, loss) for loss in (project_disabled, project_deleted, projects_domain_disabled, projects_domain_deleted,
                                    users_domain_disabled, own_password_changed)),
]
LOSS_NAMES = [f"{give.__name__}-{loss.__name__}" for give, loss in LOSSES]


@pytest.mark.parametrize(("give", "loss"), LOSSES, ids=LOSS_NAMES)
def test_ks_tok_4_what_a_project_token_rests_on_is_lost(archstone, give, loss):
    holder, bystander = ProjectHolder(archstone, give), ProjectHolder(archstone, give)
    assert_alive(archstone, holder.token)
    loss(archstone, holder)
    assert statuses(archstone, holder.token) == DEAD
    assert archstone.login(holder.reference, holder.user["password"], project=holder.project).status_code == 401
    assert_alive(archstone, bystander.token)


@pytest.mark.parametrize(("give", "loss"), LOSSES, ids=LOSS_NAMES)
def test_ks_tok_4_what_a_project_token_rests_on_is_lost_on_the_other_node(shared_two_nodes, give, loss):
    here, there = shared_two_nodes
    holder = ProjectHolder(here, give)
    assert_alive(there, holder.token)
    loss(here, holder)
    eventually(lambda: statuses(there, holder.token) == DEAD, within=1.0)
    assert statuses(there, holder.token) == DEAD


@pytest.mark.parametrize("give", [by_group, inherited_from_parent, inherited_from_domain, inherited_by_group, by_implication],
                         ids=lambda give: give.__name__)
def test_ks_tok_4_a_token_with_roles_left_lives_on_with_fewer(archstone, give):
    def names(token):
        return {role["name"] for role in archstone.validate(token).json()["token"]["roles"]}

    holder = ProjectHolder(archstone, give)
    archstone.grant(holder.user, "reader", project=holder.project)
    assert names(holder.token) == {holder.role["name"], "reader"}
    give(archstone, holder, method="DELETE")
    assert names(holder.token) == {"reader"}
    assert_alive(archstone, holder.token)
    give(archstone, holder)
    assert names(holder.token) == {holder.role["name"], "reader"}


@pytest.mark.parametrize("give", [directly, by_group, inherited_from_domain, by_implication], ids=lambda give: give.__name__)
def test_ks_tok_4_a_token_lives_on_without_a_deleted_role(archstone, give):
    holder = ProjectHolder(archstone, give)
    archstone.grant(holder.user, "reader", project=holder.project)
    role_deleted(archstone, holder)
    assert [role["name"] for role in archstone.validate(holder.token).json()["token"]["roles"]] == ["reader"]
    assert_alive(archstone, holder.token)


@pytest.mark.parametrize("loss", [member_removed, group_deleted])
def test_ks_tok_4_what_a_group_gave_is_gone_from_tokens_with_other_roles(archstone, loss):
    """Keystone ends all tokens of who leaves a group; a token that lives on without the role is as good."""
    holder = ProjectHolder(archstone, by_group)
    archstone.grant(holder.user, "reader", project=holder.project)
    loss(archstone, holder)
    if statuses(archstone, holder.token) != DEAD:
        assert [role["name"] for role in archstone.validate(holder.token).json()["token"]["roles"]] == ["reader"]
    assert archstone.login(holder.reference, holder.user["password"], project=holder.project).status_code == 201


def test_ks_tok_4_a_new_implication_shows_in_living_tokens(archstone):
    holder, more = ProjectHolder(archstone, directly), archstone.new_role()
    path = f"roles/{holder.role['id']}/implies/{more['id']}"
    send(archstone, "PUT", path, 201)
    assert {role["id"] for role in archstone.validate(holder.token).json()["token"]["roles"]} == {holder.role["id"], more["id"]}
    send(archstone, "DELETE", path)
    assert {role["id"] for role in archstone.validate(holder.token).json()["token"]["roles"]} == {holder.role["id"]}
