"""`openstack user …`: accounts, their options, and one's own password."""

from harness import unique


def ids(rows):
    """The ids of a list."""
    return {row["ID"] for row in rows}


def test_users_from_creation_to_deletion(archstone, domain, osc):
    name, renamed, project = unique("user"), unique("user"), unique("project")
    home, created, shown, listed, long, again, off, taken, disabled, enabled = osc(f"""
        project create --domain {domain['name']} {project}
        user create --domain {domain['name']} --project {project} --project-domain {domain['name']} --password first-password \
            --email u@example.com --description made-by-the-client {name}
        user show --domain {domain['name']} {name}
        user list --domain {domain['name']}
        user list --domain {domain['name']} --long
        user create --domain {domain['name']} --password other-password --or-show {name}
        user create --domain {domain['id']} --password other-password --disable {name}-off
        ! user create --domain {domain['name']} --password other-password {name}
        user list --domain {domain['name']} --disabled
        user list --domain {domain['name']} --enabled
    """)
    assert created == {"id": created["id"], "name": name, "domain_id": domain["id"], "default_project_id": home["id"], "enabled": True,
                       "email": "u@example.com", "description": "made-by-the-client", "password_expires_at": None, "options": {}}
    assert shown == again == created
    assert listed == [{"ID": created["id"], "Name": name}]
    assert long == [{"ID": created["id"], "Name": name, "Project": home["id"], "Domain": domain["id"], "Email": "u@example.com",
                     "Description": "made-by-the-client", "Enabled": True}]
    assert off["enabled"] is False and ids(disabled) == {off["id"]} and ids(enabled) == {created["id"]}
    assert "409" in taken
    assert archstone.login({"id": created["id"]}, "first-password").status_code == 201
    osc(f"user set --domain {domain['name']} --name {renamed} --password second-password --email v@example.com --description new {name}")
    assert archstone.login({"id": created["id"]}, "first-password").status_code == 401
    assert archstone.login({"id": created["id"]}, "second-password").status_code == 201
    changed, gone, more = osc(f"""
        user set --disable {created['id']}
        user show {created['id']}
        user delete --domain {domain['name']} {renamed} {name}-off
        ! user show {created['id']}
        ! user delete --domain {domain['name']} {renamed}
    """)
    assert changed == created | {"name": renamed, "email": "v@example.com", "description": "new", "enabled": False}
    assert gone == f"No User found for {created['id']}" and "1 of 1 users failed to delete." in more


def test_options(domain, osc):
    name = unique("user")
    created, shown, changed = osc(f"""
        user create --domain {domain['id']} --password a-password --ignore-lockout-failure-attempts --ignore-password-expiry \
            --ignore-change-password-upon-first-use --enable-lock-password --enable-multi-factor-auth \
            --multi-factor-auth-rule password,totp --multi-factor-auth-rule password,token {name}
        user show --domain {domain['id']} {name}
        user set --domain {domain['id']} --no-ignore-lockout-failure-attempts --no-ignore-password-expiry \
            --no-ignore-change-password-upon-first-use --disable-lock-password --disable-multi-factor-auth \
            --multi-factor-auth-rule password {name}
        user show --domain {domain['id']} {name}
    """)
    switches = ("ignore_lockout_failure_attempts", "ignore_password_expiry", "ignore_change_password_upon_first_use", "lock_password",
                "multi_factor_auth_enabled")
    rules = created["options"].pop("multi_factor_auth_rules")
    assert sorted(rules) == [["password", "token"], ["password", "totp"]]
    assert created["options"] == {switch: True for switch in switches}
    assert shown["options"] == created["options"] | {"multi_factor_auth_rules": rules}
    assert changed["options"] == {switch: False for switch in switches} | {"multi_factor_auth_rules": [["password"]]}


def test_ones_own_password(archstone, domain, osc):
    user, locked = archstone.new_user(domain["id"]), archstone.new_user(domain["id"], options={"lock_password": True})
    change = "user password set --original-password {} --password a-new-password"
    [wrong] = osc("! " + change.format("not-the-password"), env=archstone.user_env(user))
    assert "401" in wrong
    [kept] = osc("! " + change.format(locked["password"]), env=archstone.user_env(locked))
    assert "400" in kept
    assert osc(change.format(user["password"]), env=archstone.user_env(user)) == []
    assert archstone.login({"id": user["id"]}, user["password"]).status_code == 401
    assert archstone.login({"id": user["id"]}, "a-new-password").status_code == 201


def test_users_of_a_group_and_of_a_project(archstone, domain, osc):
    member, twice, other = (archstone.new_user(domain["id"]) for _ in range(3))
    group = archstone.new_group(domain["id"], member, twice)
    project = archstone.new_project(domain["id"])
    archstone.grant(twice, "member", project=project)
    archstone.grant(twice, "reader", project=project)
    archstone.grant(other, "member", project=project)
    archstone.grant(None, "member", project=project, group=group)
    by_group, by_name, by_project, long = osc(f"""
        user list --group {group['id']}
        user list --domain {domain['id']} --group {group['name']}
        user list --project {project}
        user list --group {group['id']} --long
    """)
    assert ids(by_group) == ids(by_name) == {member["id"], twice["id"]}
    assert ids(by_project) == {twice["id"], other["id"]}, "grants to the users themselves"
    assert {row["Domain"] for row in long} == {domain["id"]}


def test_pages(archstone, domain, osc):
    made = sorted(archstone.new_user(domain["id"])["id"] for _ in range(5))
    everyone, two = osc(f"""
        user list --domain {domain['name']} --limit 2
        user list --domain {domain['name']} --limit 2 --max-items 2
    """)
    assert sorted(u["ID"] for u in everyone) == made and len(two) == 2


def test_a_user_sees_the_own_account(archstone, domain, osc):
    user, other = archstone.new_user(domain["id"]), archstone.new_user(domain["id"])
    shown, refused, unlisted = osc(f"""
        user show {user['id']}
        ! user show {other['id']}
        ! user list
    """, env=archstone.user_env(user))
    assert shown["id"] == user["id"] and "email" in shown
    assert "403" in refused and "403" in unlisted
