"""How the hosted pages look and behave: pictures, axe, keyboard, without scripts, narrow and wide, light and dark (tenant-login section 11.1).

Every page is photographed at 390 and 1280 pixels, light and dark: `compat-tests/.run/screens/tenant-….png`.
"""

import time

import pytest

from harness import ROOT, eventually, unique
from tenancy import DEVICE_GRANT
from test_browser import at_provider, with_password
from test_op_devices import begin

SCREENS = ROOT / "compat-tests/.run/screens"
SIZES = [(390, 844), (1280, 800)]
NARROWEST = 320
LOGO = ("data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAxMjAgNDAiPjxyZWN0IHdpZHRoPSIxMjAiIGhlaWdodD0iNDAiIHJ4PSI4IiBmaWxsPSIj"
        "MGY3NjZlIi8+PHRleHQgeD0iNjAiIHk9IjI3IiBmb250LXNpemU9IjIwIiB0ZXh0LWFuY2hvcj0ibWlkZGxlIiBmaWxsPSIjZmZmIj5BY21lPC90ZXh0Pjwvc3ZnPg==")


@pytest.fixture(scope="module")
def acme(make_node, provider):
    """A tenant with colours, a logo and providers of every look."""
    from tenancy import Tenant
    branding = {"logo_url": LOGO, "primary_color": "#0f766e", "background_color": "#f0fdfa", "support_url": "https://help.acme.example/"}
    tenant = Tenant(make_node(), display_name="Acme Corporation", branding=branding)
    for name, preset in (("Google", "google_workspace"), ("Microsoft", "entra_id"), ("Okta", "okta"), ("Acme single sign-on", None)):
        tenant.last_way = tenant.way(provider, name=name, **({"preset": preset} if preset else {}))
    return tenant


@pytest.fixture(scope="module")
def realms(acme, provider):
    """One that asks for an address first."""
    from tenancy import Tenant
    tenant = Tenant(acme.node, display_name="Globex")
    tenant.way(provider, name="Globex single sign-on", domains=["globex.example"])
    return tenant


def flawless(window, name):
    """Looks at a page in every way: pictures, axe, nothing that one has to scroll sideways for, and nothing inline or from elsewhere."""
    faults = []
    structure = window.run(script="""({lang: document.documentElement.lang, title: document.title, h1: document.querySelectorAll('h1').length,
        main: document.querySelectorAll('main').length, viewport: !!document.querySelector('meta[name=viewport]'),
        outside: performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin) && !n.startsWith('data:')),
        inline: document.querySelectorAll('[style]').length + [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length})""")
    if not (structure["lang"] and structure["title"].strip() and structure["h1"] == 1 and structure["main"] == 1 and structure["viewport"]):
        faults.append(f"structure: {structure}")
    if structure["outside"] or structure["inline"]:
        faults.append(f"from elsewhere, or inline: {structure}")
    for width, height in SIZES:
        for dark in (False, True):
            window.look(width=width, height=height, dark=dark)
            path = SCREENS / f"tenant-{name}-{width}-{'dark' if dark else 'light'}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            window.screen(path=str(path))
            faults += [f"{width} {'dark' if dark else 'light'}: {fault}" for fault in window.axe()]
    window.look(width=NARROWEST, height=640, dark=False)
    wide = window.run(script="document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        faults.append(f"at {NARROWEST} pixels one scrolls sideways by {wide}")
    faults += [line for line in window.seen()["console"] if line.startswith("error") and "Failed to load resource" not in line]
    window.look(width=1280, height=800, dark=False)
    assert not faults, f"{name}:\n" + "\n".join(faults)


def asked(tenant, window, **settings):
    """An application's request, as far as the login page."""
    client = tenant.client(**({"name": "Expenses"} | settings))
    window.open(client.attempt().url)
    window.wait_for(f"{tenant.pages}/login")
    return client


def test_login(acme, window):
    browser = window()
    asked(acme, browser)
    assert "Acme Corporation" in browser.title() and "Expenses" in browser.text() and browser.has(role="link", name="Google") == 1
    flawless(browser, "login")
    with_password(browser, {"name": "nobody", "password": "wrong"})
    assert browser.count(css="[role=alert]") == 1
    flawless(browser, "login-wrong-password")


def test_login_without_branding(one, window):
    browser = window()
    browser.open(f"{one.pages}/login")
    flawless(browser, "login-plain")


def test_login_by_address(realms, window):
    browser = window()
    asked(realms, browser)
    flawless(browser, "login-identifier")
    browser.fill(css="input[name=identifier]", value="ann@elsewhere.example")
    browser.button("Continue")
    browser.wait_text(value="Password")
    flawless(browser, "login-password-of")


def test_confirm(acme, provider, window):
    user, browser = acme.user(email=f"{unique()}@example.com", email_verified=True), window()
    asked(acme, browser)
    browser.link("Okta")
    at_provider(browser, acme.last_way.person(email=user["email"]))
    browser.wait_for(f"{acme.pages}/confirm")
    flawless(browser, "confirm")
    browser.fill(css="input[name=password]", value="wrong")
    browser.click(css="button[value=link]")
    assert browser.count(css="[role=alert]") == 1
    flawless(browser, "confirm-wrong-password")


def test_consent(acme, window):
    browser = window()
    asked(acme, browser, third_party=True, name="Photo printer of somebody else")
    with_password(browser, acme.user())
    browser.wait_for(f"{acme.pages}/consent")
    flawless(browser, "consent")


def test_device(acme, window):
    device, browser = acme.client("NATIVE", ["http://127.0.0.1/cb"], grant_types=[DEVICE_GRANT], name="Command line"), window()
    browser.open(f"{acme.pages}/device")
    flawless(browser, "device")
    browser.fill(css="input[name=user_code]", value="BBBB-BBBB")
    browser.button("Continue")
    assert browser.count(css="[role=alert]") == 1
    flawless(browser, "device-wrong-code")
    browser.fill(css="input[name=user_code]", value=begin(device, scope="openid profile")["user_code"])
    browser.button("Continue")
    with_password(browser, acme.user())
    browser.wait_for(f"{acme.pages}/device")
    flawless(browser, "device-question")
    browser.button("Allow")
    time.sleep(0.3)
    flawless(browser, "device-done")


def test_signed_in_and_signed_out(acme, window):
    browser = window()
    browser.open(f"{acme.pages}/login")
    with_password(browser, acme.user())
    browser.wait_text(value="signed in")
    flawless(browser, "signed-in")
    browser.open(f"{acme.url}/oauth/logout")
    flawless(browser, "logout")
    browser.button("Sign out")
    browser.wait_text(value="signed out")
    flawless(browser, "signed-out")


def test_ways_to_sign_in(acme, provider, window):
    """Somebody with a password connects a provider, and takes it away again."""
    browser, user = window(), acme.user(email=f"{unique()}@example.com")
    browser.open(f"{acme.pages}/login")
    with_password(browser, user)
    browser.wait_text(value="signed in")
    browser.link("Your ways to sign in")
    browser.wait_for(f"{acme.pages}/identities")
    assert browser.count(css="button[name=disconnect]") == 0
    flawless(browser, "identities")
    browser.link("Okta")
    person = acme.last_way.person()
    at_provider(browser, person)
    browser.wait_for(f"{acme.pages}/confirm")
    assert f"{person}@example.com" in browser.text() and user["email"] not in browser.text()
    flawless(browser, "connect")
    browser.button("Connect")
    browser.wait_for(f"{acme.pages}/identities")
    assert browser.count(css="button[name=disconnect]") == 1
    flawless(browser, "identities-connected")
    browser.click(css="button[name=disconnect]")
    assert eventually(lambda: browser.count(css="button[name=disconnect]") == 0, 3.0)
    assert browser.has(role="link", name="Okta") == 1


def test_signed_out_with_an_offer(acme, provider, window):
    browser = window()
    asked(acme, browser, redirect_uris=["http://127.0.0.1:9/callback"])
    browser.open(f"{acme.pages}/login")
    browser.link("Okta")
    at_provider(browser, acme.last_way.person())
    browser.wait_for(acme.node.url)
    browser.open(f"{acme.url}/oauth/logout")
    browser.button("Sign out")
    browser.wait_text(value="signed out")
    assert "Okta" in browser.text()
    flawless(browser, "signed-out-offer")


def test_errors(acme, window):
    browser = window()
    browser.open(acme.client().attempt(redirect_uri="https://evil.example/").url)
    assert browser.seen()["status"] == 400 and "req-" in browser.text(), "whoever helps can look it up"
    flawless(browser, "error")
    browser.open(f"{acme.node.url}/auth/nobody/login")
    assert browser.seen()["status"] == 404
    flawless(browser, "unknown-tenant")


def test_an_answer_that_posts_itself(acme, window):
    """It has left at once, unless what it posts to is held up."""
    browser = window()
    client = acme.client(redirect_uris=["http://127.0.0.1:65000/callback"])
    browser.hold(url="http://127.0.0.1:65000/**")
    browser.open(client.attempt(response_mode="form_post").url)
    with_password(browser, acme.user())
    browser.wait_text(value="Continue")
    flawless(browser, "posting")


# -- without a mouse, without scripts, without colours ---------------------------------------------------------------------


def test_with_the_keyboard_alone(acme, window):
    """From the page's beginning by Tab and Enter; the focus shows wherever it is, and comes in the order of the page."""
    browser, user = window(), acme.user()
    asked(acme, browser)
    browser.run(script="document.activeElement?.blur()")
    seen, places = [], []
    for _ in range(20):
        browser.key(keys=["Tab"])
        at = browser.focus()
        if at is None:
            break
        assert at["outline"], f"the focus on {at} cannot be seen"
        seen.append(at["label"] or at["name"])
        places.append(browser.run(script="[document.activeElement.getBoundingClientRect().top + scrollY, document.activeElement.getBoundingClientRect().left]"))
        if at["name"] == "username":
            browser.type(value=user["name"])
        if at["name"] == "password":
            browser.type(value=user["password"])
            browser.key(keys=["Enter"])
            break
    assert {"Google", "Microsoft"} <= {word for label in seen for word in label.split()}, seen
    assert [p[0] for p in places] == sorted(p[0] for p in places), "in the order in which it stands"
    assert eventually(lambda: [n for n in browser.cookies() if n.startswith("sso.")], 5.0)


def test_where_the_cursor_is_at_first(realms, window):
    browser = window()
    asked(realms, browser)
    assert browser.focus()["name"] == "identifier"
    browser.type(value="ann@elsewhere.example")
    browser.key(keys=["Enter"])
    browser.wait_text(value="Password")
    assert browser.focus()["name"] == "password"


def test_after_a_failure_a_screen_reader_hears_why(acme, window):
    browser = window()
    asked(acme, browser)
    with_password(browser, {"name": "nobody", "password": "wrong"})
    assert browser.count(css="[role=alert]") == 1
    told = browser.run(script="""(() => { const field = document.querySelector('input[aria-invalid=true]');
        return field && field.getAttribute('aria-describedby').split(' ').map(id => document.getElementById(id)?.innerText).join(' ') })()""")
    assert told and told == browser.run(script="document.querySelector('[role=alert]').innerText")
    assert browser.focus()["name"] == "password", "where one goes on"


def test_without_scripts(acme, provider, application, window):
    """The whole way: buttons, provider, consent, form_post."""
    browser = window(scripts=False)
    app = application("openid-client", acme, third_party=True, parameters={"response_mode": "form_post"})
    browser.open(f"{app.url}/login")
    browser.link("Okta")
    at_provider(browser, acme.last_way.person())
    browser.wait_for(f"{acme.pages}/consent")
    browser.button("Allow")
    browser.button("Continue")
    browser.wait_for(f"{app.url}/")
    assert "Signed in as" in browser.text()


def test_with_scripts_an_answer_posts_itself(acme, application, window):
    browser = window()
    app = application("openid-client", acme, parameters={"response_mode": "form_post"})
    browser.open(f"{app.url}/login")
    with_password(browser, acme.user())
    browser.wait_for(f"{app.url}/")
    browser.wait_text(value="Signed in as")


def test_with_forced_colours_and_less_motion(acme, window):
    browser = window(forcedColors="active", reducedMotion="reduce")
    asked(acme, browser)
    moving = browser.run(script="[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).animationDuration) > 0.01 || parseFloat(getComputedStyle(e).transitionDuration) > 0.01).length")
    assert moving == 0
    browser.screen(path=str(SCREENS / "tenant-login-forced-colours.png"))


@pytest.mark.parametrize("name", ["x" * 300, "العربية", "\U0001f469\u200d\U0001f680 Space & Söhne", "A name that has quite a few words in it and does not want to end"])
def test_difficult_names(acme, window, name):
    """Neither long, nor right to left, nor emoji break a page."""
    browser = window(width=390, height=844)
    acme.set(display_name=name[:200])
    try:
        asked(acme, browser, name=name[:200])
        wide = browser.run(script="document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, wide
        browser.screen(path=str(SCREENS / f"tenant-name-{len(name)}.png"))
    finally:
        acme.set(display_name="Acme Corporation")


@pytest.mark.parametrize("color", ["#ffff00", "#000000", "#ffffff", "#808080", "#ff0000", "#00ff00", "#0000ff"])
def test_any_colour_can_be_read(acme, window, color):
    """Text on the tenant's colour, and the colour on the page, reach 4.5 to 1 whatever it is."""
    acme.set(branding={"primary_color": color, "background_color": color})
    try:
        browser = window()
        asked(acme, browser)
        for dark in (False, True):
            browser.look(width=1280, height=800, dark=dark)
            assert not [fault for fault in browser.axe() if "color-contrast" in fault], f"{color} {dark}"
    finally:
        acme.set(branding={"logo_url": LOGO, "primary_color": "#0f766e", "background_color": "#f0fdfa"})


def test_a_page_is_small(acme, window):
    """One request for a page, and little of it."""
    browser = window()
    asked(acme, browser)
    size = browser.run(script="performance.getEntriesByType('navigation')[0].decodedBodySize")
    others = browser.run(script="performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:')).length")
    assert size < 40_000 and others <= 2, (size, others)
