"""`openstack service`, `endpoint`, `region` and `catalog`: what is offered where."""

import pytest

from harness import unique


@pytest.fixture
def service(archstone):
    """A service of the test's own; the member."""
    body = {"service": {"type": unique("type"), "name": unique("service")}}
    return archstone.expect(201, "POST", "/v3/services", token=archstone.admin_token, json=body)["service"]


def test_services_from_creation_to_deletion(osc):
    kind, name, renamed = unique("type"), unique("service"), unique("service")
    created, off, by_name, by_type, listed, long, unknown, changed, gone, more = osc(f"""
        service create --name {name} --description made-by-the-client {kind}
        service create --name {name}-other --disable {kind}-other
        service show {name}
        service show {kind}
        service list
        service list --long
        ! service show {unique('nothing')}
        service set --name {renamed} --type {kind}-new --description new --disable {name}
        service show {renamed}
        service delete {kind}-new {kind}-other
        ! service show {renamed}
        ! service delete {renamed}
    """)
    assert created == {"id": created["id"], "name": name, "type": kind, "enabled": True, "description": "made-by-the-client"}
    assert off["enabled"] is False and off["name"] == f"{name}-other"
    assert by_name == by_type == created
    assert {"ID": created["id"], "Name": name, "Type": kind} in listed
    assert {"ID": created["id"], "Name": name, "Type": kind, "Description": "made-by-the-client", "Enabled": True} in long
    assert "No service with a type, name or ID of" in unknown
    assert changed == created | {"name": renamed, "type": f"{kind}-new", "description": "new", "enabled": False}
    assert "No service with a type, name or ID of" in gone and "1 of 1 services failed to delete." in more


def test_regions_from_creation_to_deletion(osc):
    top, below, nowhere = unique("region"), unique("region"), unique("region")
    created, child, shown, listed, children, taken, orphan, changed, gone = osc(f"""
        region create --description made-by-the-client {top}
        region create --parent-region {top} {below}
        region show {below}
        region list
        region list --parent-region {top}
        ! region create {top}
        ! region create --parent-region {nowhere} {unique('region')}
        region set --description new {below}
        region show {below}
        region delete {below} {top}
        ! region show {top}
    """)
    assert created == {"region": top, "description": "made-by-the-client", "parent_region": None}
    assert child == shown and child["parent_region"] == top and child["region"] == below
    assert {"Region": top, "Parent Region": None, "Description": "made-by-the-client"} in listed
    assert [row["Region"] for row in children] == [below]
    assert "409" in taken and f"Could not find region: {nowhere}" in orphan
    assert changed == child | {"description": "new"}
    assert f"Could not find region: {top}" in gone


def test_endpoints_from_creation_to_deletion(osc, service):
    region, other, nowhere, url = unique("region"), unique("region"), unique("region"), "http://127.0.0.1:9999/v1"
    _, _, public, admin, listed, by_interface, by_region, all_three, unknown = osc(f"""
        region create {region}
        region create {other}
        endpoint create --region {region} {service['name']} public {url}
        endpoint create --region {other} --disable {service['type']} admin {url}/%(project_id)s
        endpoint list --service {service['name']}
        endpoint list --service {service['id']} --interface admin
        endpoint list --region {region}
        endpoint list --service {service['type']} --interface public --region {region}
        ! endpoint create --region {nowhere} {service['name']} internal {url}
    """)
    assert public == {"id": public["id"], "enabled": True, "interface": "public", "region": region, "region_id": region, "url": url,
                      "service_id": service["id"], "service_name": service["name"], "service_type": service["type"]}
    assert admin["enabled"] is False and admin["region_id"] == other and admin["url"] == f"{url}/%(project_id)s"
    row = {"ID": public["id"], "Region": region, "Service Name": service["name"], "Service Type": service["type"], "Enabled": True,
           "Interface": "public", "URL": url}
    assert row in listed and len(listed) == 2
    assert [e["ID"] for e in by_interface] == [admin["id"]] and by_region == all_three == [row]
    assert f"Could not find region: {nowhere}" in unknown
    changed, gone, more = osc(f"""
        endpoint set --region {other} --interface internal --url {url}/new --disable {public['id']}
        endpoint show {public['id']}
        endpoint delete {public['id']} {admin['id']}
        ! endpoint show {public['id']}
        ! endpoint delete {public['id']}
    """)
    assert changed == public | {"region": other, "region_id": other, "interface": "internal", "url": f"{url}/new", "enabled": False}
    assert f"No Endpoint found for {public['id']}" == gone and "1 of 1 endpoints failed to delete." in more


def test_the_catalog_has_what_is_enabled(osc, service):
    region, url = unique("region"), "http://127.0.0.1:9999/v1/%(project_id)s"
    osc(f"""
        region create {region}
        endpoint create --region {region} {service['name']} public {url}
        endpoint create --region {region} --disable {service['name']} internal {url}
    """)
    listed, shown, admin = osc(f"""
        catalog list
        catalog show {service['type']}
        project show admin
    """)
    [entry] = [row for row in listed if row["Type"] == service["type"]]
    assert entry["Name"] == service["name"]
    [endpoint] = entry["Endpoints"]
    assert endpoint["url"] == f"http://127.0.0.1:9999/v1/{admin['id']}" and endpoint["interface"] == "public"
    assert endpoint["region"] == endpoint["region_id"] == region
    assert (shown["name"], shown["type"], shown["id"]) == (service["name"], service["type"], service["id"])
    unlisted, refused = osc(f"""
        service set --disable {service['id']}
        service show {service['id']}
        ! catalog show {service['type']}-none
    """)
    assert unlisted["enabled"] is False and "not found" in refused
    [listed] = osc("catalog list")
    assert service["type"] not in [row["Type"] for row in listed]
    osc(f"""
        service delete {service['id']}
        region delete {region}
    """)
