"""Policy files: overrides, the order of policy.d, reloading, broken files; and that requests cannot reach the policy's target."""

import pytest

from harness import eventually, unique

BASE = "/v3/OS-FEDERATION/identity_providers"


class Files:
    """The policy folder of a server; the server reads `policies/` in its working directory."""

    def __init__(self, server):
        self.folder = server.folder / "policies"
        (self.folder / "policy.d").mkdir(parents=True, exist_ok=True)

    def write(self, name, text):
        """Replaces a file at once, as an editor does that writes beside it and renames."""
        temporary = self.folder / "temporary"
        temporary.write_text(text)
        temporary.rename(self.folder / name)


@pytest.fixture
def files(launch):
    """A server with an empty policy file, and its files."""
    server = launch(prepare=False, start=False)
    files = Files(server)
    files.write("policy.yaml", "{}\n")
    server.prepare().start()
    return server, files


def may_list(server, token):
    return server.request("GET", BASE, token=token).status_code == 200


def test_a_rule_of_the_file_replaces_the_default_within_two_seconds(files):
    server, policy = files
    _, reader = server.persona("reader", project=server.new_project())
    assert not may_list(server, reader)
    policy.write("policy.yaml", '"identity:list_identity_providers": "role:reader"\n')
    assert eventually(lambda: may_list(server, reader), within=2)
    policy.write("policy.yaml", "{}\n")
    assert eventually(lambda: not may_list(server, reader), within=2)


def test_a_base_rule_of_the_file_reaches_every_rule_that_names_it(files):
    server, policy = files
    _, member = server.persona("member", project=server.new_project())
    policy.write("policy.yaml", '"admin_required": "role:admin or role:member"\n')
    assert eventually(lambda: may_list(server, member), within=2)
    assert server.request("PUT", f"{BASE}/{unique('idp')}", token=member, json={"identity_provider": {}}).status_code == 201


def test_files_of_policy_d_are_read_in_the_order_of_their_names_after_the_main_file(files):
    server, policy = files
    _, reader = server.persona("reader", project=server.new_project())
    policy.write("policy.yaml", '"identity:list_identity_providers": "!"\n')
    policy.write("policy.d/20-second.yaml", '"identity:list_identity_providers": "role:reader"\n')
    policy.write("policy.d/10-first.yaml", '"identity:list_identity_providers": "!"\n')
    policy.write("policy.d/.99-hidden.yaml", '"identity:list_identity_providers": "!"\n')
    assert eventually(lambda: may_list(server, reader), within=2)
    policy.write("policy.d/30-third.json", '{"identity:list_identity_providers": "!"}')
    assert eventually(lambda: not may_list(server, reader), within=2)
    (policy.folder / "policy.d/30-third.json").unlink()
    assert eventually(lambda: may_list(server, reader), within=2)


@pytest.mark.parametrize("text", ["'unclosed", "- a\n- list\n", '"identity:list_identity_providers": [', "\x00\x01"])
def test_a_file_that_cannot_be_read_keeps_the_last_good_rules(files, text):
    server, policy = files
    _, reader = server.persona("reader", project=server.new_project())
    policy.write("policy.yaml", '"identity:list_identity_providers": "role:reader"\n')
    assert eventually(lambda: may_list(server, reader), within=2)
    before = len(server.log())
    policy.write("policy.yaml", text)
    # The log says so; the answers do not change.
    assert eventually(lambda: "policy" in server.log()[before:], within=3)
    assert may_list(server, reader)
    assert server.request("GET", BASE, token=server.admin_token).status_code == 200
    policy.write("policy.yaml", "{}\n")
    assert eventually(lambda: not may_list(server, reader), within=2)


@pytest.mark.parametrize("rule", ["role:reader and", "(role:reader", "role:reader role:member", "bareword", "'quoted'"])
def test_a_rule_that_cannot_be_parsed_denies_everybody(files, rule):
    server, policy = files
    policy.write("policy.yaml", f'"identity:list_identity_providers": "{rule}"\n')
    assert eventually(lambda: not may_list(server, server.admin_token), within=2)
    assert server.request("GET", f"{BASE}/{unique('idp')}", token=server.admin_token).status_code == 404, "other rules stand"


def test_scope_types_come_before_the_file(files):
    server, policy = files
    domain = server.new_domain()["id"]
    _, member = server.persona("member", domain=domain)
    policy.write("policy.yaml", '"identity:list_revoke_events": "@"\n"identity:list_identity_providers": "role:member"\n')
    assert eventually(lambda: may_list(server, member), within=2), "identity providers know domain scope"
    assert server.request("GET", "/v3/OS-REVOKE/events", token=member).status_code == 403, "revocation events do not"


# -- KS-POL-2…5: what a request carries is never what policy looks at (CVE-2026-42999) ----------------------------------------------


def poisons(user_id, domain_id):
    """Members that would open doors if they were merged into the policy's target or credentials."""
    target = {"user": {"id": user_id, "domain_id": domain_id}, "domain_id": domain_id, "token": {"user_id": user_id}}
    return {"target": target, "target.user.domain_id": domain_id, "target.domain.id": domain_id, "user_id": user_id, "domain_id": domain_id,
            "is_admin": True, "token": {"user_id": user_id}, "system_scope": "all", "roles": ["admin"]}


@pytest.fixture
def victims(archstone):
    """A member of one domain, and a user, a domain and an identity provider that are not theirs."""
    home, other = archstone.new_domain()["id"], archstone.new_domain()["id"]
    user, token = archstone.persona("member", domain=home)
    victim = archstone.new_user(other)
    idp = unique("idp")
    archstone.expect(201, "PUT", f"{BASE}/{idp}", token=archstone.admin_token, json={"identity_provider": {"domain_id": other}})
    role = archstone.new_role()["id"]
    calls = [
        ("GET", f"/v3/users/{victim['id']}", None), ("PATCH", f"/v3/users/{victim['id']}", {"user": {"enabled": False}}),
        ("DELETE", f"/v3/users/{victim['id']}", None), ("GET", "/v3/users", None),
        ("POST", "/v3/users", {"user": {"name": unique("user"), "domain_id": other}}),
        ("GET", f"/v3/domains/{other}", None), ("PATCH", f"/v3/domains/{other}", {"domain": {"enabled": False}}),
        ("DELETE", f"/v3/domains/{other}", None), ("GET", "/v3/domains", None), ("POST", "/v3/domains", {"domain": {"name": unique("domain")}}),
        ("PATCH", f"/v3/roles/{role}", {"role": {"name": unique("role")}}), ("DELETE", f"/v3/roles/{role}", None),
        ("POST", "/v3/roles", {"role": {"name": unique("role")}}),
        ("PUT", f"/v3/domains/{other}/users/{user['id']}/roles/{role}", None),
        ("DELETE", f"/v3/domains/{other}/users/{victim['id']}/roles/{role}", None),
        ("GET", f"/v3/domains/{other}/users/{victim['id']}/roles", None),
        ("GET", BASE, None), ("GET", f"{BASE}/{idp}", None), ("PUT", f"{BASE}/{unique('idp')}", {"identity_provider": {}}),
        ("PATCH", f"{BASE}/{idp}", {"identity_provider": {"enabled": True}}), ("DELETE", f"{BASE}/{idp}", None),
        ("GET", "/v3/OS-REVOKE/events", None), ("GET", "/v3/archstone/audit", None),
    ]
    return user, token, home, victim, calls


def test_ks_pol_2_to_5_body_and_query_never_change_the_decision(archstone, victims):
    user, token, home, victim, calls = victims
    poison = poisons(user["id"], home)
    query = "&".join(f"{key}={value}" for key, value in {
        "target.user.domain_id": home, "target.user.id": user["id"], "target.domain.id": home, "target.token.user_id": user["id"],
        "user_id": user["id"], "domain_id": home, "is_admin": "1", "system_scope": "all", "target": home, "token": user["id"],
        "target.domain_id": home, "project_domain_id": home, "user_domain_id": home, "role": "admin", "roles": "admin"}.items())
    for method, path, body in calls:
        # Lists of one's own domain may be open to a member; nothing of another domain ever is.
        plain = archstone.request(method, path, token=token, json=body)
        own_list = method == "GET" and path in ("/v3/users", "/v3/domains")
        allowed = {403, 404} | ({200} if own_list else set())
        assert plain.status_code in allowed, f"{method} {path}: {plain.status_code} {plain.text[:300]}"
        bodies = [poison, (body or {}) | poison]
        if body:
            [(name, fields)] = body.items()
            bodies += [{name: fields | poison}]
        answers = [archstone.request(method, path, token=token, json=attempt) for attempt in bodies]
        for answer in answers:
            # A body that carries unknown members may be malformed before anybody asks who sent it.
            assert answer.status_code in allowed | {400}, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        queried = archstone.request(method, f"{path}?{query}", token=token, json=body)
        assert queried.status_code == plain.status_code, f"{method} {path}?{query}: {queried.status_code} {queried.text[:300]}"
        for answer in [plain, queried, *answers]:
            assert victim["name"] not in answer.text
            assert not own_list or victim["domain_id"] not in answer.text
    still = archstone.expect(200, "GET", f"/v3/users/{victim['id']}", token=archstone.admin_token)["user"]
    assert still["enabled"] is True


@pytest.mark.parametrize("headers", [
    {"X-Roles": "admin", "X-User-Id": "x", "X-Identity-Status": "Confirmed"}, {"X-Is-Admin-Project": "True"}, {"REMOTE_USER": "admin"},
    {"X-Domain-Id": "default", "X-System-Scope": "all"}, {"X-Forwarded-User": "admin"},
])
def test_identity_headers_of_a_client_mean_nothing(archstone, headers):
    _, token = archstone.persona("member", project=archstone.new_project())
    assert archstone.request("GET", "/v3/users", token=token, headers=headers).status_code == 403
    assert archstone.request("GET", "/v3/users", headers=headers).status_code == 401


def test_ks_pol_6_list_filters_do_not_leak(archstone, victims):
    user, _, home, victim, _ = victims
    _, manager = archstone.persona("manager", domain=home)
    for query in ("", f"?name={victim['name']}", f"?domain_id={victim['domain_id']}", "?enabled=true", f"?name__contains={victim['name'][:8]}"):
        answer = archstone.request("GET", f"/v3/users{query}", token=manager)
        if answer.status_code == 200:
            assert victim["id"] not in {u["id"] for u in answer.json()["users"]}, query
        else:
            assert answer.status_code == 403
