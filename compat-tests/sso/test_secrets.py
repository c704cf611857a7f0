"""Secrets of configurations: masked, kept, cleared, sent nowhere new, and found nowhere (sso-api.md 6.1; security.md ADM-SEC, LDAP-URL-1,
SEC-REST-1, SEC-LOG-1).

The documents leave open whether a port or the way TLS is used belongs to the "host" that a kept secret goes to; here they do, as do
further servers.
"""

import base64
import sqlite3
import subprocess

import pytest
import requests

from harness import Archstone, unique
from peers import directory as ldap_tree
from peers.broken_oidc import WELL_KNOWN
from sso_bodies import BLOCKS, SECRETS, SP_CERTIFICATE, SP_KEY, any_kind, by_metadata, invented, ldap, of_directory, oidc, saml
from sso_calls import (
    CONFIGURATIONS,
    DRAFT,
    MASK,
    PROBE,
    afresh,
    create,
    done,
    draft,
    get,
    kept,
    path_of,
    problem,
    send,
    settled,
    test,
    update,
)

KINDS = list(SECRETS)


@pytest.mark.parametrize("kind", KINDS)
def test_adm_sec_1_a_secret_is_masked_wherever_it_is_read(archstone, kind):
    canary = unique("canary")
    made = send(archstone, "POST", CONFIGURATIONS, any_kind(kind, block={SECRETS[kind]: canary}))
    path = path_of(made.json())
    answers = [
        made,
        send(archstone, "GET", path),
        send(archstone, "GET", f"{CONFIGURATIONS}?limit=1000"),
        send(archstone, "PUT", path, {"displayName": "x"}),
        send(archstone, "POST", path + "/test", {}, timeout=30),
        send(archstone, "POST", path + "/previewDelete", {}),
    ]
    for answer in answers:
        assert answer.status_code == 200 and canary not in answer.text
    for answer in (answers[0], answers[1], answers[3]):
        assert answer.json()[BLOCKS[kind]][SECRETS[kind]] == MASK
    listed_one = next(i for i in answers[2].json()["items"] if i["uuid"] == made.json()["uuid"])
    assert listed_one[BLOCKS[kind]][SECRETS[kind]] == MASK


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_that_is_none_is_not_shown(archstone, kind):
    """On creation there is nothing to keep: empty is none, and so is the mask."""
    more = {"bindDn": None} if kind == "LDAP" else {}
    for value in ("absent", "", None):
        body = any_kind(kind, block=more | {SECRETS[kind]: None if value == "absent" else value})
        if value is None:
            body[BLOCKS[kind]][SECRETS[kind]] = None
        assert SECRETS[kind] not in create(archstone, body)[BLOCKS[kind]], value


@pytest.mark.parametrize("value", ["absent", "", MASK])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_secret_is_kept(archstone, directory, value, method):
    """Seen from outside: the directory still lets us in."""
    made = _directory(archstone, directory)
    block = {} if value == "absent" else {"bindPassword": value}
    changed = done(
        archstone, method, path_of(made), {"displayName": "x", "ldapConfig": block | {"userSearchFilter": "(mail=%s)"}}
    )
    assert changed["ldapConfig"]["bindPassword"] == MASK
    assert test(archstone, made)["success"] is True


def _directory(archstone, directory, **block):
    """A configuration of the directory."""
    return afresh(archstone, of_directory(directory, block=block))


def test_a_secret_is_cleared_by_null_and_only_by_null(archstone, directory):
    made = _directory(archstone, directory)
    # A password without anybody whose it is makes no sense, nor does a name without a password to this directory.
    cleared = update(archstone, made, ldapConfig={"bindPassword": None, "bindDn": None})
    assert not {"bindPassword", "bindDn"} & set(cleared["ldapConfig"])
    assert test(archstone, made)["success"] is True, "anonymous"
    again = update(archstone, made, ldapConfig={"bindDn": ldap_tree.SERVICE, "bindPassword": "wrong"})
    assert again["ldapConfig"]["bindPassword"] == MASK and test(archstone, made)["success"] is False


def test_a_replaced_secret_is_the_one_that_is_used(archstone, directory):
    made = _directory(archstone, directory, bindPassword="wrong")
    failed = test(archstone, made)
    assert failed["success"] is False and "wrong" not in failed["errorMessage"]
    update(archstone, made, ldapConfig={"bindPassword": ldap_tree.SERVICE_PASSWORD})
    assert test(archstone, made)["success"] is True
    update(archstone, made, ldapConfig={"bindPassword": "wrong again"})
    assert test(archstone, made)["success"] is False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [1, 3])
def test_reading_and_writing_back_never_corrupts_a_secret(archstone, directory, kind, times):
    made = _directory(archstone, directory) if kind == "LDAP" else create(archstone, any_kind(kind))
    for n in range(times):
        for method in ("PUT", "PATCH"):
            now = get(archstone, made)
            done(archstone, method, path_of(made), now | {"displayName": f"{n}"})
    assert get(archstone, made)[BLOCKS[kind]][SECRETS[kind]] == MASK
    if kind == "LDAP":
        assert test(archstone, made)["success"] is True


def test_a_mask_that_is_not_quite_one_is_a_secret(archstone, directory):
    made = _directory(archstone, directory)
    for value in ("*****", "*******", " ******", "****** ", "********"):
        update(archstone, made, ldapConfig={"bindPassword": value})
        assert test(archstone, made)["success"] is False, value


def test_secrets_with_everything_in_them(archstone):
    for secret in ("a b", "ä" * 100, 'x"\\{}%s$(id)`', "x" * 1_024, "\t tab"):
        assert create(archstone, oidc(secret=secret))["oidcConfig"]["clientSecret"] == MASK


# -- a secret goes where it was meant to go ------------------------------------------------------------------------------------


def elsewhere(kind):
    """Changes that would send a secret somewhere else (of what the configuration says, and what it leaves out)."""
    if kind == "OIDC":
        return [
            {"wellKnownUrl": f"{invented('evil')}/{WELL_KNOWN}"},
            {"wellKnownUrl": "http://{host}/" + WELL_KNOWN},
            {"wellKnownUrl": "https://{host}:8443/" + WELL_KNOWN},
        ]
    return [
        {"serverAddress": f"{unique('evil')}.example.com"},
        {"port": 1389},
        {"useSsl": False},
        {"useSsl": False, "useStartTls": False, "port": 636},
        {"servers": [f"{unique('evil')}.example.com"]},
        {"caCertificatePem": SP_CERTIFICATE},
    ]


@pytest.mark.parametrize("value", ["absent", "", MASK])
@pytest.mark.parametrize("kind", KINDS)
def test_ldap_url_1_and_adm_sec_1_a_kept_secret_goes_nowhere_new(archstone, kind, value):
    made = create(archstone, any_kind(kind, block={"useSsl": True} if kind == "LDAP" else {}))
    block, secret = BLOCKS[kind], SECRETS[kind]
    host = made["issuer"].split("//")[1].split("/")[0].split(":")[0]
    settled(archstone, made, 30)
    with kept(archstone, made):
        for change in elsewhere(kind):
            change = {k: v.format(host=host) if isinstance(v, str) else v for k, v in change.items()}
            body = change | ({} if value == "absent" else {secret: value})
            error = problem(send(archstone, "PUT", path_of(made), {block: body}), 400, f"{block}.{secret}")
            assert host not in error["details"]


@pytest.mark.parametrize("kind", KINDS)
def test_ldap_url_1_a_secret_given_again_or_given_up_may_move(archstone, kind):
    secret, block = SECRETS[kind], BLOCKS[kind]
    for value in ("a new secret", None):
        made = create(archstone, any_kind(kind, block={"useSsl": True} if kind == "LDAP" else {}))
        move = elsewhere(kind)[0] | ({"bindDn": None} if kind == "LDAP" and value is None else {})
        moved = update(archstone, made, **{block: move | {secret: value}})
        assert moved["issuer"] != made["issuer"] and moved[block].get(secret) == (MASK if value else None)


def test_ldap_url_1_the_same_host_is_no_move(archstone):
    host = f"{unique('stay')}.example.com"
    made = create(archstone, oidc(f"https://{host}/realms/a"))
    update(archstone, made, oidcConfig={"wellKnownUrl": f"https://{host}/realms/b/{WELL_KNOWN}"})
    update(archstone, made, oidcConfig={"wellKnownUrl": f"https://{host.upper()}:443/realms/b/{WELL_KNOWN}"})
    made = create(archstone, ldap(host))
    update(archstone, made, ldapConfig={"serverAddress": host.upper(), "port": 389, "baseDn": "dc=other"})
    # More protection is no danger.
    update(archstone, made, ldapConfig={"useStartTls": True})


def test_ldap_url_1_what_was_never_a_secret_may_move(archstone):
    made = create(archstone, oidc(secret=None))
    update(archstone, made, oidcConfig={"wellKnownUrl": f"{invented('moved')}/{WELL_KNOWN}"})
    made = create(archstone, ldap(block={"bindDn": None, "bindPassword": None}))
    update(archstone, made, ldapConfig={"serverAddress": f"{unique('moved')}.example.com"})


def test_ldap_url_1_no_other_server_is_told_the_password(archstone, directory, sockets):
    """Moving it would be refused; and as long as it is not moved, nobody else hears of it."""
    made = _directory(archstone, directory)
    port, seen = sockets.counting()
    problem(send(archstone, "PUT", path_of(made), {"ldapConfig": {"port": port}}), 400, "ldapConfig.bindPassword")
    problem(
        send(archstone, "PUT", path_of(made), {"ldapConfig": {"port": port, "bindPassword": MASK}}),
        400,
        "ldapConfig.bindPassword",
    )
    assert test(archstone, made)["success"] is True and seen == []


def test_a_draft_has_no_secret_but_its_own(archstone, directory):
    """The mask in a draft is not the secret of a configuration that looks like it."""
    _directory(archstone, directory)
    body = of_directory(directory, block={"bindPassword": MASK})
    answer = send(archstone, "POST", DRAFT, body, timeout=30)
    assert answer.status_code == 400 or answer.json()["success"] is False


def test_the_key_that_signs_requests_is_never_shown(archstone):
    made = create(archstone, saml(block={"signRequests": True, "spCertificatePem": SP_CERTIFICATE, "spPrivateKeyPem": SP_KEY}))
    assert "PRIVATE KEY" not in str(made) and SP_KEY.splitlines()[1] not in str(made)
    again = update(archstone, made, **get(archstone, made) | {"displayName": "x"})
    assert again["samlConfig"]["signRequests"] is True
    problem(send(archstone, "PUT", path_of(made), {"samlConfig": {"spPrivateKeyPem": None}}), 400)
    update(archstone, made, samlConfig={"signRequests": False, "spPrivateKeyPem": None})


def test_a_certificate_and_a_key_that_do_not_belong_together(archstone):
    from peers.authority import self_signed

    body = saml(block={"signRequests": True, "spCertificatePem": SP_CERTIFICATE, "spPrivateKeyPem": self_signed()[1]})
    problem(send(archstone, "POST", CONFIGURATIONS, body), 400, "samlConfig.spPrivateKeyPem")


# -- planted secrets are found nowhere -----------------------------------------------------------------------------------------


def forms(secret):
    """A secret as it could have been written."""
    raw = secret.encode()
    return [
        raw,
        base64.b64encode(raw).rstrip(b"="),
        base64.urlsafe_b64encode(raw).rstrip(b"="),
        raw.hex().encode(),
        raw.hex().upper().encode(),
        ", ".join(str(b) for b in raw[:16]).encode(),
        secret.replace(" ", "%20").encode(),
    ]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_sec_rest_1_sec_log_1_and_adm_sec_2_planted_secrets(database, cluster, settings, directory, provider, webs):
    """In database, log at its most talkative, audit trail, errors and metrics; whatever was done with them, and whatever went wrong."""
    node = Archstone(cluster.fresh_database() if database == "postgres" else None, settings | {"ARCHSTONE_LOG__FILTER": "trace"})
    key = "".join(SP_KEY.splitlines()[3:6])
    canaries = {
        name: f"canary-{n}-{name.replace(' ', '-')}-of-the-tests"
        for n, name in enumerate(
            (
                "client secret",
                "new client secret",
                "bind password",
                "new bind password",
                "draft secret",
                "draft password",
                "refused secret",
                "wrong type",
            )
        )
    }
    try:
        node.prepare().start()
        seen = []

        def call(method, path, body, timeout=30):
            answer = send(node, method, path, body, timeout=timeout)
            seen.append(answer.content + repr(answer.headers).encode())
            return answer

        made = [
            call("POST", CONFIGURATIONS, body).json()
            for body in (
                oidc(provider.issuer, canaries["client secret"]),
                of_directory(directory, block={"bindPassword": canaries["bind password"]}),
                saml(block={"signRequests": True, "spCertificatePem": SP_CERTIFICATE, "spPrivateKeyPem": SP_KEY}),
                oidc(f"{webs('oidc').url}/silent/{unique()}", canaries["client secret"]),
            )
        ]
        one, two = made[:2]
        call("PUT", path_of(one), {"oidcConfig": {"clientSecret": canaries["new client secret"]}})
        call("PUT", path_of(two), {"ldapConfig": {"bindPassword": canaries["new bind password"], "userSearchFilter": "(cn=%s)"}})
        call("POST", DRAFT, oidc(f"{webs('oidc').url}/html/{unique()}", canaries["draft secret"]))
        call("POST", DRAFT, of_directory(directory, block={"bindPassword": canaries["draft password"]}))
        refused = canaries["refused secret"]
        for body in (
            oidc(secret=refused, displayName=7),
            oidc(secret=refused, block={"scope": "none"}),
            oidc(provider.issuer, refused),
            ldap(block={"bindPassword": refused, "port": "x"}),
            oidc(secret=refused, groupMappings=refused),
            {"providerType": refused},
            oidc() | {"oidcConfig": {"clientId": "x", "wellKnownUrl": "nothing", "clientSecret": refused}},
            oidc() | {"oidcConfig": {"clientId": "x", "clientSecret": refused}},
            oidc() | {"oidcConfig": oidc()["oidcConfig"] | {"clientSecret": {"x": canaries["wrong type"]}}},
            ldap() | {"ldapConfig": ldap()["ldapConfig"] | {"bindPassword": [canaries["wrong type"]]}},
        ):
            assert call("POST", CONFIGURATIONS, body).status_code in (400, 409)
        call("PUT", path_of(one), {"oidcConfig": {"clientSecret": refused, "wellKnownUrl": "nothing"}})
        call("PUT", path_of(two), {"ldapConfig": {"bindPassword": [canaries["wrong type"]]}})
        seen.append(send(node, "POST", CONFIGURATIONS, oidc(secret=refused), token="nonsense").content)
        broken = node.request(
            "POST",
            CONFIGURATIONS,
            token=node.admin_token,
            data=f'{{"oidcConfig": {{"clientSecret": "{refused}"',
            headers={"Content-Type": "application/json"},
        )
        seen.append(broken.content)
        for config in made:
            call("POST", path_of(config, "test"), {})
            call("POST", path_of(config, "previewDelete"), {})
            call("GET", path_of(config), None)
        call("POST", PROBE, {"issuer": provider.issuer})
        call("GET", "/api/v1/sso/jobs?limit=1000", None)
        call("GET", f"/v3/OS-FEDERATION/identity_providers/{one['uuid']}/protocols/oidc/connection", None)
        call("GET", f"/v3/OS-FEDERATION/identity_providers/{one['uuid']}/logins", None)
        call("GET", "/v3/archstone/audit?limit=500", None)
        call("DELETE", path_of(made[2]), None)
        call("GET", "/openapi.json", None)
        copies = {"an answer": b"".join(seen), "the log": node.log().encode()}
        copies["the metrics"] = requests.get(f"http://127.0.0.1:{node.metrics_port}/metrics", timeout=5).content
        if node.database_url:
            copies["a dump of the database"] = subprocess.run(
                ["pg_dump", "--inserts", node.database_url], check=True, capture_output=True
            ).stdout
        else:
            [file] = [p for p in node.data.rglob("*") if p.is_file() and p.open("rb").read(15) == b"SQLite format 3"]
            for path in file.parent.glob(file.name + "*"):
                copies[path.name] = path.read_bytes()
            backup = node.folder / "backup.sqlite"
            with sqlite3.connect(file) as live, sqlite3.connect(backup) as target:
                live.backup(target)
            copies["a backup"] = backup.read_bytes()
        assert node.log().count("\n") > 50, "the log is not at its most talkative"
        # The search would find something: what is no secret is there.
        assert one["displayName"].encode() in b"".join(v for k, v in copies.items() if k not in ("an answer", "the log"))
        for place, data in copies.items():
            for name, secret in (canaries | {"the signing key": key}).items():
                for form in forms(secret):
                    at = data.find(form)
                    assert at < 0, f"the {name} stands in {place}, after {data[max(0, at - 200) : at]!r}"
    finally:
        node.remove()


def test_sec_rest_1_a_secret_moved_to_another_row_does_not_open(cluster, settings, directory):
    """The ciphertext is bound to its row: swapped in the database, no configuration is tested with another one's password."""
    node = Archstone(cluster.fresh_database(), settings)
    try:
        node.prepare().start()
        right = create(node, of_directory(directory))
        assert test(node, right)["success"] is True
        wrong = create(node, of_directory(directory, tls=True, block={"bindPassword": "wrong"}))
        name = node.database_url.rsplit("/", 1)[1]
        rows = [
            cluster.sql(f"SELECT id FROM sealed_secrets WHERE id LIKE '%{config['uuid']}%'", name) for config in (right, wrong)
        ]
        assert all(rows) and rows[0] != rows[1], "where are they?"
        swap = f"UPDATE sealed_secrets SET sealed = (SELECT sealed FROM sealed_secrets WHERE id = '{rows[0]}') WHERE id = '{rows[1]}'"
        cluster.sql(swap, name)
        node.restart()
        answer = send(node, "POST", path_of(wrong, "test"), {}, timeout=30)
        assert answer.status_code >= 500 or answer.json()["success"] is False
        assert test(node, right)["success"] is True
    finally:
        node.remove()


def test_metadata_urls_carry_no_secret(archstone):
    """What a URL could hide a password in is refused."""
    problem(
        send(archstone, "POST", CONFIGURATIONS, by_metadata("https://user:secret@idp.example.com/metadata.xml")),
        400,
        "samlConfig.idpMetadataUrl",
    )
    assert draft(archstone, by_metadata(f"{invented('x')}/metadata.xml"))["success"] is False
