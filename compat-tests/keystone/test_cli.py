"""The binary's commands, a contract that operators and scripts rely on; and etc/run.sh."""

import base64
import json
import os
import re
import signal
import stat
import subprocess

import pytest

from harness import ADMIN_PASSWORD, BINARY, DEFAULT_DOMAIN, ROOT, RunScript, eventually, free_port, unique

DATABASES = ["sqlite", "postgres"]


@pytest.fixture(params=DATABASES)
def bare(request, launch):
    """A node with nothing prepared."""
    return launch(request.param, prepare=False, start=False)


# -- bootstrap ------------------------------------------------------------------------------------------------------------------


def test_bootstrap_makes_the_administrator_the_roles_and_the_catalog(archstone):
    token = archstone.login(project={"name": "admin", "domain": {"id": DEFAULT_DOMAIN}}).json()["token"]
    assert {r["name"] for r in token["roles"]} == {"admin", "manager", "member", "reader"}
    assert archstone.login(system=True).status_code == 201
    roles = {r["name"]: r for r in archstone.expect(200, "GET", "/v3/roles", token=archstone.admin_token)["roles"]}
    assert {"admin", "manager", "member", "reader", "service", "secu_admin"} <= set(roles)
    for name in ("admin", "manager", "member", "reader"):
        assert roles[name]["options"] == {"immutable": True}
    [identity] = [s for s in token["catalog"] if s["type"] == "identity"]
    assert identity["name"] == "keystone"
    assert {e["interface"]: e["url"] for e in identity["endpoints"]} == {i: archstone.auth_url for i in ("public", "internal", "admin")}


def test_immutable_roles_stay(archstone):
    for name in ("admin", "member"):
        path = f"/v3/roles/{archstone.role_id(name)}"
        assert archstone.request("DELETE", path, token=archstone.admin_token).status_code == 403
        assert archstone.request("PATCH", path, token=archstone.admin_token, json={"role": {"name": unique("r")}}).status_code == 403


def test_bootstrap_twice_changes_nothing(fresh_archstone):
    server = fresh_archstone

    def world():
        token = server.admin_token
        return {kind: sorted(o["id"] for o in server.expect(200, "GET", f"/v3/{kind}", token=token)[kind])
                for kind in ("domains", "users", "roles")} | {
            "catalog": server.expect(200, "GET", "/v3/auth/catalog", token=token)["catalog"]}

    before = world()
    for _ in range(2):
        server.bootstrap()
    assert world() == before
    assert server.validate(server.admin_token).status_code == 200, "an unchanged password ends no token"


def test_bootstrap_sets_the_password_again(launch):
    server = launch()
    server.cli("bootstrap", "--bootstrap-password", "another password")
    assert eventually(lambda: server.login(password="another password").status_code == 201, within=2)
    assert server.login(password=ADMIN_PASSWORD).status_code == 401


def test_bootstrap_flags_name_everything(bare):
    bare.cli("keys", "setup")
    bare.cli("db", "migrate")
    bare.cli("bootstrap", "--bootstrap-password", "pw-1", "--bootstrap-username", "root", "--bootstrap-project-name", "ops",
             "--bootstrap-role-name", "boss", "--bootstrap-service-name", "identity-of-acme",
             "--bootstrap-admin-url", "http://admin.example/v3", "--bootstrap-public-url", "http://public.example/v3",
             "--bootstrap-internal-url", "http://internal.example/v3", "--bootstrap-region-id", "moon-1")
    bare.start()
    token = bare.login("root", "pw-1", project={"name": "ops", "domain": {"name": "Default"}}).json()["token"]
    assert "boss" in {r["name"] for r in token["roles"]}
    [service] = token["catalog"]
    assert service["name"] == "identity-of-acme"
    assert {e["interface"]: e["url"] for e in service["endpoints"]} == {
        kind: f"http://{kind}.example/v3" for kind in ("admin", "public", "internal")}
    assert {e["region_id"] for e in service["endpoints"]} == {"moon-1"}


def test_bootstrap_reads_the_environment_as_keystone_manage_does(launch):
    server = launch(prepare=False, start=False)
    server.cli("keys", "setup")
    server.cli("db", "migrate")
    server.cli("bootstrap", settings={
        "OS_BOOTSTRAP_PASSWORD": "pw-2", "OS_BOOTSTRAP_USERNAME": "root", "OS_BOOTSTRAP_PROJECT_NAME": "ops",
        "OS_BOOTSTRAP_ROLE_NAME": "admin", "OS_BOOTSTRAP_SERVICE_NAME": "keystone",
        "OS_BOOTSTRAP_PUBLIC_URL": "http://public.example/v3", "OS_BOOTSTRAP_REGION_ID": "moon-1"})
    server.start()
    token = server.login("root", "pw-2", project={"name": "ops", "domain": {"name": "Default"}}).json()["token"]
    assert "http://public.example/v3" in json.dumps(token["catalog"])


def test_bootstrap_without_a_password_is_refused(launch):
    server = launch(prepare=False, start=False)
    server.cli("db", "migrate")
    done = server.cli("bootstrap", check=False)
    assert done.returncode != 0
    assert "password" in done.stderr.lower()


def test_ruling_17_the_command_line_may_write_while_the_service_runs(archstone):
    name = unique("project")
    archstone.bootstrap("--bootstrap-project-name", name)
    scope = {"name": name, "domain": {"id": DEFAULT_DOMAIN}}
    assert eventually(lambda: archstone.login(project=scope).status_code == 201, within=1)


# -- db -------------------------------------------------------------------------------------------------------------------------


def test_db_status_tells_what_is_pending_and_migrate_does_it_once(bare):
    before = json.loads(bare.cli("db", "status", "--json", check=False).stdout)
    bare.cli("db", "migrate")
    after = json.loads(bare.cli("db", "status", "--json").stdout)
    assert before != after
    bare.cli("db", "migrate")
    assert json.loads(bare.cli("db", "status", "--json").stdout) == after
    assert bare.cli("db", "status").stdout.strip()


def test_serve_on_postgres_without_tables_refuses_with_a_hint(launch):
    server = launch("postgres", prepare=False, start=False)
    server.cli("keys", "setup")
    server.start(wait=False)
    assert eventually(lambda: server.process.poll() is not None, within=10)
    assert server.process.returncode != 0
    assert "db migrate" in server.log()


def test_serve_on_sqlite_migrates_by_itself(launch):
    server = launch(prepare=False, start=False)
    server.cli("keys", "setup")
    server.start()
    assert server.request("GET", "/v3").status_code == 200


# -- keys -----------------------------------------------------------------------------------------------------------------------


def fernet_folder(server):
    """The Fernet repository in the data folder: the folder that holds files `0` and `1`."""
    [found] = {path.parent for path in server.data.rglob("0") if (path.parent / "1").exists()}
    return found


def test_keys_setup_makes_a_repository_as_keystone_keeps_it(launch):
    server = launch(prepare=False, start=False)
    server.cli("keys", "setup")
    folder = fernet_folder(server)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(p.name for p in folder.iterdir()) == ["0", "1"]
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        text = path.read_bytes()
        assert len(text) == 44 and len(base64.urlsafe_b64decode(text)) == 32


def test_keys_setup_again_keeps_what_is_there(launch):
    server = launch(prepare=False, start=False)
    server.cli("keys", "setup")
    contents = {p: p.read_bytes() for p in server.data.rglob("*") if p.is_file()}
    server.cli("keys", "setup")
    assert {p: p.read_bytes() for p in server.data.rglob("*") if p.is_file()} == contents


def test_tok_key_3_keys_rotate_as_keystone_does(launch):
    server = launch(prepare=False, start=False)
    server.cli("keys", "setup")
    folder = fernet_folder(server)

    def state():
        return {int(p.name): p.read_bytes() for p in folder.iterdir()}

    before = state()
    server.cli("keys", "rotate")
    after = state()
    assert set(after) == {0, 1, 2}
    assert after[2] == before[0], "the staged key becomes the primary one"
    assert after[1] == before[1], "the old primary stays as a secondary one"
    assert after[0] not in before.values(), "a new key is staged"
    server.cli("keys", "rotate")
    last = state()
    assert set(last) == {0, 2, 3} and last[3] == after[0] and last[2] == after[2], "at most three keys are kept"


def test_keys_list_tells_roles_and_no_key(launch):
    server = launch(prepare=False, start=False)
    server.cli("keys", "setup")
    text = server.cli("keys", "list", "--json").stdout
    assert json.loads(text)
    assert "primary" in text and "staged" in text
    for path in fernet_folder(server).iterdir():
        assert path.read_text()[:20] not in text
    assert "PRIVATE KEY" not in text


def test_tok_key_1_rotation_needs_no_restart(launch):
    server = launch()
    old = server.token(unscoped=True)
    server.cli("keys", "rotate")
    assert server.validate(old).status_code == 200
    assert eventually(lambda: server.validate(server.token(unscoped=True)).status_code == 200, within=2)
    server.restart()
    assert server.validate(old).status_code == 200


def test_jws_tokens_by_setting(launch):
    server = launch(settings={"ARCHSTONE_TOKEN__FORMAT": "jws"})
    issued = server.login(project={"name": "admin", "domain": {"id": DEFAULT_DOMAIN}})
    token = issued.headers["X-Subject-Token"]
    header, claims, _ = (json.loads(base64.urlsafe_b64decode(part + "==")) if i < 2 else part for i, part in enumerate(token.split(".")))
    assert header["alg"] == "ES256" and header["typ"] == "JWT"
    assert claims["openstack_methods"] == ["password"] and claims["openstack_project_id"]
    assert server.validate(token).json() == issued.json()
    forged = token.rsplit(".", 1)[0] + "." + base64.urlsafe_b64encode(bytes(64)).decode().rstrip("=")
    assert server.request("GET", "/v3/auth/projects", token=forged).status_code == 401


# -- config ---------------------------------------------------------------------------------------------------------------------


def test_config_show_tells_every_key_and_no_secret(launch):
    server = launch(prepare=False, start=False)
    secret = base64.b64encode(os.urandom(32)).decode()
    shown = server.cli("config", "show", settings={"ARCHSTONE_DATABASE__URL": "postgres://me:hunter-2@127.0.0.1/x",
                                                  "ARCHSTONE_SECRETS__KEY": secret}).stdout
    assert f"127.0.0.1:{server.port}" in shown
    assert "expiration_secs" in shown
    assert "hunter-2" not in shown and secret not in shown


def test_config_check_accepts_the_sample(launch):
    server = launch(prepare=False, start=False)
    server.cli("--config", str(ROOT / "etc/archstone.toml"), "config", "check")


def test_the_sample_has_every_key_and_default(launch):
    server = launch(prepare=False, start=False)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ARCHSTONE_", "OS_"))}

    def show(*args):
        done = subprocess.run([BINARY, *args, "config", "show"], env=environment, cwd=server.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert show("--config", str(ROOT / "etc/archstone.toml")) == show()


@pytest.mark.parametrize(("text", "path"), [
    ("[server]\nbnid = '127.0.0.1:1'\n", "server.bnid"), ("[nonsense]\nx = 1\n", "nonsense"), ("[server]\nmax_connections = 'many'\n", "server.max_connections"),
    ("[server]\nbind = 'nowhere'\n", "server.bind"), ("[server.http2]\nx = 1\n", "server.http2.x"),
])
def test_rel_conf_1_a_bad_key_is_refused_by_its_path(launch, text, path):
    server = launch(prepare=False, start=False)
    file = server.folder / "bad.toml"
    file.write_text(text)
    environment = {k: v for k, v in server.environment().items() if not k.startswith("ARCHSTONE_SERVER")}
    for command in (["config", "check"], ["serve"]):
        done = subprocess.run([BINARY, "--config", str(file), *command], env=environment, cwd=server.folder,
                              capture_output=True, text=True, timeout=20)
        assert done.returncode != 0
        assert path in done.stderr, done.stderr


@pytest.mark.parametrize(("variable", "path"), [("ARCHSTONE_SERVER__BNID", "server.bnid"), ("ARCHSTONE_NONSENSE", "nonsense")])
def test_rel_conf_1_an_unknown_variable_is_refused_by_its_path(launch, variable, path):
    server = launch(prepare=False, start=False)
    done = server.cli("config", "check", settings={variable: "1"}, check=False)
    assert done.returncode != 0
    assert path in done.stderr


def test_rel_conf_1_a_port_in_use_is_an_error_that_names_it(archstone, launch):
    server = launch(start=False)
    done = server.cli("serve", settings={"ARCHSTONE_SERVER__BIND": f"127.0.0.1:{archstone.port}"}, check=False, timeout=20)
    assert done.returncode != 0
    assert str(archstone.port) in done.stderr
    assert archstone.request("GET", "/v3").status_code == 200


def test_rel_conf_1_missing_keys_are_an_error_that_names_the_command(launch):
    server = launch(prepare=False, start=False)
    server.cli("db", "migrate")
    done = server.cli("serve", check=False, timeout=20)
    assert done.returncode != 0
    assert "keys setup" in done.stderr


# -- policy ---------------------------------------------------------------------------------------------------------------------


def test_policy_list_has_keystones_names_and_defaults(launch):
    server = launch(prepare=False, start=False)
    text = server.cli("policy", "list", "--json").stdout
    listed = json.loads(text)
    rules = {rule["name"]: rule for rule in (listed if isinstance(listed, list) else listed["rules"])}
    assert {"identity:create_identity_provider", "identity:list_identity_providers", "identity:validate_token", "admin_required"} <= set(rules)
    assert sorted(rules["identity:create_identity_provider"]["scope_types"]) == ["domain", "project", "system"]


def test_policy_check_answers_by_exit_code_and_json(launch):
    server = launch(prepare=False, start=False)
    target, credentials = server.folder / "target.json", server.folder / "credentials.json"
    target.write_text("{}")
    for roles, allowed in ((["admin"], True), (["member"], False)):
        credentials.write_text(json.dumps({"roles": roles, "project_id": "p", "user_id": "u"}))
        done = server.cli("policy", "check", "--rule", "identity:create_identity_provider", "--target", str(target),
                          "--credentials", str(credentials), check=False)
        assert (done.returncode == 0) == allowed, done.stdout + done.stderr


def test_policy_check_json_lines(launch):
    server = launch(prepare=False, start=False)
    cases = [
        {"id": 1, "rules": {"r": "role:a"}, "rule": "r", "target": {}, "creds": {"roles": ["A"]}},
        {"id": 2, "rules": {"r": "role:a"}, "rule": "r", "target": {}, "creds": {"roles": []}},
        {"id": 3, "rules": {"r": [["role:a"], ["role:b"]]}, "rule": "r", "target": {}, "creds": {"roles": ["b"]}},
        {"id": 4, "rules": {"fallback": "@"}, "rule": "unknown", "default_rule": "fallback", "target": {}, "creds": {}},
        {"id": 5, "rules": {"r": "user_id:%(user.id)s"}, "rule": "r", "target": {"user": {"id": "u"}}, "creds": {"user_id": "u"}},
        {"id": "six"},
    ]
    done = server.cli("policy", "check", "--json-lines", stdin="".join(json.dumps(c) + "\n" for c in cases))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [a.get("result") for a in answers] == [True, False, True, True, True, None]
    assert [a["id"] for a in answers] == [1, 2, 3, 4, 5, "six"] and answers[5]["error"]


def test_the_shipped_policy_files_say_what_is_built_in(launch):
    server = launch(prepare=False, start=False)
    built_in = server.cli("policy", "list", "--json").stdout
    shipped = server.cli("policy", "list", "--json", settings={"ARCHSTONE_POLICY__FILE": str(ROOT / "policies/policy.yaml")}).stdout

    def checks(text):
        listed = json.loads(text)
        return {r["name"]: r.get("check", r.get("rule")) for r in (listed if isinstance(listed, list) else listed["rules"])}

    assert checks(shipped) == checks(built_in)


# -- everything else --------------------------------------------------------------------------------------------------------------


def test_help_names_every_command(launch):
    server = launch(prepare=False, start=False)
    text = server.cli("--help").stdout
    for command in ("serve", "bootstrap", "db", "keys", "policy", "config"):
        assert re.search(rf"^\s+{command}\b", text, re.M), command


def test_an_unknown_command_is_refused(launch):
    assert launch(prepare=False, start=False).cli("frobnicate", check=False).returncode != 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_rel_term_1_a_signal_ends_the_service_with_exit_code_0(launch, how):
    server = launch()
    process = server.process
    process.send_signal(how)
    assert process.wait(10) == 0
    server.process = None


def test_metrics_are_served_apart(archstone):
    text = archstone.request("GET", f"http://127.0.0.1:{archstone.metrics_port}/metrics").text
    assert "# TYPE" in text
    assert archstone.request("GET", "/metrics").status_code == 404


# -- etc/run.sh -----------------------------------------------------------------------------------------------------------------


def test_etc_run_sh_prints_what_logs_in_and_reuses_it(launch, tmp_path):
    client = launch(prepare=False, start=False)
    client.port = free_port()
    seen = []
    for environment in ({}, {}, {"OS_BOOTSTRAP_PASSWORD": "it's a $ecret"}):
        script = RunScript(tmp_path, client.port, **environment)
        try:
            def answers():
                assert script.process.poll() is None, script.output.read_text()
                try:
                    return client.request("GET", "/healthcheck").status_code == 200
                except OSError:
                    return False

            assert eventually(answers, within=30, every=0.1), script.output.read_text()
            variables = script.variables()
            done = client.openstack_process("token", "issue", "-f", "json", env=variables)
            assert done.returncode == 0, done.stderr
            seen.append((variables["OS_PASSWORD"], json.loads(done.stdout)["user_id"]))
        finally:
            assert script.stop() == 0
    assert seen[0] == seen[1]
    assert seen[2] == ("it's a $ecret", seen[0][1])
    for path in (tmp_path / "var").rglob("*"):
        if path.is_file() and "password" in path.name:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
