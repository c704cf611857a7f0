"""WebSSO in Chromium: dashboard, Archstone, the provider's login form, back, and the form that posts itself (1.7).

A picture of each step is kept in `compat-tests/.run/screens/`.
"""

import urllib.parse

import pytest

from harness import ROOT, unique
from token_calls import assert_alive
from trust import ANYBODY, PERSON, WEBSSO, user_id

SCREENS = ROOT / "compat-tests/.run/screens"


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough."""
    return sqlite_archstone


@pytest.fixture
def screen(browser, request):
    """`screen(name)`: a picture of the window."""
    return lambda name: browser.screenshot(SCREENS / f"{request.node.name.removeprefix('test_')}-{name}.png")


def fixed(way):
    """The entry of one identity provider, below `/v3/auth/OS-FEDERATION/`."""
    return f"identity_providers/{way.id}/protocols/{way.protocol}/websso"


def sign_in(browser, person, password=None):
    """Fills in the provider's form."""
    browser.fill("input[name=login]", person)
    browser.fill("input[name=password]", f"{person} password" if password is None else password)
    browser.click("button[value=login]")


def test_from_the_dashboard_and_back(archstone, trust, provider, dashboard, browser, screen):
    way = trust(PERSON)
    person = provider.user(name="Ann Other", email="ann@example.org")
    dashboard.links = {"Single sign-on": dashboard.websso(archstone, fixed(way))}
    browser.open(dashboard.url)
    screen("1-dashboard")
    browser.click("a")
    browser.wait_for(f"{provider.issuer}/interaction/")
    screen("2-provider")
    sign_in(browser, person, "wrong")
    browser.wait_for_text("Wrong name or password")
    screen("3-wrong-password")
    before = len(dashboard.posted)
    sign_in(browser, person)
    browser.wait_for(dashboard.origin)
    screen("4-dashboard-again")
    browser.wait_for_text("Logged in.")
    [(fields, headers)] = dashboard.posted[before:]
    assert set(fields) == {"token"} and headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Referer" not in headers or "?" not in headers["Referer"]
    assert_alive(archstone, fields["token"])
    assert archstone.validate(fields["token"]).json()["token"]["user"]["id"] == user_id(way.domain_id, person)
    # The provider knows the browser now: the second time nobody is asked.
    browser.open(dashboard.websso(archstone, fixed(way)))
    browser.wait_for(dashboard.origin)
    assert len(dashboard.posted) == before + 2


def test_an_answer_that_the_provider_posts_finds_its_browser(archstone, trust, provider, dashboard, browser):
    """A form from another site comes without the cookie; `response_mode=form_post` works all the same."""
    way = trust(PERSON, connection={"response_mode": "form_post"})
    person = provider.user(name="Ann Other", email="ann@example.org")
    dashboard.links = {"Single sign-on": dashboard.websso(archstone, fixed(way))}
    browser.open(dashboard.url)
    browser.click("a")
    browser.wait_for(f"{provider.issuer}/interaction/")
    before = len(dashboard.posted)
    sign_in(browser, person)
    browser.wait_for(dashboard.origin)
    browser.wait_for_text("Logged in.")
    [(fields, _)] = dashboard.posted[before:]
    assert_alive(archstone, fields["token"])


def test_an_answer_behind_the_hash_reaches_the_server(archstone, browser):
    """`response_mode=fragment`: what no server sees is handed over by the page (here of an attempt that nobody began)."""
    callback = f"{archstone.url}{WEBSSO}/identity_providers/corp/protocols/oidc/callback"
    browser.open(f"{callback}#state=of-nobody&id_token=a.b.c")
    browser.wait_for(f"{callback}?state=of-nobody&id_token=a.b.c")
    browser.wait_for_text("You could not be signed in")


def test_a_choice_of_identity_providers(archstone, trust, provider, other_provider, dashboard, browser, screen):
    protocol = unique("p")
    trust(ANYBODY, protocol=protocol, description="Example University")
    way = trust(ANYBODY, protocol=protocol, description="Example Company", provider=other_provider)
    person = other_provider.user()
    browser.open(dashboard.websso(archstone, f"websso/{protocol}"))
    screen("1-choice")
    assert "Example University" in browser.text() and "Example Company" in browser.text()
    browser.run("[...document.links].find(link => link.text === 'Example Company').click()")
    browser.wait_for(f"{other_provider.issuer}/interaction/")
    sign_in(browser, person)
    browser.wait_for(dashboard.origin)
    token = dashboard.posted[-1][0]["token"]
    assert archstone.validate(token).json()["token"]["user"]["OS-FEDERATION"]["identity_provider"] == {"id": way.id}


def test_another_origin(archstone, trust, dashboard, browser, screen):
    way = trust(ANYBODY)
    origin = urllib.parse.quote('https://evil.example/"><img src=x onerror=alert(1)>', safe="")
    browser.open(f"{archstone.url}{WEBSSO}/{fixed(way)}?origin={origin}")
    screen("refused")
    assert browser.url.startswith(archstone.url)
    assert browser.run("return performance.getEntriesByType('navigation')[0].responseStatus") == 401
    assert browser.count("form") == 0 and browser.count("img[src=x]") == 0


def test_who_gives_up_at_the_provider(archstone, trust, provider, dashboard, browser, screen):
    way = trust(ANYBODY)
    before = len(dashboard.posted)
    browser.open(dashboard.websso(archstone, fixed(way)))
    browser.click("button[value=cancel]")
    browser.wait_for(archstone.url)
    screen("cancelled")
    assert browser.run("return performance.getEntriesByType('navigation')[0].responseStatus") == 401
    assert browser.count("form") == 0 and len(dashboard.posted) == before
    assert "the person gave up" not in browser.text() or browser.count("script") == 0


def test_somebody_whom_no_rule_lets_in(archstone, trust, provider, dashboard, browser, screen):
    way = trust(
        {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-groups", "any_one_of": ["staff"]}]}
    )
    browser.open(dashboard.websso(archstone, fixed(way)))
    sign_in(browser, provider.user(groups=["others"]))
    browser.wait_for(archstone.url)
    screen("refused")
    assert browser.run("return performance.getEntriesByType('navigation')[0].responseStatus") == 401
    assert "staff" not in browser.text() and browser.count("form") == 0


def test_web_fix_2_the_callback_in_another_browser(archstone, trust, provider, dashboard, browser, chromium, screen):
    """An attacker logs in as themselves and gives the last address to somebody else, whose browser has no such attempt."""
    way = trust(ANYBODY)
    before = len(dashboard.posted)
    browser.open(dashboard.websso(archstone, fixed(way)))
    asked = archstone.http.get(
        f"{archstone.url}{WEBSSO}/{fixed(way)}", params={"origin": dashboard.origin}, allow_redirects=False, timeout=10
    )
    stop = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(asked.headers["Location"]).query))["redirect_uri"]
    address = provider.follow(archstone.http, asked.headers["Location"], provider.user(), stop=stop)
    browser.open(address)
    screen("refused")
    assert browser.run("return performance.getEntriesByType('navigation')[0].responseStatus") == 401
    assert browser.count("form") == 0 and len(dashboard.posted) == before


def test_going_back_and_reloading(archstone, trust, provider, dashboard, browser, screen):
    """The callback's address is worth nothing a second time, also in the browser that it was for."""
    way = trust(ANYBODY)
    dashboard.links = {}
    browser.open(dashboard.websso(archstone, fixed(way)))
    sign_in(browser, provider.user())
    browser.wait_for(dashboard.origin)
    before = len(dashboard.posted)
    browser.run("history.back()")
    browser.wait_for(lambda url: not url.startswith(dashboard.origin) or len(dashboard.posted) > before)
    screen("back")
    tokens = {fields["token"] for fields, _ in dashboard.posted[before - 1:]}
    assert len(tokens) <= 2


def test_two_windows_do_not_take_each_others_answer(archstone, trust, provider, dashboard, browser):
    """Two attempts begun in one browser, ended in the order in which they began."""
    one, two = trust(ANYBODY), trust(ANYBODY)
    person = provider.user()
    first, second = dashboard.websso(archstone, fixed(one)), dashboard.websso(archstone, fixed(two))
    browser.open(first)
    at_first = browser.url
    browser.open(second)
    at_second = browser.url
    for way, address in ((one, at_first), (two, at_second)):
        before = len(dashboard.posted)
        browser.open(address)
        if browser.url.startswith(f"{provider.issuer}/interaction/"):
            sign_in(browser, person)
        browser.wait_for(dashboard.origin)
        body = archstone.validate(dashboard.posted[before][0]["token"]).json()["token"]
        assert body["user"]["OS-FEDERATION"]["identity_provider"] == {"id": way.id}


def test_pages_work_without_scripts(archstone, trust, provider, dashboard, chromium):
    """The form has a button for browsers in which scripts are switched off."""
    way = trust(ANYBODY)
    plain = chromium.browser(scripts=False)
    try:
        before = len(dashboard.posted)
        plain.open(dashboard.websso(archstone, fixed(way)))
        sign_in(plain, provider.user())
        plain.wait_for(archstone.url)
        plain.screenshot(SCREENS / "without_scripts.png")
        assert len(dashboard.posted) == before
        plain.click("form button")
        plain.wait_for(dashboard.origin)
        assert_alive(archstone, dashboard.posted[before][0]["token"])
    finally:
        plain.close()
