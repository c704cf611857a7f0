"""What a cloud says of its users to other clouds: the response, its envelope, its metadata, and to whom it says nothing
(keystone-api.md 1.9).

They are read by python3-saml, by pysaml2 and by xmlsec1. `test_k2k_clouds.py` goes from one cloud to another.
"""

import datetime
import json

import pytest
from saml2 import BINDING_URI

from harness import error_of, unique
from k2k import ECP, FOREIGN, METADATA, SAML2, Someone, asking, certificate_of, cloud, new_sp, response_in
from peers import onelogin
from peers.pysaml_sp import PySamlServiceProvider
from peers.saml import SAMLP, SUCCESS, find, parse
from peers.saml_ecp import NEXT, SOAP, SPACES
from peers.saml_xml import NAMES
from peers.xmlsec1 import verify

URI = "urn:oasis:names:tc:SAML:2.0:bindings:URI"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
ARCHSTONE_SSO = "https://there.example/v3-ext/auth/OS-FEDERATION/SSO"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
ENTITY_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"


@pytest.fixture(scope="module")
def home(settings):
    """The cloud whose users go elsewhere. Every token there tells of its service providers, so it is no other
    test's."""
    node = cloud(settings)
    yield node
    node.remove()


@pytest.fixture(scope="module")
def sp(home):
    """A service provider that is no Archstone."""
    return new_sp(home)


@pytest.fixture(scope="module")
def ann(home):
    """Somebody in two groups."""
    return Someone(home, [unique("group"), unique("Gruppe ä")])


@pytest.fixture
def reader(home):
    """python3-saml at that service provider."""
    return onelogin.ServiceProvider(FOREIGN["sp_url"], f"{home.url}/v3/OS-FEDERATION/saml2/idp", certificate_of(home))


def seconds_until(text):
    """How far away a time is."""
    return (datetime.datetime.fromisoformat(text) - datetime.datetime.now(datetime.UTC)).total_seconds()


# -- the response ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [SAML2, ECP])
def test_python3_saml_reads_it(ann, sp, reader, path):
    """In strict mode: schema, signature, times, recipient, issuer; and it says who it is."""
    answer = ann.ask(sp, path)
    assert answer.headers["X-sp-url"] == FOREIGN["sp_url"] and answer.headers["X-auth-url"] == FOREIGN["auth_url"]
    read = reader.read(response_in(answer))
    assert read.get_nameid() == ann.user["name"]
    said = read.get_attributes()
    groups = [json.loads(text.removeprefix("JSON:")) for text in said.pop("openstack_groups")]
    assert sorted(g["name"] for g in groups) == sorted(g["name"] for g in ann.groups)
    assert all(g == {"name": g["name"], "domain": {"name": ann.domain["name"]}} for g in groups)
    assert sorted(said.pop("openstack_roles")) == ["member", "reader"]
    assert said == {
        "openstack_user": [ann.user["name"]],
        "openstack_user_domain": [ann.domain["name"]],
        "openstack_project": [ann.project_name],
        "openstack_project_domain": [ann.domain["name"]],
    }


@pytest.mark.parametrize("path", [SAML2, ECP])
def test_pysaml2_and_xmlsec1_read_it(home, ann, sp, path):
    response = response_in(ann.ask(sp, path))
    verify(response, certificate_of(home), "saml:Assertion")
    metadata = home.request("GET", METADATA).text
    read = PySamlServiceProvider(metadata, acs=FOREIGN["sp_url"]).read(response)
    assert read.name_id.text == ann.user["name"] and read.issuer() == f"{home.url}/v3/OS-FEDERATION/saml2/idp"
    assert read.ava["openstack_user"] == [ann.user["name"]] and set(read.ava["openstack_roles"]) == {"member", "reader"}


def test_its_parts(home, ann, sp):
    response = response_in(ann.ask(sp))
    issuer = f"{home.url}/v3/OS-FEDERATION/saml2/idp"
    assert response.get("Version") == "2.0" and response.get("Destination") == FOREIGN["sp_url"]
    assert response.get("InResponseTo") is None, "nobody asked"
    assert find(response, "samlp:Status/samlp:StatusCode").get("Value") == SUCCESS
    assertion = find(response, "saml:Assertion")
    for of in (response, assertion):
        assert find(of, "saml:Issuer").text == issuer and find(of, "saml:Issuer").get("Format") in (None, ENTITY_FORMAT)
    data = find(assertion, "saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData")
    assert data.get("Recipient") == FOREIGN["sp_url"] and data.get("InResponseTo") is None
    assert 3_500 < seconds_until(data.get("NotOnOrAfter")) <= 3_600
    conditions = find(assertion, "saml:Conditions")
    assert -120 < seconds_until(conditions.get("NotBefore")) <= 1
    assert 3_500 < seconds_until(conditions.get("NotOnOrAfter")) <= 3_600
    assert find(conditions, "saml:AudienceRestriction") is None, "nobody knows its name"
    assert find(assertion, "saml:AuthnStatement/saml:AuthnContext/saml:AuthnContextClassRef").text == PASSWORD
    other = response_in(ann.ask(sp))
    ids = {of.get("ID") for one in (response, other) for of in (one, find(one, "saml:Assertion"))}
    assert len(ids) == 4


def test_an_archstone_is_told_by_its_name(home, ann):
    """Then the response is good nowhere else."""
    there = new_sp(home, sp_url=f"{ARCHSTONE_SSO}/SAML2/ECP")
    audiences = [a.text for a in response_in(ann.ask(there)).iterfind(".//saml:Audience", NAMES)]
    assert audiences == [f"{ARCHSTONE_SSO}/metadata"]


def test_names_that_are_markup(home, sp, reader):
    """Values are text, whatever they are like; who is in no group has no attribute of groups."""
    name = unique("<b>&amp;\"☃']]>")
    bob = Someone(home, name=name)
    read = reader.read(response_in(bob.ask(sp)))
    assert read.get_nameid() == name and read.get_attributes()["openstack_user"] == [name]
    assert read.get_attributes()["openstack_project"] == [name] and "openstack_groups" not in read.get_attributes()


def test_names_that_xml_has_not(home, sp):
    """No assertion can have them; in a group's name they leave the group out."""
    bob = Someone(home, name=unique("b\u0001"))
    assert bob.ask(sp).status_code == 403
    carol = Someone(home, [unique("g\u0001"), "plain"])
    response = response_in(carol.ask(sp))
    groups = [v.text for v in response.iterfind(".//saml:Attribute[@Name='openstack_groups']/saml:AttributeValue", SPACES)]
    assert len(groups) in (1, 2) and all("\u0001" not in group for group in groups), groups


def test_the_envelope(home, ann, sp):
    root = parse(ann.ask(sp, ECP).content)
    assert root.tag == f"{{{SOAP}}}Envelope"
    state = root.find("S:Header/ecp:RelayState", SPACES)
    assert state.get(f"{{{SOAP}}}mustUnderstand") == "1" and state.get(f"{{{SOAP}}}actor") == NEXT
    prefix, number = state.text[:-32], state.text[-32:]
    assert prefix == "ss:mem:" and int(number, 16)
    [response] = root.find("S:Body", SPACES)
    assert response.tag == f"{{{SAMLP}}}Response"
    other = new_sp(home, relay_state_prefix="ss:other:☃")
    again = parse(ann.ask(other, ECP).content).find("S:Header/ecp:RelayState", SPACES).text
    assert again.startswith("ss:other:☃") and again[-32:] != number and int(again[-32:], 16)


# -- whom it says nothing of -------------------------------------------------------------------------------------------


def body_of(good, **changes):
    """A body that asks, with other members at these places (`a__b`; None: leave out)."""
    body = json.loads(json.dumps(good))
    for path, value in changes.items():
        *places, last = path.split("__")
        at = body
        for place in places:
            at = at[place]
        if value is None:
            del at[last]
        else:
            at[last] = value
    return body


BAD = {
    "no auth": {"auth": None},
    "auth as text": {"auth": "x"},
    "no identity": {"auth__identity": None},
    "no token": {"auth__identity__token": None},
    "a token without an id": {"auth__identity__token__id": None},
    "a token's id that is no text": {"auth__identity__token__id": 7},
    "a token as text": {"auth__identity__token": "x"},
    "methods that are no list": {"auth__identity__methods": "token"},
    "no scope": {"auth__scope": None},
    "no service provider": {"auth__scope__service_provider": None},
    "a service provider without an id": {"auth__scope__service_provider__id": None},
    "a service provider's id that is no text": {"auth__scope__service_provider__id": ["x"]},
    "more beside auth": {"more": 1},
    "more in auth": {"auth__more": 1},
    "more in identity": {"auth__identity__more": 1},
    "more in the token": {"auth__identity__token__more": 1},
    "more in the scope": {"auth__scope__more": 1},
    "a project in the scope": {"auth__scope__project": {"id": "x"}},
    "more in the service provider": {"auth__scope__service_provider__more": 1},
}


@pytest.mark.parametrize("path", [SAML2, ECP])
@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_bodies_that_ask_for_something_else(home, ann, sp, path, changes):
    error_of(home.request("POST", path, json=body_of(asking(ann.token(), sp), **changes)), 400)


@pytest.mark.parametrize("path", [SAML2, ECP])
def test_bodies_that_are_none(home, path):
    for body in ("", "{", "[]", "<xml/>", "null"):
        headers = {"Content-Type": "application/json"}
        error_of(home.request("POST", path, data=body, headers=headers), 400)


@pytest.mark.parametrize("path", [SAML2, ECP])
def test_methods_need_not_be_named(home, ann, sp, path):
    body = body_of(asking(ann.token(), sp), auth__identity__methods=None)
    assert home.request("POST", path, json=body).status_code == 200


@pytest.mark.parametrize("path", [SAML2, ECP])
@pytest.mark.parametrize("scope", ["unscoped", "domain", "system"])
def test_a_token_that_is_for_no_project(home, ann, sp, path, scope):
    home.grant(ann.user, "reader", domain=ann.domain["id"])
    home.grant(ann.user, "reader", system=True)
    token = ann.token(**{scope: ann.domain["id"] if scope == "domain" else True})
    error_of(ann.ask(sp, path, token), 403)


@pytest.mark.parametrize("path", [SAML2, ECP])
def test_a_token_that_is_none(home, sp, path):
    """Unknown, revoked, and of somebody who has been disabled."""
    bob = Someone(home)
    error_of(bob.ask(sp, path, "nonsense"), 404)
    token = bob.token()
    home.expect(204, "DELETE", "/v3/auth/tokens", token=home.admin_token, headers={"X-Subject-Token": token})
    error_of(bob.ask(sp, path, token), 404)
    token = bob.token()
    body = {"user": {"enabled": False}}
    home.expect(200, "PATCH", f"/v3/users/{bob.user['id']}", token=home.admin_token, json=body)
    error_of(bob.ask(sp, path, token), 404)


@pytest.mark.parametrize("path", [SAML2, ECP])
def test_a_service_provider_that_is_none(home, ann, path):
    """Disabled ones are 403, and those that nobody has made 404."""
    error_of(ann.ask(unique("sp"), path), 404)
    error_of(ann.ask(new_sp(home, enabled=False), path), 403)


@pytest.mark.parametrize("path", [SAML2, ECP])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_methods(home, path, method):
    answer = home.request(method, path)
    assert error_of(answer, 405) and "POST" in answer.headers["Allow"]


def test_no_token_in_the_log(home, ann, sp):
    token = ann.token()
    response_in(ann.ask(sp, ECP, token))
    assert token not in home.log() and "<saml" not in home.log()


# -- metadata ----------------------------------------------------------------------------------------------------------


def test_metadata(home):
    """For everybody."""
    answer = home.request("GET", METADATA)
    assert answer.status_code == 200 and answer.headers["Content-Type"].split(";")[0] == "text/xml"
    assert home.request("HEAD", METADATA).status_code == 200
    root = parse(answer.content)
    assert root.get("entityID") == f"{home.url}/v3/OS-FEDERATION/saml2/idp"
    [role] = root.iterfind("md:IDPSSODescriptor", NAMES)
    assert SAMLP in role.get("protocolSupportEnumeration").split()
    [service] = role.iterfind("md:SingleSignOnService", NAMES)
    assert service.get("Binding") == URI and service.get("Location").startswith(home.url)
    assert TRANSIENT in [f.text for f in role.iterfind("md:NameIDFormat", NAMES)]
    for method in ("POST", "PUT", "DELETE"):
        answer = home.request(method, METADATA)
        assert error_of(answer, 405) and "GET" in answer.headers["Allow"]


def test_metadata_are_read(home):
    """By pysaml2 and by python3-saml."""
    document, entity = home.request("GET", METADATA).text, f"{home.url}/v3/OS-FEDERATION/saml2/idp"
    known = PySamlServiceProvider(document).metadata
    [service] = known.service(entity, "idpsso_descriptor", "single_sign_on_service", BINDING_URI)
    certificate = "".join(certificate_of(home).splitlines()[1:-1])
    assert ["".join(c.split()) for _, c in known.certs(entity, "idpsso", "signing")] == [certificate]
    read = onelogin.identity_provider(document, URI)
    assert read["entityId"] == entity and "".join(read["x509cert"].split()) == certificate
    assert read["singleSignOnService"]["url"] == service["location"]
