"""Whole journeys in Chromium: application, login page, a real OpenID provider, and back (issue's browser test; tenant-login sections 8 to 11).

The application is built on openid-client in one run and on Authlib in the other. How the pages look is in `test_pages.py`.
"""

import pytest

from harness import eventually, unique
from tenancy import SESSIONS, Tenant, admin
from visitor import Visitor

KINDS = ["openid-client", "authlib"]


@pytest.fixture
def tenant(one):
    """One database is enough for the browser; both are asked by the runs without one."""
    return one


def at_provider(window, person, password=None):
    """Fills in the provider's own form."""
    window.fill(css="input[name=login]", value=person)
    window.fill(css="input[name=password]", value=f"{person} password" if password is None else password)
    window.click(css="button[value=login]")


def with_password(window, user, password=None):
    """Fills in the tenant's form."""
    window.fill(css="input[name=username]", value=user["name"])
    window.fill(css="input[name=password]", value=password or user["password"])
    window.button("Sign in")


def to_login(window, app, tenant):
    """From the application's page to the tenant's."""
    window.open(f"{app.url}/")
    window.link("Sign in")
    window.wait_for(f"{tenant.pages}/login")


def is_in(window, app):
    """Whether the application's page says that somebody is signed in."""
    window.open(f"{app.url}/")
    return window.count(css="#who") == 1


def untroubled(window):
    """Nothing was stopped by a policy and no script failed."""
    troubles = [line for line in window.seen()["console"] if line.startswith("error") and "Failed to load resource" not in line]
    assert not troubles, troubles


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_application_to_the_provider_and_back(tenant, provider, application, window, kind):
    app, way, browser = application(kind, tenant, scope="openid profile email offline_access"), tenant.way(provider, name=unique("Corp")), window()
    person = way.person(name="Ann Other")
    to_login(browser, app, tenant)
    browser.link(way.resource["name"])
    browser.wait_for(f"{provider.issuer}/interaction/")
    at_provider(browser, person, "wrong")
    browser.wait_text(value="Wrong name or password")
    at_provider(browser, person)
    browser.wait_for(f"{app.url}/")
    browser.wait_text(value="Signed in as")
    held = app.visitor()
    assert held["claims"]["email"] == f"{person}@example.com" and held["claims"]["idp"] == way.id and held["userinfo"]["sub"] == held["sub"]
    # Refreshing, twice.
    for _ in range(2):
        browser.open(f"{app.url}/refresh")
        assert '"refreshed":true' in browser.text().replace(" ", "")
    # The second application of the same tenant asks nobody anything.
    second = application(kind, tenant)
    browser.open(f"{second.url}/login")
    browser.wait_for(f"{second.url}/")
    assert second.visitor()["sub"] == held["sub"]
    untroubled(browser)


@pytest.mark.parametrize("kind", KINDS)
def test_logging_out_at_both_ends(tenant, provider, application, window, kind):
    """The application's button ends the session here and, as the tenant has chosen, at the provider; both applications hear of it."""
    way = tenant.way(provider, name=unique("Corp"), logout_upstream="always")
    app, other, browser = application(kind, tenant), application("openid-client", tenant), window()
    person = way.person()
    to_login(browser, app, tenant)
    browser.link(way.resource["name"])
    at_provider(browser, person)
    browser.wait_for(f"{app.url}/")
    browser.open(f"{other.url}/login")
    browser.wait_for(f"{other.url}/")
    browser.open(f"{app.url}/")
    browser.link("Sign out")
    browser.wait_for(f"{provider.issuer}/session/end")
    browser.click(css="button[name=logout]")
    browser.wait_for(f"{app.url}/signed-out")
    assert browser.text() == "Signed out", "the application's own state came back"
    assert eventually(lambda: app.state()["logouts"] and other.state()["logouts"], 5.0)
    assert not is_in(browser, other) and not app.state()["refused"]
    # At the provider it is over as well: it asks anew.
    to_login(browser, app, tenant)
    browser.link(way.resource["name"])
    browser.wait_for(f"{provider.issuer}/interaction/")


@pytest.mark.parametrize("kind", KINDS)
def test_logging_out_at_the_provider(tenant, provider, application, window, kind):
    """Back-channel in and out: the provider tells us, we tell the application."""
    way, app, browser = tenant.way(provider, name=unique("Corp")), application(kind, tenant), window()
    to_login(browser, app, tenant)
    browser.link(way.resource["name"])
    at_provider(browser, way.person())
    browser.wait_for(f"{app.url}/")
    browser.open(f"{provider.issuer}/session/end")
    browser.click(css="button[name=logout]")
    assert eventually(lambda: app.state()["logouts"], 6.0), app.state()
    assert not is_in(browser, app)


def test_signed_out_by_an_administrator(tenant, application, window):
    app, browser, user = application("authlib", tenant), window(), tenant.user()
    to_login(browser, app, tenant)
    with_password(browser, user)
    browser.wait_for(f"{app.url}/")
    assert is_in(browser, app)
    admin(tenant.node, "DELETE", f"{SESSIONS}/{app.visitor()['claims']['sid']}?tenant_id={tenant.id}", status=204)
    assert eventually(lambda: app.state()["logouts"], 5.0)
    assert not is_in(browser, app)


@pytest.mark.parametrize("kind", KINDS)
def test_an_expired_sign_in_returns_to_the_application(clocked, provider, application, window, kind):
    """Not a dead end: the application is told, and its button begins anew."""
    node, step = clocked
    tenant = Tenant(node)
    way, app, browser = tenant.way(provider, name="Corp"), application(kind, tenant), window()
    to_login(browser, app, tenant)
    browser.link("Corp")
    browser.wait_for(f"{provider.issuer}/interaction/")
    step(601)
    at_provider(browser, way.person())
    browser.wait_for(f"{app.url}/callback")
    assert "temporarily_unavailable" in browser.text() or app.visitor()["failed"]["error"] in ("temporarily_unavailable", "OAUTH_AUTHORIZATION_RESPONSE_ERROR")
    browser.link("Sign in")
    browser.wait_for(f"{tenant.pages}/login")


@pytest.mark.parametrize("kind", KINDS)
def test_two_tabs_at_once(tenant, provider, application, window, kind):
    """Each tab's answer is its own, whichever ends first."""
    way, app, one = tenant.way(provider, name=unique("Corp")), application(kind, tenant), window()
    two = one.another()
    to_login(one, app, tenant)
    to_login(two, app, tenant)
    user = tenant.user()
    one.link(way.resource["name"])
    one.wait_for(f"{provider.issuer}/interaction/")
    with_password(two, user)
    two.wait_for(f"{app.url}/")
    assert user["id"] in two.text()
    person = way.person()
    at_provider(one, person)
    one.wait_for(f"{app.url}/")
    assert tenant.people()[person]["id"] in one.text()


def test_back_and_reload_are_no_dead_ends(tenant, provider, application, window):
    way, app, browser = tenant.way(provider, name=unique("Corp")), application("openid-client", tenant), window()
    to_login(browser, app, tenant)
    browser.link(way.resource["name"])
    browser.wait_for(f"{provider.issuer}/interaction/")
    browser.back()
    browser.wait_for(f"{tenant.pages}/login")
    browser.reload()
    browser.link(way.resource["name"])
    at_provider(browser, way.person())
    browser.wait_for(f"{app.url}/")
    browser.wait_text(value="Signed in as")
    # Back to pages that have had their time: a page that says so, with a way on.
    browser.back()
    assert browser.at.startswith((app.url, tenant.node.url, provider.issuer))
    browser.open(f"{app.url}/login")
    browser.wait_for(f"{app.url}/")


@pytest.mark.parametrize("kind", KINDS)
def test_denied_consent(tenant, application, window, kind):
    app, browser, user = application(kind, tenant, third_party=True, name="Photo printer"), window(), tenant.user()
    to_login(browser, app, tenant)
    with_password(browser, user)
    browser.wait_for(f"{tenant.pages}/consent")
    assert "Photo printer" in browser.text()
    browser.button("Deny")
    browser.wait_for(f"{app.url}/callback")
    assert app.visitor()["failed"]["error"] in ("access_denied", "OAUTH_AUTHORIZATION_RESPONSE_ERROR")
    browser.link("Sign in")
    browser.wait_for(f"{tenant.pages}/consent")
    browser.button("Allow")
    browser.wait_for(f"{app.url}/")
    assert user["id"] in browser.text()


def test_giving_up_at_the_provider(tenant, provider, application, window):
    way, app, browser = tenant.way(provider, name=unique("Corp")), application("openid-client", tenant), window()
    to_login(browser, app, tenant)
    browser.link(way.resource["name"])
    browser.click(css="button[value=cancel]")
    browser.wait_for(f"{app.url}/callback")
    assert "gave up" not in str(app.visitor()["failed"]), "the provider's words stay here"


def test_passwords_and_the_lock(make_node, application, window):
    tenant = Tenant(make_node(ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS="3", ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION="2"))
    app, browser, user = application("openid-client", tenant), window(), tenant.user()
    to_login(browser, app, tenant)
    said = set()
    for n in range(4):
        with_password(browser, user, f"wrong-{n}")
        assert browser.count(css="[role=alert]") == 1
        said.add(browser.run(script="document.querySelector('[role=alert]').innerText"))
        assert browser.run(script="document.querySelector('input[name=username]').value") == user["name"], "what was typed stays"
        assert browser.run(script="document.querySelector('input[name=password]').value") == ""
    with_password(browser, user)
    assert browser.count(css="[role=alert]") == 1
    said.add(browser.run(script="document.querySelector('[role=alert]').innerText"))
    assert len(said) == 1, "the lock does not show"
    eventually(lambda: False, 2.2)
    with_password(browser, user)
    browser.wait_for(f"{app.url}/")
    untroubled(browser)


@pytest.mark.parametrize("choice", ["link", "separate", "cancel"])
def test_is_this_account_yours(tenant, provider, application, window, choice):
    way, app, browser = tenant.way(provider, name=unique("Corp")), application("openid-client", tenant), window()
    user = tenant.user(email=f"{unique()}@example.com", email_verified=True)
    to_login(browser, app, tenant)
    browser.link(way.resource["name"])
    at_provider(browser, way.person(email=user["email"]))
    browser.wait_for(f"{tenant.pages}/confirm")
    assert user["email"] not in browser.text() and user["name"] not in browser.text()
    if choice == "link":
        browser.fill(css="input[name=password]", value="wrong")
        browser.click(css="button[value=link]")
        assert browser.count(css="[role=alert]") == 1
        browser.fill(css="input[name=password]", value=user["password"])
    browser.click(css=f"button[value={choice}]")
    browser.wait_for(f"{app.url}/")
    held = app.visitor()
    if choice == "cancel":
        assert "sub" not in held and held["failed"]["error"] in ("access_denied", "OAUTH_AUTHORIZATION_RESPONSE_ERROR")
    else:
        assert (held["sub"] == user["id"]) == (choice == "link")


def test_a_device(tenant, provider, window):
    from tenancy import DEVICE_GRANT
    from test_op_devices import begin, patiently
    device = tenant.client("NATIVE", ["http://127.0.0.1/cb"], grant_types=[DEVICE_GRANT], name="Command line")
    way, browser = tenant.way(provider, name=unique("Corp")), window()
    begun = begin(device, scope="openid profile")
    browser.open(begun["verification_uri"])
    browser.fill(css="input[name=user_code]", value=begun["user_code"].lower().replace("-", " "))
    browser.button("Continue")
    browser.wait_for(f"{tenant.pages}/login")
    browser.link(way.resource["name"])
    at_provider(browser, way.person())
    browser.wait_for(f"{tenant.pages}/device")
    assert "Command line" in browser.text()
    browser.button("Allow")
    assert patiently(device, begun).status_code == 200
    assert "Allow" not in browser.text(), "it says that it is done"
    untroubled(browser)


def test_somebody_at_a_portal(own, window):
    """Without an application: the tenant's own page, and the one that says that one is signed in."""
    tenant = own(display_name="Acme Portal")
    browser, user = window(), tenant.user()
    browser.open(f"{tenant.pages}/login")
    assert "Acme Portal" in browser.title() + browser.text()
    with_password(browser, user)
    browser.wait_text(value="signed in")
    assert [n for n in browser.cookies() if n.startswith("sso.")]
    browser.open(f"{tenant.url}/oauth/logout")
    browser.button("Sign out")
    browser.wait_text(value="signed out")
    assert not [n for n in browser.cookies() if n.startswith("sso.")]


def test_web_csrf_another_site_cannot_post_here(tenant, window, tmp_path):
    """In a real browser: a form of another origin arrives without the cookie, or is refused."""
    from peers.broken import BrokenWeb, Reply
    attacker = Visitor(tenant.node)
    page = attacker.go(f"{tenant.pages}/login")
    form, user = page.form("password"), tenant.user()
    fields = form.fields | {"username": user["name"], "password": user["password"]}
    inputs = "".join(f'<input name="{n}" value="{v}">' for n, v in fields.items())
    web = BrokenWeb(lambda *_: Reply(f'<form method="post" action="{form.action}">{inputs}<button>Win a prize</button></form>', content_type="text/html"), address="127.0.0.2")
    try:
        browser = window()
        browser.open(f"{web.url}/x/y")
        browser.button("Win a prize")
        browser.wait_for(tenant.node.url)
        assert browser.seen()["status"] in (400, 403)
        assert not [n for n in browser.cookies() if n.startswith("sso.")], "nobody is signed in as the attacker"
    finally:
        web.remove()
        attacker.close()
