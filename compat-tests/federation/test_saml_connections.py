"""Connections to SAML identity providers as administrators write and read them (ruling 16; ADM-IMP, SSRF)."""

import pytest

from harness import error_of, unique
from huawei import saml_idp
from peers.authority import EXPIRED, self_signed
from peers.saml_metadata import metadata_of
from peers.saml_signatures import Key
from saml_trust import begin, comes, refused, send, told
from trust import FEDERATION

MEMBERS = {"idp_entity_id", "idp_sso_url", "idp_certificate"}


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough, but for what is stored."""
    return sqlite_archstone


@pytest.fixture
def way(saml_way):
    """A way in whose identity provider nothing else knows."""
    return saml_way(idp=saml_idp())


def call(way, method, body=None, **options):
    """A call on the connection as the administrator: the answer as it came."""
    node = way.archstone
    json = None if body is None else {"connection": body}
    return node.request(method, way.connection, token=options.pop("token", node.admin_token), json=json, **options)


def shown(way):
    """The connection as it is shown."""
    answer = call(way, "GET")
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:1000]}"
    return answer.json()["connection"]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_what_is_written_is_shown(_servers, saml_way, database):
    idp = saml_idp()
    more = {
        "idp_slo_url": "https://idp.example/slo",
        "name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "force_authn": True,
        "require_signed_assertion": True,
        "require_encrypted_assertion": True,
        "allow_sha1": True,
        "sp_entity_id": "urn:example:us",
    }
    way = saml_way(idp=idp, node=_servers(database), connection=more)
    found = shown(way)
    assert found["kind"] == "saml"
    assert {k: found[k] for k in more} == more
    assert found["idp_entity_id"] == idp.entity_id and found["idp_sso_url"] == idp.sso_url
    assert found["idp_certificate"].split() == idp.certificate_pem.split()


def test_what_is_not_said(way):
    """Nothing is weaker than it must be."""
    found = shown(way)
    assert found["allow_sha1"] is False and found["force_authn"] is False
    assert "client_secret" not in found and "PRIVATE" not in str(found)


def test_a_change_changes_what_is_named(way, browse, dashboard):
    before = shown(way)
    answer = call(way, "PATCH", {"require_signed_assertion": True})
    assert answer.status_code == 200, answer.text[:1000]
    assert answer.json()["connection"] == shown(way)
    assert shown(way) | {"updated_at": before["updated_at"]} == before | {"require_signed_assertion": True}
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, case.signed("response")))
    second = Key(name="next")
    assert call(way, "PATCH", {"idp_certificate": second.certificate_pem}).status_code == 200
    case = begin(way, browse(), dashboard.origin)
    refused(send(case, case.signed()))
    comes(way, browse(), dashboard, lambda c: way.provider.sign(c.build(), key=second))


def test_it_is_made_once(way):
    """A second one is none; what is to be another is changed, or goes first."""
    error_of(call(way, "PUT", {"kind": "saml"} | told(way.provider)), 409)


def test_a_document_instead_of_members(way, browse, dashboard):
    """And members again; what is null is not there."""
    nothing, document = dict.fromkeys(MEMBERS), {"idp_metadata_xml": metadata_of(way.provider)}
    for body in (nothing | document, told(way.provider) | {"idp_metadata_xml": None}):
        answer = call(way, "PATCH", body)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[:1000]}"
        comes(way, browse(), dashboard)


def test_another_kind_instead(way, provider):
    """A protocol speaks one of them at a time."""
    assert call(way, "DELETE").status_code == 204
    body = {"kind": "oidc", "issuer": provider.issuer, "client_id": "x", "client_secret": "y"}
    answer = call(way, "PUT", body)
    assert answer.status_code == 201, f"{answer.status_code} {answer.text[:1000]}"
    found = shown(way)
    assert found["kind"] == "oidc" and not [k for k in found if k.startswith("idp_")]


def test_it_goes(way, browse, dashboard):
    assert call(way, "DELETE").status_code == 204
    error_of(call(way, "GET"), 404)
    assert browse().get(way.websso, params={"origin": dashboard.origin}).status_code == 401


def test_two_certificates(way, browse, dashboard):
    """While a key is turned both count; one that is over says nothing (ADM-CERT-1)."""
    second = Key(name="next")
    both = way.provider.certificate_pem + second.certificate_pem + self_signed(life=EXPIRED)[0]
    assert call(way, "PATCH", {"idp_certificate": both}).status_code == 200
    for key in (way.provider.key, second):
        comes(way, browse(), dashboard, lambda c, key=key: way.provider.sign(c.build(), key=key))


BAD = {
    "no entity id": {"idp_entity_id": None},
    "no address": {"idp_sso_url": None},
    "no certificate": {"idp_certificate": None},
    "an empty certificate": {"idp_certificate": ""},
    "a certificate that is none": {"idp_certificate": "x"},
    "a key instead of a certificate": {"idp_certificate": self_signed()[1]},
    "a script as the address": {"idp_sso_url": "javascript:alert(1)"},
    "an address that is no text": {"idp_sso_url": 7},
    "a word for a truth": {"allow_sha1": "maybe"},
    "a truth that is null": {"force_authn": 1},
    "something unknown": {"odd": 1},
    "a member of the other kind": {"client_id": "x"},
    "an unknown kind": {"kind": "ldap3"},
    "a document that is none": {"idp_metadata_xml": "<a/>"},
    "a document that is no text": {"idp_metadata_xml": 7},
    "an address of a file": {"idp_metadata_url": "file:///etc/hostname"},
    "our name that is no text": {"sp_entity_id": 7},
}


@pytest.mark.parametrize("members", BAD.values(), ids=BAD)
def test_what_cannot_be(way, members):
    """It is 400 with the member's name, and nothing is made, or what stood there stays."""

    def told_so(answer):
        message = error_of(answer, 400)["message"]
        assert any(name in message for name in members) or "metadata" in message, message

    before = shown(way)
    if None not in members.values():
        told_so(call(way, "PATCH", members))
        assert shown(way) == before
    assert call(way, "DELETE").status_code == 204
    body = {"kind": "saml"} | told(way.provider) | members
    told_so(call(way, "PUT", {k: v for k, v in body.items() if v is not None}))
    error_of(call(way, "GET"), 404)


ADDRESSES = [
    "http://169.254.169.254/metadata",
    "http://[::1]/metadata",
    "http://2851995905/metadata",
    "http://10.0.0.1/metadata",
    "http://0.0.0.0/metadata",
    "https://user@127.0.0.1/metadata",
    "gopher://127.0.0.1/metadata",
    "//127.0.0.1/x",
    "x",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_ssrf_addresses_of_metadata(way, url):
    """Only where the operator's rules allow it."""
    error_of(call(way, "PATCH", dict.fromkeys(MEMBERS) | {"idp_metadata_url": url}), 400)
    assert call(way, "DELETE").status_code == 204
    error_of(call(way, "PUT", {"kind": "saml", "idp_metadata_url": url}), 400)


def test_ssrf_19_egress_rules_hold_for_metadata(launch, ecp_idp):
    """Without the operator's leave the loopback interface is not reached."""
    node = launch()
    admin = node.admin_token
    idp = f"{FEDERATION}/identity_providers/i"
    node.expect(201, "PUT", idp, token=admin, json={"identity_provider": {"enabled": True}})
    rules = {"rules": [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "__NAMEID__"}]}]}
    node.expect(201, "PUT", f"{FEDERATION}/mappings/m", token=admin, json={"mapping": rules})
    node.expect(201, "PUT", f"{idp}/protocols/p", token=admin, json={"protocol": {"mapping_id": "m"}})
    body = {"connection": {"kind": "saml", "idp_metadata_url": ecp_idp.metadata_url}}
    error_of(node.request("PUT", f"{idp}/protocols/p/connection", token=admin, json=body), 400)


def test_who_may(archstone, way, saml_way):
    """The administrator, and nobody by a token that they came in with."""
    domain = archstone.new_domain()["id"]
    for token, status in ((None, 401), (archstone.persona("reader", domain=domain)[1], 403)):
        for method, body in (("GET", None), ("PUT", {}), ("PATCH", {}), ("DELETE", None)):
            assert call(way, method, body, token=token).status_code == status, f"{method} {status}"


def test_the_metadata_at_an_address_that_changes(saml_way, ecp_idp, browse, dashboard):
    """They are those of the identity provider that answers there, by its name."""
    way = saml_way(idp=ecp_idp, by="url")
    comes(way, browse(), dashboard)
    other = ecp_idp.metadata_url + unique()
    answer = call(way, "PATCH", {"idp_metadata_url": other})
    assert answer.status_code in (200, 400), answer.status_code
    if answer.status_code == 200:
        answer = browse().get(way.websso, params={"origin": dashboard.origin})
        assert answer.status_code in (401, 503) and "Location" not in answer.headers
