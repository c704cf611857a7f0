"""openstacksdk's identity proxy: domains and projects, the tree, tags, filters, pages."""

import pytest
from openstack import exceptions

from harness import DEFAULT_DOMAIN, unique


def test_domains(identity, held):
    name = unique("domain")
    created = identity.create_domain(name=name, description="by the SDK", is_enabled=True)
    assert held("domain", created.id)["description"] == "by the SDK"
    assert identity.get_domain(created.id).name == name
    assert identity.find_domain(name).id == identity.find_domain(created.id).id == created.id
    assert [d.id for d in identity.domains(name=name)] == [created.id]
    assert [d.id for d in identity.domains(name=name, is_enabled=False)] == []
    with pytest.raises(exceptions.ConflictException):
        identity.create_domain(name=name)
    with pytest.raises(exceptions.ForbiddenException):
        identity.delete_domain(created)
    assert identity.update_domain(created, is_enabled=False, options={"immutable": True}).is_enabled is False
    assert held("domain", created.id)["options"] == {"immutable": True}
    with pytest.raises(exceptions.ForbiddenException):
        identity.delete_domain(created)
    identity.update_domain(created.id, options={"immutable": False})
    identity.delete_domain(created, ignore_missing=False)
    assert held("domain", created.id) is None and identity.find_domain(name) is None
    identity.delete_domain(created.id)
    with pytest.raises(exceptions.NotFoundException):
        identity.delete_domain(created.id, ignore_missing=False)


def test_projects(archstone, identity, held):
    domain, name = archstone.new_domain()["id"], unique("project")
    created = identity.create_project(name=name, domain_id=domain, description="by the SDK", colour="red", tags=["one"])
    kept = held("project", created.id)
    assert (kept["description"], kept["colour"], kept["tags"], kept["parent_id"]) == ("by the SDK", "red", ["one"], domain)
    assert created.is_enabled is True and created.is_domain is False and created.parent_id == domain
    assert identity.get_project(created.id).name == name
    assert identity.find_project(name, domain_id=domain).id == created.id
    with pytest.raises(exceptions.ConflictException):
        identity.create_project(name=name, domain_id=domain)
    identity.update_project(created, name=name + "-new", is_enabled=False, description="changed")
    kept = held("project", created.id)
    assert (kept["name"], kept["enabled"], kept["description"], kept["colour"]) == (name + "-new", False, "changed", "red")
    identity.delete_project(created, ignore_missing=False)
    assert held("project", created.id) is None
    with pytest.raises(exceptions.NotFoundException):
        identity.get_project(created.id)


def test_lists_of_projects(archstone, identity):
    domain = archstone.new_domain()["id"]
    top = identity.create_project(name=unique("top"), domain_id=domain)
    below = identity.create_project(name=unique("below"), domain_id=domain, parent_id=top.id, is_enabled=False)

    def ids(**query):
        return sorted(p.id for p in identity.projects(domain_id=domain, **query))

    assert ids() == sorted([top.id, below.id])
    assert ids(parent_id=top.id) == ids(name=below.name) == ids(is_enabled=False) == [below.id]
    assert ids(is_enabled=True) == [top.id] and ids(limit=1) == sorted([top.id, below.id])
    domains = [p.id for p in identity.projects(is_domain=True)]
    assert domain in domains and top.id not in domains
    assert identity.find_project(below.id, parents_as_ids=True).parents == {top.id: {domain: None}}
    assert identity.find_project(top.id, subtree_as_ids=True).subtree == {below.id: None}


def test_tags(archstone, identity, held):
    domain = archstone.new_domain()["id"]
    project = identity.create_project(name=unique("project"), domain_id=domain)

    def tags():
        return sorted(held("project", project.id)["tags"])

    project.set_tags(identity, ["red", "green"])
    assert tags() == ["green", "red"]
    project.add_tag(identity, "blue")
    assert tags() == ["blue", "green", "red"]
    project.check_tag(identity, "blue")
    project.remove_tag(identity, "red")
    assert tags() == ["blue", "green"]
    assert sorted(project.fetch_tags(identity).tags) == ["blue", "green"]
    with pytest.raises(exceptions.NotFoundException):
        project.check_tag(identity, "red")
    other = identity.create_project(name=unique("project"), domain_id=domain, tags=["green"])
    both = sorted([project.id, other.id])
    for query, expected in (({"tags": "green,blue"}, [project.id]), ({"any_tags": "green,blue"}, both), ({"tags": "green"}, both),
                            ({"not_tags": "green,blue"}, [other.id]), ({"not_any_tags": "green,blue"}, []),
                            ({"not_any_tags": "blue"}, [other.id])):
        assert sorted(p.id for p in identity.projects(domain_id=domain, **query)) == expected, query
    project.remove_all_tags(identity)
    assert tags() == []


def test_projects_of_a_user(archstone, identity):
    user, one, two = archstone.new_user(), archstone.new_project(), archstone.new_project()
    archstone.grant(user, "member", project=one)
    archstone.grant(None, "member", project=two, group=archstone.new_group(DEFAULT_DOMAIN, user))
    assert sorted(p.id for p in identity.user_projects(user["id"])) == sorted([one, two])
