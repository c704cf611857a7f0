"""Enhanced Clients: SAML for programs, with keystoneauth's own plugin and step by step by the wire (keystone-api.md
1.7; ruling 6).

The identity provider is `peers/saml_ecp.py`'s; `test_saml_ecp_envelopes.py` has what opens nothing.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from keystoneauth1 import exceptions, loading, session

from ecp_rounds import Round
from harness import unique
from peers import saml
from peers.saml import serialise
from peers.saml_ecp import ECP, NEXT, PAOS_TYPE, SOAP, SPACES, Asked
from peers.xmlsec1 import verify
from saml_trust import (
    ECP_ACS,
    ENTITY,
    PERSON,
    SamlTrust,
    ask,
    bring,
    brought,
    certificate_in,
    collect,
    collected,
    metadata,
    refused,
)
from trust import project_of, user_id
from visitor import JSON

PAGE = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def archstone(sqlite_archstone):
    """What clients see does not depend on the database."""
    return sqlite_archstone


@pytest.fixture
def way(saml_way, ecp_idp):
    """A way in for Enhanced Clients."""
    return saml_way(PERSON, idp=ecp_idp)


# -- keystoneauth's plugin, unmodified ---------------------------------------------------------------------------------


class Cloud:
    """A way in whose people get a project with the role `member`, and what a client has to be told for it."""

    def __init__(self, archstone, idp):
        self.archstone, self.idp, self.project = archstone, idp, unique("lab")
        role = project_of(self.project, "member") | {"remote": [{"type": "MELLON_uid"}]}
        self.way, self.person = SamlTrust(archstone, idp, PERSON, role), idp.person()

    def options(self, **more):
        """Options of the plugin; with the project as scope unless told otherwise."""
        common = {
            "auth_url": self.archstone.auth_url,
            "identity_provider": self.way.id,
            "protocol": self.way.protocol,
            "identity_provider_url": self.idp.ecp_url,
            "username": self.person["name"],
            "password": self.person["password"],
            "project_name": self.project,
            "project_domain_id": self.way.domain_id,
        }
        return {k: v for k, v in (common | more).items() if v is not None}


@pytest.fixture
def cloud(archstone, ecp_idp):
    """A way in for clients."""
    ecp_idp.asked.clear()
    return Cloud(archstone, ecp_idp)


def plugin(**options):
    """`v3samlpassword`."""
    return loading.get_plugin_loader("v3samlpassword").load_from_options(**options)


def test_v3samlpassword(cloud):
    auth = plugin(**cloud.options())
    keystone = session.Session(auth)
    found = auth.get_access(keystone)
    assert (
        found.project_scoped and found.project_name == cloud.project and set(found.role_names) == {"member", "reader"}
    )
    assert (
        found.user_id == user_id(cloud.way.domain_id, cloud.person["name"]) and found.username == cloud.person["name"]
    )
    assert found.is_federated and found.has_service_catalog()
    listed = keystone.get(f"{cloud.archstone.auth_url}/auth/projects").json()
    assert [p["name"] for p in listed["projects"]] == [cloud.project]
    [(request, element, content_type)] = cloud.idp.asked
    assert request.issuer == cloud.archstone.url + ENTITY and content_type == "text/xml"
    verify(serialise(element), certificate_in(metadata(cloud.archstone)))


def test_v3samlpassword_unscoped_and_once_more(cloud):
    """A session that has lost its token goes through the identity provider again."""
    auth = plugin(**cloud.options(project_name=None, project_domain_id=None))
    keystone = session.Session(auth)
    token = keystone.get_token()
    assert not auth.get_access(keystone).scoped
    cloud.archstone.expect(
        204, "DELETE", "/v3/auth/tokens", token=cloud.archstone.admin_token, headers={"X-Subject-Token": token}
    )
    assert keystone.get(f"{cloud.archstone.auth_url}/auth/projects").status_code == 200
    assert keystone.get_token() != token and len(cloud.idp.asked) == 2


def test_v3samlpassword_with_a_wrong_password(cloud):
    """The identity provider says no, and nothing comes here."""
    with pytest.raises(exceptions.AuthorizationFailure):
        session.Session(plugin(**cloud.options(password="wrong"))).get_token()
    assert cloud.idp.asked == [] and cloud.way.logins() == []


def test_v3samlpassword_of_another_consumer(cloud):
    """An identity provider that would send the response elsewhere; the client says so here, and gets nothing."""
    with cloud.idp.says(consumer="https://other.example/ecp"), pytest.raises(exceptions.AuthorizationFailure):
        session.Session(plugin(**cloud.options())).get_token()


def test_v3samlpassword_where_nobody_is_let_in(cloud):
    with cloud.idp.says(audiences=[["urn:other"]]), pytest.raises(exceptions.Unauthorized):
        session.Session(plugin(**cloud.options())).get_token()


def test_the_command_line(cloud, archstone):
    env = {"OS_AUTH_TYPE": "v3samlpassword", "OS_IDENTITY_API_VERSION": "3", "OS_REGION_NAME": "RegionOne"} | {
        f"OS_{name.upper()}": value for name, value in cloud.options().items()
    }
    issued = archstone.openstack("token", "issue", env=env)
    assert issued["user_id"] == user_id(cloud.way.domain_id, cloud.person["name"])
    assert [p["Name"] for p in archstone.openstack("federation", "project", "list", env=env)] == [cloud.project]
    refused_ = archstone.openstack_process("token", "issue", env=env | {"OS_PASSWORD": "wrong"})
    assert refused_.returncode != 0 and "Traceback" not in refused_.stderr


# -- the first answer --------------------------------------------------------------------------------------------------


def test_the_envelope(archstone, way):
    answer = ask(way)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == PAOS_TYPE, "clients compare all of it"
    assert answer.headers["Cache-Control"] == "no-store"
    asked = Asked(answer.content)
    assert asked.consumer == archstone.url + ECP_ACS and asked.paos.get("service") == ECP
    for header in (asked.paos, asked.ecp, asked.header.find("ecp:RelayState", SPACES)):
        assert header.get(f"{{{SOAP}}}mustUnderstand") == "1" and header.get(f"{{{SOAP}}}actor") == NEXT, header.tag
    assert asked.ecp.findtext("saml:Issuer", namespaces=SPACES) == archstone.url + ENTITY
    request = asked.request
    assert request.issuer == archstone.url + ENTITY and request.acs_url == archstone.url + ECP_ACS
    assert request.root.get("ProtocolBinding") in (None, f"{saml.BINDING}PAOS")
    assert 16 <= len(asked.relay_state) <= 80
    verify(serialise(request.root), certificate_in(metadata(archstone)))
    again = Asked(ask(way).content)
    assert again.relay_state != asked.relay_state and again.request.id != request.id


@pytest.mark.parametrize("headers", [{"PAOS": None}, {"Accept": JSON}, {"Accept": "*/*"}], ids=str)
def test_who_is_no_enhanced_client(way, headers):
    """Both header fields say it; a program without them has nothing to show here."""
    answer = ask(way, headers=headers)
    assert answer.status_code == 401 and answer.headers["Content-Type"].startswith(JSON), answer.text[:500]


def test_browsers_that_take_anything_are_browsers(way):
    answer = ask(way, headers={"Accept": PAGE, "PAOS": None})
    assert answer.status_code in (302, 303)


def test_an_enhanced_client_at_an_entrance_that_is_closed(way):
    way.patch(enabled=False)
    refused(ask(way), 401, 403)
    way.delete()
    refused(ask(way), 401, 404)


# -- the way back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["assertion", "both"])
def test_there_and_back(archstone, way, what):
    first = Round(way, what=what)
    token, body = first.come()
    assert body["user"]["id"] == user_id(way.domain_id, first.person["name"]) and body["methods"] == ["mapped"]
    assert archstone.validate(token).json()["token"] == body
    assert Round(way, first.person).come()[1]["user"]["id"] == body["user"]["id"]


def test_the_cookie(way):
    """It is good once, for this way in, and keeps to itself; who has been given a token is told to forget it."""
    other = SamlTrust(way.archstone, way.provider, PERSON)
    answer = bring(way.archstone, Round(way).envelope())
    cookie = brought(way, answer)
    said = answer.headers["Set-Cookie"]
    assert "HttpOnly" in said and "SameSite" in said and "Domain" not in said, said
    assert answer.headers["Cache-Control"] == "no-store" and "X-Subject-Token" not in answer.headers
    refused(collect(way, cookie[:-1] + ("A" if cookie[-1] != "A" else "B")))
    answer = collect(way, cookie)
    assert answer.status_code == 201 and "Max-Age=0" in answer.headers.get("Set-Cookie", ""), answer.headers
    refused(collect(way, cookie))
    again = ask(way, headers={"Cookie": cookie})
    assert again.status_code == 200 and again.headers["Content-Type"] == PAOS_TYPE, "it begins anew"
    refused(collect(other, brought(way, bring(way.archstone, Round(way).envelope()))))


def test_a_state_is_no_cookie_and_a_cookie_no_state(way):
    """What a client was given for one step opens no other."""
    first = Round(way)
    refused(collect(way, f"archstone-ecp={first.asked.relay_state}"))
    cookie = brought(way, bring(way.archstone, first.envelope()))
    second = Round(way)
    refused(bring(way.archstone, second.envelope(state=cookie.partition("=")[2])))
    assert collect(way, cookie).status_code == 201


def test_a_cookie_twenty_times_at_once(way):
    cookie = brought(way, bring(way.archstone, Round(way).envelope()))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: collect(way, cookie, timeout=60).status_code, range(20)))
    assert sorted(answers) == [201] + [401] * 19


def test_a_response_is_good_once(way):
    """Neither the same envelope, nor the response under another RelayState, nor another response under the same."""
    first, second = Round(way), Round(way)
    brought(way, bring(way.archstone, first.envelope()))
    refused(bring(way.archstone, first.envelope()))
    refused(bring(way.archstone, first.envelope(state=second.asked.relay_state)))
    another = way.provider.vouch(first.asked.request, first.person["name"])
    refused(bring(way.archstone, first.envelope(response=another)))
    refused(bring(way.archstone, first.envelope(state=None)))
    second.come()


def test_a_response_twenty_times_at_once(way):
    octets = serialise(Round(way).envelope())
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: bring(way.archstone, octets, timeout=60).status_code, range(20)))
    assert sorted(answers) == [303] + [401] * 19


@pytest.mark.parametrize("state", ["", "unknown", "x" * 10_000, "https://evil.example/", "another's"])
def test_a_relay_state_of_nobody(way, state):
    """With an answer to a request that this service made; the right one still works."""
    one, other = Round(way), Round(way)
    refused(
        bring(way.archstone, one.envelope(state=other.asked.relay_state if state == "another's" else state)), 400, 401
    )
    other.come()


CLOSE = {
    "disabled": lambda way: way.patch(enabled=False),
    "no protocol": lambda way: way.delete(f"/protocols/{way.protocol}"),
    "deleted": lambda way: way.delete(),
}


@pytest.mark.parametrize("close", CLOSE.values(), ids=CLOSE)
def test_ks_fed_2_what_is_closed_between_the_steps(way, close):
    late, later = Round(way), Round(way)
    cookie = brought(way, bring(way.archstone, late.envelope()))
    close(way)
    answer = bring(way.archstone, later.envelope())
    if answer.status_code == 303:
        answer = collect(way, brought(way, answer))
    refused(answer, 401, 403, 404)
    refused(collect(way, cookie), 401, 403, 404)


def test_methods(archstone):
    """The entrance takes POST alone."""
    for method in ("GET", "PUT", "DELETE"):
        answer = archstone.request(method, ECP_ACS)
        assert answer.status_code == 405 and "POST" in answer.headers["Allow"], f"{method} {answer.status_code}"


def test_no_secret_in_the_log(archstone, way):
    """Neither in the log nor in the diagnostics."""
    one = Round(way)
    cookie = brought(way, bring(way.archstone, one.envelope()))
    token, _ = collected(way, cookie)
    text = archstone.log() + str(way.logins())
    assert [s for s in (one.asked.relay_state, cookie.partition("=")[2], token) if s in text] == []
