"""Metadata of SAML identity providers as Huawei Cloud's clients import them (keystone-api.md 2.2, 2.4; ADM-IMP).

`test_saml_huawei_tokens.py` is about what comes of them.
"""

import datetime
import json
import re

import pytest

from harness import error_of, unique
from huawei import Account, AccountWay, refused, saml_idp
from peers.saml_metadata import metadata_of
from peers.saml_signatures import Key
from peers.saml_xml import MD
from saml_trust import begin, send, token_for


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough, but for what is stored."""
    return sqlite_archstone


@pytest.fixture
def account(archstone):
    """An account whose identity provider has not told its metadata yet."""
    return Account(archstone)


def test_an_import(account, browse, dashboard):
    """What was imported is shown, and people come in by it at once."""
    error_of(account.archstone.request("GET", account.metadata, token=account.token), 404)
    account.imported()
    shown = account.done(200, "GET", account.metadata)
    assert set(shown) == {
        "id",
        "idp_id",
        "entity_id",
        "protocol_id",
        "domain_id",
        "xaccount_type",
        "update_time",
        "data",
    }, shown
    assert shown["idp_id"] == account.id and shown["protocol_id"] == "saml" and shown["domain_id"] == account.domain
    assert shown["entity_id"] == account.idp.entity_id and shown["data"] == metadata_of(account.idp)
    assert shown["id"] and shown["xaccount_type"] == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", shown["update_time"]), shown["update_time"]
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(shown["update_time"] + "+00:00")
    assert abs(age) < datetime.timedelta(minutes=1), "it is UTC"
    case = begin(AccountWay(account), browse(), dashboard.origin)
    token = token_for(send(case, case.signed()), dashboard.origin)
    body = account.archstone.validate(token).json()["token"]
    assert body["user"]["name"] == "FederationUser" and body["methods"] == ["mapped"]


def test_the_import_is_the_protocols_connection(account):
    """It is one thing, whichever face it is looked at from."""
    account.imported()
    path = f"{account.path}/protocols/saml/connection"
    shown = account.archstone.expect(200, "GET", path, token=account.archstone.admin_token)["connection"]
    assert shown["kind"] == "saml" and account.idp.entity_id in json.dumps(shown)
    account.archstone.expect(204, "DELETE", path, token=account.archstone.admin_token)
    error_of(account.archstone.request("GET", account.metadata, token=account.token), 404)


def test_a_later_import_takes_the_place_of_the_earlier(account):
    first, second = account.idp, saml_idp()
    account.imported()
    before = account.done(200, "GET", account.metadata)
    account.imported(metadata_of(second))
    after = account.done(200, "GET", account.metadata)
    assert after["entity_id"] == second.entity_id and after["update_time"] > before["update_time"]
    assert after["data"] == metadata_of(second)
    refused(account.present(account.response()))
    account.idp = second
    account.enter()
    account.imported(metadata_of(second, certificates=[Key(name="next").certificate_pem]))
    refused(account.present(account.response()))
    account.imported(metadata_of(first))
    account.idp = first
    account.enter()


def test_both_databases_keep_it(request, _servers):
    """Also what is long, and not ASCII."""
    for database in ("sqlite", "postgres"):
        account = Account(_servers(database))
        document = metadata_of(account.idp).replace("><md:IDP", "><!-- ☃ " + "x" * 100_000 + " --><md:IDP", 1)
        account.imported(document)
        assert account.done(200, "GET", account.metadata)["data"] == document
        account.enter()


def broken(idp):
    """Documents that are no use, by what they are."""
    good = metadata_of(idp)
    return {
        "nothing": "",
        "blanks": "  \n",
        "no XML": "metadata",
        "half of it": good[: len(good) // 2],
        "another document": "<a/>",
        "a DOCTYPE": "<!DOCTYPE x>" + good,
        "a file's entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
        + good.replace(idp.entity_id, "&e;"),
        "no entity id": metadata_of(idp, entityID=None),
        "a service provider's": metadata_of(idp, role="SPSSODescriptor"),
        "no certificate": metadata_of(idp, certificates=[]),
        "a certificate to encrypt for alone": metadata_of(idp, use="encryption"),
        "a certificate that is none": metadata_of(idp).replace("MII", "AAA", 1),
        "no sign-on address": metadata_of(idp, bindings=[]),
        "a script as the sign-on address": metadata_of(idp, sso_url="javascript:alert(1)"),
        "over": metadata_of(idp, validUntil="2020-01-01T00:00:00Z"),
        "two identity providers": f'<md:EntitiesDescriptor xmlns:md="{MD}">{good}{metadata_of(saml_idp())}'
        "</md:EntitiesDescriptor>",
    }


@pytest.mark.parametrize("name", broken(saml_idp()))
def test_adm_imp_1_metadata_that_are_no_use(account, name):
    """What was imported before stays."""
    account.imported()
    answer = account.send(broken(account.idp)[name])
    assert "metadata" in error_of(answer, 400)["message"], answer.text
    assert account.done(200, "GET", account.metadata)["data"] == metadata_of(account.idp)
    account.enter()


BODIES = {
    "without metadata": {"metadata": None},
    "metadata that are no text": {"metadata": 7},
    "metadata that are an object": {"metadata": {"a": "b"}},
    "a domain that is no text": {"domain_id": 7},
    "an account's type that is no text": {"xaccount_type": []},
}


@pytest.mark.parametrize("members", BODIES.values(), ids=BODIES)
def test_bodies_that_are_none(account, members):
    answer = account.send(**members)
    error_of(answer, 400)
    error_of(account.archstone.request("GET", account.metadata, token=account.token), 404)


def test_bodies_that_are_no_object(account):
    for body in ("", "{", "[]", '"metadata"', "<xml/>"):
        headers = {"Content-Type": "application/json;charset=utf8"}
        answer = account.archstone.request("POST", account.metadata, token=account.token, data=body, headers=headers)
        error_of(answer, 400)


def test_adm_imp_1_fifty_megabytes(account):
    answer = account.send("<!-- " + "x" * 50 * 1024 * 1024 + " -->" + metadata_of(account.idp))
    assert answer.status_code in (400, 413), answer.status_code


def test_who_may(account):
    """The account's own security administrator, and the cloud's administrator."""
    node = account.archstone
    stranger, reader = Account(node), node.persona("reader", domain=account.domain)[1]
    error_of(account.send(token=None), 401)
    error_of(account.send(token="nonsense"), 401)
    error_of(account.send(token=reader), 403)
    assert account.send(token=stranger.token).status_code in (403, 404)
    assert account.send(domain_id=stranger.domain).status_code in (400, 403)
    assert node.request("GET", account.metadata).status_code == 401
    assert node.request("GET", account.metadata, token=reader).status_code in (403, 404)
    assert account.send(token=node.admin_token).status_code == 201
    assert node.request("GET", account.metadata, token=stranger.token).status_code in (403, 404)
    assert node.request("GET", account.metadata, token=node.admin_token).status_code == 200


def test_where_there_is_nothing_to_import_for(account):
    node, body = (
        account.archstone,
        {"xaccount_type": "", "domain_id": account.domain, "metadata": metadata_of(account.idp)},
    )
    base = "/v3-ext/OS-FEDERATION/identity_providers"
    for path in (f"{base}/{unique()}/protocols/saml/metadata", f"{base}/{account.id}/protocols/{unique()}/metadata"):
        for method in ("POST", "GET"):
            error_of(node.request(method, path, token=node.admin_token, json=body if method == "POST" else None), 404)
