"""Tests of configurations and drafts of SAML identity providers, of a real one and of broken metadata (sso-api.md 4.6, 6.2)."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from connection_outcomes import DEADLINE, failed, succeeded
from harness import unique
from peers import broken_saml
from peers.authority import ENDING, EXPIRED, FUTURE, self_signed
from peers.broken import BrokenWeb, Reply
from sso_bodies import by_metadata, saml
from sso_calls import afresh, create, delete, draft, get, path_of, problem, send, system_admin, test

SAML_CASES = {
    "status-404": "404",
    "status-500": "500",
    "html": "metadata|XML|DOCTYPE",
    "json": "XML|metadata",
    "empty": "XML|metadata|empty",
    "cut": "XML|metadata",
    "doctype": "DOCTYPE|DTD|document type",
    "bomb": "DOCTYPE|DTD|document type",
    "external-entity": "DOCTYPE|DTD|document type",
    "other-root": "metadata|EntityDescriptor",
    "no-role": "IDPSSODescriptor|identity provider",
    "sp-only": "IDPSSODescriptor|identity provider",
    "no-entity-id": "entity",
    "expired": "expired",
    "not-yet": "not yet|not.* valid|before",
    "no-certificate": "certificate|key",
    "encryption-only": "certificate|key",
    "bad-certificate": "certificate",
    "past": "validUntil|expired|valid",
    "no-sso": "sign-on|SingleSignOn|SSO|sign",
    "soap-only": "binding|sign-on|SingleSignOn|SSO",
    "sso-refused": "refus|connect|reach|sign",
    "sso-forbidden": "allow|sign|address",
    "large": "large|MiB|size|bytes",
    "deep": "deep|nest|XML|metadata|element",
    "loop": "redirect",
    "to-forbidden": "allow|redirect|address",
    "two-entities": "entit",
}


def test_a_real_saml_identity_provider_by_a_document(archstone, saml_idp):
    """Its metadata is given with the configuration: nothing is fetched, and what is wrong with it is said at once."""
    document = requests.get(saml_idp.metadata_url, verify=False, timeout=30).text
    body = by_metadata("", block={"idpMetadataXml": document})
    del body["samlConfig"]["idpMetadataUrl"]
    made = afresh(archstone, body)
    assert made["samlConfig"]["idpEntityId"] == saml_idp.entity_id and made["samlConfig"]["idpMetadataXml"] == document.strip()
    succeeded(test(archstone, made), issuer=saml_idp.entity_id, authorizationEndpoint=saml_idp.sso_url, tokenEndpoint="")
    for wrong in ("<a/>", document.replace(saml_idp.entity_id, "https://other.example/metadata"), document[:-40]):
        answer = send(archstone, "PUT", path_of(made), {"samlConfig": {"idpMetadataXml": wrong}})
        problem(answer, 400, "samlConfig.idpMetadataXml")
    assert delete(archstone, made, system_admin(archstone), force="true").status_code == 200


def test_a_real_saml_identity_provider_by_its_metadata(archstone, saml_idp):
    made = afresh(archstone, by_metadata(saml_idp.metadata_url))
    wanted = {"issuer": saml_idp.entity_id, "authorizationEndpoint": saml_idp.sso_url, "tokenEndpoint": ""}
    succeeded(test(archstone, made), **wanted)
    assert get(archstone, made)["status"] == "active"
    succeeded(draft(archstone, by_metadata(saml_idp.metadata_url)), **wanted)
    succeeded(draft(archstone, by_metadata(saml_idp.metadata_url, {"idpEntityId": saml_idp.entity_id})), **wanted)


def test_a_real_saml_identity_provider_by_its_members(archstone, saml_idp):
    members = {"idpSsoUrl": saml_idp.sso_url, "idpCertificate": saml_idp.certificate, "idpSloUrl": saml_idp.slo_url}
    succeeded(
        draft(archstone, saml(saml_idp.entity_id, members)), issuer=saml_idp.entity_id, authorizationEndpoint=saml_idp.sso_url
    )


@pytest.mark.parametrize("case", SAML_CASES)
def test_broken_saml_metadata(one, webs, case):
    failed(draft(one, by_metadata(f"{webs('saml').url}/{case}/{unique()}/metadata.xml")), SAML_CASES[case])


@pytest.mark.parametrize("case", ["good", "roll-over", "any-use", "later", "post-only"])
def test_saml_metadata_that_is_good_enough(one, webs, case):
    """One certificate of two is good, keys for any use sign, too, and one binding is enough."""
    at = f"{webs('saml').url}/{case}/{unique()}"
    succeeded(draft(one, by_metadata(f"{at}/metadata.xml")), issuer=at, authorizationEndpoint=f"{at}/sso")


def test_saml_metadata_with_very_many_elements_takes_no_long_time(one, webs):
    """Whether it is taken is open; it must not be a burden."""
    draft(one, by_metadata(f"{webs('saml').url}/many/{unique()}/metadata.xml"), within=2.0)


def test_saml_metadata_of_somebody_else(one, webs):
    web, own = webs("saml"), unique()
    body = by_metadata(f"{web.url}/other-entity/{own}/metadata.xml", {"idpEntityId": f"{web.url}/other-entity/{own}"})
    failed(draft(one, body), "entity")
    body = by_metadata(f"{web.url}/two-entities/{own}/metadata.xml", {"idpEntityId": f"{web.url}/two-entities/{own}-b"})
    outcome = draft(one, body)
    assert outcome["success"] is True or re.search("entit", outcome["errorMessage"], re.IGNORECASE)


def test_adm_imp_2_an_entity_that_calls_itself_otherwise_one_day(archstone):
    """What it was is kept, and the test says so."""
    name = ["one"]

    def documents(web, case, rest):
        key, sso = broken_saml.key(broken_saml.GOOD), broken_saml.endpoint("SingleSignOnService", f"{web.url}/a/sso")
        return Reply() if rest == "sso" else Reply(broken_saml.entity(f"{web.url}/{name[0]}", key, sso), content_type="text/xml")

    web = BrokenWeb(documents)
    made = create(archstone, by_metadata(f"{web.url}/a/metadata.xml"))
    succeeded(test(archstone, made), issuer=f"{web.url}/one")
    assert get(archstone, made)["issuer"] == f"{web.url}/one"
    name[0] = "two"
    failed(test(archstone, made), "entity")
    now = get(archstone, made)
    assert (now["issuer"], now["status"]) == (f"{web.url}/one", "error")
    # Another configuration that turns out to be the same entity.
    name[0] = "one"
    other = create(archstone, by_metadata(f"{web.url}/b/metadata.xml"))
    failed(test(archstone, other), "already|another|issuer")
    assert get(archstone, other).get("issuer") is None and get(archstone, made)["issuer"] == f"{web.url}/one"
    web.remove()


def test_saml_metadata_that_is_not_reached(one, webs, sockets):
    for url, pattern in (
        (f"http://127.0.0.1:{sockets.refused()}/m", "refus|connect"),
        ("https://idp.invalid/m", "name|resolv|DNS"),
        (f"{webs('saml', 'unknown authority').url}/good/a/metadata.xml", "certificate|authority|issuer"),
        (f"{webs('saml', 'expired').url}/good/a/metadata.xml", "expired"),
        (f"{webs('saml', 'other name').url}/good/a/metadata.xml", "name|certificate"),
    ):
        failed(draft(one, by_metadata(url)), pattern)
    succeeded(draft(one, by_metadata(f"{webs('saml', 'tls').url}/good/{unique()}/metadata.xml")))


def test_saml_metadata_that_never_comes_is_given_up_in_time(one, webs, sockets):
    at = [f"{webs('saml').url}/{case}/{unique()}/metadata.xml" for case in ("silent", "drip")] + [
        f"http://127.0.0.1:{sockets.silent()}/m"
    ]
    with ThreadPoolExecutor(len(at)) as pool:
        for outcome in pool.map(lambda url: draft(one, by_metadata(url), within=DEADLINE), at):
            failed(outcome, "time|answer")


@pytest.mark.parametrize(("life", "pattern"), [(EXPIRED, "expired"), (FUTURE, "not yet|not.* valid|before")])
def test_a_certificate_that_is_given_and_out_of_its_time(one, saml_idp, life, pattern):
    certificate, _ = self_signed(life=life)
    body = saml(saml_idp.entity_id, {"idpSsoUrl": saml_idp.sso_url, "idpCertificate": certificate})
    failed(draft(one, body), pattern)
    # Beside a good one it does no harm (roll-over).
    body["samlConfig"]["idpCertificate"] = certificate + saml_idp.certificate
    succeeded(draft(one, body))


def test_adm_cert_1_what_ends_soon_is_warned_of(archstone, saml_idp, webs):
    certificate, _ = self_signed("ending.example.com", ENDING)
    made = create(archstone, saml(block={"idpSsoUrl": saml_idp.sso_url, "idpCertificate": certificate}))
    succeeded(test(archstone, made))
    assert any(re.search("expire|ends|valid until", text, re.IGNORECASE) for text in get(archstone, made)["warnings"]), get(
        archstone, made
    )
    made = create(archstone, by_metadata(f"{webs('saml').url}/ending/{unique()}/metadata.xml"))
    succeeded(test(archstone, made))
    assert any(re.search("expire|ends|valid until", text, re.IGNORECASE) for text in get(archstone, made)["warnings"]), get(
        archstone, made
    )
    good = create(archstone, saml(block={"idpSsoUrl": saml_idp.sso_url}))
    succeeded(test(archstone, good))
    assert not get(archstone, good).get("warnings")
    certificate, key = self_signed("zcf.example.com", ENDING)
    block = {"idpSsoUrl": saml_idp.sso_url, "signRequests": True, "spCertificatePem": certificate, "spPrivateKeyPem": key}
    own = create(archstone, saml(block=block))
    test(archstone, own)
    assert get(archstone, own)["warnings"], "our own certificate ends, too"


def test_a_sign_on_page_that_is_not_there(one, sockets):
    body = saml(block={"idpSsoUrl": f"http://127.0.0.1:{sockets.refused()}/sso"})
    failed(draft(one, body), "refus|connect|reach|sign")
    failed(draft(one, saml(block={"idpSsoUrl": f"http://127.0.0.1:{sockets.silent()}/sso"})), "time|answer")
