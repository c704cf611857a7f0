"""`openstack project …`: the tree, tags, properties, options."""

from harness import unique


def ids(rows):
    """The ids of a list."""
    return {row["ID"] for row in rows}


def test_projects_from_creation_to_deletion(domain, osc):
    name, renamed = unique("project"), unique("project")
    created, shown, listed, long, again, off, taken, disabled, enabled = osc(f"""
        project create --domain {domain['name']} --description made-by-the-client --property colour=red {name}
        project show --domain {domain['name']} {name}
        project list --domain {domain['name']}
        project list --domain {domain['id']} --long
        project create --domain {domain['name']} --or-show {name}
        project create --domain {domain['name']} --disable {name}-off
        ! project create --domain {domain['name']} {name}
        project list --domain {domain['name']} --disabled
        project list --domain {domain['name']} --enabled
    """)
    assert created == {"id": created["id"], "name": name, "domain_id": domain["id"], "parent_id": domain["id"], "is_domain": False,
                       "enabled": True, "description": "made-by-the-client", "options": {}, "tags": [], "colour": "red"}
    assert shown == again == created
    assert listed == [{"ID": created["id"], "Name": name}]
    assert long == [{"ID": created["id"], "Name": name, "Domain ID": domain["id"], "Description": "made-by-the-client", "Enabled": True}]
    assert off["enabled"] is False and ids(disabled) == {off["id"]} and ids(enabled) == {created["id"]}
    assert "409" in taken
    changed, gone, more = osc(f"""
        project set --domain {domain['name']} --name {renamed} --description new --disable --property colour=blue \
            --property size=7 {name}
        project show {created['id']}
        project delete --domain {domain['name']} {renamed} {off['id']}
        ! project show {created['id']}
        ! project delete --domain {domain['name']} {renamed}
    """)
    assert changed == created | {"name": renamed, "description": "new", "enabled": False, "colour": "blue", "size": "7"}
    assert gone == f"No Project found for {created['id']}" and "1 of 1 projects failed to delete." in more


def test_the_tree(domain, osc):
    top, middle, leaf = (unique(n) for n in ("top", "middle", "leaf"))
    a, b, c = osc(f"""
        project create --domain {domain['name']} {top}
        project create --domain {domain['name']} --parent {top} {middle}
        project create --domain {domain['name']} --parent {middle} {leaf}
    """)
    assert (a["parent_id"], b["parent_id"], c["parent_id"]) == (domain["id"], a["id"], b["id"])
    above, below, children, taken, kept = osc(f"""
        project show --parents {c['id']}
        project show --children {a['id']}
        project list --parent {top} --domain {domain['name']}
        ! project delete {a['id']}
        project show {a['id']}
    """)
    assert above["parents"] == {b["id"]: {a["id"]: {domain["id"]: None}}}
    assert below["subtree"] == {b["id"]: {c["id"]: None}}
    assert ids(children) == {b["id"]}
    assert "403" in taken and kept["id"] == a["id"], "a project with others below it stays"


def test_tags(domain, osc):
    one, two, three = (unique("project") for _ in range(3))
    red, green, blue = unique("red"), unique("green"), unique("blue")
    first, second, third, every, either, not_every, neither = osc(f"""
        project create --domain {domain['name']} --tag {red} --tag {green} {one}
        project create --domain {domain['name']} --tag {red} {two}
        project create --domain {domain['name']} {three}
        project list --domain {domain['name']} --tags {red},{green}
        project list --domain {domain['name']} --tags-any {red},{green}
        project list --domain {domain['name']} --not-tags {red},{green}
        project list --domain {domain['name']} --not-tags-any {red},{green}
    """)
    assert (sorted(first["tags"]), second["tags"], third["tags"]) == (sorted([red, green]), [red], [])
    a, b, c = first["id"], second["id"], third["id"]
    assert (ids(every), ids(either), ids(not_every), ids(neither)) == ({a}, {a, b}, {b, c}, {c})
    added, taken, cleared = osc(f"""
        project set --tag {blue} {a}
        project show {a}
        project set --remove-tag {red} {a}
        project show {a}
        project set --clear-tags {a}
        project show {a}
    """)
    assert set(added["tags"]) == {red, green, blue} and set(taken["tags"]) == {green, blue} and cleared["tags"] == []


def test_an_immutable_project(domain, osc):
    name = unique("project")
    created, unchanged, undeleted, free = osc(f"""
        project create --domain {domain['name']} --immutable {name}
        ! project set --domain {domain['name']} --description changed {name}
        ! project delete --domain {domain['name']} {name}
        project set --domain {domain['name']} --no-immutable {name}
        project show --domain {domain['name']} {name}
        project delete --domain {domain['name']} {name}
    """)
    assert created["options"] == {"immutable": True} and free["options"] == {"immutable": False}
    assert "403" in unchanged and "403" in undeleted


def test_a_project_that_acts_as_a_domain(osc):
    name = unique("domain")
    created, shown = osc(f"""
        project create --property is_domain=true {name}
        domain show {name}
    """)
    assert created["is_domain"] is True and shown["id"] == created["id"]
    assert created["domain_id"] is None and created["parent_id"] is None


def test_pages(archstone, domain, osc):
    made = sorted(archstone.new_project(domain["id"]) for _ in range(5))
    all_of_them, two = osc(f"""
        project list --domain {domain['name']} --limit 2
        project list --domain {domain['name']} --limit 2 --max-items 2
    """)
    assert sorted(p["ID"] for p in all_of_them) == made and len(two) == 2


def test_a_member_sees_the_own_projects(archstone, domain, osc):
    user, project, other = archstone.new_user(domain["id"]), archstone.new_project(domain["id"]), archstone.new_project(domain["id"])
    archstone.grant(user, "member", project=project)
    env = archstone.user_env(user, project=project)
    mine, fallback, shown, refused = osc(f"""
        project list --my-projects
        project list
        project show {project}
        ! project show {other}
    """, env=env)
    assert ids(mine) == ids(fallback) == {project} and shown["id"] == project
    assert "403" in refused or "No Project found" in refused
    [by_user] = osc(f"project list --user {user['id']}")
    assert ids(by_user) == {project}
