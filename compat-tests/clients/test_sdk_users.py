"""openstacksdk's identity proxy: users, their passwords, groups and who is in them."""

import pytest
from openstack import exceptions

from harness import unique


def test_users(archstone, identity, held):
    domain, name = archstone.new_domain()["id"], unique("user")
    project = archstone.new_project(domain)
    created = identity.create_user(name=name, domain_id=domain, password="first-password", email="u@example.com", description="by the SDK",
                                   default_project_id=project, options={"ignore_password_expiry": True})
    kept = held("user", created.id)
    assert (kept["name"], kept["domain_id"], kept["email"], kept["description"]) == (name, domain, "u@example.com", "by the SDK")
    assert kept["default_project_id"] == project and kept["options"] == {"ignore_password_expiry": True} and kept["enabled"] is True
    assert created.is_enabled is True and created.password_expires_at is None and created.options == kept["options"]
    assert identity.get_user(created.id).name == name
    assert identity.find_user(name, domain_id=domain).id == created.id
    with pytest.raises(exceptions.ConflictException):
        identity.create_user(name=name, domain_id=domain)
    assert archstone.login({"id": created.id}, "first-password").status_code == 201
    identity.update_user(created, name=name + "-new", description="changed", is_enabled=False, email="v@example.com")
    kept = held("user", created.id)
    assert (kept["name"], kept["description"], kept["enabled"], kept["email"]) == (name + "-new", "changed", False, "v@example.com")
    assert archstone.login({"id": created.id}, "first-password").status_code == 401
    identity.delete_user(created, ignore_missing=False)
    assert held("user", created.id) is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_user(created.id)
    assert identity.find_user(name + "-new", domain_id=domain) is None


def test_lists_of_users(archstone, identity):
    domain = archstone.new_domain()["id"]
    on, off = archstone.new_user(domain), archstone.new_user(domain, enabled=False)

    def ids(**query):
        return sorted(u.id for u in identity.users(domain_id=domain, **query))

    assert ids() == sorted([on["id"], off["id"]]) and ids(is_enabled=True) == [on["id"]]
    assert ids(is_enabled=False) == ids(name=off["name"]) == [off["id"]]
    assert ids(password_expires_at="gt:2016-12-08T22:02:00Z") == [], "no password here expires"
    assert ids(unique_id="nobody") == []


def test_users_page_by_page(archstone, identity):
    domain = archstone.new_domain()["id"]
    made = sorted(archstone.new_user(domain)["id"] for _ in range(5))
    assert sorted(u.id for u in identity.users(domain_id=domain, limit=2)) == made
    first = list(identity.users(domain_id=domain, limit=2, paginated=False))
    rest = list(identity.users(domain_id=domain, marker=first[-1].id))
    assert len(first) == 2 and sorted(u.id for u in first + rest) == made


def test_a_users_password(archstone, identity):
    user = archstone.new_user()
    with pytest.raises(exceptions.HttpException) as refused:
        identity.update_password(user["id"], "not-the-password", "another-password")
    assert refused.value.status_code == 401
    identity.update_password(user["id"], user["password"], "another-password")
    assert archstone.login({"id": user["id"]}, user["password"]).status_code == 401
    assert archstone.login({"id": user["id"]}, "another-password").status_code == 201


def test_groups(archstone, identity, held):
    domain, name = archstone.new_domain()["id"], unique("group")
    created = identity.create_group(name=name, domain_id=domain, description="by the SDK")
    kept = held("group", created.id)
    assert (kept["name"], kept["domain_id"], kept["description"]) == (name, domain, "by the SDK")
    assert identity.get_group(created.id).name == name
    assert identity.find_group(name, domain_id=domain).id == created.id
    assert [g.id for g in identity.groups(domain_id=domain)] == [g.id for g in identity.groups(name=name)] == [created.id]
    with pytest.raises(exceptions.ConflictException):
        identity.create_group(name=name, domain_id=domain)
    identity.update_group(created, name=name + "-new", description="changed")
    kept = held("group", created.id)
    assert (kept["name"], kept["description"]) == (name + "-new", "changed")
    identity.delete_group(created, ignore_missing=False)
    assert held("group", created.id) is None and identity.find_group(name + "-new") is None
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_group(created.id, ignore_missing=False)


def test_membership(archstone, identity):
    domain = archstone.new_domain()["id"]
    group, user, other = archstone.new_group(domain), archstone.new_user(domain), archstone.new_user(domain)

    def members():
        answer = archstone.expect(200, "GET", f"/v3/groups/{group['id']}/users", token=archstone.admin_token)
        return sorted(u["id"] for u in answer["users"])

    assert identity.check_user_in_group(user["id"], group["id"]) is False
    identity.add_user_to_group(user["id"], group["id"])
    identity.add_user_to_group(other["id"], group["id"])
    assert members() == sorted([user["id"], other["id"]])
    assert identity.check_user_in_group(user["id"], group["id"]) is True
    assert sorted(u.id for u in identity.group_users(group["id"])) == members()
    assert [u.id for u in identity.group_users(group["id"], name=user["name"])] == [user["id"]]
    assert [g.id for g in identity.user_groups(user["id"])] == [group["id"]]
    identity.remove_user_from_group(user["id"], group["id"])
    assert members() == [other["id"]] and identity.check_user_in_group(user["id"], group["id"]) is False
    for missing in (identity.remove_user_from_group, identity.add_user_to_group):
        with pytest.raises(exceptions.NotFoundException):
            missing(user["id"] if missing == identity.remove_user_from_group else unique("nobody"), group["id"])
