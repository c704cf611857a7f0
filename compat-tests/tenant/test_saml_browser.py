"""Whole journeys by SAML in Chromium: application, login page, SimpleSAMLphp and back, out at both ends, and from
there to here.

The tenant and the identity provider are two sites to the browser, as they are to people: forms between them bring no
cookies. Every page of ours is photographed at 390 and 1280 pixels: `compat-tests/.run/screens/tenant-saml-….png`.
"""

import json
import urllib.parse

import pytest

from harness import Archstone, eventually, unique
from peers.simplesamlphp_logout import SimpleSamlPhpLogout
from saml_runs import PeerWay
from tenancy import SESSIONS, Tenant, admin
from test_browser import KINDS, is_in, to_login, untroubled, with_password
from test_pages import SCREENS, SIZES, flawless


@pytest.fixture(scope="module")
def acme(settings):
    """A tenant on a node that people know by another host than the identity provider's."""
    node = Archstone(settings=settings)
    known = f"http://localhost:{node.port}"
    node.settings |= {"ARCHSTONE_SERVER__PUBLIC_URL": known}
    node.prepare().start()
    branding = {"primary_color": "#0f766e", "background_color": "#f0fdfa"}
    tenant = Tenant(node, display_name="Acme Corporation", branding=branding)
    tenant.url, tenant.pages = (url.replace(node.url, known, 1) for url in (tenant.url, tenant.pages))
    yield tenant
    node.remove()


@pytest.fixture(scope="module")
def idp():
    """SimpleSAMLphp."""
    it = SimpleSamlPhpLogout().start()
    yield it
    it.remove()


@pytest.fixture
def way(acme, idp):
    """`way(bindings=…, **settings)`: the tenant's way there, each told of logouts by these bindings (ours, theirs)."""
    def make(ours=("Redirect", "POST"), theirs=("Redirect",), **settings):
        idp.set(logout_bindings=theirs)
        # Under an address of its own, as documents are kept for a while.
        told = {"idp_metadata_url": f"{idp.metadata_url}?{unique()}"}
        it = PeerWay(acme, idp, settings={"name": unique("Acme ADFS")} | settings, **told)
        it.name = admin(acme.node, "GET", it.path, status=200)["name"]
        idp.know(acme.node.request("GET", it.metadata).text, bindings=ours)
        return it

    yield make
    acme.clear()


def pictures(window, name):
    """What `flawless` takes, of a page on which no script runs."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        for dark in (False, True):
            window.look(width=width, height=height, dark=dark)
            window.screen(path=str(SCREENS / f"tenant-{name}-{width}-{'dark' if dark else 'light'}.png"))
    window.look(width=1280, height=800, dark=False)


def log_in(window, idp, person):
    """Fills in the identity provider's own form."""
    window.wait_for(f"{idp.url}/simplesaml/module.php/core/loginuserpass.php")
    window.fill(css="input[name=username]", value=person["name"])
    window.fill(css="input[name=password]", value=person["password"])
    window.key(keys=["Enter"])


def come_by(window, app, way, person=None):
    """From the application's page to the identity provider and back: who it was."""
    person = person or way.idp.person()
    to_login(window, app, way.tenant)
    window.link(way.name)
    log_in(window, way.idp, person)
    window.wait_for(f"{app.url}/")
    window.wait_text(value="Signed in as")
    assert app.visitor()["claims"]["email"] == person["email"] and app.visitor()["claims"]["idp"] == way.id
    return person


def reason(app, tenant, sid):
    """Why a session is over."""
    return admin(tenant.node, "GET", f"{SESSIONS}/{sid}?tenant_id={tenant.id}", status=200)["terminated_reason"]


@pytest.mark.parametrize("kind", KINDS)
def test_in_and_out_here(acme, idp, way, application, window, kind):
    """The application's button ends it here and there: it asks for the password again."""
    way, app, browser = way(logout_upstream="always"), application(kind, acme), window()
    come_by(browser, app, way)
    untroubled(browser)
    sid = app.visitor()["claims"]["sid"]
    browser.open(f"{app.url}/")
    browser.link("Sign out")
    browser.wait_for(f"{app.url}/signed-out")
    assert browser.text() == "Signed out", "the application's own state came back"
    assert reason(app, acme, sid) == "user_logout" and not is_in(browser, app)
    to_login(browser, app, acme)
    browser.link(way.name)
    browser.wait_for(f"{idp.url}/simplesaml/module.php/core/loginuserpass.php")


@pytest.mark.parametrize("kind", KINDS)
def test_in_here_and_out_there(acme, idp, way, application, window, kind):
    """The identity provider tells us, we tell the application."""
    way, app, browser = way(), application(kind, acme), window()
    come_by(browser, app, way)
    sid = app.visitor()["claims"]["sid"]
    browser.open(idp.logout_url)
    browser.wait_for(idp.after_logout)
    assert eventually(lambda: app.state()["logouts"], 6.0), app.state()
    assert reason(app, acme, sid) == "upstream_logout" and not is_in(browser, app)
    untroubled(browser)


def test_the_pages_of_a_journey(acme, idp, way, application, window):
    """The login page, the one that says that one is signed out and offers to go on, and what comes after that."""
    way, app, browser = way(logout_upstream="offer"), application("openid-client", acme), window()
    to_login(browser, app, acme)
    assert browser.has(role="link", name=way.name) == 1
    flawless(browser, "saml-login")
    come_by(browser, app, way)
    browser.open(f"{acme.url}/oauth/logout")
    flawless(browser, "saml-logout")
    browser.button("Sign out")
    browser.wait_text(value="signed out")
    flawless(browser, "saml-signed-out-offer")
    browser.link(way.name)
    browser.wait_text(value="signed out")
    assert browser.at.startswith(acme.pages.partition("/auth/")[0]) and browser.has(role="link", name=way.name) == 0
    flawless(browser, "saml-signed-out")
    to_login(browser, app, acme)
    browser.link(way.name)
    browser.wait_for(f"{idp.url}/simplesaml/module.php/core/loginuserpass.php")


def test_by_forms(acme, idp, way, application, window):
    """Both ask and answer by pages that send themselves on."""
    way = way(ours=("POST",), theirs=("POST",), logout_upstream="always")
    app, browser = application("openid-client", acme), window()
    person = come_by(browser, app, way)
    browser.link("Sign out")
    browser.wait_for(f"{app.url}/signed-out")
    assert not is_in(browser, app)
    come_by(browser, app, way, person)
    browser.open(idp.logout_url)
    browser.wait_for(idp.after_logout)
    assert eventually(lambda: not is_in(browser, app), 3.0)


def test_the_pages_that_send_themselves_on(acme, idp, way, application, window):
    """They have left at once, unless what they go to is held up."""
    way = way(ours=("POST",), theirs=("POST",), logout_upstream="always")
    app, browser = application("openid-client", acme), window()
    come_by(browser, app, way)
    browser.hold(url=f"{idp.slo_url}*")
    browser.link("Sign out")
    browser.wait_text(value="Continue")
    assert browser.at.startswith(acme.url) and browser.count(css="input[name=SAMLRequest]") == 1
    flawless(browser, "saml-logout-posting")
    # Their answer to a logout that began there.
    other = window()
    come_by(other, app, way)
    other.hold(url=f"{acme.url}/federation/saml/slo")
    other.open(idp.logout_url)
    fields = other.run(script="""Object.fromEntries(
        [...document.querySelectorAll('input[name]')].map(input => [input.name, input.value]))""")
    assert "SAMLRequest" in fields, fields
    third = window()
    third.hold(url=f"{idp.slo_url}*")
    third.open(f"{app.url}/")
    # As the identity provider's page does it.
    third.run(script=f"""(() => {{ const form = document.createElement('form');
        form.method = 'post'; form.action = {json.dumps(f'{acme.url}/federation/saml/slo')};
        for (const [name, value] of Object.entries({json.dumps(fields)})) {{
            const input = document.createElement('input');
            input.name = name; input.value = value; form.append(input); }}
        document.body.append(form); form.submit(); }})()""")
    third.wait_text(value="Continue")
    assert third.at.startswith(f"{acme.url}/federation/saml/slo") and third.count(css="input[name=SAMLResponse]") == 1
    flawless(third, "saml-logout-answering")


def test_without_scripts(acme, idp, way, application, window):
    """In and out by buttons alone."""
    way, app = way(ours=("POST",), theirs=("POST",), logout_upstream="always"), application("openid-client", acme)
    browser, person = window(scripts=False), idp.person()
    to_login(browser, app, acme)
    browser.link(way.name)
    log_in(browser, idp, person)
    onwards(browser, "input[name=SAMLResponse]")
    browser.wait_for(f"{acme.url}/federation/saml/acs")
    pictures(browser, "saml-again")
    onwards(browser, "input[name=SAMLResponse]")
    browser.wait_for(f"{app.url}/")
    browser.wait_text(value="Signed in as")
    browser.link("Sign out")
    onwards(browser, "input[name=SAMLRequest]")
    onwards(browser, "input[name=SAMLResponse]")
    browser.wait_for(f"{app.url}/signed-out")
    assert not is_in(browser, app)


def onwards(window, field):
    """Presses the button of the page that has this field in its form."""
    assert eventually(lambda: window.count(css=field) == 1, 5.0, 0.1), window.text()
    window.click(css="form[method=post] button:visible")


# -- from there to here ------------------------------------------------------------------------------------------------


def test_sent_here(acme, idp, way, application, window):
    """To the application, which is signed in at without another question; out again there."""
    app, browser = application("openid-client", acme), window()
    app.client.set(initiate_login_uri=f"{app.url}/login")
    way = way(idp_initiated="accept", default_app_id=app.client.id)
    person = idp.person()
    browser.open(idp.initiated_url(way.metadata))
    log_in(browser, idp, person)
    browser.wait_for(f"{app.url}/")
    browser.wait_text(value="Signed in as")
    assert app.visitor()["claims"]["email"] == person["email"]
    browser.open(idp.logout_url)
    browser.wait_for(idp.after_logout)
    assert eventually(lambda: not is_in(browser, app), 3.0)
    untroubled(browser)


def test_the_pages_of_who_is_sent_here(acme, idp, way, window):
    """That one is to begin here, and that one is signed in."""
    way, browser = way(), window()
    browser.open(idp.initiated_url(way.metadata))
    log_in(browser, idp, idp.person())
    browser.wait_for(f"{acme.url}/federation/saml/acs")
    assert eventually(lambda: browser.count(css=f"a[href*='/auth/{acme.slug}/login']") == 1, 5.0, 0.1), browser.text()
    flawless(browser, "saml-unasked")
    admin(acme.node, "PATCH", way.path, {"idp_initiated": "accept"}, 200)
    browser.open(idp.initiated_url(way.metadata))
    browser.wait_text(value="signed in")
    flawless(browser, "saml-signed-in")


@pytest.mark.parametrize("choice", ["cancel", "go on"])
def test_another_account(acme, idp, way, application, window, choice):
    """Somebody is signed in already: a page names both and asks."""
    app, browser, user, person = application("openid-client", acme), window(), acme.user(), idp.person()
    app.client.set(initiate_login_uri=f"{app.url}/login")
    way = way(idp_initiated="accept", default_app_id=app.client.id)
    to_login(browser, app, acme)
    with_password(browser, user)
    browser.wait_for(f"{app.url}/")
    browser.open(idp.initiated_url(way.metadata))
    log_in(browser, idp, person)
    browser.wait_text(value=user["name"])
    assert person["name"] in browser.text()
    if choice == "cancel":
        flawless(browser, "saml-another-account")
        browser.click(css="button[value=cancel]")
    else:
        browser.click(css="button:not([value=cancel])")
        browser.wait_for(f"{app.url}/")
    browser.open(f"{app.url}/login")
    browser.wait_for(f"{app.url}/")
    claims = app.visitor()["claims"]
    assert claims["sub"] == user["id"] if choice == "cancel" else claims["email"] == person["email"], claims


def test_a_logout_that_is_no_good(acme, way, window):
    """The page that says so."""
    browser = window()
    way()
    query = urllib.parse.urlencode({"SAMLRequest": "AAAA", "RelayState": "x"})
    browser.open(f"{acme.url}/federation/saml/slo?{query}")
    assert browser.seen()["status"] == 400 and "req-" in browser.text()
    flawless(browser, "saml-logout-error")
