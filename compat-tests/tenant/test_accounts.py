"""Who people become that come through an identity provider: accounts, links, groups, gates (tenant-login section 7; rulings 5, 12, 13)."""

import pytest

from harness import unique
from tenancy import admin, by_password, by_provider, claims_of, login_page
from trust import user_id
from visitor import Page, query_of

ADMIN = "/api/v1/admin"


@pytest.fixture
def arrive(visitor):
    """`arrive(client, way, person)`: what the application is told, or the page that comes instead; with the attempt and the browser."""
    def go(client, way, person, browser=None):
        attempt, browser = client.attempt(), browser or visitor(client.tenant)
        return attempt, by_provider(browser, attempt, way, person), browser

    return go


def links(tenant, user):
    """The identity providers that a user is known to."""
    found = admin(tenant.node, "GET", f"{ADMIN}/users/{user if isinstance(user, str) else user['id']}/links", status=200)
    return {link["idp_id"] for link in (found["items"] if isinstance(found, dict) else found)}


def test_an_account_is_made(tenant, provider, arrive):
    client, way = tenant.client(), tenant.way(provider)
    person = way.person(name="Ann Other", email="Ann.Other@Example.com")
    attempt, answer, _ = arrive(client, way, person)
    claims = claims_of(attempt.tokens(answer))
    user = tenant.get(f"users/{claims['sub']}")["user"]
    assert user["domain_id"] == tenant.id and user["enabled"] is True and user["email"].lower() == "ann.other@example.com"
    assert user["name"] == person and links(tenant, user) == {way.id}
    assert claims["sub"] == user_id(tenant.id, person) or len(claims["sub"]) in (32, 64)
    # Again: the same account.
    attempt, answer, _ = arrive(client, way, person)
    assert claims_of(attempt.tokens(answer))["sub"] == claims["sub"]


def test_the_user_is_the_same_on_the_keystone_face(tenant, provider, arrive):
    """What people are given there counts here, and the other way round."""
    client, way = tenant.client(service_audience=True, allowed_scopes=["openid", "openstack", "groups"]), tenant.way(provider)
    person = way.person()
    attempt, answer, _ = arrive(client, way, person)
    sub = claims_of(attempt.tokens(answer))["sub"]
    group = tenant.node.new_group(tenant.id, {"id": sub})
    tokens = client.come_by(way, person, scope="openid groups")
    assert claims_of(tokens)["groups"] == [group["name"]]
    tokens = client.come_by(way, person, scope="openid openstack", resource=f"{tenant.node.url}/v3")
    shown = tenant.node.request("GET", "/v3/auth/tokens", headers={"X-Auth-Token": tokens["access_token"], "X-Subject-Token": tokens["access_token"]})
    assert shown.status_code == 200 and shown.json()["token"]["user"]["id"] == sub, shown.text


def test_a_disabled_account_stays_out(tenant, provider, arrive):
    client, way = tenant.client(), tenant.way(provider)
    person = way.person()
    attempt, answer, _ = arrive(client, way, person)
    sub = claims_of(attempt.tokens(answer))["sub"]
    tenant.change_user(sub, enabled=False)
    attempt, answer, browser = arrive(client, way, person)
    attempt.error(answer, "access_denied")
    assert not [n for n in browser.cookies if "sso." in n]
    assert tenant.get(f"users/{sub}")["user"]["enabled"] is False, "a sign-in does not bring it back"


def test_without_provisioning_nobody_is_made(tenant, provider, arrive):
    client, way = tenant.client(), tenant.way(provider, jit_enabled=False)
    person = way.person()
    attempt, answer, _ = arrive(client, way, person)
    attempt.error(answer, "access_denied")
    assert person not in tenant.people()


def test_what_the_provider_says_later_is_followed(tenant, provider, arrive):
    client, way = tenant.client(), tenant.way(provider)
    person = way.person(email="first@example.org")
    attempt, answer, _ = arrive(client, way, person)
    sub = claims_of(attempt.tokens(answer))["sub"]
    provider.user(person, preferred_username=person, name="Ann Other", email="second@example.org", email_verified=True)
    attempt, answer, _ = arrive(client, way, person)
    assert claims_of(attempt.tokens(answer))["sub"] == sub
    assert tenant.get(f"users/{sub}")["user"]["email"] == "second@example.org"


# -- links ----------------------------------------------------------------------------------------------------------------


def with_address(tenant, verified=True, **fields):
    """A local user with an address of their own."""
    return tenant.user(email=f"{unique()}@example.com", email_verified=verified, **fields)


def confirmed(browser, page, client, password, button="link"):
    """Answers the page that asks whether an account is theirs."""
    return browser.submit(page.form("password"), client.redirect_uri, button=button, password=password)


def test_both_sides_sure_of_the_address(tenant, provider, arrive):
    client, way, user = tenant.client(), tenant.way(provider, link_mode="auto"), with_address(tenant)
    attempt, answer, _ = arrive(client, way, way.person(email=user["email"].upper()))
    assert claims_of(attempt.tokens(answer))["sub"] == user["id"] and links(tenant, user) == {way.id}


@pytest.mark.parametrize("here, there", [(True, False), (False, True), (False, False), (True, None), (True, "false")])
def test_one_side_unsure(tenant, provider, arrive, here, there):
    """keycloak#53041: an account whose address nobody has made sure of is a squatter's, or becomes one's."""
    client, way, user = tenant.client(), tenant.way(provider, link_mode="auto"), with_address(tenant, here)
    _, page, _ = arrive(client, way, way.person(email=user["email"], email_verified=there))
    assert isinstance(page, Page) and "/confirm" in page.url, page
    assert user["email"] not in page.text and user["name"] not in page.text, "masked"
    assert links(tenant, user) == set()


def test_an_administrators_account_is_not_taken_over_silently(tenant, provider, arrive):
    client, way, user = tenant.client(), tenant.way(provider, link_mode="auto"), with_address(tenant)
    tenant.node.grant(user, "admin", domain=tenant.id)
    _, page, _ = arrive(client, way, way.person(email=user["email"]))
    assert isinstance(page, Page) and "/confirm" in page.url, page
    way.set(allow_admin_link=True)
    attempt, answer, _ = arrive(client, way, way.person(email=user["email"]))
    assert claims_of(attempt.tokens(answer))["sub"] == user["id"]


def test_the_person_proves_it(tenant, provider, arrive):
    client, way, user = tenant.client(), tenant.way(provider), with_address(tenant, False)
    person = way.person(email=user["email"])
    attempt, page, browser = arrive(client, way, person)
    assert isinstance(page, Page) and "/confirm" in page.url, page
    page = confirmed(browser, page, client, "wrong")
    assert isinstance(page, Page) and page.status in (200, 401) and links(tenant, user) == set(), page
    answer = confirmed(browser, page, client, user["password"])
    tokens = attempt.tokens(answer)
    assert claims_of(tokens)["sub"] == user["id"] and claims_of(tokens)["idp"] == way.id and links(tenant, user) == {way.id}
    # From now on both ways lead to the same account, without a question.
    attempt, answer, _ = arrive(client, way, person)
    assert claims_of(attempt.tokens(answer))["sub"] == user["id"]
    assert claims_of(client.sign_in(user))["sub"] == user["id"]


def test_the_page_is_good_once_and_in_its_browser(tenant, provider, arrive, visitor):
    """CVE-2026-9087: the question is about this person at this provider, in this browser."""
    client, way, user = tenant.client(), tenant.way(provider), with_address(tenant)
    attempt, page, browser = arrive(client, way, way.person(email=user["email"]))
    stranger = visitor(tenant)
    answer = stranger.send(page.form("password"), button="link", password=user["password"])
    assert answer.status_code in (400, 403) and links(tenant, user) == set()
    attempt.code(confirmed(browser, page, client, user["password"]))
    again = browser.send(page.form("password"), button="link", password=user["password"])
    assert "code=" not in again.headers.get("Location", "")


def test_another_account_instead(tenant, provider, arrive):
    client, way, user = tenant.client(), tenant.way(provider), with_address(tenant)
    attempt, page, browser = arrive(client, way, way.person(email=user["email"]))
    answer = browser.submit(page.form("password"), client.redirect_uri, button="separate")
    assert claims_of(attempt.tokens(answer))["sub"] != user["id"] and links(tenant, user) == set()


def test_giving_up(tenant, provider, arrive):
    client, way, user = tenant.client(), tenant.way(provider), with_address(tenant)
    attempt, page, browser = arrive(client, way, way.person(email=user["email"]))
    attempt.error(browser.submit(page.form("password"), client.redirect_uri, button="cancel"), "access_denied")
    assert links(tenant, user) == set()


def test_linking_switched_off(tenant, provider, arrive):
    client, user = tenant.client(), with_address(tenant)
    deny, separate = tenant.way(provider, link_mode="deny"), tenant.way(provider, link_mode="separate")
    attempt, answer, _ = arrive(client, deny, deny.person(email=user["email"]))
    attempt.error(answer, "access_denied")
    attempt, answer, _ = arrive(client, separate, separate.person(email=user["email"]))
    assert claims_of(attempt.tokens(answer))["sub"] != user["id"]
    assert links(tenant, user) == set()


def test_an_address_that_is_not_sure_and_somebodys_is_not_said_to_be_a_new_accounts(tenant, provider, arrive):
    """Applications that know people by their address would take the one for the other."""
    client, user = tenant.client(), with_address(tenant)
    way = tenant.way(provider, link_mode="separate")
    person = way.person(email=user["email"], email_verified=False)
    for _ in range(2):
        attempt, answer, _ = arrive(client, way, person)
        claims = claims_of(attempt.tokens(answer))
        assert "email" not in claims and "email_verified" not in claims
        assert "email" not in tenant.get(f"users/{claims['sub']}")["user"]
    sure = way.person(email=user["email"])
    attempt, answer, _ = arrive(client, way, sure)
    assert claims_of(attempt.tokens(answer))["email"] == user["email"]


def test_somebody_elses_tenant_is_never_looked_at(one, own, provider, arrive):
    """zitadel PR 10931."""
    other = own()
    user = with_address(other)
    client, way = one.client(), one.way(provider, link_mode="auto")
    attempt, answer, _ = arrive(client, way, way.person(email=user["email"]))
    assert claims_of(attempt.tokens(answer))["sub"] != user["id"] and links(other, user) == set()


def test_an_account_is_one_persons_at_a_provider(tenant, provider, arrive):
    """A second person of the same provider with the address of the first is somebody else."""
    client, way, user = tenant.client(), tenant.way(provider, link_mode="auto"), with_address(tenant)
    first, second = way.person(email=user["email"]), way.person(email=user["email"])
    attempt, answer, _ = arrive(client, way, first)
    assert claims_of(attempt.tokens(answer))["sub"] == user["id"]
    attempt, answer, _ = arrive(client, way, second)
    assert claims_of(attempt.tokens(answer))["sub"] != user["id"]


def test_an_address_is_no_key(tenant, provider, arrive):
    """Who changes their address at the provider to another's becomes nobody else; who takes over an address neither."""
    client, way = tenant.client(), tenant.way(provider, link_mode="auto")
    person = way.person(email="mallory@example.org")
    attempt, answer, _ = arrive(client, way, person)
    mallory = claims_of(attempt.tokens(answer))["sub"]
    victim = with_address(tenant)
    provider.user(person, preferred_username=person, name="M", email=victim["email"], email_verified=True)
    attempt, answer, _ = arrive(client, way, person)
    claims = claims_of(attempt.tokens(answer))
    assert claims["sub"] == mallory and claims["email"] == "mallory@example.org" and links(tenant, victim) == set()


def test_unlinking(tenant, provider, arrive):
    client, way, user = tenant.client(), tenant.way(provider, link_mode="auto"), with_address(tenant)
    person = way.person(email=user["email"])
    attempt, answer, _ = arrive(client, way, person)
    tokens = attempt.tokens(answer)
    admin(tenant.node, "DELETE", f"{ADMIN}/users/{user['id']}/links/{way.id}", status=204)
    assert links(tenant, user) == set() and claims_of(tokens)["sub"] == user["id"]
    # Of an account without a password it is the last way in.
    attempt, answer, _ = arrive(client, way, way.person())
    sub = claims_of(attempt.tokens(answer))["sub"]
    answer = admin(tenant.node, "DELETE", f"{ADMIN}/users/{sub}/links/{way.id}")
    assert answer.status_code in (400, 403, 409), answer.text


# -- groups ---------------------------------------------------------------------------------------------------------------


def grouping(domain_id):
    """A mapping whose groups are those of the claim."""
    return {"rules": [{"local": [{"user": {"id": "{0}", "name": "{1}", "email": "{2}"}}],
                       "remote": [{"type": "OIDC-sub"}, {"type": "OIDC-preferred_username"}, {"type": "OIDC-email"}]},
                      {"local": [{"groups": "{0}", "domain": {"id": domain_id}}], "remote": [{"type": "OIDC-groups"}]}]}


def test_groups_come_and_go_with_the_provider_that_gave_them(tenant, provider, arrive):
    """keycloak#36578: one's own stay, another provider's stay."""
    first, second, own_group = (tenant.node.new_group(tenant.id) for _ in range(3))
    way = tenant.way(provider, mapping=grouping(tenant.id))
    client = tenant.client()
    person = way.person(groups=[first["name"], "unknown"])

    def groups_after():
        return set(claims_of(client.come_by(way, person, scope="openid groups"))["groups"])

    assert groups_after() == {first["name"]}
    sub = claims_of(client.come_by(way, person))["sub"]
    tenant.node.expect(204, "PUT", f"/v3/groups/{own_group['id']}/users/{sub}", token=tenant.node.admin_token)
    provider.user(person, preferred_username=person, email="x@example.com", email_verified=True, groups=[second["name"]])
    assert groups_after() == {second["name"], own_group["name"]}
    provider.user(person, preferred_username=person, email="x@example.com", email_verified=True)
    assert claims_of(client.come_by(way, person, scope="openid groups")).get("groups", []) == [own_group["name"]]


# -- gates ----------------------------------------------------------------------------------------------------------------


def test_domains_of_addresses(tenant, provider, arrive):
    """Otherwise one customer's administrator could assert any address."""
    client, way = tenant.client(), tenant.way(provider, allowed_domains=["corp.example"])
    attempt, answer, _ = arrive(client, way, way.person(email="ann@corp.example"))
    attempt.code(answer)
    for email in ("ann@evil.example", "ann@sub.corp.example", "ann@corp.example.evil", "ann@xcorp.example", "corp.example", None):
        attempt, answer, _ = arrive(client, way, way.person(email=email))
        attempt.error(answer, "access_denied")


def test_how_well_it_was_made_sure_of(tenant, provider, arrive):
    client = tenant.client()
    way = tenant.way(provider, required_amr=["mfa"])
    attempt, answer, _ = arrive(client, way, way.person(amr=["pwd"]))
    attempt.error(answer, "access_denied")
    attempt, answer, _ = arrive(client, way, way.person(amr=["pwd", "mfa"]))
    claims = claims_of(attempt.tokens(answer))
    assert "mfa" in claims["amr"] and "fed" in claims["amr"]
    way = tenant.way(provider, required_acr=["gold"])
    attempt, answer, _ = arrive(client, way, way.person(acr="silver"))
    assert query_of(answer)["error"] in ("access_denied", "unmet_authentication_requirements")
    attempt, answer, _ = arrive(client, way, way.person(acr="gold"))
    assert claims_of(attempt.tokens(answer))["acr"] == "gold"


def test_a_tenant_with_a_limit(own, provider, arrive):
    tenant = own(user_limit=1)
    client, way = tenant.client(), tenant.way(provider)
    person = way.person()
    attempt, answer, _ = arrive(client, way, person)
    attempt.code(answer)
    attempt, answer, _ = arrive(client, way, way.person())
    attempt.error(answer, "access_denied")
    attempt, answer, _ = arrive(client, way, person)
    attempt.code(answer)


def test_an_identity_provider_that_is_switched_off_meanwhile(tenant, provider, visitor):
    """zitadel and others let logins in flight through."""
    client, way, browser = tenant.client(), tenant.way(provider), visitor(tenant)
    attempt = client.attempt()
    leaving = browser.go(login_page(browser, attempt).link(way.id), f"{provider.issuer}/")
    back = way.return_from(browser, leaving, way.person())
    way.set(enabled=False)
    answer = browser.go(back, client.redirect_uri)
    if isinstance(answer, str):
        assert "code" not in attempt.answer(answer)
    else:
        assert answer.status in (403, 404)


def test_an_application_that_is_switched_off_meanwhile(tenant, provider, visitor):
    client, way, browser = tenant.client(), tenant.way(provider), visitor(tenant)
    attempt = client.attempt()
    leaving = browser.go(login_page(browser, attempt).link(way.id), f"{provider.issuer}/")
    back = way.return_from(browser, leaving, way.person())
    client.set(enabled=False)
    answer = browser.go(back, client.redirect_uri)
    assert "code=" not in (answer if isinstance(answer, str) else answer.source)


def test_a_tenant_that_is_switched_off(own, provider, visitor):
    tenant = own()
    client, way, user = tenant.client(), tenant.way(provider), tenant.user()
    browser = visitor(tenant)
    client.sign_in(user, browser)
    attempt = client.attempt()
    form = login_page(visitor(tenant), attempt).form("password")
    tenant.patch(active=False)
    for url in (tenant.idps, way.authorize, client.attempt().url, f"{tenant.pages}/login", client.attempt(prompt="none").url):
        answer = browser.get(url)
        assert answer.status_code == 403 or "error=access_denied" in answer.headers.get("Location", ""), f"{url}: {answer.status_code}"
        assert "code=" not in answer.headers.get("Location", "")
    answer = browser.send(form, username=user["name"], password=user["password"])
    assert "code=" not in answer.headers.get("Location", "")
    tenant.patch(active=True)
    attempt = client.attempt(prompt="login")
    attempt.tokens(by_password(visitor(tenant), attempt, user))


def test_home_realm_discovery(own, provider, visitor):
    """An address's domain leads to its identity provider, and with `auto_redirect` a hint alone does."""
    tenant = own()
    way = tenant.way(provider, domains=["corp.example"], auto_redirect=True)
    client, browser = tenant.client(), visitor(tenant)
    leaving = browser.go(client.attempt(login_hint="ann@CORP.example").url, f"{provider.issuer}/")
    assert isinstance(leaving, str) and query_of(leaving)["login_hint"] == "ann@CORP.example"
    attempt = client.attempt()
    page = browser.go(attempt.url)
    leaving = browser.submit(page.form("identifier"), f"{provider.issuer}/", identifier="ann@corp.example")
    assert isinstance(leaving, str), leaving
    attempt.tokens(browser.go(way.return_from(browser, leaving, way.person(email="ann@corp.example")), client.redirect_uri))
    # Others go on with a password.
    user, attempt = tenant.user(), client.attempt(prompt="login")
    page = browser.go(attempt.url)
    page = browser.submit(page.form("identifier"), f"{provider.issuer}/", identifier=user["name"])
    attempt.tokens(browser.submit(page.form("password"), client.redirect_uri, password=user["password"]))


def test_signing_in_by_ones_address(tenant, visitor):
    """An address is as good as the name if it is verified and one person's."""
    user = with_address(tenant)
    client = tenant.client()
    attempt = client.attempt()
    answer = by_password(visitor(tenant), attempt, user | {"name": user["email"].upper()})
    assert claims_of(attempt.tokens(answer))["sub"] == user["id"]
    squatter = with_address(tenant, False)
    page = by_password(visitor(tenant), client.attempt(), squatter | {"name": squatter["email"]})
    assert isinstance(page, Page), "nobody has made sure of that one"
