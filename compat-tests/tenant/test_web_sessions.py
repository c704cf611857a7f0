"""WEB-FIX-1, 2, WEB-CSRF-1 to 4, WEB-COOK-1: whose browser it is (security.md 3.2, tenant-login section 5)."""

import pytest

from tenancy import Tenant, by_password, by_provider, claims_of, login_page, told, to_provider
from visitor import JSON, Page, query_of


def is_in(browser, client):
    """Whether the browser has a session at the tenant."""
    return "code" in query_of(browser.go(client.attempt(prompt="none").url, client.redirect_uri))


def session_cookie(browser):
    """Name and value of the session's cookie."""
    [found] = [(n, v) for n, v in browser.cookies.items() if n.removeprefix("__Host-").startswith("sso.")]
    return found


def attempt_cookies(browser):
    """The cookies of attempts."""
    return {n: v for n, v in browser.cookies.items() if n.removeprefix("__Host-").startswith("fed.")}


def plant(browser, cookies):
    """Puts cookies into a browser."""
    for name, value in cookies.items():
        browser.http.cookies.set(name, value, domain="127.0.0.1", path="/")


# -- fixation -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way_in", ["password", "provider"])
def test_web_fix_1_the_session_is_new_at_each_sign_in(tenant, provider, visitor, way_in):
    client, browser = tenant.client(), visitor(tenant)
    way, user = tenant.way(provider), tenant.user()
    person = way.person()

    def enter(**parameters):
        attempt = client.attempt(**parameters)
        answer = by_password(browser, attempt, user) if way_in == "password" else by_provider(browser, attempt, way, person)
        attempt.tokens(answer)
        return session_cookie(browser)

    name, first = enter()
    thief = visitor(tenant)
    plant(thief, {name: first})
    assert is_in(thief, client), "the cookie is what counts"
    _, second = enter(prompt="login")
    assert second != first and len(second) == 43
    assert not is_in(thief, client), "the old one is dead"
    assert is_in(browser, client)


def test_web_fix_1_a_planted_cookie_is_not_taken_up(one, visitor):
    client, browser = one.client(), visitor(one)
    client.sign_in(one.user(), browser)
    name = session_cookie(browser)[0]
    victim = visitor(one)
    for planted in ("x", "A" * 43, "", "a" * 4000, "%00", "../../x"):
        plant(victim, {name: planted})
        client.sign_in(one.user(), victim, prompt="login")
        assert session_cookie(victim)[1] != planted
    thief = visitor(one)
    plant(thief, {name: "A" * 43})
    assert not is_in(thief, client)


def test_web_fix_1_a_session_of_another_tenant_is_none_here(one, own, visitor):
    client, browser, other = one.client(), visitor(one), own()
    client.sign_in(one.user(), browser)
    name, value = session_cookie(browser)
    abroad = visitor(other)
    theirs = other.client()
    theirs.sign_in(other.user(), abroad)
    other_name, _ = session_cookie(abroad)
    assert other_name != name, "two tenants do not take each other's"
    thief = visitor(other)
    plant(thief, {other_name: value})
    assert not is_in(thief, theirs)


def test_web_fix_2_an_attempt_in_another_browser(tenant, provider, visitor):
    """CVE-2026-7507: an attacker begins, the victim is sent the address of a later step."""
    client, way = tenant.client(), tenant.way(provider)
    attacker, victim = visitor(tenant), visitor(tenant)
    attempt = client.attempt()
    page = login_page(attacker, attempt)
    # The login page of somebody else's attempt, and what stands on it.
    answer = victim.get(page.url)
    assert answer.status_code in (302, 400, 403), answer.status_code
    form = page.form("password")
    user = tenant.user()
    answer = victim.send(form, username=user["name"], password=user["password"])
    assert answer.status_code in (400, 403) and "Location" not in answer.headers
    assert not is_in(victim, client) and not is_in(attacker, client)
    # The callback, with the attacker's own sign-in at the provider behind it.
    back = to_provider(attacker, client.attempt(), way, way.person())
    answer = victim.get(back)
    assert answer.status_code == 400 and "Location" not in answer.headers, answer.status_code
    answer = victim.get(back, headers={"Accept": JSON})
    assert answer.status_code == 400 and told(answer)["error"] == "state_mismatch", answer.text
    assert not is_in(victim, client)
    # It was not spent by that: the browser that began it can end it.
    assert isinstance(attacker.go(back, client.redirect_uri), str)


def test_web_fix_2_swapped_cookies_of_two_attempts(one, provider, visitor):
    """Each attempt has a cookie of its own."""
    client, way, browser = one.client(), one.way(provider), visitor(one)
    first = to_provider(browser, client.attempt(), way, way.person())
    before = set(attempt_cookies(browser))
    second = to_provider(browser, client.attempt(), way, way.person())
    cookies = attempt_cookies(browser)
    [one_name], [two_name] = before, set(cookies) - before
    swapped = visitor(one)
    plant(swapped, {one_name: cookies[two_name], two_name: cookies[one_name]})
    for back in (first, second):
        answer = swapped.get(back, headers={"Accept": JSON})
        assert answer.status_code == 400 and told(answer)["error"] == "state_mismatch", answer.text
    for back in (second, first):
        assert isinstance(browser.go(back, client.redirect_uri), str)


def test_two_windows_side_by_side(tenant, provider, visitor):
    """Two attempts of one browser, for two applications, ended in the other order; each is answered with its own state."""
    client, other, browser, way = tenant.client(), tenant.client(), visitor(tenant), tenant.way(provider)
    one, two = client.attempt(), other.attempt()
    pages = [login_page(browser, a) for a in (one, two)]
    user = tenant.user()
    second = browser.submit(pages[1].form("password"), other.redirect_uri, username=user["name"], password=user["password"])
    assert claims_of(two.tokens(second))["sub"] == user["id"]
    leaving = browser.go(pages[0].link(way.id), f"{way.provider.issuer}/")
    first = browser.go(way.return_from(browser, leaving, way.person()), client.redirect_uri)
    assert claims_of(one.tokens(first))["idp"] == way.id


def test_no_more_than_ten_cookies_of_attempts(one, visitor):
    client, browser = one.client(), visitor(one)
    for _ in range(14):
        browser.go(client.attempt().url)
    assert len(attempt_cookies(browser)) <= 10
    attempt = client.attempt()
    attempt.tokens(by_password(browser, attempt, one.user()))


def test_an_attempt_is_forgotten_when_it_has_ended(one, visitor):
    client, browser = one.client(), visitor(one)
    attempt = client.attempt()
    page = login_page(browser, attempt)
    form, user = page.form("password"), one.user()
    attempt.code(browser.submit(form, client.redirect_uri, username=user["name"], password=user["password"]))
    assert not attempt_cookies(browser)
    answer = browser.send(form, username=user["name"], password=user["password"])
    assert "code=" not in answer.headers.get("Location", "") and answer.status_code in (302, 303, 400, 403), answer.status_code


def test_the_callback_again(tenant, provider, visitor):
    """Double clicks and the back button go on with the session; elsewhere, or without one, it is an error (section 4.3, step 4)."""
    client, way, browser = tenant.client(), tenant.way(provider), visitor(tenant)
    attempt = client.attempt()
    back = to_provider(browser, attempt, way, way.person())
    first = browser.go(back, client.redirect_uri)
    tokens = attempt.tokens(first)
    again = browser.go(back, client.redirect_uri)
    if isinstance(again, str):
        assert attempt.code(again) != query_of(first)["code"]
    else:
        assert again.status == 400
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
    name = session_cookie(browser)[0]
    browser.http.cookies.clear("127.0.0.1", "/", name)
    answer = browser.get(back, headers={"Accept": JSON})
    assert answer.status_code == 400 and told(answer)["error"] in ("state_reused", "state_mismatch"), answer.text


# -- forgery --------------------------------------------------------------------------------------------------------------


def forged(browser, form, **fields):
    """The answers to a form that is posted without its token, with a wrong one, and from another origin."""
    values = form.fields | fields
    without = {k: v for k, v in values.items() if k != "csrf"}
    yield browser.post(form.action, without)
    yield browser.post(form.action, without | {"csrf": ""})
    yield browser.post(form.action, without | {"csrf": "A" * len(form.fields["csrf"])})
    # Another purpose's token is not this one's.
    yield browser.post(form.action, without | {"csrf": form.fields["csrf"][::-1]})


def test_web_csrf_1_the_login_form(one, visitor):
    client, browser, user = one.client(), visitor(one), one.user()
    form = login_page(browser, client.attempt()).form("password")
    for answer in forged(browser, form, username=user["name"], password=user["password"]):
        assert answer.status_code == 403 and "Location" not in answer.headers, answer.status_code
    assert not is_in(browser, client)


def test_web_csrf_1_from_another_origin(one, visitor):
    """A browser tells where a form comes from; what comes from elsewhere is not for us, even with a token."""
    client, browser, user = one.client(), visitor(one), one.user()
    form = login_page(browser, client.attempt()).form("password")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = browser.post(form.action, form.fields | {"username": user["name"], "password": user["password"]}, headers=headers)
        assert answer.status_code == 403, headers
    answer = browser.post(form.action, form.fields | {"username": user["name"], "password": user["password"]},
                          headers={"Origin": one.node.url, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303


def test_web_csrf_2_the_json_login(one):
    """JSON that a form can post is not taken for JSON; nor is a form."""
    user = one.user()
    body = f'{{"username":"{user["name"]}","password":"{user["password"]}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = one.node.request("POST", f"{one.url}/login", data=body, headers={"Content-Type": kind})
        assert answer.status_code in (400, 403, 415, 422), f"{kind}: {answer.status_code}"
        assert "Set-Cookie" not in answer.headers
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = one.node.request("POST", f"{one.url}/login", data=body, headers={"Content-Type": "application/json"} | headers)
        assert answer.status_code == 403 and "Set-Cookie" not in answer.headers, headers


def test_web_csrf_3_consent(one, visitor):
    client, browser, user = one.client(third_party=True), visitor(one), one.user()
    page = by_password(browser, client.attempt(), user)
    form = page.form_with_button("allow")
    for answer in forged(browser, form, **form.button("allow")):
        assert answer.status_code == 403 and "Location" not in answer.headers
    assert "code" not in query_of(browser.go(client.attempt(prompt="none").url, client.redirect_uri))


def test_web_csrf_4_linking(one, provider, visitor):
    email = "linked-csrf@example.com"
    user = one.user(email=email, email_verified=True)
    way, browser, client = one.way(provider, link_mode="confirm"), visitor(one), one.client()
    page = by_provider(browser, client.attempt(), way, way.person(email=email))
    assert isinstance(page, Page) and "/confirm" in page.url, page
    form = page.form("password")
    for answer in forged(browser, form, password=user["password"], **form.button("")):
        assert answer.status_code == 403 and "Location" not in answer.headers
    assert one.get(f"users/{user['id']}")["user"].get("federated") in ([], None)


# -- cookies --------------------------------------------------------------------------------------------------------------


def cookies_of(answer):
    """The cookies that an answer sets: name, value, attributes."""
    found = {}
    for field in answer.raw.headers.getlist("Set-Cookie"):
        first, *rest = [part.strip() for part in field.split(";")]
        name, _, value = first.partition("=")
        found[name] = (value, {part.partition("=")[0].lower(): part.partition("=")[2] for part in rest})
    return found


def test_web_cook_1_flags_over_https(secure):
    """What people know by an https URL sets cookies that only that host can set, that no script reads and no other site sends."""
    tenant = Tenant(secure)
    assert tenant.issuer == f"https://id.example.org/api/v1/auth/tenants/{tenant.slug}"
    client, user = tenant.client(), tenant.user()

    def ask(method, url, cookies=(), **options):
        url = url.replace("https://id.example.org", secure.url)
        headers = {"Accept": "text/html", "Cookie": "; ".join(f"{n}={v}" for n, v in dict(cookies).items())}
        return secure.request(method, url, headers=headers, **options)

    begun = ask("GET", client.attempt().url)
    set_at_first = cookies_of(begun)
    page = ask("GET", begun.headers["Location"], {n: v for n, (v, _) in set_at_first.items()})
    form = Page(page).form("password")
    jar = {n: v for n, (v, _) in (set_at_first | cookies_of(page)).items()}
    done = ask("POST", form.action, jar, data=form.fields | {"username": user["name"], "password": user["password"]})
    assert done.status_code == 303 and "code=" in done.headers["Location"], done.text
    seen = set_at_first | cookies_of(page) | cookies_of(done)
    assert {n.split(".")[0] for n in seen} == {"__Host-fed", "__Host-sso"}, seen
    for name, (_, attributes) in seen.items():
        assert name.startswith("__Host-") and "secure" in attributes and "httponly" in attributes, name
        assert attributes["path"] == "/" and "domain" not in attributes and attributes["samesite"] == "Lax", name
    value, attributes = next(v for n, v in cookies_of(done).items() if n.startswith("__Host-sso"))
    assert len(value) == 43
    gone = [v for n, v in cookies_of(done).items() if n.startswith("__Host-fed")]
    assert gone and all(v == "" and a["max-age"] == "0" for v, a in gone), "the attempt's cookie goes"


def test_web_cook_1_no_session_before_somebody_is_signed_in(one, visitor):
    browser = visitor(one)
    login_page(browser, one.client().attempt())
    assert not [n for n in browser.cookies if "sso." in n], browser.cookies


def test_web_cook_1_a_cookie_that_stands_twice_is_none(one, visitor):
    client, browser = one.client(), visitor(one)
    client.sign_in(one.user(), browser)
    name, value = session_cookie(browser)
    for field in (f"{name}={value}; {name}=x", f"{name}=x; {name}={value}"):
        answer = one.node.request("GET", client.attempt(prompt="none").url, headers={"Cookie": field, "Accept": "text/html"})
        assert "login_required" in answer.headers["Location"]
