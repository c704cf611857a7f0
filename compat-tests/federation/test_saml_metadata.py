"""The Keystone face's own metadata as a SAML service provider, read by those who read such documents (keystone-api.md
2.2)."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from saml2 import BINDING_HTTP_POST, BINDING_PAOS

from peers import onelogin
from peers.pysaml_sp import PySamlServiceProvider
from peers.saml import BINDING, SAMLP, find, parse, q
from peers.saml_xml import NAMES
from peers.xmlsec1 import verify
from saml_trust import ACS, ECP_ACS, ENTITY, certificate_in, metadata
from visitor import JSON

TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"


@pytest.fixture
def document(archstone):
    """It, as text."""
    return metadata(archstone)


def test_what_it_says(archstone):
    """Nobody needs a token for it, and it does not change by itself."""
    answer = archstone.request("GET", ENTITY)
    assert answer.status_code == 200 and "xml" in answer.headers["Content-Type"]
    assert archstone.request("HEAD", ENTITY).status_code == 200
    root = parse(answer.content)
    assert root.tag == q("md:EntityDescriptor") and root.get("entityID") == archstone.url + ENTITY
    [role] = root.iterfind("md:SPSSODescriptor", NAMES)
    assert role.get("AuthnRequestsSigned") == "true" and role.get("WantAssertionsSigned") == "true"
    assert SAMLP in role.get("protocolSupportEnumeration").split()
    assert TRANSIENT in [f.text for f in role.iterfind("md:NameIDFormat", NAMES)]
    services = [
        (s.get("index"), s.get("Binding"), s.get("Location"))
        for s in role.iterfind("md:AssertionConsumerService", NAMES)
    ]
    assert services == [
        ("0", f"{BINDING}HTTP-POST", archstone.url + ACS),
        ("1", f"{BINDING}PAOS", archstone.url + ECP_ACS),
    ]
    for use in ("signing", "encryption"):
        certificate = x509.load_pem_x509_certificate(certificate_in(answer.text, use).encode())
        assert isinstance(certificate.public_key(), rsa.RSAPublicKey) and certificate.public_key().key_size == 3072


def test_its_keys_stay(archstone, document):
    assert {certificate_in(metadata(archstone, unsigned="true"), use) for use in ("signing", "encryption")} == {
        certificate_in(document, use) for use in ("signing", "encryption")
    }


def test_xmlsec1_finds_it_signed(document):
    verify(document.encode(), certificate_in(document))


def test_python3_saml_reads_it(document):
    """By the schema, and by the signature."""
    assert onelogin.wrong_with(document) == []
    assert onelogin.is_signed(document, certificate_in(document))
    changed = document.replace(ACS, "/elsewhere")
    assert changed != document and not onelogin.is_signed(changed, certificate_in(document))


def test_pysaml2_reads_it(archstone, document):
    known = PySamlServiceProvider(document).metadata
    entity = archstone.url + ENTITY
    for binding, path in ((BINDING_HTTP_POST, ACS), (BINDING_PAOS, ECP_ACS)):
        [service] = known.service(entity, "spsso_descriptor", "assertion_consumer_service", binding)
        assert service["location"] == archstone.url + path
    for use in ("signing", "encryption"):
        [(_, certificate)] = known.certs(entity, "spsso", use)
        assert base64.b64decode(certificate) == base64.b64decode(
            "".join(certificate_in(document, use).splitlines()[1:-1])
        )


@pytest.mark.parametrize(("query", "signed"), [("unsigned=true", False), ("unsigned=false", True), ("", True)])
def test_without_a_signature_for_whom_wants_none(archstone, query, signed):
    root = parse(archstone.request("GET", f"{ENTITY}?{query}").content)
    assert (find(root, "ds:Signature") is not None) == signed
    assert root.get("entityID") == archstone.url + ENTITY


def test_web_host_its_addresses_are_the_services_own(launch, settings):
    """Whatever name a request comes to."""
    node = launch(settings=settings, prepare=False, start=False)
    node.settings |= {"ARCHSTONE_SERVER__PUBLIC_URL": "https://id.example.org"}
    node.prepare().start()
    for evil in ({"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example"}):
        text = node.request("GET", ENTITY, headers=evil).text
        assert "evil" not in text and "127.0.0.1" not in text
        assert parse(text.encode()).get("entityID") == f"https://id.example.org{ENTITY}"


def test_rel_node_one_key_at_all_nodes(pair):
    """Each node signs with it."""
    a, b = pair
    assert certificate_in(metadata(a)) == certificate_in(metadata(b))
    verify(metadata(b).encode(), certificate_in(metadata(a)))


def test_the_key_outlives_the_process(launch, settings):
    node = launch(settings=settings)
    before = certificate_in(metadata(node))
    node.restart()
    assert certificate_in(metadata(node)) == before


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_methods(archstone, method):
    answer = archstone.request(method, ENTITY, headers={"Accept": JSON})
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]
