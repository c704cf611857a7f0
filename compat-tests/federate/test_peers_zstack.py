"""The double of a ZStack management node takes what the real one takes, and nothing else."""

import base64
import json
import time
import uuid

import pytest
import requests

from harness import unique
from peers.authority import Authority
from peers.openid import OpenIdProvider
from peers.zstack import ZStack
from peers.zstack_accounts import sha512, signature

TEMPLATE = "http://ui.example:5000/oauth1/verify/?username=${username}&sessionId=${sessionId}&loginType=${loginType}"


class Caller:
    """A client as strict as the server: signs or logs in, follows jobs by their ids."""

    def __init__(self, zstack, key=None, session=None):
        self.zstack, self.key, self.session = zstack, key, session

    def send(self, method, path, body=None, raw=None, **headers):
        """One request; `path` begins behind `/zstack/v1`."""
        sent = {"Content-Type": "application/json;charset=UTF-8"} if body is not None or raw is not None else {}
        if self.key:
            date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
            signed = signature(self.key["AccessKeySecret"], method, date, f"/v1{path.split('?')[0]}")
            sent |= {"Date": date, "Authorization": f"ZStack {self.key['AccessKeyID']}:{signed}"}
        elif self.session:
            sent["Authorization"] = f"OAuth {self.session}"
        sent = {n: v for n, v in (sent | headers).items() if v is not None}
        return requests.request(method, f"{self.zstack.base}{path}", data=raw if raw is not None else body and json.dumps(body), headers=sent,
                                timeout=5, allow_redirects=False)

    def run(self, path, params, method="POST", key="params"):
        """An operation to the end of its job: (status, body)."""
        answer = self.send(method, path, {key: params} if method != "DELETE" else None)
        while answer.status_code == 202:
            if location := answer.json().get("location"):
                job = location.rpartition("/")[2]
            answer = self.send("GET", f"/api-jobs/{job}")
        return answer.status_code, answer.json() if answer.text.startswith("{") else answer.text


@pytest.fixture
def zstack():
    """One management node of the enterprise line."""
    it = ZStack()
    yield it
    it.remove()


@pytest.fixture
def caller(zstack):
    """Its administrator, with an access key."""
    return Caller(zstack, zstack.access_key())


def client(**fields):
    """The members of a good client."""
    return {"name": unique("sso"), "clientId": "id", "clientSecret": "canary-secret", "authorizationUrl": "https://idp.example/auth",
            "tokenUrl": "https://idp.example/token", "userinfoUrl": "https://idp.example/me", "loginType": "iam1", "grantType": "authorization_code",
            "urlTemplate": TEMPLATE, "clientType": "OIDC", "scopeList": ["openid", "profile"]} | fields


def log_in(zstack, password="admin password"):
    """What logging in answers."""
    return Caller(zstack).send("PUT", "/accounts/login", {"logInByAccount": {"accountName": "admin", "password": sha512(password)}})


def test_sessions_are_capped_end_and_are_bound_to_the_right_password(zstack):
    zstack.session_cap = 2
    assert log_in(zstack, "wrong").json()["error"]["code"] == "ID.1000"
    first, _ = log_in(zstack).json()["inventory"]["uuid"], log_in(zstack)
    assert (log_in(zstack).status_code, log_in(zstack).json()["error"]["code"]) == (503, "ID.1006")
    it = Caller(zstack, session=first)
    assert it.send("GET", f"/accounts/sessions/{first}/valid").json() == {"valid": True}
    assert it.run("/create/oauth2/client", client())[0] == 200
    assert it.send("DELETE", f"/accounts/sessions/{first}").status_code == 200
    assert it.run("/create/oauth2/client", client())[1]["error"]["code"] == "ID.1001"
    zstack.expire_sessions()
    assert log_in(zstack).status_code == 200 and zstack.opened - zstack.closed == 2


def test_signatures_dates_and_keys(zstack, caller):
    good = caller.key
    assert caller.send("GET", "/accesskeys").status_code == 200
    for headers, status, words in (
        ({"Authorization": None}, 400, "missing header"), ({"Authorization": f"Bearer {unique()}"}, 400, "OAuth"), ({"Date": None}, 400, "Date"),
        ({"Date": "yesterday"}, 400, "format"), ({"Date": "2026-12-01T11:00:00Z"}, 400, "format"),
        ({"Date": "Tue, 01 Dec 2020 11:00:00 GMT"}, 403, "requestTimeTooSkewed"), ({"Authorization": "ZStack a:b:c"}, 400, "format"),
        ({"Authorization": f"ZStack {good['AccessKeyID']}:AAAA"}, 403, "signature"), ({"Authorization": "ZStack nobody:AAAA"}, 403, "not known"),
    ):  # fmt: skip
        answer = caller.send("GET", "/accesskeys", **headers)
        assert (answer.status_code, words in answer.text) == (status, True), (headers, answer.text)
        assert answer.headers["Content-Type"].startswith("text/plain")
    zstack.skew = 3600
    assert caller.send("GET", "/accesskeys").status_code == 403
    zstack.skew = 0
    # A server that reads wall clocks wants those of its own zone.
    zstack.zone, zstack.reads_zones = 8, False
    assert caller.send("GET", "/accesskeys").text == "requestTimeTooSkewed"
    zstack.zone, zstack.reads_zones = 0, True
    for other in ("/get/sso/client/", "/nowhere"):
        assert caller.send("GET", other).status_code == 404
    assert caller.send("DELETE", "/get/sso/client").status_code == 405


def test_keys_are_rotated_by_create_switch_delete(zstack, caller):
    status, body = caller.run("/accesskeys", {"accountUuid": zstack.admin, "userUuid": zstack.admin})
    assert status == 200
    second = body["inventory"]
    assert caller.run("/accesskeys", {"accountUuid": zstack.admin, "userUuid": zstack.admin})[1]["error"]["code"] == "SYS.1006"
    other = Caller(zstack, second)
    listed = other.send("GET", f"/accesskeys?q=accountUuid={zstack.admin}").json()["inventories"]
    assert len(listed) == 2 and "AccessKeySecret" not in listed[0]
    assert other.run(f"/accesskeys/{caller.key['uuid']}/actions", {"stateEvent": "disable"}, "PUT", "changeAccessKeyState")[0] == 200
    assert caller.send("GET", "/accesskeys").status_code == 403
    assert other.run(f"/accesskeys/{caller.key['uuid']}", None, "DELETE")[0] == 200 and len(zstack.keys) == 1
    stranger = Caller(zstack, zstack.access_key(zstack.account("ann", "ann password", admin=False)))
    assert stranger.run("/create/oauth2/client", client())[1]["error"]["code"] == "ID.1002"


def test_envelopes_and_job_ids(zstack, caller):
    path = "/create/oauth2/client"
    assert caller.send("POST", path, client()).status_code == 400
    assert caller.send("POST", path, {"params": [1]}).status_code == 400
    assert caller.send("POST", path, raw="{").status_code == 500
    assert caller.send("POST", path, {"params": client()}, **{"Content-Type": "text/plain"}).status_code == 400
    for bad in (str(uuid.uuid4()), uuid.uuid1().hex, "x" * 32, uuid.uuid4().hex.upper()):
        assert caller.send("POST", path, {"params": client()}, **{"X-Job-UUID": bad}).status_code == 400, bad
    assert zstack.clients == {}
    job = uuid.uuid4().hex
    first = caller.send("POST", path, {"params": client()}, **{"X-Job-UUID": job})
    assert first.status_code == 202 and first.json()["location"] == f"{zstack.foreign.url}/zstack/v1/api-jobs/{job}"
    again = caller.send("POST", path, {"params": client()}, **{"X-Job-UUID": job})
    assert (again.status_code, again.text) == (400, f"Duplicate job uuid[{job}]")
    assert [caller.send("GET", f"/api-jobs/{job}").status_code for _ in range(4)] == [202, 202, 200, 200]
    assert zstack.strayed == []
    zstack.expire_jobs()
    assert caller.send("GET", f"/api-jobs/{job}").status_code == 404


def test_clients_live(zstack, caller):
    id = uuid.uuid4().hex
    made = caller.run("/create/oauth2/client", client(resourceUuid=id))[1]["inventory"]
    assert made["uuid"] == id and made["loginMNUrl"] == f"{zstack.url}/zstack/sso/oauth2?clientUuid={id}"
    assert caller.run("/create/oauth2/client", client(resourceUuid=id))[1]["error"]["code"] == "SYS.1007"
    redirect = "https://cloud.example/back"
    changed = caller.run("/update/oauth2/client", {"uuid": id, "clientSecret": "second", "redirectUrl": redirect})[1]["inventory"]
    assert changed["redirectUrl"] == redirect and changed["loginMNUrl"].startswith("http://cloud.example/") and changed["name"] == made["name"]
    assert caller.send("GET", f"/oauth2/clients/{id}/client-secret").json() == {"clientSecret": "second"}
    listed = Caller(zstack).send("GET", "/get/sso/client").json()["inventories"]
    assert [c["uuid"] for c in listed] == [id] and "clientSecret" not in listed[0]
    template = caller.run("/create/sso/redirect/template/", {"name": "t", "description": "d", "clientUuid": id, "redirectTemplate": TEMPLATE})[1]
    text = {"uuid": template["inventory"]["uuid"], "redirectTemplate": "http://ui.example/"}
    assert caller.run("/update/sso/redirectTemplate", text)[0] == 200
    assert caller.run("/delete/sso/client", {"uuid": id, "deleteMode": "Permissive"}) == (200, {})
    assert zstack.templates == {} and caller.run("/delete/sso/client", {"uuid": id})[0] == 503
    assert zstack.unknown == [] and zstack.changes()[0] == "CreateOAuthClient"


def test_arguments_are_looked_at(zstack, caller):
    zstack.login_types = ("oauth2-iam1",)
    assert caller.run("/create/oauth2/client", client(loginType="oauth2-iam1"))[0] == 200
    for fields in ({"loginType": "iam1"}, {"clientType": "SAML"}, {"name": "x" * 256}, {"redirectUrl": "https://a/" + "x" * 247},
                   {"urlTemplate": "x" * 2049}, {"description": "x" * 2049}, {"tokenUrl": None}, {"grantType": "implicit"}, {"scopeList": "openid"},
                   {"resourceUuid": str(uuid.uuid4())}, {"resourceUuid": "f" * 32}, {"tokenUrl": "ftp://idp.example"}):  # fmt: skip
        status, body = caller.run("/create/oauth2/client", client(**{"loginType": "oauth2-iam1"} | fields))
        assert (status, body["error"]["code"]) == (503, "SYS.1007"), fields
    assert len(zstack.clients) == 1


def test_saml_and_directories(zstack, caller):
    document = '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example/saml"/>'
    body = {"name": "s", "idpMetadataBase64": base64.b64encode(document.encode()).decode(), "loginType": "iam1", "urlTemplate": TEMPLATE}
    made = caller.run("/create/saml2/client", body)[1]["inventory"]
    assert made["entityId"] == "https://idp.example/saml"
    assert caller.run("/create/saml2/client", body | {"idpMetadataBase64": "PGE+"})[0] == 503
    ldap = {"name": "l", "url": "ldap://ldap.example:389", "base": "dc=x", "username": "cn=x", "password": "p", "encryption": "TLS",
            "scope": "account"}
    id = caller.run("/ldap/servers", ldap)[1]["inventory"]["uuid"]
    assert caller.run("/ldap/servers", ldap | {"encryption": "SSL"})[0] == 503
    assert caller.run(f"/ldap/servers/{id}", {"base": "dc=y"}, "PUT", "updateLdapServer")[1]["inventory"]["base"] == "dc=y"
    assert caller.send("GET", "/ldap/servers?q=name=l").json()["inventories"][0].get("password") is None
    assert caller.run(f"/ldap/servers/{id}", None, "DELETE")[0] == 200 and zstack.directories == {}


def test_the_other_line_knows_other_members():
    zstack = ZStack("zsphere")
    try:
        caller = Caller(zstack, zstack.access_key())
        body = {n: v for n, v in client().items() if n not in ("loginType", "clientType", "scopeList")}
        made = caller.run("/create/oauth2/client", body | {"createAccountStrategy": "CreateAccount"})[1]["inventory"]
        assert made["usernameProperty"] == "preferred_username" and made["type"] == "OAuth2" and zstack.unknown == []
        assert caller.run("/create/oauth2/client", body | {"createAccountStrategy": "Always"})[0] == 503
        caller.run("/create/oauth2/client", client())
        assert ("CreateOAuthClient", "loginType") in zstack.unknown
        assert caller.send("POST", "/create/saml2/client", {"params": {}}).status_code == 404
    finally:
        zstack.remove()


def test_it_speaks_tls(tmp_path):
    authority = Authority(tmp_path)
    zstack = ZStack(context=authority.context("127.0.0.1"))
    try:
        assert requests.get(f"{zstack.base}/get/sso/client", verify=str(authority.file), timeout=5).json() == {"inventories": []}
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{zstack.base}/get/sso/client", timeout=5)
    finally:
        zstack.remove()


def test_faults_are_the_ones_asked_for(zstack, caller):
    create = ("/create/oauth2/client", client())
    zstack.on("CreateOAuthClient", "error", times=1, code="SYS.1001", cause="ID.1002")
    error = caller.run(*create)[1]["error"]
    assert (error["code"], error["cause"]["code"]) == ("SYS.1001", "ID.1002") and zstack.clients == {}
    zstack.on(None, "plain", times=1, status=429, retry_after=3)
    assert caller.send("GET", "/accesskeys").headers["Retry-After"] == "3"
    zstack.on("CreateOAuthClient", "page", times=1)
    assert caller.send("POST", create[0], {"params": create[1]}).status_code == 502
    zstack.on("CreateOAuthClient", "at once", times=1)
    assert caller.send("POST", create[0], {"params": create[1]}).status_code == 200
    zstack.lose_clients()
    for fault, left in (("refuse", 0), ("drop", 1)):
        zstack.on("CreateOAuthClient", fault, times=1)
        with pytest.raises(requests.ConnectionError):
            caller.send("POST", create[0], {"params": create[1]})
        assert len(zstack.clients) == left
    zstack.on("CreateOAuthClient", "lost", times=1)
    assert caller.run(*create) == (404, "the job has been expired") and len(zstack.clients) == 2
    zstack.on("CreateOAuthClient", "endless", times=1)
    job = caller.send("POST", create[0], {"params": create[1]}).json()["location"].rpartition("/")[2]
    assert {caller.send("GET", f"/api-jobs/{job}").status_code for _ in range(5)} == {202}
    zstack.stop()
    with pytest.raises(requests.ConnectionError):
        caller.send("GET", "/accesskeys")
    zstack.start()
    assert caller.send("GET", "/accesskeys").status_code == 200


@pytest.mark.parametrize("line", ["enterprise", "zsphere"])
def test_people_sign_in_by_a_client_that_was_pushed(line):
    zstack, provider = ZStack(line), OpenIdProvider().start()
    try:
        caller, id, name = Caller(zstack, zstack.access_key()), uuid.uuid4().hex, unique("ann")
        known = provider.http.get(provider.discovery, timeout=5).json()
        more = {"createAccountStrategy": "CreateAccount"} if line == "zsphere" else {}
        body = client(resourceUuid=id, clientId=id, clientSecret=f"{id} secret", authorizationUrl=known["authorization_endpoint"],
                      tokenUrl=known["token_endpoint"], userinfoUrl=known["userinfo_endpoint"], **more)
        assert caller.run("/create/oauth2/client", body)[0] == 200
        provider.client(id, "client_secret_post", lax=True, redirect_uris=[zstack.callback(id)])
        place, landed = zstack.sign_in(id, provider, provider.user(preferred_username=name))
        assert place.startswith("http://ui.example:5000/oauth1/verify/") and landed["username"] == name
        assert Caller(zstack).send("GET", f"/accounts/sessions/{landed['sessionId']}/valid").json() == {"valid": True}
        caller.run("/update/oauth2/client", {"uuid": id, "clientSecret": "another"})
        with pytest.raises(AssertionError, match="token URL answered 401"):
            zstack.sign_in(id, provider, provider.user(preferred_username=name))
    finally:
        zstack.remove()
        provider.stop()
