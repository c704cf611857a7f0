"""What protocols, mappings and service providers have in common: bodies, ids, links, methods, who may."""

import json
from dataclasses import dataclass
from typing import Callable

import pytest

from federation_calls import MAPPINGS, RULES, SPS, URLS, mapping_path, new_idp, new_mapping, protocol_path, protocols_path, send, sp_path
from harness import error_of, unique


@dataclass
class Resource:
    """One of them: its words, where it lives, and a body that creates or changes one."""

    kind: str
    collection: str
    path: Callable[[str], str]
    body: dict
    unknown: str

    def new(self, archstone, object_id=None):
        """A new one's id."""
        object_id = object_id or unique(self.kind.replace("_", "-"))
        archstone.expect(201, "PUT", self.path(object_id), token=archstone.admin_token, json=self.body)
        return object_id


@pytest.fixture(params=["protocol", "mapping", "service_provider"])
def resource(request, archstone):
    """Each of them, for a protocol with an identity provider and a mapping of its own."""
    if request.param == "mapping":
        return Resource("mapping", MAPPINGS, mapping_path, {"mapping": {"rules": RULES}}, "Could not find mapping: {}.")
    if request.param == "service_provider":
        return Resource("service_provider", SPS, sp_path, {"service_provider": URLS}, "Could not find Service Provider: {}.")
    idp = new_idp(archstone)["id"]
    return Resource("protocol", protocols_path(idp), lambda protocol_id: protocol_path(idp, protocol_id),
                    {"protocol": {"mapping_id": new_mapping(archstone)["id"]}},
                    f"Could not find federated protocol {{}} for Identity Provider: {idp}.")


def message(answer, code):
    return error_of(answer, code)["message"]


def raw(archstone, method, path, data, content_type="application/json"):
    return archstone.request(method, path, token=archstone.admin_token, data=data, headers={"Content-Type": content_type})


# -- bodies --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("member", [None, [], "x", 7, True])
def test_the_member_must_be_an_object(archstone, resource, method, member):
    object_id = resource.new(archstone) if method == "PATCH" else unique("none")
    message(send(archstone, method, resource.path(object_id), {resource.kind: member}), 400)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("body", [None, {}, {"something": {}}])
def test_the_member_is_required(archstone, resource, method, body):
    object_id = resource.new(archstone) if method == "PATCH" else unique("none")
    message(send(archstone, method, resource.path(object_id), body), 400)
    if method == "PUT":
        assert send(archstone, "GET", resource.path(object_id)).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(("content_type", "data"), [
    ("text/plain", "{}"), ("application/xml", "<x/>"), ("application/json", "{"), ("application/json", "[]"), ("application/json", '"x"'),
    ("application/json", "{} x"), ("application/json", "\ufeff{}".encode("utf-16")),
])
def test_a_body_of_another_kind_is_400(archstone, resource, method, content_type, data):
    object_id = resource.new(archstone) if method == "PATCH" else unique("none")
    text = message(raw(archstone, method, resource.path(object_id), data, content_type), 400)
    assert text.startswith("Expecting to find valid JSON" if content_type == "application/json" else "Expecting to find application/json")


@pytest.mark.parametrize("content_type", ["application/json;charset=utf8", "application/json; charset=UTF-8"])
def test_parameters_of_the_content_type_are_no_matter(archstone, resource, content_type):
    answer = raw(archstone, "PUT", resource.path(unique("typed")), json.dumps(resource.body), content_type)
    assert answer.status_code == 201


def test_a_body_over_the_limit_is_413(archstone, resource):
    object_id = unique("large")
    body = {resource.kind: resource.body[resource.kind] | {"description": "x" * 114_688}}
    message(send(archstone, "PUT", resource.path(object_id), body), 413)
    assert send(archstone, "GET", resource.path(object_id)).status_code == 404


# -- one and many --------------------------------------------------------------------------------------------------------------


def test_an_unknown_one_is_404_in_keystones_words(archstone, resource):
    object_id = unique("none")
    for method, body in (("GET", None), ("PATCH", resource.body), ("DELETE", None)):
        assert message(send(archstone, method, resource.path(object_id), body), 404) == resource.unknown.format(object_id)
    assert send(archstone, "HEAD", resource.path(object_id)).status_code == 404


def test_head_answers_as_get_without_a_body(archstone, resource):
    for path in (resource.path(resource.new(archstone)), resource.collection):
        head = send(archstone, "HEAD", path)
        assert head.status_code == 200 and head.content == b""
        assert head.headers["Content-Type"] == send(archstone, "GET", path).headers["Content-Type"]
        assert head.headers["Vary"] == "X-Auth-Token" and head.headers["x-openstack-request-id"].startswith("req-")


def test_a_slash_at_the_end_is_no_matter(archstone, resource):
    path = resource.path(resource.new(archstone))
    assert send(archstone, "GET", path + "/").json() == send(archstone, "GET", path).json()
    assert send(archstone, "GET", resource.collection + "/").status_code == 200


def test_options_names_the_methods(archstone, resource):
    for path, methods in ((resource.path(resource.new(archstone)), {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
                          (resource.collection, {"GET", "HEAD", "OPTIONS"})):
        answer = archstone.request("OPTIONS", path)
        assert answer.status_code == 200
        assert {word.strip() for word in answer.headers["Allow"].split(",")} == methods


def test_post_is_405(archstone, resource):
    for path in (resource.collection, resource.path(resource.new(archstone))):
        answer = send(archstone, "POST", path, resource.body)
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"] and "POST" not in answer.headers["Allow"]


def test_the_collection_is_not_changed_as_a_whole(archstone, resource):
    for method in ("PUT", "PATCH", "DELETE"):
        error_of(send(archstone, method, resource.collection, resource.body), 405)


def test_a_deleted_one_is_deleted_once(archstone, resource):
    object_id = resource.new(archstone)
    answer = send(archstone, "DELETE", resource.path(object_id))
    assert answer.status_code == 204 and answer.content == b"" and "Content-Type" not in answer.headers
    assert message(send(archstone, "DELETE", resource.path(object_id)), 404) == resource.unknown.format(object_id)
    assert resource.new(archstone, object_id) == object_id, "the id is free again"


def test_creating_one_twice_is_409_and_never_a_change(archstone, resource):
    object_id = resource.new(archstone)
    before = send(archstone, "GET", resource.path(object_id)).json()
    text = message(send(archstone, "PUT", resource.path(object_id), resource.body), 409)
    kind = "federation_protocol" if resource.kind == "protocol" else resource.kind
    assert text.startswith(f"Conflict occurred attempting to store {kind} - Duplicate entry")
    assert send(archstone, "GET", resource.path(object_id)).json() == before


# -- ids and links -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("characters", ["a b", "ü", "日本", "a%b", "a?b", "a#b", "a+b", "a&b=c", "a:b@c", "~a.b_c-d", "'\"<>", "a;b"])
def test_any_characters_may_be_in_an_id(archstone, resource, characters):
    object_id = resource.new(archstone, unique(characters))
    member = send(archstone, "GET", resource.path(object_id)).json()[resource.kind]
    assert member["id"] == object_id
    assert send(archstone, "PATCH", resource.path(object_id), resource.body).json()[resource.kind] == member
    assert send(archstone, "DELETE", resource.path(object_id)).status_code == 204


@pytest.mark.parametrize("characters", ["a b", "ü", "a%b", "a?b", "a#b", "'\"<>"])
def test_links_are_fit_to_be_followed_whatever_the_id(archstone, resource, characters):
    object_id = resource.new(archstone, unique(characters))
    member = send(archstone, "GET", resource.path(object_id)).json()[resource.kind]
    link = member["links"]["self"]
    assert link.isascii() and not set(link) & set(' "<>')
    assert send(archstone, "GET", link).json()[resource.kind] == member


def test_an_id_has_1_to_64_characters(archstone, resource):
    longest = unique("x" * 51)
    assert len(longest) == 64
    resource.new(archstone, longest)
    message(send(archstone, "PUT", resource.path(longest + "x"), resource.body), 400)
    resource.new(archstone, unique("ü" * 51))


# -- who may -------------------------------------------------------------------------------------------------------------------


def calls(resource, object_id):
    """Every call: the rule, the method, the path, the body."""
    one = resource.path(object_id)
    return [(f"get_{resource.kind}", "GET", one, None), (f"list_{resource.kind}s", "GET", resource.collection, None),
            (f"create_{resource.kind}", "PUT", resource.path(unique("refused")), resource.body),
            (f"update_{resource.kind}", "PATCH", one, resource.body), (f"delete_{resource.kind}", "DELETE", one, None)]


def assert_refused(archstone, resource, token, verbs):
    """These verbs are refused in Keystone's words, the others are not, for one that is there and one that is not."""
    for object_id in (resource.new(archstone), unique("none")):
        for rule, method, path, body in calls(resource, object_id):
            if rule.partition("_")[0] not in verbs:
                continue
            text = message(send(archstone, method, path, body, token), 403)
            assert text == f"You are not authorized to perform the requested action: identity:{rule}."


@pytest.mark.parametrize("role", ["member", "reader", "manager", "service"])
@pytest.mark.parametrize("where", ["project", "domain"])
def test_others_are_refused_on_every_call(archstone, resource, role, where):
    scope = {"project": archstone.new_project()} if where == "project" else {"domain": archstone.new_domain()["id"]}
    _, token = archstone.persona(role, **scope)
    assert_refused(archstone, resource, token, ("get", "list", "create", "update", "delete"))


def test_d14_the_admin_of_a_domain_may_not(archstone, resource):
    _, token = archstone.persona("admin", domain=archstone.new_domain()["id"])
    assert_refused(archstone, resource, token, ("get", "list", "create", "update", "delete"))


def test_the_admin_of_a_project_may(archstone, resource):
    _, token = archstone.persona("admin", project=archstone.new_project())
    assert_allowed(archstone, resource, token)


def test_the_system_administrator_may(archstone, resource):
    assert_allowed(archstone, resource, archstone.token(system=True))


def assert_allowed(archstone, resource, token):
    for rule, method, path, body in calls(resource, resource.new(archstone)):
        assert send(archstone, method, path, body, token).status_code in (200, 201, 204), rule


@pytest.mark.parametrize("role", ["reader", "member"])
def test_a_reader_of_the_system_may_look_and_no_more(archstone, resource, role):
    user = archstone.new_user()
    archstone.grant(user, role, system=True)
    token = archstone.token({"id": user["id"]}, user["password"], system=True)
    object_id = resource.new(archstone)
    assert send(archstone, "GET", resource.path(object_id), token=token).json()[resource.kind]["id"] == object_id
    assert send(archstone, "GET", resource.collection, token=token).status_code == 200
    assert_refused(archstone, resource, token, ("create", "update", "delete"))


def test_an_unscoped_token_is_refused(archstone, resource):
    user = archstone.new_user()
    token = archstone.token({"id": user["id"]}, user["password"], unscoped=True)
    assert_refused(archstone, resource, token, ("get", "list", "create", "update", "delete"))


@pytest.mark.parametrize("token", [None, "nonsense"])
def test_without_a_token_everything_is_401(archstone, resource, token):
    for _, method, path, body in calls(resource, resource.new(archstone)):
        answer = archstone.request(method, path, token=token, json=body)
        error_of(answer, 401)
        assert answer.headers["WWW-Authenticate"] == f'Keystone uri="{archstone.auth_url}"'
