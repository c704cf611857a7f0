"""`openstack domain …`: what an administrator types."""

from harness import unique


def test_domains_from_creation_to_deletion(archstone, osc):
    name, renamed, other = unique("domain"), unique("domain"), unique("domain")
    created, shown, listed, enabled, named, again, off, taken, refused = osc(f"""
        domain create --description made-by-the-client {name}
        domain show {name}
        domain list
        domain list --enabled
        domain list --name {name}
        domain create --or-show {name}
        domain create --disable {other}
        ! domain create {name}
        ! domain delete {name}
    """)
    assert created == {"id": created["id"], "name": name, "enabled": True, "description": "made-by-the-client", "options": {}}
    assert shown == again == created
    row = {"ID": created["id"], "Name": name, "Enabled": True, "Description": "made-by-the-client"}
    assert row in listed and row in enabled and named == [row]
    assert off["enabled"] is False and off["id"] not in [d["ID"] for d in archstone.openstack("domain", "list", "--enabled")]
    assert "HTTP 409" in taken or "409" in taken
    assert "403" in refused, "an enabled domain stays"
    changed, gone, more = osc(f"""
        domain set --disable --description off --name {renamed} {name}
        domain show {created['id']}
        domain delete {renamed} {other}
        ! domain show {renamed}
        ! domain delete {renamed}
    """)
    assert changed == created | {"name": renamed, "enabled": False, "description": "off"}
    assert gone == f"No Domain found for {renamed}" and "1 of 1 domains failed to delete." in more


def test_an_immutable_domain(osc):
    name = unique("domain")
    created, unchanged, undeleted, free = osc(f"""
        domain create --immutable --disable {name}
        ! domain set --description changed {name}
        ! domain delete {name}
        domain set --no-immutable {name}
        domain show {name}
        domain delete {name}
    """)
    assert created["options"] == {"immutable": True}
    assert "403" in unchanged and "403" in undeleted
    assert free["options"] == {"immutable": False}
