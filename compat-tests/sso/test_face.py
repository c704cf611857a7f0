"""The face itself: errors in its own form, who may do what, two administrators at once (sso-api.md 1, 4.4, 6.9, 6.11).

Where the documents are silent: an entity tag is the configuration's, so that a test does not move it; a domain's administrator has
no business with global configurations.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import unique
from sso_calls import (
    BASE,
    CONFIGURATIONS,
    DRAFT,
    JOBS,
    PROBE,
    any_kind,
    create,
    delete,
    domain_person,
    done,
    get,
    kept,
    listed,
    oidc,
    path_of,
    problem,
    project_person,
    send,
    settled,
    system_admin,
    system_person,
    update,
)

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def one(sqlite_archstone):
    """A server, where the database makes no difference."""
    return sqlite_archstone


@pytest.fixture(scope="module")
def made():
    """One configuration a server that tests may read, and try to change in vain: `made(archstone)`."""
    known = {}

    def make(archstone):
        if archstone.url not in known:
            known[archstone.url] = settled(archstone, create(archstone, oidc()), 30)
        return known[archstone.url]

    return make


# -- errors ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        f"{CONFIGURATIONS}/0123456789abcdef0123456789abcdef",
        f"{CONFIGURATIONS}/sso-cfg-001",
        f"{CONFIGURATIONS}/%20",
        f"{CONFIGURATIONS}/{'x' * 300}",
        f"{BASE}/nothing",
        f"{BASE}",
        "/api/v1",
        "/api/v1/nothing",
        f"{CONFIGURATIONS}/a/b/c",
        f"{JOBS}/nothing",
        f"{CONFIGURATIONS}/..%2f..%2fv3",
    ],
)
def test_what_is_not_there(one, path):
    problem(send(one, "GET", path), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_configuration_that_is_not_there(one, method):
    body = None if method == "DELETE" else {"displayName": "x"}
    problem(send(one, method, path_of(unique("nothing")), body), 404)
    for action in ("test", "previewDelete"):
        problem(send(one, "POST", path_of(unique("nothing"), action), {}), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", CONFIGURATIONS, {"GET", "POST"}),
        ("DELETE", CONFIGURATIONS, {"GET", "POST"}),
        ("PATCH", CONFIGURATIONS, {"GET", "POST"}),
        ("POST", f"{CONFIGURATIONS}/x", {"GET", "PUT", "PATCH", "DELETE"}),
        ("GET", PROBE, {"POST"}),
        ("GET", f"{CONFIGURATIONS}/x/previewDelete", {"POST"}),
        ("DELETE", f"{CONFIGURATIONS}/x/test", {"POST"}),
        ("POST", JOBS, {"GET"}),
        ("GET", f"{JOBS}/x/cancel", {"POST"}),
        ("PUT", f"{JOBS}/x", {"GET"}),
    ],
)
def test_a_method_that_a_path_does_not_have(one, method, path, allowed):
    answer = send(one, method, path, {})
    problem(answer, 405)
    named = {m.strip() for m in answer.headers["Allow"].split(",")}
    assert allowed <= named and not {"PUT", "DELETE", "POST", "PATCH"} & named - allowed


@pytest.mark.parametrize(
    "text", ["", "{", "{]", "nothing", '{"a": 1,}', '{"displayName": "\ud800"}', "[" * 20_000, '{"a": NaN}', '{"a": 1} x', "\xff"]
)
def test_a_body_that_is_no_json(one, made, text):
    data = text.encode("utf-8", "surrogatepass") if text != "\xff" else b"\xff\xfe"
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made(one))), ("POST", PROBE), ("POST", DRAFT)):
        problem(one.request(method, path, token=one.admin_token, data=data, headers=JSON), 400)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"]
)
def test_a_body_of_another_kind(one, made, kind):
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made(one))), ("POST", PROBE)):
        answer = one.request(method, path, token=one.admin_token, data=json.dumps(oidc()), headers={"Content-Type": kind})
        assert problem(answer, 415)["code"] == "SYS.1004"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_body_of_the_right_kind(one, kind):
    answer = one.request("POST", CONFIGURATIONS, token=one.admin_token, data=json.dumps(oidc()), headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].split(";")[0] == "application/json"


def test_a_body_that_is_too_large(one, made):
    for method, path in (("POST", CONFIGURATIONS), ("PUT", path_of(made(one)))):
        answer = one.request(
            method, path, token=one.admin_token, data=json.dumps(oidc() | {"filler": "x" * 120_000}), headers=JSON
        )
        assert problem(answer, 413)["code"] == "SYS.1003"


def test_answers_are_not_kept_and_have_the_request_id_of_the_log(one, made):
    answer = send(one, "GET", path_of(made(one)))
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Request-ID"]
    failed = send(one, "PUT", path_of(made(one)), {"displayName": 7})
    assert failed.headers["X-Request-ID"] != answer.headers["X-Request-ID"]
    assert failed.headers["X-Request-ID"] == failed.headers["x-openstack-request-id"]


def test_head_is_get_without_a_body(one, made):
    for path in (CONFIGURATIONS, path_of(made(one))):
        answer = send(one, "HEAD", path)
        assert answer.status_code == 200 and not answer.content


# -- who calls -----------------------------------------------------------------------------------------------------------------


def test_both_headers_name_the_same_credential(archstone, made):
    path, token = path_of(made(archstone)), archstone.admin_token
    assert archstone.request("GET", path, token=token).status_code == 200
    assert archstone.request("GET", path, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert archstone.request("GET", path, headers={"authorization": f"bearer {token}"}).status_code == 200
    assert archstone.request("GET", path, token=token, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert archstone.request("GET", path, token=token, headers={"Authorization": "Bearer another"}).status_code in (400, 401)


@pytest.mark.parametrize("token", [None, "", "nonsense", "gAAAAABnonsense", "Bearer x"])
def test_nobody(one, made, token):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    for method, path in ROUTES:
        answer = one.request(method, path.format(id=made(one)["uuid"]), headers=headers | JSON, data="{}")
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].split()[0] == "Bearer", answer.headers
    # Who is nobody is not told what is there.
    problem(one.request("GET", path_of("nothing"), headers=headers), 401)


ROUTES = [
    ("GET", CONFIGURATIONS),
    ("POST", CONFIGURATIONS),
    ("GET", f"{CONFIGURATIONS}/{{id}}"),
    ("PUT", f"{CONFIGURATIONS}/{{id}}"),
    ("PATCH", f"{CONFIGURATIONS}/{{id}}"),
    ("DELETE", f"{CONFIGURATIONS}/{{id}}"),
    ("POST", f"{CONFIGURATIONS}/{{id}}/previewDelete"),
    ("POST", f"{CONFIGURATIONS}/{{id}}/test"),
    ("POST", DRAFT),
    ("POST", PROBE),
    ("GET", JOBS),
    ("GET", f"{JOBS}/x"),
    ("POST", f"{JOBS}/x/cancel"),
]
READS = [("GET", CONFIGURATIONS), ("GET", f"{CONFIGURATIONS}/{{id}}")]
WRITES = [r for r in ROUTES if r[0] != "GET" and "previewDelete" not in r[1]]


def body_of(path):
    """A body that this path would take."""
    return {CONFIGURATIONS: oidc(), DRAFT: oidc(), PROBE: {"issuer": "https://idp.example.com"}}.get(path, {})


def people(archstone):
    """Those who may not even look: a token of each."""
    return {
        "project member": project_person(archstone, "member"),
        "project reader": project_person(archstone, "reader"),
        "project manager": project_person(archstone, "manager"),
        "system member": None,
        "domain member": domain_person(archstone, "member"),
        "domain administrator": domain_person(archstone, "admin"),
        "security administrator": domain_person(archstone, "secu_admin"),
        "unscoped": archstone.token(unscoped=True),
    }


def test_people_without_business_here(archstone, made):
    config = made(archstone)
    with kept(archstone, config):
        for who, token in people(archstone).items():
            if token is None:
                continue
            for method, path in ROUTES:
                answer = send(archstone, method, path.format(id=config["uuid"]), body_of(path), token)
                assert answer.status_code == 403, (who, method, path, answer.text)
                problem(answer, 403)
            # They are not told what is there, either.
            assert send(archstone, "GET", path_of("nothing"), token=token).status_code == 403


def test_readers_of_the_system_read(archstone, made):
    config, token = made(archstone), system_person(archstone, "reader")
    for method, path in READS:
        assert send(archstone, method, path.format(id=config["uuid"]), token=token).status_code == 200
    assert done(archstone, "GET", path_of(config), token=token) == get(archstone, config)
    problem(send(archstone, "GET", path_of("nothing"), token=token), 404)
    with kept(archstone, config):
        for method, path in WRITES:
            problem(send(archstone, method, path.format(id=config["uuid"]), body_of(path), token), 403)


@pytest.mark.parametrize("scope", ["project", "system"])
def test_administrators_do_everything(archstone, scope):
    token = archstone.admin_token if scope == "project" else system_admin(archstone)
    made = create(archstone, token=token)
    update(archstone, made, token, displayName="x")
    assert done(archstone, "POST", path_of(made, "test"), {}, token, timeout=30)["success"] is False
    assert done(archstone, "POST", DRAFT, oidc(), token, timeout=30)["success"] is False
    done(archstone, "POST", path_of(made, "previewDelete"), {}, token)
    assert "items" in done(archstone, "GET", JOBS, token=token)
    assert delete(archstone, made, token).status_code == 200


def test_only_system_administrators_force(archstone):
    made = create(archstone)
    problem(delete(archstone, made, force="true"), 403)
    assert get(archstone, made)["uuid"] == made["uuid"]
    answer = delete(archstone, made, system_admin(archstone), force="true")
    assert (answer.status_code, answer.json()) == (200, {})
    problem(send(archstone, "GET", path_of(made)), 404)


@pytest.mark.parametrize("role", ["admin", "secu_admin"])
def test_only_system_administrators_make_administrators_of_groups(archstone, role):
    rows = [{"idpGroup": "a", "zcfRole": "member"}, {"idpGroup": "idp-admins", "zcfRole": role}]
    problem(send(archstone, "POST", CONFIGURATIONS, oidc(groupMappings=rows)), 403)
    system = system_admin(archstone)
    made = create(archstone, oidc(groupMappings=rows), system)
    # What they have written stays when others change something else; taking away is nobody's privilege.
    assert update(archstone, made, displayName="x")["groupMappings"] == rows
    assert update(archstone, made, groupMappings=rows)["groupMappings"] == rows
    problem(send(archstone, "PUT", path_of(made), {"groupMappings": [*rows, {"idpGroup": "more", "zcfRole": role}]}), 403)
    assert update(archstone, made, groupMappings=rows[:1])["groupMappings"] == rows[:1]
    problem(send(archstone, "PUT", path_of(made), {"groupMappings": rows}), 403)


def test_a_role_that_implies_administration_is_one(archstone):
    role = archstone.new_role()
    # Nothing may imply `admin` itself.
    path = f"/v3/roles/{role['id']}/implies/{archstone.role_id('secu_admin')}"
    archstone.expect(201, "PUT", path, token=archstone.admin_token)
    rows = [{"idpGroup": "a", "zcfRole": role["name"]}]
    problem(send(archstone, "POST", CONFIGURATIONS, oidc(groupMappings=rows)), 403)
    create(archstone, oidc(groupMappings=rows), system_admin(archstone))


def test_policy_files_decide(launch, settings, tmp_path):
    """Every action has a rule that an operator can change."""
    policy = tmp_path / "policy.yaml"
    names = [
        "list_configurations",
        "get_configuration",
        "create_configuration",
        "update_configuration",
        "delete_configuration",
        "force_delete_configuration",
        "preview_delete_configuration",
        "test_configuration",
        "probe_provider",
        "grant_administrators",
        "list_jobs",
        "get_job",
        "cancel_job",
    ]
    policy.write_text("".join(f'"sso:{name}": "!"\n' for name in names))
    node = launch(settings=settings | {"ARCHSTONE_POLICY__FILE": str(policy)})
    listed_rules = node.cli("policy", "list").stdout
    assert all(f'"sso:{name}"' in listed_rules for name in names)
    token = system_admin(node)
    for method, path in ROUTES:
        problem(send(node, method, path.format(id="x"), body_of(path), token), 403)


# -- two administrators --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["OIDC", "SAML", "LDAP"])
def test_entity_tags_are_strong_and_the_same_everywhere(archstone, kind):
    answer = send(archstone, "POST", CONFIGURATIONS, any_kind(kind))
    tag, path = answer.headers["ETag"], path_of(answer.json())
    assert tag.startswith('"') and tag.endswith('"') and len(tag) > 2
    assert send(archstone, "GET", path).headers["ETag"] == tag
    changed = send(archstone, "PUT", path, {"displayName": unique("x")})
    assert changed.headers["ETag"] != tag and send(archstone, "GET", path).headers["ETag"] == changed.headers["ETag"]
    assert send(archstone, "PATCH", path, {"displayName": unique("x")}).headers["ETag"] not in (tag, changed.headers["ETag"])


def test_a_test_does_not_move_the_entity_tag(archstone):
    answer = send(archstone, "POST", CONFIGURATIONS, oidc())
    settled(archstone, answer.json(), 30)
    done(archstone, "POST", path_of(answer.json(), "test"), {}, timeout=30)
    changed = send(archstone, "PUT", path_of(answer.json()), {"displayName": "x"}, headers={"If-Match": answer.headers["ETag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_adm_race_1_the_second_change_of_what_has_changed_is_412(archstone, method):
    answer = send(archstone, "POST", CONFIGURATIONS, oidc())
    path, tag = path_of(answer.json()), answer.headers["ETag"]
    current = send(archstone, "PUT", path, {"displayName": "first"}, headers={"If-Match": tag})
    assert current.status_code == 200
    body = None if method == "DELETE" else {"displayName": "second"}
    for stale in (tag, '"nonsense"', f"W/{current.headers['ETag']}", f'{tag}, "other"', "nonsense", '""'):
        answer = send(archstone, method, path, body, headers={"If-Match": stale})
        assert answer.status_code in ((412,) if '"' in stale else (400, 412)), stale
        problem(answer, answer.status_code)
    assert get(archstone, path.rsplit("/", 1)[1])["displayName"] == "first"
    good = current.headers["ETag"]
    if method != "DELETE":
        again = send(archstone, method, path, body, headers={"If-Match": f'"other", {good}'})
        assert again.status_code == 200
        good = "*"
    assert send(archstone, method, path, body, headers={"If-Match": good}).status_code == 200


def test_if_match_is_not_required_and_does_not_make_things_be(archstone):
    problem(send(archstone, "PUT", path_of(unique()), {"displayName": "x"}, headers={"If-Match": "*"}), 404)
    update(archstone, create(archstone), displayName="x")


def test_adm_race_1_of_many_administrators_at_once_one_wins(archstone):
    answer = send(archstone, "POST", CONFIGURATIONS, oidc())
    path, headers = path_of(answer.json()), {"If-Match": answer.headers["ETag"]}

    def change(n):
        return n, send(archstone, "PUT", path, {"displayName": f"by {n}"}, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        outcomes = dict(pool.map(change, range(16)))
    assert sorted(outcomes.values()) == [200] + [412] * 15
    winner = next(n for n, status in outcomes.items() if status == 200)
    assert get(archstone, answer.json())["displayName"] == f"by {winner}"


def test_adm_race_1_changes_of_different_fields_at_once_are_both_there(archstone):
    """Without If-Match, each change is of what it names, none is lost."""
    made = create(archstone, oidc(block={"configName": "0"}))
    changes = [
        {"displayName": "a"},
        {"oidcConfig": {"configName": "1"}},
        {"oidcConfig": {"clientId": "c"}},
        {"userProvisioning": "manual"},
        {"groupProvisioning": "sync"},
        {"attributeMappings": {"email": "m"}},
        {"enabled": False},
        {"oidcConfig": {"scope": "openid x"}},
    ]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda change: send(archstone, "PUT", path_of(made), change), changes))
    assert [a.status_code for a in answers] == [200] * len(changes), [a.text for a in answers]
    now = get(archstone, made)
    assert (now["displayName"], now["userProvisioning"], now["groupProvisioning"], now["enabled"]) == (
        "a",
        "manual",
        "sync",
        False,
    )
    assert now["attributeMappings"] == {"email": "m"}
    assert {k: now["oidcConfig"][k] for k in ("configName", "clientId", "scope")} == {
        "configName": "1",
        "clientId": "c",
        "scope": "openid x",
    }


def test_one_issuer_at_once_is_made_once(archstone):
    body = oidc()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: send(archstone, "POST", CONFIGURATIONS, body | {"displayName": f"{n}"}), range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    issuer = body["oidcConfig"]["wellKnownUrl"].partition("/.well-known")[0]
    assert [i.get("issuer") for i in listed(archstone, "limit=1000")["items"]].count(issuer) == 1


# -- the audit trail -----------------------------------------------------------------------------------------------------------


def events_of(archstone, answer):
    """The audit events of the request that gave this answer."""
    found = archstone.expect(
        200, "GET", f"/v3/archstone/audit?request_id={answer.headers['x-openstack-request-id']}", token=archstone.admin_token
    )
    return found["audit_events"]


def test_every_change_test_and_probe_is_recorded(archstone):
    """Changes with the names of the fields, not their values."""
    made = send(archstone, "POST", CONFIGURATIONS, oidc())
    path = path_of(made.json())
    calls = {
        "create": made,
        "update": send(archstone, "PUT", path, {"displayName": "a-value-of-mine", "oidcConfig": {"scope": "openid of-mine"}}),
        "test": send(archstone, "POST", path + "/test", {}, timeout=30),
        "probe": send(archstone, "POST", PROBE, {"issuer": "https://idp.example.com"}),
        "delete": send(archstone, "DELETE", path),
    }
    for verb, answer in calls.items():
        found = [e for e in events_of(archstone, answer) if e["action"].startswith("sso") and e["action"].endswith(verb)]
        assert len(found) == 1, (verb, events_of(archstone, answer))
        [event] = found
        assert event["user"]["name"] == "admin" and event["remote"] == "127.0.0.1"
        if verb != "probe":
            assert event["target"]["id"] == made.json()["uuid"]
        text = json.dumps(event)
        assert "a-value-of-mine" not in text and "of-mine" not in text
        if verb == "update":
            assert "displayName" in text and "scope" in text, event


def test_what_was_refused_is_recorded(archstone):
    token = project_person(archstone, "member")
    answer = send(archstone, "POST", CONFIGURATIONS, oidc(), token)
    [event] = [e for e in events_of(archstone, answer) if e["action"].startswith("sso")]
    assert event["outcome"] == "failure"
