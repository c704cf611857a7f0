"""One's own ways to sign in: connecting another one, and taking one away (tenant-login section 7.6)."""

import pytest

from harness import unique
from tenancy import by_provider, claims_of
from test_accounts import links


@pytest.fixture
def portal(visitor):
    """`portal(tenant, user)`: a browser in which somebody has signed in with a password, without an application."""
    def go(tenant, user):
        browser = visitor(tenant)
        page = browser.go(f"{tenant.pages}/login")
        page = browser.submit(page.form("password"), username=user["name"], password=user["password"])
        assert page.status == 200 and page.has_link("/identities"), page
        return browser

    return go


def connecting(browser, way, person):
    """Goes to a provider for another way in, and comes back as this person; the page that asks."""
    leaving = browser.go(f"{way.authorize}?purpose=link", f"{way.provider.issuer}/")
    assert isinstance(leaving, str), leaving
    page = browser.go(way.return_from(browser, leaving, person))
    assert page.status == 200 and page.url.startswith(f"{way.tenant.pages}/confirm"), page
    return page


def test_another_way_in(tenant, provider, portal, visitor):
    """Somebody with a password connects a provider, comes in by it, and is the same person; then they take it away."""
    client, way, user = tenant.client(), tenant.way(provider), tenant.user(email=f"{unique()}@example.com")
    browser, person = portal(tenant, user), way.person()
    page = connecting(browser, way, person)
    assert f"{person}@example.com" in page.text and user["email"] not in page.text
    page = browser.submit(page.form_with_button("connect"), button="connect")
    assert page.url == f"{tenant.pages}/identities" and links(tenant, user) == {way.id}, page
    attempt = client.attempt()
    assert claims_of(attempt.tokens(by_provider(visitor(tenant), attempt, way, person)))["sub"] == user["id"]
    page = browser.submit(page.form_with_button("disconnect"), button="disconnect")
    assert page.has_link(f"{way.id}/authorize?purpose=link") and links(tenant, user) == set(), page
    # What came by it is somebody else from now on.
    attempt = client.attempt()
    assert claims_of(attempt.tokens(by_provider(visitor(tenant), attempt, way, person)))["sub"] != user["id"]


def test_what_is_somebody_elses_stays_theirs(tenant, provider, portal, visitor):
    client, way, user = tenant.client(), tenant.way(provider), tenant.user()
    person, attempt = way.person(), client.attempt()
    theirs = claims_of(attempt.tokens(by_provider(visitor(tenant), attempt, way, person)))["sub"]
    browser = portal(tenant, user)
    page = browser.submit(connecting(browser, way, person).form_with_button("connect"), button="connect")
    assert page.status == 409 and "another account" in page.text, page
    assert links(tenant, user) == set() and links(tenant, theirs) == {way.id}


def test_nobody_is_connected_by_being_sent_there(tenant, provider, portal, visitor):
    """A page of somebody else's that sends a browser there and back connects nothing; nor does another browser's answer."""
    way, user = tenant.way(provider), tenant.user()
    browser, person = portal(tenant, user), way.person()
    page = connecting(browser, way, person)
    assert links(tenant, user) == set(), "not before they have said so"
    form = page.form_with_button("connect")
    assert visitor(tenant).post(form.action, form.fields | {"choice": "connect"}).status_code == 400
    assert browser.post(form.action, form.fields | {"choice": "connect", "csrf": "x"}).status_code == 403
    stranger = portal(tenant, tenant.user())
    stranger.http.cookies.update({n: v for n, v in browser.cookies.items() if "fed." in n})
    assert stranger.post(form.action, form.fields | {"choice": "connect"}).status_code == 400, "another session than that of the beginning"
    assert browser.post(form.action, form.fields | {"choice": "cancel"}).status_code == 403
    assert links(tenant, user) == set()
    # Who is signed in nowhere signs in first.
    page = visitor(tenant).go(f"{way.authorize}?purpose=link")
    assert page.status == 200 and page.url.startswith(f"{tenant.pages}/login"), page
    page = visitor(tenant).go(f"{tenant.pages}/identities")
    assert page.url.startswith(f"{tenant.pages}/login"), page


def test_the_last_way_in_stays(tenant, provider, visitor):
    """Somebody without a password cannot take away what they come in by."""
    way = tenant.way(provider)
    browser, person = visitor(tenant), way.person()
    leaving = browser.go(way.authorize, f"{provider.issuer}/")
    page = browser.go(way.return_from(browser, leaving, person))
    assert page.status == 200, page
    page = browser.go(f"{tenant.pages}/identities")
    assert page.status == 200 and person in page.text and not page.forms, page
    # Not by a form of one's own making either: the token of another page of this browser is none for this one.
    assert browser.post(page.url, {"csrf": "x", "disconnect": way.id}).status_code == 403
