"""Seeds 001 and 002: the examples as printed, by curl, and every field that they name sent and read back."""

import json
import shlex
import subprocess

import pytest

from harness import ADMIN_PASSWORD, RunScript, eventually, free_port, unique
from sso_bodies import BLOCKS, CERTIFICATE, SECRETS, SP_CERTIFICATE, SP_KEY
from sso_calls import CONFIGURATIONS, MASK, MOMENT, create, done, get, listed, settled, system_admin, update

# As printed. What stands in braces, and the two members that are no more than a placeholder, are made real below.
CREATE = r"""curl -X POST '{host}/api/v1/sso/configurations' -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{"tenantUuid":"deprecated-tenant-uuid","displayName":"Corporate SSO","providerType":"OIDC","protocol":"oidc","oidcConfig":{"clientId":"my-client-id","clientSecret":"s3cr3t","wellKnownUrl":"https://idp.example.com/.well-known/openid-configuration","redirectUri":"https://zcf.example.com/sso/callback","scope":"openid profile email","configName":"Corporate OIDC"},"samlConfig":{"idpEntityId":"https://idp.example.com/saml/metadata","idpSsoUrl":"https://idp.example.com/saml/sso","idpSloUrl":"https://idp.example.com/saml/slo","idpCertificate":"-----BEGIN CERTIFICATE-----\n...","idpMetadataUrl":"https://idp.example.com/saml/metadata.xml","spEntityId":"https://zcf.example.com/saml/sp","nameIdFormat":"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress","signRequests":true,"forceAuthn":false,"spCertificatePem":"-----BEGIN CERTIFICATE-----\n..."},"ldapConfig":{"serverAddress":"ldap.example.com","port":389,"baseDn":"dc=example,dc=com","bindDn":"cn=admin,dc=example,dc=com","bindPassword":"bindP@ssw0rd","userSearchBase":"ou=users,dc=example,dc=com","userSearchFilter":"(uid=%s)","useSsl":true},"userProvisioning":"auto","groupProvisioning":"sync","attributeMappings":"(nested object)","groupMappings":"(nested array)"}'"""  # noqa: E501
LIST = "curl -X GET '{host}/api/v1/sso/configurations' -H 'Authorization: Bearer {token}'"
ATTRIBUTES = {"username": "preferred_username", "email": "email"}
GROUPS = [{"idpGroup": "idp-admins", "zcfRole": "admin"}]
# The body of the first seed, with the placeholders made real.
SEED = json.loads(CREATE.split(" -d '", 1)[1].rstrip("'")) | {"attributeMappings": ATTRIBUTES, "groupMappings": GROUPS}
# Everything the second seed says an item has.
ITEM = {
    "uuid",
    "issuer",
    "displayName",
    "providerType",
    "protocol",
    "userProvisioning",
    "groupProvisioning",
    "attributeMappings",
    "groupMappings",
    "source",
    "status",
    "enabled",
    "lastTestAt",
    "lastTestResult",
    "createdAt",
    "updatedAt",
}


def real(text, host, token):
    """The example with its placeholders replaced, as words of a command."""
    text = text.replace("{host}", host).replace("{token}", token)
    text = text.replace('"(nested object)"', json.dumps(ATTRIBUTES)).replace('"(nested array)"', json.dumps(GROUPS))
    return shlex.split(text)


def run(words):
    """Runs curl; status and JSON."""
    ran = subprocess.run([*words, "-s", "-w", "\n%{http_code}"], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    body, _, status = ran.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_the_examples_work_as_printed_against_a_server_started_by_etc_run_sh(launch, tmp_path):
    """With the settings that etc/run.sh gives: none."""
    client = launch(prepare=False, start=False)
    client.port = free_port()
    script = RunScript(tmp_path, client.port, OS_BOOTSTRAP_PASSWORD=ADMIN_PASSWORD)
    try:

        def answers():
            assert script.process.poll() is None, script.output.read_text()
            try:
                return client.request("GET", "/healthcheck").status_code == 200
            except OSError:
                return False

        assert eventually(answers, within=30, every=0.1), script.output.read_text()
        token = system_admin(client)
        status, made = run(real(CREATE, client.url, token))
        assert status == 200, made
        shown = {"uuid", "issuer", "displayName", "providerType", "protocol", "oidcConfig"}
        assert shown <= set(made) and made["issuer"] == "https://idp.example.com" and made["displayName"] == "Corporate SSO"
        assert (made["providerType"], made["protocol"]) == ("OIDC", "oidc")
        status, page = run(real(LIST, client.url, token))
        assert status == 200 and {k: page[k] for k in ("total", "limit", "offset")} == {"total": 1, "limit": 20, "offset": 0}
        assert [item["uuid"] for item in page["items"]] == [made["uuid"]]
        # As printed to the letter, the placeholders are no configuration.
        words = shlex.split(CREATE.replace("{host}", client.url).replace("{token}", token))
        status, refused = run(words)
        assert status == 400 and refused["error"]["code"] == "SSO.1001" and refused["error"]["details"] == "attributeMappings"
    finally:
        script.stop()


def whole(kind):
    """The seed's body for this provider type, with an issuer of its own and certificates that are some."""
    own = unique("seed")
    body = json.loads(json.dumps(SEED)) | {"providerType": kind, "protocol": kind.lower(), "displayName": own}
    body["oidcConfig"]["wellKnownUrl"] = f"https://{own}.example.com/.well-known/openid-configuration"
    body["samlConfig"] |= {
        "idpEntityId": f"https://{own}.example.com/saml/metadata",
        "idpCertificate": CERTIFICATE,
        "spCertificatePem": SP_CERTIFICATE,
        "spPrivateKeyPem": SP_KEY,
    }
    body["ldapConfig"]["serverAddress"] = f"{own}.example.com"
    if kind == "LDAP":
        body["attributeMappings"] = {"username": "uid", "email": "mail"}
    return body


@pytest.mark.parametrize("kind", ["OIDC", "SAML", "LDAP"])
def test_every_field_is_sent_and_read_back(archstone, kind):
    """All three blocks at once; only the one that fits is kept. The background test, which fails (nobody is there), comes by itself."""
    body = whole(kind)
    made = create(archstone, body, system_admin(archstone))
    block = BLOCKS[kind]
    sent = dict(body[block])
    sent.pop("spPrivateKeyPem", None)
    if kind in SECRETS:
        sent[SECRETS[kind]] = MASK
    for shown in (
        made,
        get(archstone, made),
        next(i for i in listed(archstone, "limit=1000")["items"] if i["uuid"] == made["uuid"]),
    ):
        assert {k: v for k, v in shown[block].items() if k in sent} == sent
        same = (
            "displayName",
            "providerType",
            "protocol",
            "userProvisioning",
            "groupProvisioning",
            "attributeMappings",
            "groupMappings",
        )
        assert {k: shown[k] for k in same} == {k: body[k] for k in same}
        assert not {"oidcConfig", "samlConfig", "ldapConfig"} - {block} & set(shown) and not shown.get("tenantUuid")
        assert shown["uuid"] == made["uuid"] and shown["source"] == "manual" and shown["enabled"] is True
        assert MOMENT.fullmatch(shown["createdAt"]) and MOMENT.fullmatch(shown["updatedAt"])
    host = f"{body['displayName']}.example.com"
    port = body["ldapConfig"]["port"]
    assert (
        made["issuer"]
        == {
            "OIDC": f"https://{host}",
            "SAML": f"https://{host}/saml/metadata",
            "LDAP": f"ldaps://{host}:{port}/dc=example,dc=com",
        }[kind]
    )
    tested = settled(archstone, made, 30)
    assert ITEM <= set(tested) and MOMENT.fullmatch(tested["lastTestAt"])
    assert (tested["lastTestResult"], tested["status"]) == ("failure", "error")


@pytest.mark.parametrize("kind", ["OIDC", "SAML", "LDAP"])
def test_every_field_can_be_changed(archstone, kind):
    made = create(archstone, whole(kind) | {"groupMappings": []})
    change = whole(kind) | {
        "displayName": "Updated Corporate SSO",
        "userProvisioning": "manual",
        "groupProvisioning": "none",
        "enabled": False,
        "groupMappings": [{"idpGroup": "idp-people", "zcfRole": "member"}],
        "attributeMappings": {"username": "name"},
    }
    del change["providerType"], change["protocol"]
    block = BLOCKS[kind]
    change[block] |= {
        "OIDC": {"clientId": "another", "redirectUri": "https://zcf.example.com/other", "scope": "openid", "configName": "Other"},
        "SAML": {
            "idpSsoUrl": "https://idp.example.com/other",
            "idpSloUrl": "https://idp.example.com/out",
            "signRequests": False,
            "forceAuthn": True,
            "spEntityId": "https://zcf.example.com/other",
            "nameIdFormat": "urn:other",
            "idpMetadataUrl": "https://idp.example.com/other.xml",
        },
        "LDAP": {
            "port": 636,
            "baseDn": "dc=example",
            "bindDn": "cn=other,dc=example",
            "userSearchBase": "ou=people,dc=example",
            "userSearchFilter": "(mail=%s)",
            "useSsl": False,
        },
    }[kind]
    changed = update(archstone, made, **change)
    sent = dict(change[block])
    sent.pop("spPrivateKeyPem", None)
    if kind in SECRETS:
        sent[SECRETS[kind]] = MASK
    assert {k: v for k, v in changed[block].items() if k in sent} == sent
    for name in ("displayName", "userProvisioning", "groupProvisioning", "groupMappings", "attributeMappings", "enabled"):
        assert changed[name] == change[name], name
    assert changed["status"] == "disabled" and changed["createdAt"] == made["createdAt"] and get(archstone, made) == changed


def test_the_tenant_is_without_effect_anywhere(archstone):
    """In bodies, queries and as the header X-Tenant-ID; it is never shown."""
    made = create(archstone, whole("OIDC") | {"groupMappings": [], "tenantUuid": unique("tenant")})
    path = f"{CONFIGURATIONS}/{made['uuid']}"
    headers = {"X-Tenant-ID": "another-tenant"}
    for query in ("", "?tenantUuid=", "?tenantUuid=another-tenant"):
        shown = done(archstone, "GET", path + query, headers=headers)
        assert shown["uuid"] == made["uuid"] and not shown.get("tenantUuid")
        page = done(archstone, "GET", f"{CONFIGURATIONS}{query or '?'}&limit=1000", headers=headers)
        assert made["uuid"] in [item["uuid"] for item in page["items"]]
        changed = done(archstone, "PUT", path + query, {"tenantUuid": "x", "displayName": unique("name")}, headers=headers)
        assert not changed.get("tenantUuid")
        done(archstone, "POST", f"{path}/previewDelete{query}", {"tenantUuid": "x", "options": {}}, headers=headers)
    for value in ("", "x" * 300, None):
        done(archstone, "PUT", path, {"tenantUuid": value})
    assert done(archstone, "DELETE", path + "?tenantUuid=another-tenant", headers=headers) == {}
