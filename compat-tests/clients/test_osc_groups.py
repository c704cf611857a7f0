"""`openstack group …`: groups and who is in them."""

from harness import unique


def test_groups_from_creation_to_deletion(domain, osc):
    name, renamed = unique("group"), unique("group")
    created, shown, listed, long, again, taken, changed, gone, more = osc(f"""
        group create --domain {domain['name']} --description made-by-the-client {name}
        group show --domain {domain['name']} {name}
        group list --domain {domain['name']}
        group list --domain {domain['name']} --long
        group create --domain {domain['id']} --or-show {name}
        ! group create --domain {domain['name']} {name}
        group set --domain {domain['name']} --name {renamed} --description new {name}
        group show {renamed}
        group delete --domain {domain['name']} {renamed}
        ! group show {renamed}
        ! group delete --domain {domain['name']} {renamed}
    """)
    assert created == {"id": created["id"], "name": name, "domain_id": domain["id"], "description": "made-by-the-client"}
    assert shown == again == created
    assert listed == [{"ID": created["id"], "Name": name}]
    assert long == [{"ID": created["id"], "Name": name, "Domain ID": domain["id"], "Description": "made-by-the-client"}]
    assert "409" in taken
    assert changed == created | {"name": renamed, "description": "new"}
    assert gone == f"No Group found for {renamed}" and "1 of 1 groups failed to delete." in more


def test_membership(archstone, domain, osc):
    a, b = archstone.new_user(domain["id"]), archstone.new_user(domain["id"])
    group = archstone.new_group(domain["id"])
    of = f"--group-domain {domain['name']} --user-domain {domain['name']}"
    held, users, groups, absent, left = osc(f"""
        group add user {of} {group['name']} {a['name']} {b['name']}
        group contains user {of} {group['name']} {a['name']}
        user list --group {group['id']}
        group list --user {a['name']} --user-domain {domain['name']}
        group remove user {of} {group['name']} {a['name']}
        ! group contains user {of} {group['name']} {a['name']}
        user list --group {group['id']}
    """)
    assert held == f"{a['name']} in group {group['name']}"
    assert {row["ID"] for row in users} == {a["id"], b["id"]}
    assert groups == [{"ID": group["id"], "Name": group["name"]}]
    assert absent == f"{a['name']} not in group {group['name']}"
    assert [row["ID"] for row in left] == [b["id"]]
    [missing, never] = osc(f"""
        ! group add user {group['id']} {unique('nobody')}
        ! group remove user {group['id']} {a['id']}
    """)
    assert "1 of 1 users not added to group" in missing
    assert "1 of 1 users not removed from group" in never, "who is not in it cannot be taken out"


def test_a_user_sees_the_own_groups(archstone, domain, osc):
    user = archstone.new_user(domain["id"])
    group = archstone.new_group(domain["id"], user)
    archstone.new_group(domain["id"])
    mine, refused = osc(f"""
        group list --user {user['id']}
        ! group list
    """, env=archstone.user_env(user))
    assert [row["ID"] for row in mine] == [group["id"]] and "403" in refused
