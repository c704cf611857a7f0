"""Unmodified clients through an OpenID provider: `openstack`, and keystoneauth's plugins that speak OpenID Connect (1.7)."""

import threading
import urllib.parse
import webbrowser

import openstack
import pytest
from keystoneauth1 import exceptions, loading, session

from harness import unique
from peers.openid import pkce
from trust import PERSON, group_by_id, project_of, user_id

CALLBACK = "http://127.0.0.1:1/callback"


@pytest.fixture
def archstone(sqlite_archstone):
    """What clients see does not depend on the database."""
    return sqlite_archstone


class Cloud:
    """A way in whose people get a project with the role `member`, and what a client has to be told for it."""

    def __init__(self, archstone, provider, trust):
        self.archstone, self.provider = archstone, provider
        self.project = unique("lab")
        domain = archstone.new_domain()["id"]
        # Keystone needs to be told the domain at every place of a document of version 2.0.
        rules = [
            {"local": [rule["local"][0] | {"domain": {"id": domain}}], "remote": rule["remote"]}
            for rule in (PERSON, project_of(self.project, "member"))
        ]
        self.way = trust(*rules, schema_version="2.0", domain_id=domain)
        self.person = provider.user(name="Ann Other", email="ann@example.org")
        self.user = user_id(self.way.domain_id, self.person)

    def options(self, **more):
        """Options of a plugin; with the project as scope unless told otherwise."""
        common = {"auth_url": self.archstone.auth_url, "identity_provider": self.way.id, "protocol": "openid",
                  "project_name": self.project, "project_domain_id": self.way.domain_id}
        return {k: v for k, v in (common | more).items() if v is not None}

    def relying(self, client="cloud", **more):
        """The same with what a relying party is told."""
        return self.options(client_id=client, client_secret=f"{client} secret", discovery_endpoint=self.provider.discovery,
                            access_token_type="access_token", scope="openid profile email", **more)

    def env(self, plugin, options):
        """The same for the command line."""
        given = {"openid_scope" if name == "scope" else name: value for name, value in options.items()}
        return {"OS_AUTH_TYPE": plugin, "OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": "RegionOne"} | {
            f"OS_{name.upper()}": value for name, value in given.items()}


@pytest.fixture
def cloud(archstone, provider, trust):
    """A way in for clients."""
    return Cloud(archstone, provider, trust)


def plugin(name, options):
    """A plugin of keystoneauth, loaded by its name."""
    return loading.get_plugin_loader(name).load_from_options(**options)


def logged_in(cloud, auth):
    """Logs in and uses it; what the plugin knows then."""
    keystone = session.Session(auth)
    found = auth.get_access(keystone)
    assert found.project_scoped and found.project_name == cloud.project and set(found.role_names) == {"member", "reader"}
    assert found.user_id == cloud.user and found.username == "Ann Other" and found.is_federated
    assert found.has_service_catalog()
    listed = keystone.get(
        "/auth/projects", endpoint_filter={"service_type": "identity", "interface": "public", "version": (3, 0)}
    )
    assert [p["name"] for p in listed.json()["projects"]] == [cloud.project]
    return found


def test_v3oidcaccesstoken(cloud):
    auth = plugin("v3oidcaccesstoken", cloud.options(access_token=cloud.provider.access_token(cloud.person)))
    logged_in(cloud, auth)
    with pytest.raises(exceptions.Unauthorized):
        session.Session(plugin("v3oidcaccesstoken", cloud.options(access_token="nothing"))).get_token()


def test_v3oidcpassword(cloud):
    logged_in(cloud, plugin("v3oidcpassword", cloud.relying(username=cloud.person, password=f"{cloud.person} password")))
    with pytest.raises(exceptions.BadRequest):
        session.Session(plugin("v3oidcpassword", cloud.relying(username=cloud.person, password="wrong"))).get_token()


def test_v3oidcpassword_with_the_id_token(cloud):
    """Huawei's way: the ID token is what is presented."""
    options = cloud.relying(cloud.way.client_id, username=cloud.person, password=f"{cloud.person} password") | {
        "access_token_type": "id_token"
    }
    logged_in(cloud, plugin("v3oidcpassword", options))


def test_v3oidcclientcredentials(cloud, provider):
    provider.client("robot", resource="https://cloud.example/identity")
    provider.user("robot", name="Robot", email="robot@example.org")
    auth = plugin("v3oidcclientcredentials", cloud.relying("robot"))
    found = auth.get_access(session.Session(auth))
    assert (
        found.project_name == cloud.project
        and found.user_id == user_id(cloud.way.domain_id, "robot")
        and found.username == "Robot"
    )


def test_v3oidcauthcode(cloud, provider):
    """The code comes through the provider's own pages. This plugin knows no PKCE, so its client must not need it."""
    lax = unique("lax")
    provider.client(lax, resource="https://cloud.example/identity", lax=True)
    code = provider.authorization_code(cloud.person, lax, CALLBACK)
    logged_in(cloud, plugin("v3oidcauthcode", cloud.relying(lax, code=code, redirect_uri=CALLBACK)))
    with pytest.raises(exceptions.BadRequest):
        again = plugin("v3oidcauthcode", cloud.relying(lax, code=code, redirect_uri=CALLBACK))
        again.get_access(session.Session(again))


def test_a_public_client_with_pkce(cloud, provider):
    """As newer terminal clients do it: no secret, a verifier, then `v3oidcaccesstoken`."""
    verifier, challenge = pkce()
    code = provider.authorization_code(cloud.person, "cli", CALLBACK, code_challenge=challenge, code_challenge_method="S256")
    tokens = provider.grant(
        "cli", public=True, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=verifier
    )
    logged_in(cloud, plugin("v3oidcaccesstoken", cloud.options(access_token=tokens["access_token"])))


def test_v3oidcdeviceauthz(cloud, provider, browser, caplog):
    """The person confirms in Chromium while the client polls, every five seconds."""
    auth = plugin("v3oidcdeviceauthz", cloud.relying(code_challenge_method="S256"))
    failures = []

    def confirm():
        try:
            for _ in range(200):
                if getattr(auth, "verification_uri_complete", None):
                    break
                threading.Event().wait(0.02)
            browser.open(auth.verification_uri_complete)
            browser.click("button[type=submit]")
            browser.fill("input[name=login]", cloud.person)
            browser.fill("input[name=password]", f"{cloud.person} password")
            browser.click("button[value=login]")
        except BaseException as failure:
            failures.append(failure)

    person = threading.Thread(target=confirm)
    person.start()
    try:
        logged_in(cloud, auth)
    finally:
        person.join()
        assert not failures, failures


def test_v3websso(cloud, browser, local_origin, monkeypatch):
    """keystoneauth opens the browser and listens for the form itself."""
    failures, people = [], []

    def visit(url):
        try:
            browser.open(url)
            browser.fill("input[name=login]", cloud.person)
            browser.fill("input[name=password]", f"{cloud.person} password")
            browser.click("button[value=login]")
        except BaseException as failure:
            failures.append(failure)

    def open_browser(url, **_):
        people.append(threading.Thread(target=visit, args=(url,)))
        people[0].start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_browser)
    at = urllib.parse.urlsplit(local_origin)
    try:
        logged_in(cloud, plugin("v3websso", cloud.options(redirect_host=at.hostname, redirect_port=at.port, login_timeout=20)))
    finally:
        for person in people:
            person.join()
        assert not failures, failures


def test_a_session_logs_in_again_by_itself(cloud):
    """After its token was revoked the session goes through the provider once more."""
    auth = plugin("v3oidcpassword", cloud.relying(username=cloud.person, password=f"{cloud.person} password"))
    keystone = session.Session(auth)
    token = keystone.get_token()
    cloud.archstone.expect(
        204, "DELETE", "/v3/auth/tokens", token=cloud.archstone.admin_token, headers={"X-Subject-Token": token}
    )
    assert keystone.get(f"{cloud.archstone.auth_url}/auth/projects").status_code == 200
    assert keystone.get_token() != token


def test_unscoped_then_rescoped_by_keystoneauth(cloud):
    unscoped = plugin(
        "v3oidcaccesstoken",
        cloud.options(access_token=cloud.provider.access_token(cloud.person), project_name=None, project_domain_id=None),
    )
    keystone = session.Session(unscoped)
    found = unscoped.get_access(keystone)
    assert not found.scoped and found.is_federated
    scoped = plugin("v3token", cloud.options(token=found.auth_token, identity_provider=None, protocol=None))
    rescoped = scoped.get_access(keystone)
    assert (
        rescoped.project_name == cloud.project and rescoped.expires == found.expires and rescoped.audit_chain_id == found.audit_id
    )


def test_openstacksdk(cloud):
    options = cloud.options(access_token=cloud.provider.access_token(cloud.person))
    with openstack.connect(
        auth_type="v3oidcaccesstoken", auth=options, region_name="RegionOne", load_envvars=False, load_yaml_config=False
    ) as connection:
        assert connection.current_user_id == cloud.user and connection.current_project.name == cloud.project
        assert [p.name for p in connection.identity.user_projects(cloud.user)] == [cloud.project]


def test_the_command_line_with_an_access_token(cloud, archstone):
    env = cloud.env("v3oidcaccesstoken", cloud.options(access_token=cloud.provider.access_token(cloud.person)))
    issued = archstone.openstack("token", "issue", env=env)
    assert issued["user_id"] == cloud.user
    assert archstone.openstack("federation", "project", "list", env=env) == [
        {"ID": issued["project_id"], "Domain ID": cloud.way.domain_id, "Enabled": True, "Name": cloud.project}]
    assert archstone.openstack("federation", "domain", "list", env=env) == []
    assert any(s["Type"] == "identity" for s in archstone.openstack("catalog", "list", env=env))
    refused = archstone.openstack_process("token", "issue", env=env | {"OS_ACCESS_TOKEN": "nothing"})
    assert refused.returncode != 0 and "HTTP 401" in refused.stderr


@pytest.mark.parametrize("name", ["v3oidcpassword", "v3oidcclientcredentials"])
def test_the_command_line_with_the_provider_behind_it(cloud, archstone, provider, name):
    more = {"username": cloud.person, "password": f"{cloud.person} password"} if name == "v3oidcpassword" else {}
    client = unique("robot")
    provider.client(client, resource="https://cloud.example/identity")
    provider.user(client, name="Robot", email="robot@example.org")
    env = cloud.env(name, cloud.relying(client, **more))
    issued = archstone.openstack("token", "issue", env=env)
    assert issued["user_id"] == (cloud.user if more else user_id(cloud.way.domain_id, client))
    assert [p["Name"] for p in archstone.openstack("federation", "project", "list", env=env)] == [cloud.project]


def test_unscoped_on_the_command_line(cloud, archstone):
    options = cloud.options(access_token=cloud.provider.access_token(cloud.person), project_name=None, project_domain_id=None)
    env = cloud.env("v3oidcaccesstoken", options)
    assert [p["Name"] for p in archstone.openstack("federation", "project", "list", env=env)] == [cloud.project]
    issued = archstone.openstack("token", "issue", env=env)
    assert issued["user_id"] == cloud.user and "project_id" not in issued


def test_an_administrator_by_group(archstone, provider, trust):
    """Somebody of the provider's group administers the cloud with the stock client."""
    group = archstone.new_group()
    archstone.grant(None, "admin", system=True, group=group)
    project = archstone.new_project()
    archstone.grant(None, "admin", project=project, group=group)
    way = trust(PERSON, group_by_id(group, "operators"))
    person = provider.user(name="Op", email="op@example.org", groups=["operators"])
    env = {
        "OS_AUTH_TYPE": "v3oidcaccesstoken",
        "OS_AUTH_URL": archstone.auth_url,
        "OS_IDENTITY_PROVIDER": way.id,
        "OS_PROTOCOL": "openid",
        "OS_ACCESS_TOKEN": provider.access_token(person),
        "OS_PROJECT_ID": project,
        "OS_IDENTITY_API_VERSION": "3",
    }
    name = unique("domain")
    assert archstone.openstack("domain", "create", name, env=env)["name"] == name
    archstone.openstack("domain", "set", "--disable", name, env=env)
    archstone.openstack("domain", "delete", name, env=env)
