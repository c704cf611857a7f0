"""OP-AZ-1 to 8: what an application may ask for, and what it is told (OpenID Connect Core section 3.1.2, RFC 9207)."""

import html
import urllib.parse

import pytest

from peers.broken import Sockets
from tenancy import Tenant, by_password, by_provider, claims_of, login_page, told
from visitor import JSON, PAGE, Page, query_of


def answered(client, visitor=None, **parameters):
    """The parameters that the application is told at once."""
    attempt = client.attempt(**parameters)
    if visitor:
        answer = visitor.get(attempt.url)
    else:
        answer = client.node.request("GET", attempt.url, headers={"Accept": PAGE})
    assert answer.status_code == 302, f"{answer.status_code} {answer.text[:500]}"
    return attempt.answer(answer.headers["Location"])


@pytest.mark.parametrize("kind", ["token", "id_token", "code id_token", "code token", "none", "CODE", "unknown", "code code"])
def test_op_az_1_other_response_types(one, kind):
    assert answered(one.client(), response_type=kind)["error"] == "unsupported_response_type"


@pytest.mark.parametrize("kind", [None, ""])
def test_op_az_1_no_response_type(one, kind):
    assert answered(one.client(), response_type=kind)["error"] == "invalid_request"


def test_op_az_2_nobody_is_signed_in(tenant):
    client = tenant.client()
    assert answered(client, prompt="none")["error"] == "login_required"
    assert answered(client, prompt="none login")["error"] == "invalid_request"


def test_op_az_2_somebody_is(tenant, visitor):
    client, browser, user = tenant.client(), visitor(tenant), tenant.user()
    first = client.sign_in(user, browser)
    attempt = client.attempt(prompt="none")
    second = attempt.tokens(browser.go(attempt.url, client.redirect_uri))
    assert claims_of(second)["sub"] == claims_of(first)["sub"] == user["id"]
    assert claims_of(second)["sid"] == claims_of(first)["sid"] and claims_of(second)["auth_time"] == claims_of(first)["auth_time"]
    # Without a prompt it goes as quietly.
    attempt = client.attempt()
    attempt.code(browser.go(attempt.url, client.redirect_uri))
    assert answered(tenant.client(third_party=True), browser, prompt="none")["error"] == "consent_required"


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_op_az_2_the_person_is_asked_all_the_same(one, visitor, prompt):
    client, browser, user = one.client(), visitor(one), one.user()
    client.sign_in(user, browser)
    attempt = client.attempt(prompt=prompt)
    page = browser.go(attempt.url, client.redirect_uri)
    assert isinstance(page, Page) and page.status == 200, page


def test_op_az_2_signing_in_anew_is_newer(clocked, visitor):
    node, step = clocked
    tenant = Tenant(node)
    client, browser, user = tenant.client(), visitor(tenant), tenant.user()
    first = claims_of(client.sign_in(user, browser))
    step(100)
    second = claims_of(client.sign_in(user, browser, prompt="login"))
    assert second["auth_time"] >= first["auth_time"] + 99


def test_op_az_2_another_person_at_the_same_browser(one, visitor):
    client, browser, first, second = one.client(), visitor(one), one.user(), one.user()
    assert claims_of(client.sign_in(first, browser))["sub"] == first["id"]
    assert claims_of(client.sign_in(second, browser, prompt="login"))["sub"] == second["id"]
    attempt = client.attempt(prompt="none")
    assert claims_of(attempt.tokens(browser.go(attempt.url, client.redirect_uri)))["sub"] == second["id"]


def test_op_az_2_a_hint_whose_session_it_must_be(one, visitor):
    client, browser, first, second = one.client(), visitor(one), one.user(), one.user()
    other = client.sign_in(second)
    mine = client.sign_in(first, browser)
    assert answered(client, browser, prompt="none", id_token_hint=other["id_token"])["error"] == "login_required"
    assert "code" in answered(client, browser, prompt="none", id_token_hint=mine["id_token"])
    assert answered(client, browser, prompt="none", id_token_hint="a.b.c").get("error") in ("invalid_request", "login_required")


def test_op_az_3_max_age(clocked, visitor):
    node, step = clocked
    tenant = Tenant(node)
    client, browser, user = tenant.client(), visitor(tenant), tenant.user()
    first = claims_of(client.sign_in(user, browser))
    assert "code" in answered(client, browser, max_age="3600", prompt="none")
    step(100)
    assert answered(client, browser, max_age="50", prompt="none")["error"] == "login_required"
    assert isinstance(browser.go(client.attempt(max_age="50").url, client.redirect_uri), Page)
    assert "code" in answered(client, browser, max_age="200", prompt="none")
    again = claims_of(client.sign_in(user, browser, max_age="50"))
    assert again["auth_time"] >= first["auth_time"] + 99, "auth_time is when it was made sure"


def test_op_az_3_max_age_nought_always_asks(one, visitor):
    client, browser = one.client(), visitor(one)
    client.sign_in(one.user(), browser)
    assert answered(client, browser, max_age="0", prompt="none")["error"] == "login_required"
    assert isinstance(browser.go(client.attempt(max_age="0").url, client.redirect_uri), Page)


@pytest.mark.parametrize("value", ["-1", "soon", "1.5", "99999999999999999999", "1e3", " 5"])
def test_op_az_3_what_is_no_age(one, value):
    assert answered(one.client(), max_age=value)["error"] == "invalid_request"


def test_op_az_4_scopes_that_are_not_there(tenant, visitor):
    client, user = tenant.client(allowed_scopes=["openid", "email"]), tenant.user(email="ann@example.com")
    tokens = client.sign_in(user, scope="openid email profile admin:write nonsense")
    assert set(tokens["scope"].split()) == {"openid", "email"}
    for scope in ("profile", "nonsense", "OPENID"):
        assert answered(client, scope=scope)["error"] == "invalid_scope"


def test_op_az_4_without_a_scope_it_gets_its_defaults(one):
    client = one.client(default_scopes=["openid", "email"])
    assert set(client.sign_in(one.user(), scope=None)["scope"].split()) == {"openid", "email"}


def test_op_az_4_without_openid_there_is_no_id_token(one):
    tokens = one.client().sign_in(one.user(), scope="profile")
    assert "id_token" not in tokens and tokens["scope"] == "profile"
    assert one.userinfo(tokens["access_token"]).status_code == 403


def test_op_az_5_request_objects_are_neither_read_nor_fetched(one):
    sockets = Sockets()
    try:
        port, seen = sockets.counting()
        client = one.client()
        assert answered(client, request="e30.e30.")["error"] == "request_not_supported"
        assert answered(client, request_uri=f"http://127.0.0.1:{port}/request")["error"] == "request_uri_not_supported"
        assert answered(client, request_uri="urn:ietf:params:oauth:request_uri:x")["error"] == "request_uri_not_supported"
        assert not seen
    finally:
        sockets.remove()


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "response_type", "scope", "nonce", "code_challenge", "code_challenge_method",
                                  "prompt", "max_age", "login_hint", "idp_hint"])
@pytest.mark.parametrize("entry", ["authorize", "provider"])
def test_op_az_6_a_parameter_twice(one, provider, name, entry, _ways={}):  # noqa: B006 (one for all)
    client = one.client()
    attempt = client.attempt(prompt="login", max_age="10", login_hint="x", idp_hint="y")
    if entry == "provider":
        if name in ("prompt", "max_age", "idp_hint"):
            return
        way = _ways.setdefault(one.id, None) or one.way(provider, show_on_login=False, keep=True)
        _ways[one.id] = way
        url = attempt.at(way)
    else:
        url = attempt.url
    answer = one.node.request("GET", f"{url}&{name}={urllib.parse.quote(attempt.parameters[name], safe='')}", headers={"Accept": JSON})
    if answer.status_code == 200:
        location = answer.json()["redirect_url"]
        assert name not in ("client_id", "redirect_uri", "state") and "error=invalid_request" in location, location
    else:
        assert answer.status_code == 400 and told(answer)["error"] == "invalid_request", answer.text


def test_op_az_7_every_answer_says_who_gives_it(one, visitor):
    assert one.metadata()["authorization_response_iss_parameter_supported"] is True
    client = one.client()
    attempt = client.attempt()
    assert attempt.answer(by_password(visitor(one), attempt, one.user()))["iss"] == one.issuer
    assert answered(client, prompt="none")["iss"] == one.issuer, "failures, too"


def test_op_az_8_no_page_in_a_frame(one, visitor):
    browser = visitor(one)
    attempt = one.client(third_party=True).attempt()
    login = login_page(browser, attempt)
    user = one.user()
    consent = browser.submit(login.form("password"), attempt.client.redirect_uri, username=user["name"], password=user["password"])
    assert isinstance(consent, Page), consent
    error = browser.go(one.client().attempt(redirect_uri="https://evil.example/").url)
    pages = [login, consent, error, browser.go(f"{one.pages}/device"), browser.go(f"{one.pages}/login"), browser.go(f"{one.pages}/signed-out")]
    for page in pages:
        assert page.answer.headers["X-Frame-Options"] == "DENY", page
        assert "frame-ancestors 'none'" in page.answer.headers["Content-Security-Policy"], page


def test_frames_that_the_tenant_allows(own, visitor):
    tenant = own(frame_ancestors=["https://portal.example.com"])
    page = login_page(visitor(tenant), tenant.client().attempt())
    assert "frame-ancestors https://portal.example.com" in page.answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in page.answer.headers, "it cannot say that, and would forbid it"


# -- ways of asking and answering -----------------------------------------------------------------------------------------


def test_the_request_may_be_posted(one, visitor):
    client, browser, user = one.client(), visitor(one), one.user()
    attempt = client.attempt()
    answer = browser.post(f"{one.url}/oauth/authorize", attempt.parameters)
    assert answer.status_code == 303, answer.text
    page = browser.follow(answer)
    attempt.code(browser.submit(page.form("password"), client.redirect_uri, username=user["name"], password=user["password"]))


def test_an_answer_as_a_form(one, visitor):
    """`form_post` (OAuth 2.0 Form Post Response Mode): a page whose form goes to the redirect URI, and to no other site."""
    client, browser, user = one.client(), visitor(one), one.user()
    attempt = client.attempt(response_mode="form_post", state='a"b<c>')
    page = by_password(browser, attempt, user)
    assert isinstance(page, Page) and page.status == 200
    form = page.form("code")
    assert form.method == "post" and form.action == client.redirect_uri
    assert form.fields["state"] == 'a"b<c>' and form.fields["iss"] == one.issuer
    assert page.answer.headers["Cache-Control"] == "no-store" and form.buttons, "without scripts there is a button"
    policy = dict(p.strip().split(" ", 1) for p in page.answer.headers["Content-Security-Policy"].split(";") if " " in p.strip())
    assert "'unsafe-inline'" not in str(policy)
    # Browsers hold redirects behind a form against it, too, so it names schemes; never everything.
    assert "*" not in policy["form-action"] and "'self'" not in policy["form-action"]
    assert attempt.redeem(form.fields["code"]).status_code == 200
    page = browser.go(client.attempt(response_mode="form_post", prompt="none", max_age="0").url)
    assert page.form("error").fields["error"] == "login_required"


@pytest.mark.parametrize("mode", ["fragment", "jwt", "web_message", "x"])
def test_other_ways_of_answering(one, mode):
    attempt = one.client().attempt(response_mode=mode)
    answer = one.node.request("GET", attempt.url, headers={"Accept": PAGE})
    if answer.status_code == 302:
        assert attempt.answer(answer.headers["Location"])["error"] == "invalid_request"
    else:
        assert answer.status_code == 400


def test_a_json_client_is_told_where_to_go(one, visitor):
    browser = visitor(one, accept=JSON)
    client = one.client()
    answer = browser.get(client.attempt(prompt="none").url)
    assert answer.status_code == 200 and set(answer.json()) >= {"redirect_url"}
    assert query_of(answer.json()["redirect_url"])["error"] == "login_required"
    answer = browser.get(client.attempt().url)
    assert answer.json()["redirect_url"].startswith(f"{one.pages}/login?login=")
    for accept in ("*/*", "text/html,application/json;q=0.9", "text/html"):
        answer = one.node.request("GET", client.attempt().url, headers={"Accept": accept})
        assert answer.status_code == 302, accept
    for accept in ("application/json, text/html;q=0.9", "application/json, */*;q=0.1", "application/json, text/html"):
        answer = one.node.request("GET", client.attempt().url, headers={"Accept": accept})
        assert answer.status_code == 200, accept


def test_a_hint_who_it_is_stands_in_the_field(one, visitor):
    page = visitor(one).go(one.client().attempt(login_hint='ann"><b>@example.com').url)
    assert page.form("password").fields["username"] == 'ann"><b>@example.com'
    assert "<b>" not in page.source


def test_a_hint_by_which_provider(tenant, provider, visitor):
    """`idp_hint` leads straight there; one that is not offered leads to the login page or back, never elsewhere."""
    client, way, browser = tenant.client(), tenant.way(provider), visitor(tenant)
    attempt = client.attempt(idp_hint=way.id, login_hint="ann@example.com")
    leaving = browser.go(attempt.url, provider.issuer)
    asked = query_of(leaving)
    assert asked["client_id"] == way.client_id and asked["redirect_uri"] == way.callback and asked["login_hint"] == "ann@example.com"
    assert asked["state"] != attempt.state and asked["nonce"] != attempt.nonce and asked["code_challenge"] != attempt.parameters["code_challenge"]
    person = way.person()
    attempt.tokens(browser.go(way.return_from(browser, leaving, person), client.redirect_uri))
    page = visitor(tenant).go(client.attempt(idp_hint="nobody").url, client.redirect_uri)
    assert isinstance(page, Page) and page.status in (200, 404)


def test_the_only_way_in_is_taken_at_once(own, provider, visitor):
    tenant = own(local_login=False)
    way = tenant.way(provider)
    client, browser = tenant.client(), visitor(tenant)
    attempt = client.attempt()
    leaving = browser.go(attempt.url, provider.issuer)
    assert isinstance(leaving, str) and query_of(leaving)["client_id"] == way.client_id
    attempt.tokens(browser.go(way.return_from(browser, leaving, way.person()), client.redirect_uri))


def test_prompt_and_age_reach_the_provider(one, provider, visitor):
    way, client = one.way(provider), one.client()
    asked = query_of(visitor(one).go(client.attempt(idp_hint=way.id, prompt="login", max_age="100", ui_locales="de").url, provider.issuer))
    assert asked["prompt"] == "login" and asked["max_age"] == "100" and asked["ui_locales"] == "de"


def test_silence_is_kept_at_the_provider_too(one, provider, visitor):
    """`prompt=none` with a hint and no session: the provider is asked silently, and its refusal comes through."""
    way, client, browser = one.way(provider), one.client(), visitor(one)
    attempt = client.attempt(idp_hint=way.id, prompt="none")
    answer = browser.go(attempt.url, client.redirect_uri)
    assert attempt.answer(answer)["error"] in ("login_required", "interaction_required"), answer


def test_an_application_with_its_own_choice_of_providers(tenant, provider, visitor):
    mine, other = tenant.way(provider), tenant.way(provider)
    client = tenant.client(allowed_idps=[mine.id])
    page = login_page(visitor(tenant), client.attempt())
    assert page.has_link(mine.id) and not page.has_link(other.id)
    attempt = client.attempt()
    answer = tenant.node.request("GET", attempt.at(other), headers={"Accept": PAGE})
    assert answer.status_code in (302, 403, 404), answer.text
    assert provider.issuer not in answer.headers.get("Location", ""), "it is not led there"
    attempt = client.attempt()
    attempt.tokens(by_provider(visitor(tenant), attempt, mine, mine.person()))


def test_who_an_application_is_for(tenant, visitor):
    inside, outside = tenant.user(), tenant.user()
    group = tenant.node.new_group(tenant.id, inside)
    for assigned in ({"assigned_groups": [group["id"]]}, {"assigned_users": [inside["id"]]}):
        client = tenant.client(**assigned)
        assert claims_of(client.sign_in(inside))["sub"] == inside["id"]
        attempt = client.attempt()
        attempt.error(by_password(visitor(tenant), attempt, outside), "access_denied")


def test_consent_is_asked_once(tenant, visitor):
    """A third-party application learns nothing before the person agrees; what was agreed to is remembered, more is asked anew."""
    client, browser, user = tenant.client(third_party=True, name="Photo <printer>"), visitor(tenant), tenant.user()
    attempt = client.attempt(scope="openid email")
    page = by_password(browser, attempt, user)
    assert isinstance(page, Page) and "/consent" in page.url and "Photo <printer>" in page.text, page
    assert "Photo <printer>" not in page.source
    attempt.tokens(browser.submit(page.form_with_button("allow"), client.redirect_uri, button="allow"))
    attempt = client.attempt(scope="openid email")
    attempt.code(browser.go(attempt.url, client.redirect_uri))
    assert isinstance(browser.go(client.attempt(scope="openid email profile").url, client.redirect_uri), Page)
    assert isinstance(browser.go(client.attempt(scope="openid email", prompt="consent").url, client.redirect_uri), Page)


def test_consent_denied(tenant, visitor):
    client, browser = tenant.client(third_party=True), visitor(tenant)
    attempt = client.attempt()
    page = by_password(browser, attempt, tenant.user())
    answer = browser.submit(page.form_with_button("deny"), client.redirect_uri, button="deny")
    attempt.error(answer, "access_denied")
    # The page is spent.
    late = browser.send(page.form_with_button("allow"), button="allow")
    assert "code=" not in late.headers.get("Location", "") and "code=" not in html.unescape(late.text)
