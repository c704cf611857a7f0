"""WEB-RELAY, WEB-XSS, WEB-HDR, WEB-HOST, WEB-CORS, WEB-CACHE: what goes in comes out as text, or not at all (security.md 3.2)."""

import re
import socket
import urllib.parse

import pytest
import requests

from harness import unique
from tenancy import TENANTS, admin, by_password, by_provider, login_page
from visitor import JSON, PAGE, Page, Visitor

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'`{{7*7}}${7*7}'
# What of it must not stand in a page as it is.
TAGS = ("<script>alert", "<img src=x", "onerror=alert(2)>'")
EVIL = ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "data:text/html,x", "x" * 10_000,
        "/x\r\nSet-Cookie: a=b", "https:evil.example", "\thttps://evil.example", "/%0d%0aX: y", "https://evil.example@127.0.0.1/"]


def stays(answer, node):
    """An answer that leads to no other place."""
    at = urllib.parse.urljoin(answer.url, answer.headers.get("Location", ""))
    assert at.startswith(node.url), at
    assert "a" not in answer.cookies and "X" not in answer.headers
    assert "evil.example" not in answer.text or "href=\"https://evil" not in answer.text


@pytest.mark.parametrize("value", EVIL, ids=range(1, len(EVIL) + 1))
@pytest.mark.parametrize("name", ["return_to", "redirect", "RelayState", "next", "login"])
def test_web_relay_no_address_from_outside_is_followed(one, name, value):
    for path in ("/login", "/signed-out", "/device", "/logout"):
        answer = one.node.request("GET", f"{one.pages}{path}?{urllib.parse.urlencode({name: value})}", headers={"Accept": PAGE})
        assert answer.status_code in (200, 302, 303, 400, 414), f"{path}: {answer.status_code}"
        stays(answer, one.node)


@pytest.mark.parametrize("value", EVIL[:8], ids=range(1, 9))
def test_web_relay_direct_sign_ins_go_where_the_tenant_says(one, provider, visitor, value, _ways={}):  # noqa: B006 (one for all)
    way = _ways.get(one.id) or _ways.setdefault(one.id, one.way(provider, keep=True))
    browser = visitor(one)
    leaving = browser.go(f"{way.authorize}?{urllib.parse.urlencode({'return_to': value, 'RelayState': value})}", f"{provider.issuer}/")
    if isinstance(leaving, Page):
        assert leaving.status in (400, 414), leaving
        return
    answer = browser.get(way.return_from(browser, leaving, way.person()))
    stays(answer, one.node)


@pytest.mark.parametrize("url", [*EVIL[1:8], "http://app.example.com/", "https://user@app.example.com/", "https://app.example.com/#x", 7])
def test_web_relay_what_a_tenant_cannot_name(one, url):
    answer = admin(one.node, "POST", TENANTS, {"slug": unique("t"), "settings": {"default_redirect_url": url}})
    assert answer.status_code == 422, f"{answer.status_code} {answer.text}"


# -- markup ---------------------------------------------------------------------------------------------------------------


def inert(page):
    """A page on which the markup is text: nothing of it is an element, and the policy would stop it."""
    for tag in TAGS:
        assert tag not in page.source, f"{tag} stands in {page.url}"
    policy = page.answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy and "unsafe-eval" not in policy and "'none'" in policy, policy
    directives = dict((p.strip().split(" ", 1) + [""])[:2] for p in policy.split(";") if p.strip())
    assert directives.get("default-src", "").strip() == "'none'", policy
    assert directives.get("base-uri", "").strip() == "'none'" and "form-action" in directives, policy
    assert not any(t == "img" and a.get("src") == "x" for t, a in page.elements)
    assert not any(k.startswith("on") for _, a in page.elements for k in a), "no handler stands in an attribute"
    # A nonce is good for one page.
    for nonce in re.findall(r"'nonce-([^']+)'", policy):
        assert len(nonce) >= 22
    return page


def test_web_xss_1_what_the_provider_says(one, provider, visitor):
    """Its description of an error stands nowhere; ours does."""
    way, browser = one.way(provider), visitor(one)
    attempt = one.client().attempt()
    login = login_page(browser, attempt)
    leaving = browser.go(login.link(way.id), f"{provider.issuer}/")
    back = provider.follow(browser.http, leaving, None, stop=way.callback)
    answer = attempt.error(browser.go(back, attempt.client.redirect_uri), "access_denied")
    assert "the person gave up" not in str(answer), "the provider's own text stays here"
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(leaving).query)["state"][0]
    for parameters in ({"error": MARKUP, "error_description": MARKUP, "state": "x"}, {"error": "x", "error_description": MARKUP, "state": state},
                       {"code": MARKUP, "state": MARKUP}, {"error": MARKUP}):
        page = Page(browser.get(f"{way.callback}?{urllib.parse.urlencode(parameters)}"))
        assert page.status == 400, page
        inert(page)
        answer = browser.get(f"{way.callback}?{urllib.parse.urlencode(parameters)}", headers={"Accept": JSON})
        assert answer.headers["Content-Type"].startswith("application/json") and MARKUP not in answer.json()["detail"]


def test_web_xss_2_what_the_provider_calls_people(own, provider, visitor):
    tenant = own()
    way, browser = tenant.way(provider, name=MARKUP, button_text=MARKUP), visitor(tenant)
    client = tenant.client(name=MARKUP, third_party=True)
    attempt = client.attempt(scope="openid profile email", login_hint=MARKUP, state=MARKUP)
    page = inert(login_page(browser, attempt))
    assert MARKUP in page.text, "it is shown, as text"
    back = way.return_from(browser, browser.go(page.link(way.id), f"{provider.issuer}/"),
                           way.person(preferred_username=MARKUP, name=MARKUP))
    consent = browser.go(back, client.redirect_uri)
    assert isinstance(consent, Page), consent
    inert(consent)
    assert MARKUP in consent.text
    attempt.code(browser.submit(consent.form_with_button("allow"), client.redirect_uri, button="allow"))


def test_web_xss_3_what_people_call_themselves(own, visitor):
    tenant = own()
    user = tenant.user(name=MARKUP, email=f"{MARKUP}@example.com")
    browser = visitor(tenant)
    page = browser.go(f"{tenant.pages}/login")
    page = browser.submit(page.form("password"), username=user["name"], password="wrong")
    inert(page)
    assert page.form("password").fields["username"] == MARKUP, "what was typed stays, the password does not"
    assert page.form("password").fields.get("password", "") == ""
    page = browser.submit(page.form("password"), username=user["name"], password=user["password"])
    inert(page)


def test_web_xss_4_what_a_tenant_calls_itself(own, visitor):
    tenant = own(display_name=MARKUP, branding={"support_url": "https://help.example.com/?a=1&b=2"})
    browser = visitor(tenant)
    for path in ("/login", "/device", "/signed-out", "/logout", "/confirm?login=x", "/consent?login=x", "/nothing"):
        page = Page(browser.get(f"{tenant.pages}{path}"))
        if "text/html" in page.answer.headers.get("Content-Type", ""):
            inert(page)
    assert MARKUP in browser.go(f"{tenant.pages}/login").text


@pytest.mark.parametrize("branding", [{"logo_url": "javascript:alert(1)"}, {"logo_url": "http://x.example/a.png"}, {"logo_url": "data:text/html;base64,eA=="},
                                      {"primary_color": "red;} body{background:url(//evil)"}, {"primary_color": "#12345"}, {"background_color": "#gggggg"},
                                      {"support_url": "javascript:alert(1)"}, {"logo_url": "https://x.example/a.png\" onerror=\"x"}])
def test_web_xss_4_branding_is_checked(one, branding):
    answer = admin(one.node, "POST", TENANTS, {"slug": unique("t"), "settings": {"branding": branding}})
    assert answer.status_code == 422, answer.text


# -- headers and hosts ----------------------------------------------------------------------------------------------------


def raw(node, request):
    """Sends bytes; the whole answer as text."""
    with socket.create_connection(("127.0.0.1", node.port), 5) as connection:
        connection.sendall(request.encode("latin-1"))
        connection.settimeout(5)
        got = b""
        while piece := connection.recv(65_536):
            got += piece
    return got.decode("latin-1")


def test_web_hdr_1_no_line_break_reaches_a_header(one, visitor):
    client = one.client()
    for value in ("x%0d%0aSet-Cookie:%20a=b", "x%0aX-Evil:%201", "%E5%98%8A%E5%98%8DX-Evil:1"):
        for url in (client.attempt(state=None, prompt="none").url + f"&state={value}", f"{one.url}/oauth/logout?state={value}",
                    f"{one.pages}/login?login={value}", f"{one.url}/federation/oidc/callback?state={value}", f"{one.node.url}/auth/{value}/login"):
            path = url.removeprefix(one.node.url)
            answer = raw(one.node, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
            head = answer.split("\r\n\r\n")[0].lower()
            assert "\r\nx-evil:" not in head and "a=b" not in re.sub(r"\r\nlocation:[^\r]*", "", head), head


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"Forwarded": "host=evil.example;proto=https"},
                                     {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"}, {"X-Original-Host": "evil.example"}, {"X-Host": "evil.example"}])
def test_web_host_1_2_no_header_says_who_we_are(one, provider, headers, _ways={}):  # noqa: B006 (one for all)
    way = _ways.get(one.id) or _ways.setdefault(one.id, one.way(provider, keep=True))
    client = one.client()
    told = one.node.request("GET", f"{one.url}/.well-known/openid-configuration", headers=headers)
    assert told.json() == one.metadata()
    listed = one.node.request("GET", one.idps, headers=headers)
    assert all(i["login_url"].startswith(one.url) for i in listed.json()["idps"])
    begun = one.node.request("GET", client.attempt().at(way), headers=headers | {"Accept": PAGE})
    assert "evil" not in begun.headers["Location"] and urllib.parse.quote(way.callback, safe="") in begun.headers["Location"]
    page = one.node.request("GET", client.attempt().url, headers=headers | {"Accept": PAGE})
    assert "evil" not in page.headers["Location"]
    page = one.node.request("GET", f"{one.pages}/device", headers=headers | {"Accept": PAGE})
    assert "evil.example" not in page.text


def test_web_host_3_an_absolute_target(one):
    path = urllib.parse.urlsplit(f"{one.url}/.well-known/openid-configuration").path
    answer = raw(one.node, f"GET http://evil.example{path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert "evil.example" not in answer


@pytest.mark.parametrize("headers", [{"X-Remote-User": "admin"}, {"REMOTE_USER": "admin"}, {"OIDC-sub": "admin", "OIDC_CLAIM_email": "a@example.com"},
                                     {"X-Auth-User": "admin", "X-User-Id": "x", "X-Roles": "admin"}, {"Shib-Session-ID": "x", "eppn": "admin"}])
def test_web_hdr_2_no_header_says_who_it_is(one, headers):
    client = one.client()
    # Without the cookies that other tests have been given.
    answer = requests.get(client.attempt(prompt="none").url, headers=headers | {"Accept": PAGE}, allow_redirects=False, timeout=10)
    assert "error=login_required" in answer.headers["Location"]
    assert one.node.request("GET", f"{one.url}/oauth/userinfo", headers=headers).status_code == 401
    assert admin(one.node, "GET", TENANTS, token="x", headers=headers).status_code == 401


# -- other origins --------------------------------------------------------------------------------------------------------


def test_web_cors_1_only_registered_origins(own):
    tenant = own()
    client = tenant.client("SPA", ["https://app.example.com/cb"], allowed_origins=["https://app.example.com"])
    tokens = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": client.id}
    for origin in ("https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com", "https://app.example.com:444",
                   "HTTPS://APP.EXAMPLE.COM", "https://xapp.example.com"):
        for answer in (tenant.node.request("POST", f"{tenant.url}/oauth/token", data=tokens, headers={"Origin": origin}),
                       tenant.node.request("GET", f"{tenant.url}/oauth/userinfo", headers={"Origin": origin, "Authorization": "Bearer x"}),
                       tenant.node.request("GET", tenant.idps, headers={"Origin": origin}),
                       tenant.node.request("POST", f"{tenant.url}/login", json={"username": "x", "password": "y"}, headers={"Origin": origin}),
                       tenant.node.request("GET", f"{tenant.pages}/login", headers={"Origin": origin})):
            assert "Access-Control-Allow-Origin" not in answer.headers, f"{origin} at {answer.url}"
            assert "Access-Control-Allow-Credentials" not in answer.headers
    mine = {"Origin": "https://app.example.com"}
    for answer in (tenant.node.request("POST", f"{tenant.url}/oauth/token", data=tokens, headers=mine), tenant.node.request("GET", tenant.idps, headers=mine)):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com" and "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_web_cors_1_the_question_beforehand(own):
    tenant = own()
    tenant.client("SPA", ["https://app.example.com/cb"], allowed_origins=["https://app.example.com"])
    how = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = tenant.node.request("OPTIONS", f"{tenant.url}/oauth/token", headers=how | {"Origin": "https://app.example.com"})
    assert answer.status_code in (200, 204) and answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    answer = tenant.node.request("OPTIONS", f"{tenant.url}/oauth/token", headers=how | {"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
    for path in (".well-known/openid-configuration", ".well-known/jwks.json"):
        answer = tenant.node.request("GET", f"{tenant.url}/{path}", headers={"Origin": "https://evil.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*" and "Access-Control-Allow-Credentials" not in answer.headers


# -- caches and traces ----------------------------------------------------------------------------------------------------


def private(answer):
    """An answer that no cache keeps and that tells the next site nothing."""
    assert "no-store" in answer.headers["Cache-Control"], answer.url
    assert answer.headers["Pragma"] == "no-cache" and answer.headers["Referrer-Policy"] == "no-referrer", answer.url
    assert answer.headers["X-Content-Type-Options"] == "nosniff", answer.url
    return answer


def test_web_cache_1_nothing_is_kept(one, provider, visitor):
    way, client, user, browser = one.way(provider), one.client(), one.user(), visitor(one)
    attempt = client.attempt(scope="openid offline_access")
    private(browser.get(attempt.url))
    page = login_page(browser, attempt)
    private(page.answer)
    done = private(browser.send(page.form("password"), username=user["name"], password=user["password"]))
    tokens = attempt.tokens(done.headers["Location"])
    private(browser.get(client.attempt().at(way)))
    private(browser.get(f"{way.callback}?state=x"))
    private(one.node.request("POST", f"{one.url}/login", json={"username": user["name"], "password": "wrong"}))
    for answer in (client.refresh(tokens["refresh_token"]), client.ask(grant_type="x"), one.userinfo(tokens["access_token"]), one.userinfo("x"),
                   client.post("oauth/introspect", token=tokens["access_token"]), client.post("oauth/revoke", token="x")):
        assert "no-store" in answer.headers["Cache-Control"], answer.url


def test_web_cache_1_no_secret_in_an_address(one, provider, visitor):
    """Addresses of ours hold handles that are worth nothing without the browser's cookie; passwords and tokens never."""
    way, client, user, browser = one.way(provider), one.client(), one.user(), visitor(one)
    seen = []
    browser.http.hooks["response"].append(lambda answer, **_: seen.extend([answer.request.url, answer.headers.get("Location", "")]))
    attempt = client.attempt()
    tokens = attempt.tokens(by_password(browser, attempt, user))
    by_provider(browser, client.attempt(prompt="login"), way, way.person())
    secrets = [user["password"], tokens["access_token"], tokens["id_token"], client.secret, attempt.verifier]
    secrets += [value for name, value in browser.cookies.items() if name.startswith(("sso.", "fed."))]
    for secret in secrets:
        assert not any(secret in url for url in seen)


def test_no_page_of_somebody_elses_is_loaded(one, visitor):
    """Everything on a page comes from here."""
    page = login_page(visitor(one), one.client().attempt())
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster"):
            if tag != "a" and attributes.get(name):
                at = urllib.parse.urljoin(page.url, attributes[name])
                assert at.startswith((one.node.url, "data:")), f"{tag} {at}"


def test_a_visitor_is_a_plain_client(one):
    """The pages need no scripts: these tests read none."""
    browser = Visitor(one.node)
    attempt = one.client().attempt()
    attempt.tokens(by_password(browser, attempt, one.user()))
    browser.close()
