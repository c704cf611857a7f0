"""What the other tests speak with is what it is said to be: asked by curl, openssl and ldapsearch, not by the service."""

import json
import os
import subprocess

import pytest

from harness import unique
from peers import directory as ldap
from peers.broken import CANARY, LIMIT
from peers.broken_oidc import WELL_KNOWN


def run(*command, stdin="", **environment):
    """A command to its end; the finished process."""
    return subprocess.run(command, input=stdin, env=os.environ | environment, capture_output=True, text=True, timeout=30)


def curl(url, *more):
    """(exit code, status, body); 28 is curl's code for "no answer in time"."""
    done = run("curl", "-sS", "--max-time", "2", "-w", "\n%{http_code}", *more, url)
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status or 0), body


def search(
    directory, *more, port=None, scheme="ldap", bind=ldap.SERVICE, password=ldap.SERVICE_PASSWORD, base=ldap.BASE, ca=None
):
    """What ldapsearch finds: (exit code, which is the LDAP result or 255 for no connection, output)."""
    who = ["-D", bind, "-w", password] if bind else []
    done = run(
        "ldapsearch",
        "-x",
        "-LLL",
        "-o",
        "nettimeout=3",
        "-H",
        f"{scheme}://127.0.0.1:{port or directory.port}",
        *who,
        "-b",
        base,
        *more,
        "(uid=ann)",
        LDAPTLS_CACERT=str(ca) if ca else "/dev/null",
    )
    return done.returncode, done.stdout + done.stderr


def test_the_directory_answers_plainly_with_starttls_and_with_tls(directory, authority):
    for how in ({}, {"more": ["-ZZ"]}, {"scheme": "ldaps", "port": directory.tls_port}):
        code, text = search(directory, *how.pop("more", []), ca=authority.file, **how)
        assert code == 0 and "mail: ann@example.com" in text, text


def test_directories_are_broken_as_said(directory, directories, authority):
    assert search(directory, password="wrong")[0] == 49
    assert search(directory, bind=f"cn=nobody,{ldap.BASE}")[0] == 49
    assert search(directory, base="dc=elsewhere")[0] == 32
    assert search(directory, bind=None)[0] == 0
    assert search(directories("no strangers"), bind=None)[0] in (8, 48)
    assert search(directories("without tls"), "-ZZ")[0] != 0 and search(directories("without tls"))[0] == 0
    for kind in ("unknown authority", "other name", "expired"):
        it = directories(kind)
        assert search(it, scheme="ldaps", port=it.tls_port, ca=authority.file)[0] == 255, kind


def test_certificates_are_broken_as_said(webs, authority):
    for kind, words in (
        ("tls", "Verify return code: 0"),
        ("unknown authority", "unable to get local issuer"),
        ("expired", "certificate has expired"),
        ("other name", "IP address mismatch"),
    ):
        address = f"127.0.0.1:{webs('oidc', kind).port}"
        done = run("openssl", "s_client", "-connect", address, "-CAfile", str(authority.file), "-verify_ip", "127.0.0.1")
        assert words in done.stdout + done.stderr, kind


def test_the_saml_identity_provider_shows_metadata(saml_idp):
    code, status, body = curl(saml_idp.metadata_url)
    assert (code, status) == (0, 200) and f'entityID="{saml_idp.entity_id}"' in body and saml_idp.sso_url in body
    assert curl(saml_idp.sso_url)[0] == 0


@pytest.mark.parametrize("kind", ["oidc", "saml"])
def test_documents_are_served_plainly_and_by_tls(webs, kind, authority):
    for tls in (None, "tls"):
        path = f"good/{unique()}/{WELL_KNOWN if kind == 'oidc' else 'metadata.xml'}"
        code, status, body = curl(f"{webs(kind, tls).url}/{path}", "--cacert", str(authority.file))
        assert (code, status) == (0, 200) and CANARY in body
        assert kind == "saml" or json.loads(body)["issuer"] in f"{webs(kind, tls).url}/{path}"


def test_documents_are_broken_as_said(webs):
    web, own = webs("oidc"), unique()
    at = lambda case, path=WELL_KNOWN: f"{web.url}/{case}/{own}/{path}"  # noqa: E731
    assert curl(at("status-404"))[1] == 404 and curl(at("status-500"))[1] == 500
    assert curl(at("silent"))[:2] == (28, 0) and curl(at("jwks-silent", "jwks"))[0] == 28
    assert curl(at("drip"))[0] == 28
    assert curl(at("loop"), "-L", "--max-redirs", "5")[0] == 47 and curl(at("to-forbidden"))[1] == 302
    for case in ("large", "large-chunked"):
        assert len(curl(at(case))[2]) > LIMIT
    assert len(json.loads(curl(at("jwks-unusable", "jwks"))[2])["keys"]) == 4
    assert "token_endpoint" not in json.loads(curl(at("without-token_endpoint"))[2])
    assert json.loads(curl(at("forbidden-jwks_uri"))[2])["jwks_uri"].startswith("http://169.254.169.254")
    saml = webs("saml").url
    for case, words in (
        ("doctype", "<!DOCTYPE"),
        ("sp-only", "SPSSODescriptor"),
        ("past", "validUntil"),
        ("deep", "<x>" * 20_000),
    ):
        assert words in curl(f"{saml}/{case}/{own}/metadata.xml")[2], case
    assert curl(f"{saml}/status-403/{own}/metadata.xml")[1] == 403


def test_sockets_are_broken_as_said(sockets):
    assert curl(f"http://127.0.0.1:{sockets.refused()}")[0] == 7
    assert curl(f"http://127.0.0.1:{sockets.silent()}")[0] == 28
    assert curl(f"http://127.0.0.1:{sockets.closing()}")[0] in (52, 56)
    port, seen = sockets.counting("127.0.0.2")
    curl(f"http://127.0.0.2:{port}")
    assert len(seen) == 1
