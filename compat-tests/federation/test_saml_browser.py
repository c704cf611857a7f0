"""WebSSO with SAML in Chromium: dashboard, Archstone, SimpleSAMLphp's login form, back, and the form that posts itself
(1.7).

A picture of each step is kept in `compat-tests/.run/screens/`.
"""

import json

import pytest

from harness import ROOT
from peers.simplesamlphp import SimpleSamlPhp
from saml_trust import SamlTrust, metadata
from token_calls import assert_alive

SCREENS = ROOT / "compat-tests/.run/screens"
PERSON = {"local": [{"user": {"name": "{0}", "email": "{1}"}}], "remote": [{"type": "uid"}, {"type": "MELLON_mail"}]}


@pytest.fixture
def screen(browser, request):
    """`screen(name)`: a picture of the window."""
    return lambda name: browser.screenshot(SCREENS / f"saml-{request.node.name.removeprefix('test_')}-{name}.png")


@pytest.fixture
def elsewhere(launch, settings):
    """A node that people know by another host's name than the identity provider's: what is posted from there is from
    another site."""
    node = launch(settings=settings, prepare=False, start=False)
    node.settings |= {"ARCHSTONE_SERVER__PUBLIC_URL": node.url.replace("127.0.0.1", "localhost")}
    return node.prepare().start()


@pytest.fixture(params=[("Redirect",), ("POST",)], ids=lambda bindings: bindings[0])
def peer(request):
    """SimpleSAMLphp with each binding for requests."""
    it = SimpleSamlPhp()
    it.set(bindings=request.param)
    yield it.start()
    it.remove()


def link(dashboard, node, way):
    """The dashboard's link, at the node's public address."""
    address = dashboard.websso(node, f"identity_providers/{way.id}/protocols/{way.protocol}/websso")
    return address.replace(node.url, node.settings["ARCHSTONE_SERVER__PUBLIC_URL"])


def sign_in(browser, person, password=None):
    """Fills in the identity provider's form; a name that is there from before goes."""
    browser.run("document.querySelector('input[name=username]').value = ''")
    browser.fill("input[name=username]", person["name"])
    browser.fill("input[name=password]", person["password"] if password is None else password)
    browser.click("#submit_button")


def test_from_the_dashboard_and_back(elsewhere, peer, dashboard, browser, screen):
    """The response comes from another site, so the browser is asked to post it once more; the person sees none of
    it."""
    peer.know(metadata(elsewhere))
    way, person = SamlTrust(elsewhere, peer, PERSON, by="url"), peer.person()
    dashboard.links = {"Single sign-on": link(dashboard, elsewhere, way)}
    browser.open(dashboard.url)
    screen("1-dashboard")
    browser.click("a")
    browser.wait_for(peer.url, 20)
    screen("2-identity-provider")
    sign_in(browser, person, "wrong")
    browser.wait_for_text("Incorrect username or password", 20)
    screen("3-wrong-password")
    before = len(dashboard.posted)
    sign_in(browser, person)
    browser.wait_for(dashboard.origin, 20)
    browser.wait_for_text("Logged in.")
    screen("4-dashboard-again")
    [(fields, headers)] = dashboard.posted[before:]
    assert set(fields) == {"token"} and "SAML" not in headers.get("Referer", "")
    assert_alive(elsewhere, fields["token"])
    body = elsewhere.validate(fields["token"]).json()["token"]
    assert body["user"]["name"] == person["name"]
    assert (
        elsewhere.expect(200, "GET", f"/v3/users/{body['user']['id']}", token=elsewhere.admin_token)["user"]["email"]
        == person["email"]
    )
    asked = [url for url in browser.requests() if "/SSO/SAML2/POST" in url]
    assert len(asked) == 2, "once from there, once from our own page"
    # The identity provider knows the browser now: the second time nobody is asked.
    browser.open(dashboard.links["Single sign-on"])
    browser.wait_for(dashboard.origin, 20)
    assert len(dashboard.posted) == before + 2


def test_going_back_and_reloading(elsewhere, peer, dashboard, browser, screen):
    """What was posted is worth nothing a second time, also in the browser that it was for."""
    peer.know(metadata(elsewhere))
    way = SamlTrust(elsewhere, peer, PERSON)
    browser.open(link(dashboard, elsewhere, way))
    sign_in(browser, peer.person())
    browser.wait_for(dashboard.origin, 20)
    before = len(dashboard.posted)
    browser.run("history.back()")
    browser.wait_for(lambda url: not url.startswith(dashboard.origin) or len(dashboard.posted) > before, 20)
    screen("back")
    assert len({fields["token"] for fields, _ in dashboard.posted[before - 1 :]}) <= 2


def test_web_fix_2_a_response_in_another_browser(elsewhere, peer, dashboard, browser, chromium, screen):
    """An attacker signs in as themselves, keeps the response and has somebody else's browser post it."""
    peer.know(metadata(elsewhere))
    way = SamlTrust(elsewhere, peer, PERSON)
    attacker = chromium.browser(scripts=False)
    try:
        attacker.open(link(dashboard, elsewhere, way))
        if attacker.count("input[name=SAMLRequest]"):
            attacker.click("form button")
        sign_in(attacker, peer.person())
        attacker.wait_for(lambda _: attacker.count("input[name=SAMLResponse]"), 20)
        form = attacker.run("return document.querySelector('input[name=SAMLResponse]').form.outerHTML")
    finally:
        attacker.close()
    before = len(dashboard.posted)
    browser.open(dashboard.url)
    browser.run(f"document.body.innerHTML = {json.dumps(form)}; document.forms[0].submit()")
    browser.wait_for_text("could not be signed in", 20)
    screen("refused")
    assert browser.run("return performance.getEntriesByType('navigation')[0].responseStatus") == 401
    assert browser.count("form") == 0 and len(dashboard.posted) == before


def test_pages_work_without_scripts(elsewhere, peer, dashboard, chromium):
    """Each form has a button for browsers in which scripts are switched off."""
    peer.know(metadata(elsewhere))
    way, plain, before = (
        SamlTrust(elsewhere, peer, PERSON, by="url"),
        chromium.browser(scripts=False),
        len(dashboard.posted),
    )
    try:
        plain.open(link(dashboard, elsewhere, way))
        if not plain.url.startswith(peer.url):
            plain.click("form button")
            plain.wait_for(peer.url, 20)
        sign_in(plain, peer.person())
        plain.wait_for(lambda _: plain.count("input[name=SAMLResponse]"), 20)
        plain.click("form button")
        for field in ("again", "token"):
            plain.wait_for(lambda _, field=field: plain.count(f"input[name={field}]"), 20)
            plain.screenshot(SCREENS / f"saml-without-scripts-{field}.png")
            plain.click("form button")
        plain.wait_for(dashboard.origin, 20)
        assert_alive(elsewhere, dashboard.posted[before][0]["token"])
    finally:
        plain.close()
