"""`openstack role …` and `openstack implied role …`: global and domain-specific roles, immutability, inference."""

from harness import unique


def test_roles_from_creation_to_deletion(osc):
    name, renamed = unique("role"), unique("role")
    created, shown, listed, again, taken, changed, gone, more = osc(f"""
        role create --description made-by-the-client {name}
        role show {name}
        role list
        role create --or-show {name}
        ! role create {name}
        role set --name {renamed} --description new {name}
        role show {renamed}
        role delete {renamed}
        ! role show {renamed}
        ! role delete {renamed}
    """)
    assert created == {"id": created["id"], "name": name, "domain_id": None, "description": "made-by-the-client"}
    assert shown == again == created
    assert {"admin", "manager", "member", "reader", "service", name} <= {row["Name"] for row in listed}
    assert "409" in taken
    assert changed == created | {"name": renamed, "description": "new"}
    assert gone == f"No Role found for {renamed}" and "1 of 1 roles failed to delete." in more


def test_a_role_of_a_domain(archstone, osc):
    domain, name = archstone.new_domain(), unique("role")
    created, same_name, shown, listed, everywhere, changed, unfound = osc(f"""
        role create --domain {domain['name']} {name}
        role create {name}
        role show --domain {domain['name']} {name}
        role list --domain {domain['name']}
        role list
        role set --domain {domain['name']} --description new {name}
        role show --domain {domain['name']} {name}
        role delete --domain {domain['name']} {name}
        ! role show --domain {domain['name']} {name}
    """)
    assert created["domain_id"] == domain["id"] and same_name["domain_id"] is None and same_name["id"] != created["id"]
    assert shown == created
    assert listed == [{"ID": created["id"], "Name": name, "Domain": domain["name"]}]
    found = {row["ID"] for row in everywhere}
    assert same_name["id"] in found and created["id"] not in found, "domains' roles are not among the global ones"
    assert changed == created | {"description": "new"}
    assert unfound == f"No Role found for {name}"


def test_an_immutable_role(osc):
    name = unique("role")
    _, unchanged, undeleted, admin = osc(f"""
        role create --immutable {name}
        ! role set --description changed {name}
        ! role delete {name}
        role set --no-immutable {name}
        role delete {name}
        ! role delete admin
    """)
    assert "403" in unchanged and "403" in undeleted and "403" in admin


def test_implied_roles(archstone, osc):
    prior, implied, last = (unique(n) for n in ("prior", "implied", "last"))
    a, b, c, first, second, listed, effective, unknown = osc(f"""
        role create {prior}
        role create {implied}
        role create {last}
        implied role create --implied-role {implied} {prior}
        implied role create --implied-role {last} {implied}
        implied role list
        role assignment list --user admin --effective --names
        ! implied role delete --implied-role {last} {prior}
    """)
    assert first == {"prior_role": a["id"], "implies": b["id"]} and second == {"prior_role": b["id"], "implies": c["id"]}
    pairs = {(row["Prior Role Name"], row["Implied Role Name"]) for row in listed}
    assert {(prior, implied), (implied, last), ("admin", "manager"), ("manager", "member"), ("member", "reader")} <= pairs
    assert {"Prior Role ID": a["id"], "Prior Role Name": prior, "Implied Role ID": b["id"], "Implied Role Name": implied} in listed
    assert {"admin", "manager", "member", "reader"} <= {row["Role"] for row in effective}
    assert "404" in unknown
    user, project = archstone.new_user(), archstone.new_project()
    archstone.grant(user, prior, project=project)
    token = archstone.login({"id": user["id"]}, user["password"], project=project).json()["token"]
    assert {r["name"] for r in token["roles"]} == {prior, implied, last}
    [left] = osc(f"""
        implied role delete --implied-role {implied} {prior}
        implied role list
    """)
    assert (prior, implied) not in {(row["Prior Role Name"], row["Implied Role Name"]) for row in left}
    token = archstone.login({"id": user["id"]}, user["password"], project=project).json()["token"]
    assert {r["name"] for r in token["roles"]} == {prior}
