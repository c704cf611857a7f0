"""Logouts that pass from server to server (OpenID Connect Back-Channel Logout 1.0, tenant-login sections 10.2 to 10.4)."""

import time
import uuid

import pytest

from harness import eventually, unique
from peers.broken import BrokenWeb, Reply
from peers.jose import Key, symmetric, unsigned
from tenancy import SESSIONS, Tenant, admin, by_provider, claims_of, refused
from visitor import Page, query_of

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.fixture
def arrived(visitor):
    """`arrived(client, way)`: a browser in which somebody came by an identity provider, who it is there, and the tokens."""
    def make(client, way):
        browser, person = visitor(client.tenant), way.person()
        attempt = client.attempt(scope="openid profile email offline_access")
        return browser, person, attempt.tokens(by_provider(browser, attempt, way, person))

    return make


def is_in(browser, client):
    """Whether the browser has a session at the tenant."""
    return "code" in query_of(browser.go(client.attempt(prompt="none").url, client.redirect_uri))


def tell(way, token, node=None, **form):
    """Posts a logout token as the provider does; the answer."""
    url = f"{(node or way.tenant.node).url}/api/v1/auth/tenants/{way.tenant.slug}/backchannel-logout"
    return (node or way.tenant.node).request("POST", url, data={"logout_token": token} | form)


def logout_token(way, key=None, header=None, **changes):
    """A logout token of the provider, good but for what `changes` say (None: leave out)."""
    now = int(time.time())
    usual = {"iss": way.provider.issuer, "aud": way.client_id, "iat": now, "exp": now + 120, "jti": uuid.uuid4().hex, "events": {EVENT: {}}}
    claims = {k: v for k, v in (usual | changes).items() if v is not None}
    return (key or way.provider.keys[0]).sign(claims, **({"typ": "logout+jwt"} | (header or {})))


# -- from the identity provider ------------------------------------------------------------------------------------------


def provider_logout(browser, provider):
    """Logs out at the provider itself in this browser."""
    page = Page(browser.get(f"{provider.issuer}/session/end"))
    form = page.form("xsrf")
    answer = browser.send(form, logout="yes")
    assert answer.status_code in (200, 302, 303), answer.text
    return answer


def test_logging_out_at_the_provider_ends_the_session_here(tenant, provider, arrived):
    """The real provider's own logout token, with `sid`."""
    client, way = tenant.client(), tenant.way(provider)
    browser, _, tokens = arrived(client, way)
    other, _, others = arrived(client, way)
    assert is_in(browser, client)
    provider_logout(browser, provider)
    assert eventually(lambda: not is_in(browser, client), 3.0)
    # What was asked to outlive the session does.
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
    assert is_in(other, client) and tenant.userinfo(others["access_token"]).status_code == 200


def test_it_is_passed_on_to_the_applications(tenant, provider, application, visitor):
    way = tenant.way(provider)
    app = application("openid-client", tenant)
    browser = visitor(tenant)
    person = way.person()
    leaving = browser.go(browser.go(f"{app.url}/login").link(way.id), f"{provider.issuer}/")
    browser.go(browser.go(way.return_from(browser, leaving, person), f"{app.url}/"))
    assert eventually(lambda: app.visitor().get("sub"), 3.0), app.state()
    provider_logout(browser, provider)
    assert eventually(lambda: app.state()["logouts"], 5.0), app.state()
    [told] = app.state()["logouts"]
    assert told["claims"]["sub"] == app.visitor()["claims"]["sub"] and told["claims"]["sid"] == app.visitor()["claims"]["sid"]


def test_by_subject_every_session_ends(tenant, provider, arrived, visitor):
    client, way = tenant.client(), tenant.way(provider)
    browser, person, _ = arrived(client, way)
    second = visitor(tenant)
    client.come_by(way, person, second)
    answer = tell(way, logout_token(way, sub=person))
    assert answer.status_code == 200 and not answer.content and answer.headers["Cache-Control"] == "no-store", answer.text
    assert not is_in(browser, client) and not is_in(second, client)


def test_nobody_is_meant(one, provider):
    way = one.way(provider, show_on_login=False)
    for whose in ({"sub": unique()}, {"sid": unique()}, {"sub": unique(), "sid": unique()}):
        assert tell(way, logout_token(way, **whose)).status_code == 200


def test_a_token_is_good_once_on_all_nodes(pair, provider):
    tenant = Tenant(pair[0])
    way = tenant.way(provider)
    token = logout_token(way, sub="nobody")
    assert tell(way, token).status_code == 200
    refused(tell(way, token), 400, "invalid_request")
    refused(tell(way, token, node=pair[1]), 400, "invalid_request")


def test_tokens_that_end_nothing(one, provider, arrived):
    client, way = one.client(), one.way(provider)
    other = one.way(provider, show_on_login=False)
    browser, person, tokens = arrived(client, way)
    now = int(time.time())
    bad = {
        "another issuer": logout_token(way, sub=person, iss="https://elsewhere.example"),
        "another audience": logout_token(way, sub=person, aud="somebody"),
        "no audience": logout_token(way, sub=person, aud=None),
        "with a nonce": logout_token(way, sub=person, nonce="x"),
        "no events": logout_token(way, sub=person, events=None),
        "another event": logout_token(way, sub=person, events={"http://schemas.example/other": {}}),
        "an event that is no object": logout_token(way, sub=person, events={EVENT: "x"}),
        "events that are a list": logout_token(way, sub=person, events=[EVENT]),
        "nobody": logout_token(way),
        "expired": logout_token(way, sub=person, iat=now - 400, exp=now - 200),
        "old": logout_token(way, sub=person, iat=now - 3600),
        "of the future": logout_token(way, sub=person, iat=now + 3600, exp=now + 7200),
        "without a time": logout_token(way, sub=person, iat=None),
        "without an end": logout_token(way, sub=person, exp=None),
        "without an id": logout_token(way, sub=person, jti=None),
        "of another kind": logout_token(way, sub=person, header={"typ": "at+jwt"}),
        "a stranger's key": logout_token(way, Key(provider.keys[0].kid), sub=person),
        "unsigned": unsigned({"iss": provider.issuer, "aud": way.client_id, "sub": person, "events": {EVENT: {}}, "iat": now, "exp": now + 60, "jti": "x"}),
        "by a secret": symmetric({"iss": provider.issuer, "aud": way.client_id, "sub": person, "events": {EVENT: {}}, "iat": now, "exp": now + 60, "jti": "y"},
                                 f"{way.client_id} secret".encode(), "x"),
        "an ID token": provider.id_token(person, way.client_id),
        "nothing": "a.b.c",
        "a great deal": "x" * 200_000,
    }
    for name, token in bad.items():
        answer = tell(way, token)
        assert answer.status_code in (400, 413), f"{name}: {answer.status_code} {answer.text}"
        if answer.status_code == 400:
            assert answer.json()["error"] == "invalid_request", name
        assert answer.headers["Cache-Control"] == "no-store", name
    # Of a client that is ours, but another one.
    assert tell(way, logout_token(other, sub=person)).status_code == 200
    assert is_in(browser, client) and one.userinfo(tokens["access_token"]).status_code == 200


def test_without_the_field(one):
    url = f"{one.url}/backchannel-logout"
    answer = one.node.request("POST", url, data={"x": "y"})
    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "logout_token"], answer.text
    assert one.node.request("GET", url).status_code == 405


def test_a_disabled_identity_provider_ends_nothing(one, provider, arrived):
    client, way = one.client(), one.way(provider)
    browser, person, _ = arrived(client, way)
    way.set(enabled=False)
    assert tell(way, logout_token(way, sub=person)).status_code == 400


# -- to the identity provider ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", ["never", "offer", "always"])
def test_the_upstream_leg(tenant, provider, arrived, wish):
    way = tenant.way(provider, logout_upstream=wish)
    after = "http://127.0.0.1:9/after"
    client = tenant.client(logout_uris=[after])
    browser, person, tokens = arrived(client, way)
    url = f"{tenant.url}/oauth/logout?id_token_hint={tokens['id_token']}&post_logout_redirect_uri={after}&state=s"
    there = browser.go(url, after, f"{provider.issuer}/")
    assert not is_in(browser, client), "here it is over before anybody leaves"
    if wish == "never":
        assert there == f"{after}?state=s"
    elif wish == "always":
        assert there.startswith(f"{provider.issuer}/session/end?"), there
        asked = query_of(there)
        assert asked["post_logout_redirect_uri"] == way.returning and asked["client_id"] == way.client_id
        assert asked["state"] != "s" and claims_of({"id_token": asked["id_token_hint"]})["aud"] == way.client_id
        page = Page(browser.get(there))
        back = browser.follow(browser.send(page.form("xsrf"), logout="yes"), way.returning)
        assert back.startswith(way.returning), back
        assert browser.go(back, after) == f"{after}?state=s"
        again = browser.go(back, after)
        assert isinstance(again, Page), "the way back is good once"
    else:
        if isinstance(there, str):
            assert there == f"{after}?state=s"
        else:
            leaving = browser.go(there.link("session/end") if there.has_link("session/end") else there.forms[0].action, f"{provider.issuer}/")
            assert leaving.startswith(f"{provider.issuer}/session/end")


def test_the_upstream_leg_by_the_persons_own_wish(tenant, provider, arrived):
    """The page afterwards offers it, once."""
    way = tenant.way(provider, logout_upstream="offer", name="Acme Okta")
    client = tenant.client()
    browser, _, tokens = arrived(client, way)
    page = browser.go(f"{tenant.url}/oauth/logout?id_token_hint={tokens['id_token']}")
    assert isinstance(page, Page) and "Acme Okta" in page.text and not is_in(browser, client), page
    link = page.link("Acme Okta")
    there = browser.go(link, f"{provider.issuer}/")
    assert there.startswith(f"{provider.issuer}/session/end?"), there
    back = browser.follow(browser.send(Page(browser.get(there)).form("xsrf"), logout="yes"), way.returning)
    page = browser.go(back)
    assert isinstance(page, Page) and page.status == 200 and "signed out" in page.text.lower(), page
    assert isinstance(browser.go(link, f"{provider.issuer}/"), Page), "the link is good once"


@pytest.mark.parametrize("state", [None, "", "x", "A" * 43])
def test_a_way_back_that_nobody_waits_for(one, visitor, state):
    query = "" if state is None else f"?state={state}"
    page = visitor(one).go(f"{one.url}/federation/oidc/logout{query}", "https://", "http://127.0.0.1:9/")
    assert isinstance(page, Page) and page.status in (200, 400), page


# -- to the applications --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["openid-client", "authlib"])
@pytest.mark.parametrize("how", ["administrator", "person"])
def test_applications_are_told(tenant, application, visitor, kind, how):
    app = application(kind, tenant)
    browser, user = visitor(tenant), tenant.user()
    form = browser.go(f"{app.url}/login").form("password")
    page = browser.submit(form, username=user["name"], password=user["password"])
    assert page.status == 200 and user["id"] in page.text, page
    sid = app.visitor()["claims"]["sid"]
    if how == "administrator":
        admin(tenant.node, "DELETE", f"{SESSIONS}/{sid}?tenant_id={tenant.id}", status=204)
    else:
        browser.submit(browser.go(f"{tenant.url}/oauth/logout").form("csrf"), button="out")
    assert eventually(lambda: app.state()["logouts"], 5.0), app.state()
    [told] = app.state()["logouts"]
    assert told["header"]["typ"] == "logout+jwt"
    claims = told["claims"]
    assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"} and claims["exp"] == claims["iat"] + 120
    assert claims["events"] == {EVENT: {}} and claims["sid"] == sid and claims["sub"] == user["id"]
    assert "sub" not in app.visitor(), "the application has let them go"
    assert not app.state()["refused"]


def test_only_who_has_something_of_the_session_is_told(one, application, visitor):
    app, bystander = application("openid-client", one), application("openid-client", one)
    browser, user = visitor(one), one.user()
    browser.submit(browser.go(f"{app.url}/login").form("password"), username=user["name"], password=user["password"])
    admin(one.node, "DELETE", f"{SESSIONS}/{app.visitor()['claims']['sid']}?tenant_id={one.id}", status=204)
    assert eventually(lambda: app.state()["logouts"], 5.0)
    assert bystander.state()["logouts"] == []


def test_everything_of_a_user_at_once(one, application, visitor):
    app, user = application("openid-client", one), one.user()
    for _ in range(2):
        browser = visitor(one)
        browser.submit(browser.go(f"{app.url}/login").form("password"), username=user["name"], password=user["password"])
    admin(one.node, "POST", f"{SESSIONS}/revoke-all", {"tenant_id": one.id, "user_id": user["id"]})
    assert eventually(lambda: len(app.state()["logouts"]) == 2, 5.0), app.state()
    assert all("sub" not in v for v in app.state()["visitors"])


def test_disabling_a_user_ends_the_sessions(one, application, visitor):
    app, user, browser = application("openid-client", one), one.user(), visitor(one)
    browser.submit(browser.go(f"{app.url}/login").form("password"), username=user["name"], password=user["password"])
    one.change_user(user["id"], enabled=False)
    assert not is_in(browser, app.client)
    assert eventually(lambda: app.state()["logouts"], 5.0), "and the application hears of it"


def test_a_deaf_application_is_asked_again_and_holds_up_nobody(one, visitor):
    """A failing application is told up to three times; redirects are not followed; the logout itself does not wait."""
    heard = []

    def answer(web, case, rest):
        heard.append(case)
        if case == "moved":
            return Reply(status=302, headers={"Location": f"{web.url}/elsewhere/x"})
        return Reply(silent=True) if case == "silent" else Reply("no", 503, "text/plain")

    web = BrokenWeb(answer)
    try:
        for case in ("failing", "silent", "moved"):
            client = one.client(backchannel_logout_uri=f"{web.url}/{case}/x")
            browser = visitor(one)
            tokens = client.sign_in(one.user(), browser)
            began = time.monotonic()
            admin(one.node, "DELETE", f"{SESSIONS}/{claims_of(tokens)['sid']}?tenant_id={one.id}", status=204)
            assert time.monotonic() - began < 2 and not is_in(browser, client)
        assert eventually(lambda: {"failing", "silent", "moved"} <= set(heard), 10.0), heard
        assert eventually(lambda: heard.count("failing") >= 2, 15.0), heard
        assert "elsewhere" not in heard and heard.count("failing") <= 3
    finally:
        web.remove()


def test_what_an_administrator_sees_of_it(one, application, visitor):
    app, user, browser = application("openid-client", one), one.user(), visitor(one)
    browser.submit(browser.go(f"{app.url}/login").form("password"), username=user["name"], password=user["password"])
    sid = app.visitor()["claims"]["sid"]
    path = f"{SESSIONS}/{sid}?tenant_id={one.id}"
    admin(one.node, "DELETE", path, status=204)
    assert eventually(lambda: app.state()["logouts"], 5.0)

    def state():
        [application] = admin(one.node, "GET", path, status=200)["applications"]
        assert application["client_id"] == app.client.id
        return application["notice"] and application["notice"]["state"]

    assert eventually(lambda: state() == "succeeded", 3.0), state()


def test_egress_rules_hold_for_applications_too(make_node, visitor):
    """An application's address inside is neither taken nor told, unless the operator says so (SSRF)."""
    node = make_node()
    web = BrokenWeb(lambda *_: Reply("ok"))
    try:
        tenant = Tenant(node)
        client = tenant.client(backchannel_logout_uri=f"{web.url}/x/y")
        node.settings["ARCHSTONE_EGRESS__ALLOW"] = ""
        node.restart()
        for name in ("backchannel_logout_uri", "jwks_uri"):
            refused = admin(node, "PATCH", client.path, {name: f"{web.url}/x/z"})
            assert refused.status_code == 422 and refused.json()["detail"][0]["loc"] == ["body", name], refused.text
        browser = visitor(tenant)
        tokens = client.sign_in(tenant.user(), browser)
        admin(node, "DELETE", f"{SESSIONS}/{claims_of(tokens)['sid']}?tenant_id={tenant.id}", status=204)
        time.sleep(1.5)
        assert not web.asked
    finally:
        web.remove()
