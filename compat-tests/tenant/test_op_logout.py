"""OP-LOGOUT-1 to 6: logging out at the tenant (OpenID Connect RP-Initiated Logout 1.0, tenant-login section 10.1)."""

import urllib.parse

import pytest

from tenancy import SESSIONS, Tenant, admin, by_password, claims_of, mutated, refused
from visitor import Page, query_of

AFTER = "http://127.0.0.1:9/after"


@pytest.fixture
def signed_in(visitor):
    """`signed_in(tenant, **settings)`: an application, a browser in which somebody is signed in, their tokens."""
    def make(tenant, scope="openid profile", **settings):
        client, browser = tenant.client(logout_uris=[AFTER], **settings), visitor(tenant)
        return client, browser, client.sign_in(tenant.user(), browser, scope=scope)

    return make


def leave(browser, tenant, method="GET", **parameters):
    """Goes to the logout endpoint: a page, or the application's address."""
    parameters = {k: v for k, v in parameters.items() if v is not None}
    url = f"{tenant.url}/oauth/logout"
    answer = browser.get(f"{url}?{urllib.parse.urlencode(parameters)}") if method == "GET" else browser.post(url, parameters)
    return browser.follow(answer, AFTER, "https://evil.example")


def is_in(browser, client):
    """Whether the browser has a session at the tenant."""
    answer = browser.go(client.attempt(prompt="none").url, client.redirect_uri)
    return "code" in query_of(answer)


def confirmed(browser, page):
    """Presses the button of the page that asks."""
    assert isinstance(page, Page) and page.status == 200, page
    return browser.submit(page.form("csrf"), AFTER, button="out")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_op_logout_6_ones_own_session(tenant, signed_in, method):
    client, browser, tokens = signed_in(tenant)
    answer = leave(browser, tenant, method, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER, state="a b&c=\u00e9")
    assert isinstance(answer, str) and answer.startswith(AFTER), answer
    assert query_of(answer) == {"state": "a b&c=\u00e9"}
    assert not is_in(browser, client)
    assert tenant.userinfo(tokens["access_token"]).status_code == 401
    session = admin(tenant.node, "GET", f"{SESSIONS}/{claims_of(tokens)['sid']}?tenant_id={tenant.id}", status=200)
    assert session["terminated_at"] and session["terminated_reason"] == "user_logout"


def test_without_an_address_there_is_a_page(tenant, signed_in):
    client, browser, tokens = signed_in(tenant)
    page = leave(browser, tenant, id_token_hint=tokens["id_token"])
    assert isinstance(page, Page) and page.status == 200 and "signed out" in page.text.lower(), page
    assert not is_in(browser, client)


@pytest.mark.parametrize("uri", ["https://evil.example/", f"{AFTER}/", f"{AFTER}?x", "http://127.0.0.1:9/", "javascript:alert(1)", "//evil.example", f"{AFTER}#x",
                                 "http://localhost:9/after", "\\\\evil.example"])
def test_op_logout_1_an_unregistered_address(one, signed_in, uri):
    client, browser, tokens = signed_in(one)
    page = leave(browser, one, id_token_hint=tokens["id_token"], post_logout_redirect_uri=uri, state="x")
    assert isinstance(page, Page) and page.status in (200, 400), page
    assert not any(link.startswith(uri) for link, _ in page.links)
    if "csrf" in str([f.types for f in page.forms]):
        page = confirmed(browser, page)
    assert isinstance(page, Page), page


def test_op_logout_2_a_hint_of_another_application(one, signed_in):
    client, browser, tokens = signed_in(one)
    other = one.client()
    theirs = other.sign_in(one.user())
    # Its address is not the other's.
    page = leave(browser, one, id_token_hint=theirs["id_token"], post_logout_redirect_uri=AFTER)
    assert isinstance(page, Page), page
    assert is_in(browser, client), "another's session, and nobody was asked"
    page = leave(browser, one, id_token_hint=theirs["id_token"], client_id=client.id, post_logout_redirect_uri=AFTER)
    assert isinstance(page, Page) and is_in(browser, client), "both must agree"
    page = leave(browser, one, id_token_hint=tokens["id_token"], client_id=other.id, post_logout_redirect_uri=AFTER)
    assert isinstance(page, Page)


def test_op_logout_2_a_hint_of_another_session(one, signed_in):
    """Somebody hands out a link with their own token: nobody is logged out by it without being asked."""
    client, browser, tokens = signed_in(one)
    foreign = client.sign_in(one.user())
    page = leave(browser, one, id_token_hint=foreign["id_token"], post_logout_redirect_uri=AFTER)
    assert isinstance(page, Page) and page.status == 200, page
    assert is_in(browser, client)
    assert one.userinfo(foreign["access_token"]).status_code == 200, "nor is the other session ended"


def test_op_logout_2_a_hint_of_another_tenant(one, own, signed_in):
    client, browser, tokens = signed_in(one)
    other = own()
    foreign = other.client(logout_uris=[AFTER]).sign_in(other.user())
    page = leave(browser, one, id_token_hint=foreign["id_token"], post_logout_redirect_uri=AFTER)
    assert isinstance(page, Page) and is_in(browser, client)


def test_op_logout_3_a_changed_hint(one, signed_in):
    client, browser, tokens = signed_in(one)
    for hint in (mutated(tokens["id_token"], -5), mutated(tokens["id_token"], 60), tokens["id_token"][:-3], tokens["access_token"], "a.b.c", "x", ""):
        page = leave(browser, one, id_token_hint=hint, post_logout_redirect_uri=AFTER)
        assert isinstance(page, Page), hint
        assert is_in(browser, client), hint


def test_op_logout_4_an_expired_hint(clocked, signed_in):
    """It still says whose session it is."""
    node, step = clocked
    tenant = Tenant(node)
    client, browser, tokens = signed_in(tenant)
    step(2 * 3600 - 60)
    assert is_in(browser, client)
    answer = leave(browser, tenant, id_token_hint=tokens["id_token"], post_logout_redirect_uri=AFTER)
    assert isinstance(answer, str) and not is_in(browser, client)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_op_logout_5_no_hint(tenant, signed_in, method):
    """The person is asked; without the form's token nothing happens (WEB-CSRF)."""
    client, browser, tokens = signed_in(tenant)
    page = leave(browser, tenant, method, client_id=client.id, post_logout_redirect_uri=AFTER, state="s")
    assert isinstance(page, Page) and is_in(browser, client), page
    form = page.form("csrf")
    assert browser.send(form, button="out", csrf=mutated(form.fields["csrf"], 3)).status_code == 403
    assert is_in(browser, client)
    assert browser.send(form, button="out", csrf="").status_code in (200, 403), "it is asked again, or refused"
    assert is_in(browser, client)
    answer = browser.submit(form, AFTER, button="out")
    assert answer == f"{AFTER}?state=s", answer
    assert not is_in(browser, client)
    assert tenant.userinfo(tokens["access_token"]).status_code == 401


def test_op_logout_5_nothing_at_all(one, signed_in):
    client, browser, tokens = signed_in(one)
    page = leave(browser, one)
    assert isinstance(page, Page) and is_in(browser, client)
    page = confirmed(browser, page)
    assert isinstance(page, Page) and not is_in(browser, client)


def test_who_is_not_signed_in(one, visitor):
    client, browser = one.client(logout_uris=[AFTER]), visitor(one)
    page = leave(browser, one)
    assert isinstance(page, Page) and page.status == 200
    answer = leave(browser, one, client_id=client.id, post_logout_redirect_uri=AFTER, state="s")
    assert isinstance(answer, Page) or answer == f"{AFTER}?state=s"


def test_parameters_that_stand_twice(one, signed_in):
    client, browser, tokens = signed_in(one)
    answer = browser.get(f"{one.url}/oauth/logout?id_token_hint={tokens['id_token']}&post_logout_redirect_uri={AFTER}&post_logout_redirect_uri={AFTER}")
    assert answer.status_code == 400 and is_in(browser, client)


def test_what_outlives_the_session(tenant, signed_in):
    """Refresh tokens with `offline_access` do, those without do not."""
    client, browser, long = signed_in(tenant, scope="openid offline_access")
    attempt = client.attempt(scope="openid")
    short = attempt.tokens(browser.go(attempt.url, client.redirect_uri))
    assert isinstance(leave(browser, tenant, id_token_hint=short["id_token"], post_logout_redirect_uri=AFTER), str)
    if "refresh_token" in short:
        refused(client.refresh(short["refresh_token"]), 400, "invalid_grant")
    assert client.refresh(long["refresh_token"]).status_code == 200


def test_one_browser_at_a_time(tenant, visitor):
    """Signing out in one browser leaves the person's other ones alone."""
    client, user = tenant.client(logout_uris=[AFTER]), tenant.user()
    here, there = visitor(tenant), visitor(tenant)
    tokens, _ = client.sign_in(user, here), client.sign_in(user, there)
    leave(here, tenant, id_token_hint=tokens["id_token"])
    assert not is_in(here, client) and is_in(there, client)


def test_the_cookie_alone_is_worth_nothing_afterwards(one, signed_in, visitor):
    client, browser, tokens = signed_in(one)
    before = browser.cookies
    leave(browser, one, id_token_hint=tokens["id_token"])
    thief = visitor(one)
    for name, value in before.items():
        thief.http.cookies.set(name, value, domain="127.0.0.1", path="/")
    assert not is_in(thief, client)


def test_a_session_has_an_end(clocked, visitor):
    node, step = clocked
    tenant = Tenant(node, session_secs=7200, session_idle_secs=3600)
    client, browser, user = tenant.client(), visitor(tenant), tenant.user()
    attempt = client.attempt()
    attempt.code(by_password(browser, attempt, user))
    step(3000)
    assert is_in(browser, client)
    step(6000)
    assert is_in(browser, client), "used within its idle time"
    step(7300)
    assert not is_in(browser, client), "at most two hours"
    attempt = client.attempt()
    attempt.code(by_password(browser, attempt, user))
    step(7300 + 3700)
    assert not is_in(browser, client), "an hour without use"
