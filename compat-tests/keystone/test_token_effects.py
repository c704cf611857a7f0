"""KS-TOK-4: what happens to tokens when their user, domain, password or roles change; `test_token_losses.py` goes on with it.

On the node that made the change the effect is there with the answer; on another node of the same database within a second.
"""

import time

import pytest

from harness import eventually, unique
from token_calls import ALIVE, DEAD, assert_alive, patch, statuses


class Holder:
    """A user of a domain of their own with the role `member` on it, and a token for that."""

    def __init__(self, archstone):
        self.domain = archstone.new_domain()
        self.user = archstone.new_user(self.domain["id"])
        archstone.grant(self.user, "member", domain=self.domain["id"])
        self.reference = {"id": self.user["id"]}
        self.token = archstone.token(self.reference, self.user["password"], domain=self.domain["id"])


def disable_user(archstone, holder):
    patch(archstone, f"/v3/users/{holder.user['id']}", {"user": {"enabled": False}})


def delete_user(archstone, holder):
    archstone.expect(204, "DELETE", f"/v3/users/{holder.user['id']}", token=archstone.admin_token)


def change_password(archstone, holder):
    patch(archstone, f"/v3/users/{holder.user['id']}", {"user": {"password": unique("password")}})


def disable_domain(archstone, holder):
    patch(archstone, f"/v3/domains/{holder.domain['id']}", {"domain": {"enabled": False}})


def delete_domain(archstone, holder):
    disable_domain(archstone, holder)
    archstone.expect(204, "DELETE", f"/v3/domains/{holder.domain['id']}", token=archstone.admin_token)


def take_role(archstone, holder):
    archstone.grant(holder.user, "member", domain=holder.domain["id"], method="DELETE")


def revoke_token(archstone, holder):
    archstone.expect(204, "DELETE", "/v3/auth/tokens", token=archstone.admin_token, headers={"X-Subject-Token": holder.token})


CHANGES = [disable_user, delete_user, change_password, disable_domain, delete_domain, take_role, revoke_token]


def fresh_token(archstone, holder, password=None):
    """A token that lives. Fernet tokens know whole seconds, and an event ends what was issued up to its own second: so one
    that is issued in the second of a change may be ended by it, as in Keystone."""
    def issue():
        token = archstone.token(holder.reference, password or holder.user["password"], domain=holder.domain["id"])
        return token if statuses(archstone, token) == ALIVE else None

    token = eventually(issue, within=2, every=0.2)
    assert token
    return token


@pytest.mark.parametrize("change", CHANGES)
def test_ks_tok_4_at_once_on_the_same_node(archstone, change):
    holder, bystander = Holder(archstone), Holder(archstone)
    assert_alive(archstone, holder.token)
    change(archstone, holder)
    assert statuses(archstone, holder.token) == DEAD
    assert_alive(archstone, bystander.token)


@pytest.mark.parametrize("change", CHANGES)
def test_ks_tok_4_within_a_second_on_the_other_node(shared_two_nodes, change):
    here, there = shared_two_nodes
    holder = Holder(here)
    assert_alive(there, holder.token)
    change(here, holder)
    eventually(lambda: statuses(there, holder.token) == DEAD, within=1.0)
    assert statuses(there, holder.token) == DEAD


def test_ks_tok_4_a_login_with_the_new_password_works(archstone):
    holder = Holder(archstone)
    password = unique("password")
    patch(archstone, f"/v3/users/{holder.user['id']}", {"user": {"password": password}})
    assert_alive(archstone, fresh_token(archstone, holder, password))
    assert archstone.login(holder.reference, holder.user["password"]).status_code == 401
    assert statuses(archstone, holder.token) == DEAD


def test_ks_tok_4_enabling_again_does_not_bring_old_tokens_back(archstone):
    holder = Holder(archstone)
    disable_user(archstone, holder)
    patch(archstone, f"/v3/users/{holder.user['id']}", {"user": {"enabled": True}})
    assert statuses(archstone, holder.token) == DEAD
    assert_alive(archstone, fresh_token(archstone, holder))
    assert statuses(archstone, holder.token) == DEAD


def test_ks_tok_4_one_of_two_roles_taken_is_gone_from_the_token(archstone):
    holder = Holder(archstone)
    archstone.grant(holder.user, "secu_admin", domain=holder.domain["id"])
    names = {role["name"] for role in archstone.validate(holder.token).json()["token"]["roles"]}
    assert names == {"member", "reader", "secu_admin"}
    archstone.grant(holder.user, "secu_admin", domain=holder.domain["id"], method="DELETE")
    names = {role["name"] for role in archstone.validate(holder.token).json()["token"]["roles"]}
    assert names == {"member", "reader"}


def test_ks_tok_4_an_unscoped_token_survives_the_loss_of_a_role(archstone):
    holder = Holder(archstone)
    unscoped = archstone.token(holder.reference, holder.user["password"])
    take_role(archstone, holder)
    assert_alive(archstone, unscoped)


def test_ks_tok_4_deleting_a_role_takes_it_from_tokens(archstone):
    holder, role = Holder(archstone), archstone.new_role()
    archstone.grant(holder.user, role["name"], domain=holder.domain["id"])
    assert role["name"] in {r["name"] for r in archstone.validate(holder.token).json()["token"]["roles"]}
    archstone.expect(204, "DELETE", f"/v3/roles/{role['id']}", token=archstone.admin_token)
    assert role["name"] not in {r["name"] for r in archstone.validate(holder.token).json()["token"]["roles"]}


def test_rel_node_2_a_token_of_one_node_works_on_the_other_at_once(shared_two_nodes):
    here, there = shared_two_nodes
    holder = Holder(here)
    assert_alive(there, holder.token)
    fresh = there.token(holder.reference, holder.user["password"], domain=holder.domain["id"])
    assert_alive(here, fresh)


def test_rel_node_2_a_revoked_chain_is_dead_on_the_other_node(shared_two_nodes):
    here, there = shared_two_nodes
    root = here.token(unscoped=True)
    child = there.rescope(root, system=True).headers["X-Subject-Token"]
    assert_alive(there, child)
    here.expect(204, "DELETE", "/v3/auth/tokens", token=here.admin_token, headers={"X-Subject-Token": root})
    eventually(lambda: statuses(there, child) == DEAD, within=1.0)
    assert statuses(there, root) == statuses(there, child) == DEAD


@pytest.mark.parametrize("change", [change_password, disable_user])
def test_rel_node_2_a_token_issued_in_the_second_of_a_change_is_the_same_on_every_node(shared_two_nodes, change):
    here, there = shared_two_nodes
    holder = Holder(here)
    # The change and the login fall into one second, the grain of a Fernet token's time.
    eventually(lambda: time.time() % 1 < 0.3, within=1)
    if change is change_password:
        path, body = f"/v3/users/{holder.user['id']}", {"user": {"password": "another-password"}}
        patch(here, path, body)
        token = here.token(holder.reference, "another-password", domain=holder.domain["id"])
    else:
        change(here, holder)
        patch(here, f"/v3/users/{holder.user['id']}", {"user": {"enabled": True}})
        token = here.token(holder.reference, holder.user["password"], domain=holder.domain["id"])
    first = statuses(here, token)
    assert first in (ALIVE, DEAD)
    assert eventually(lambda: statuses(there, token) == first, within=1.0), f"{first} here, {statuses(there, token)} there"
