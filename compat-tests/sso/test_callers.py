"""Who may do what on the face (sso-api.md 1, 6.11).

Where the documents are silent: a domain's administrator has no business with global configurations.
"""

import pytest

from sso_bodies import oidc
from sso_calls import (
    CONFIGURATIONS,
    DRAFT,
    JOBS,
    JSON,
    PROBE,
    create,
    delete,
    domain_person,
    done,
    get,
    kept,
    path_of,
    problem,
    project_person,
    send,
    system_admin,
    system_person,
    update,
)

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
