"""From one cloud to another: keystoneauth's `Keystone2Keystone`, unmodified, between two Archstones (keystone-api.md
1.9)."""

import pytest
from keystoneauth1 import exceptions, session
from keystoneauth1.identity import v3

from harness import unique
from k2k import ECP, METADATA, Someone, certificate_of, cloud, new_sp, response_in
from peers.saml import find
from peers.saml_ecp import envelope
from saml_trust import ECP_ACS, PROTOCOL, SamlTrust, bring, brought, collected, refused
from trust import user_id

# Who it is, as mapping documents for clouds say it.
PERSON = {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "openstack_user"}]}


@pytest.fixture(scope="module")
def clouds(settings):
    """Two clouds that share nothing."""
    made = [cloud(settings), cloud(settings)]
    yield made
    for node in made:
        node.remove()


class Home:
    """A cloud as the other one's identity provider, told of in each way that connections know."""

    def __init__(self, node):
        self.node, self.entity_id, self.sso_url = node, f"{node.url}/v3/OS-FEDERATION/saml2/idp", f"{node.url}/v3"
        self.metadata_url, self.certificate_pem = node.url + METADATA, certificate_of(node)

    def metadata(self):
        """Its metadata as text."""
        return self.node.request("GET", METADATA).text


class Friends:
    """Two clouds, the second of which takes the first one's members; `by` as at `SamlTrust`."""

    def __init__(self, clouds, by="members"):
        self.home, self.away = clouds
        self.domain = self.away.new_domain()["id"]
        self.project_name = unique("guests")
        self.project = self.away.new_project(self.domain, name=self.project_name)
        group = self.away.new_group(self.domain)
        self.away.grant(None, "member", project=self.project, group=group)
        members = {
            "local": [{"group": {"id": group["id"]}}],
            "remote": [{"type": "openstack_roles", "any_one_of": ["member"]}],
        }
        self.way = SamlTrust(self.away, Home(self.home), PERSON, members, by=by, domain_id=self.domain)
        self.sp = new_sp(self.home, auth_url=self.way.auth, sp_url=self.way.ecp_acs)
        self.ann = Someone(self.home)

    def close(self):
        """One cloud has one way in to the other at a time."""
        self.way.delete()
        self.home.expect(204, "DELETE", f"/v3/OS-FEDERATION/service_providers/{self.sp}", token=self.home.admin_token)

    def plugin(self, **scope):
        """keystoneauth's."""
        local = v3.Password(
            self.home.auth_url,
            user_id=self.ann.user["id"],
            password=self.ann.user["password"],
            project_id=self.ann.project,
        )
        return v3.Keystone2Keystone(local, self.sp, **scope)

    def guest(self, **scope):
        """What the plugin knows then; scoped to the guests' project unless told otherwise."""
        plugin = self.plugin(**(scope or {"project_name": self.project_name, "project_domain_id": self.domain}))
        return plugin.get_access(session.Session(plugin))

    def envelope(self):
        """What the first cloud says for the second."""
        return self.ann.ask(self.sp, ECP)


@pytest.fixture
def friends(clouds):
    """`friends(by=…)`."""
    made = []

    def make(**options):
        made.append(Friends(clouds, **options))
        return made[-1]

    yield make
    for it in made:
        it.close()


@pytest.mark.parametrize("by", ["document", "url", "members"])
def test_keystone_2_keystone(friends, by):
    it = friends(by=by)
    found = it.guest()
    assert found.project_scoped and found.project_id == it.project and set(found.role_names) == {"member", "reader"}
    assert found.username == it.ann.user["name"] and found.user_domain_id == it.domain and found.is_federated
    assert found.user_id == user_id(it.domain, it.ann.user["name"])
    body = it.away.validate(found.auth_token).json()["token"]
    assert body["user"]["OS-FEDERATION"]["identity_provider"] == {"id": it.way.id}
    assert body["user"]["OS-FEDERATION"]["protocol"] == {"id": PROTOCOL}
    assert it.home.validate(found.auth_token).status_code == 404, "it is no token of the first cloud's"


def test_a_session_with_the_second_cloud(friends):
    """It finds the second cloud's own catalog, and logs in again by itself."""
    it = friends()
    plugin = it.plugin(project_name=it.project_name, project_domain_id=it.domain)
    keystone = session.Session(plugin)
    where = {"service_type": "identity", "interface": "public", "version": (3, 0)}
    assert keystone.get_endpoint(**where).startswith(it.away.url)
    listed = keystone.get("/auth/projects", endpoint_filter=where).json()["projects"]
    assert [p["id"] for p in listed] == [it.project]
    token = keystone.get_token()
    it.away.expect(204, "DELETE", "/v3/auth/tokens", token=it.away.admin_token, headers={"X-Subject-Token": token})
    assert keystone.get("/auth/projects", endpoint_filter=where).status_code == 200 and keystone.get_token() != token


def test_a_token_of_the_first_cloud_tells_of_the_second(friends):
    it = friends()
    local = v3.Password(it.home.auth_url, user_id=it.ann.user["id"], password=it.ann.user["password"])
    assert local.get_sp_auth_url(session.Session(local), it.sp) == it.way.auth
    assert local.get_sp_url(session.Session(local), it.sp) == it.away.url + ECP_ACS


def test_roles_that_they_have_not_there(friends):
    """Who has the right role at home has one there; the first cloud says nothing of what it does not know."""
    it = friends()
    it.home.grant(it.ann.user, "member", project=it.ann.project, method="DELETE")
    it.home.grant(it.ann.user, "reader", project=it.ann.project)
    plugin = it.plugin()
    assert not plugin.get_access(session.Session(plugin)).scoped
    with pytest.raises(exceptions.Unauthorized):
        it.guest()


def test_what_was_said_is_good_once_and_here(friends):
    it = friends()
    octets = it.envelope().content
    _, body = collected(it.way, brought(it.way, bring(it.away, octets)))
    assert body["user"]["name"] == it.ann.user["name"]
    refused(bring(it.away, octets))
    octets = it.envelope().content
    refused(bring(it.home, octets))
    brought(it.way, bring(it.away, octets))


def test_what_was_said_and_changed(friends):
    it = friends()
    response = response_in(it.envelope())
    find(response, ".//saml:NameID").text = "admin"
    refused(bring(it.away, envelope(response, header=[])))
    octets = it.envelope().content
    assert b">reader<" in octets
    refused(bring(it.away, octets.replace(b">reader<", b">admin<")))
    response = response_in(it.envelope())
    signature = find(response, ".//ds:Signature")
    signature.getparent().remove(signature)
    refused(bring(it.away, envelope(response, header=[])))


def test_what_was_said_for_somebody_else(friends):
    """A service provider of the first cloud's is not another one."""
    it = friends()
    other = new_sp(it.home, sp_url=f"{it.home.url}{ECP_ACS}")
    refused(bring(it.away, it.ann.ask(other, ECP).content))
    plain = new_sp(it.home, sp_url="https://sp.example/Shibboleth.sso/SAML2/ECP")
    refused(bring(it.away, it.ann.ask(plain, ECP).content))


def close_service_provider(it):
    body = {"service_provider": {"enabled": False}}
    it.home.expect(200, "PATCH", f"/v3/OS-FEDERATION/service_providers/{it.sp}", token=it.home.admin_token, json=body)


def close_identity_provider(it):
    it.way.patch(enabled=False)


def close_connection(it):
    it.way.delete(f"/protocols/{PROTOCOL}/connection")


def close_user_at_home(it):
    body = {"user": {"enabled": False}}
    it.home.expect(200, "PATCH", f"/v3/users/{it.ann.user['id']}", token=it.home.admin_token, json=body)


CLOSE = {
    close_service_provider: AssertionError,  # The plugin finds no address.
    close_identity_provider: (exceptions.Unauthorized, exceptions.Forbidden),
    close_connection: exceptions.Unauthorized,
    close_user_at_home: exceptions.Unauthorized,
}


@pytest.mark.parametrize(("close", "error"), CLOSE.items(), ids=[close.__name__ for close in CLOSE])
def test_ks_fed_2_what_is_closed_at_either_end(friends, close, error):
    it = friends()
    assert it.guest().project_scoped
    close(it)
    with pytest.raises(error):
        it.guest()
