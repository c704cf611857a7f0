"""The tags of a project, as a list and one by one."""

import urllib.parse

import pytest

from identity_calls import NOBODY, call, done, get, make, message, patch


@pytest.fixture
def tags(archstone):
    """The path of a new project's tags."""
    return f"/projects/{make(archstone, 'project')['id']}/tags"


def put(archstone, tags, names):
    return call(archstone, "PUT", tags, {"tags": names})


def stored(archstone, tags):
    return sorted(done(archstone, "GET", tags, status=200)["tags"])


def test_the_list_is_replaced_as_a_whole(archstone, tags):
    assert set(done(archstone, "GET", tags, status=200)) == {"tags", "links"}
    answer = put(archstone, tags, ["b", "A", "a", "é"])
    assert answer.status_code == 200
    assert sorted(answer.json()["tags"]) == ["A", "a", "b", "é"] == stored(archstone, tags)
    assert sorted(get(archstone, "project", tags.split("/")[2])["tags"]) == ["A", "a", "b", "é"]
    assert put(archstone, tags, ["c"]).status_code == 200
    assert stored(archstone, tags) == ["c"]
    assert call(archstone, "HEAD", tags).status_code == 200
    for _ in range(2):
        done(archstone, "DELETE", tags)
    assert stored(archstone, tags) == []


def test_links_lead_to_the_tags(archstone, tags):
    assert done(archstone, "GET", tags, status=200)["links"] == {"self": f"{archstone.url}/v3{tags}"}
    assert call(archstone, "PUT", f"{tags}/one").headers["Location"] == f"{archstone.url}/v3{tags}/one"


def test_one_by_one(archstone, tags):
    answer = call(archstone, "PUT", f"{tags}/one")
    assert answer.status_code == 201 and not answer.content
    for method in ("GET", "HEAD"):
        assert call(archstone, method, f"{tags}/one").status_code == 204
        assert call(archstone, method, f"{tags}/ONE").status_code == 404, "letter case counts"
    assert message(call(archstone, "GET", f"{tags}/other"), 404) == "Could not find project tag: other."
    assert call(archstone, "PUT", f"{tags}/ONE").status_code == 201
    message(call(archstone, "PUT", f"{tags}/one"), 400)
    assert stored(archstone, tags) == ["ONE", "one"]
    done(archstone, "DELETE", f"{tags}/one")
    assert message(call(archstone, "DELETE", f"{tags}/one"), 404) == "Could not find project tag: one."
    assert stored(archstone, tags) == ["ONE"]


@pytest.mark.parametrize("tag", ["a b", "café", "a?b", "100%", "x" * 255])
def test_what_a_tag_may_be(archstone, tags, tag):
    path = f"{tags}/{urllib.parse.quote(tag)}"
    assert call(archstone, "PUT", path).status_code == 201
    assert call(archstone, "GET", path).status_code == 204
    assert stored(archstone, tags) == [tag]


@pytest.mark.parametrize("tag", ["a,b", "x" * 256])
def test_what_a_tag_may_not_be(archstone, tags, tag):
    message(call(archstone, "PUT", f"{tags}/{tag}"), 400)
    message(put(archstone, tags, ["good", tag]), 400)
    assert stored(archstone, tags) == []


@pytest.mark.parametrize("names", [["a/b"], [""], [7], [None], ["a", "a"], "a", None, {}])
def test_a_bad_list_is_400_and_changes_nothing(archstone, tags, names):
    assert put(archstone, tags, ["kept"]).status_code == 200
    message(put(archstone, tags, names), 400)
    assert stored(archstone, tags) == ["kept"]


@pytest.mark.parametrize("body", [None, {}, [], {"tags": [], "other": 1}])
def test_the_wrapper_is_required_and_alone(archstone, tags, body):
    message(call(archstone, "PUT", tags, body), 400)


def test_eighty_at_most(archstone, tags):
    assert put(archstone, tags, [str(number) for number in range(81)]).status_code == 400
    assert put(archstone, tags, [str(number) for number in range(80)]).status_code == 200
    message(call(archstone, "PUT", f"{tags}/more"), 400)
    assert len(stored(archstone, tags)) == 80


def test_outer_spaces_go(archstone, tags):
    assert put(archstone, tags, [" x "]).json()["tags"] == ["x"]


@pytest.mark.parametrize(("method", "path", "body"), [
    ("GET", "", None), ("PUT", "", {"tags": []}), ("DELETE", "", None), ("GET", "/x", None), ("PUT", "/x", None), ("DELETE", "/x", None),
])
def test_an_unknown_project_is_404(archstone, method, path, body):
    said = message(call(archstone, method, f"/projects/{NOBODY}/tags{path}", body), 404)
    assert said == f"Could not find project: {NOBODY}."


def test_an_immutable_project_keeps_its_tags(archstone, tags):
    project = tags.split("/")[2]
    assert put(archstone, tags, ["kept"]).status_code == 200
    patch(archstone, "project", project, options={"immutable": True})
    for method, path, body in (("PUT", "/new", None), ("PUT", "", {"tags": []}), ("DELETE", "", None), ("DELETE", "/kept", None)):
        assert "immutable" in message(call(archstone, method, f"{tags}{path}", body), 403)
    assert stored(archstone, tags) == ["kept"]
