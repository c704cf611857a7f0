"""OP-DEV-1 and the device flow (RFC 8628): a code on one screen, a sign-in on another."""

import re
import time

import pytest

from tenancy import DEVICE_GRANT, Tenant, access_claims, claims_of, refused
from visitor import Page


@pytest.fixture(scope="module")
def devices():
    """`devices(tenant)`: an application for devices, one for each tenant."""
    made = {}

    def of(tenant):
        if tenant.id not in made:
            made[tenant.id] = tenant.client("NATIVE", ["http://127.0.0.1/cb"], grant_types=[DEVICE_GRANT, "refresh_token"], name="Command <line>")
        return made[tenant.id]

    return of


def begin(client, **form):
    """What the device is told."""
    answer = client.post("oauth/device_authorization", **({"scope": "openid profile offline_access"} | form))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def poll(client, begun, **form):
    """Asks for the token once."""
    return client.ask(grant_type=DEVICE_GRANT, device_code=begun["device_code"], **form)


def patiently(client, begun, within=12.0):
    """Asks as often as it may until there is another answer than to wait."""
    deadline, pause = time.monotonic() + within, begun.get("interval", 5)
    while True:
        answer = poll(client, begun)
        error = answer.json().get("error")
        if error not in ("authorization_pending", "slow_down"):
            return answer
        assert time.monotonic() < deadline, answer.text
        time.sleep(pause + 0.1)


def to_question(browser, tenant, begun, user=None):
    """From the code to the page that asks; `user` signs in with a password if asked to."""
    page = browser.go(begun["verification_uri"])
    page = browser.submit(page.form("user_code"), user_code=begun["user_code"])
    if user and any("password" in f.types for f in page.forms):
        page = browser.submit(page.form("password"), username=user["name"], password=user["password"])
    assert isinstance(page, Page) and page.status == 200, page
    return page


def test_a_device(tenant, devices, visitor):
    client, browser, user = devices(tenant), visitor(tenant), tenant.user()
    begun = begin(client)
    assert set(begun) >= {"device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"}
    assert re.fullmatch(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}", begun["user_code"]), begun["user_code"]
    assert begun["verification_uri"] == f"{tenant.pages}/device" and begun["verification_uri_complete"].startswith(begun["verification_uri"])
    assert tenant.metadata()["device_authorization_endpoint"] == f"{tenant.issuer}/oauth/device_authorization"
    refused(poll(client, begun), 400, "authorization_pending")
    page = to_question(browser, tenant, begun, user)
    assert "Command <line>" in page.text and "Command <line>" not in page.source
    page = browser.submit(page.form_with_button("allow"), button="allow")
    assert page.status == 200, page
    tokens = patiently(client, begun).json()
    assert claims_of(tokens)["sub"] == user["id"] and access_claims(tokens)["client_id"] == client.id
    assert set(tokens["scope"].split()) == {"openid", "profile", "offline_access"} and "refresh_token" in tokens
    refused(poll(client, begun), 400, "invalid_grant")
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_the_address_with_the_code_in_it_still_asks(one, devices, visitor):
    """Remote phishing (RFC 8628 section 5.4): a link alone lets nobody in."""
    client, browser, user = devices(one), visitor(one), one.user()
    begun = begin(client)
    page = browser.go(begun["verification_uri_complete"])
    assert isinstance(page, Page) and page.status == 200
    if any("user_code" in f.types and f.types["user_code"] != "hidden" for f in page.forms):
        assert page.form("user_code").fields["user_code"] == begun["user_code"]
        page = browser.submit(page.form("user_code"))
    if any("password" in f.types for f in page.forms):
        page = browser.submit(page.form("password"), username=user["name"], password=user["password"])
    assert page.form_with_button("deny")
    refused(poll(client, begun), 400, "authorization_pending")


def test_saying_no(tenant, devices, visitor):
    client, browser = devices(tenant), visitor(tenant)
    begun = begin(client)
    page = to_question(browser, tenant, begun, tenant.user())
    browser.submit(page.form_with_button("deny"), button="deny")
    refused(patiently(client, begun), 400, "access_denied")


def test_through_an_identity_provider(tenant, devices, provider, visitor):
    client, way, browser = devices(tenant), tenant.way(provider), visitor(tenant)
    begun = begin(client)
    page = to_question(browser, tenant, begun)
    leaving = browser.go(page.link(way.id), f"{provider.issuer}/")
    page = browser.go(way.return_from(browser, leaving, way.person()))
    browser.submit(page.form_with_button("allow"), button="allow")
    assert claims_of(patiently(client, begun).json())["idp"] == way.id


def test_op_dev_1_another_applications_code(tenant, devices, visitor):
    """Dex #4928: the code is bound to who asked for it."""
    client, browser = devices(tenant), visitor(tenant)
    thief = tenant.client("NATIVE", ["http://127.0.0.1/cb"], grant_types=[DEVICE_GRANT])
    begun = begin(client)
    refused(poll(thief, begun), 400, "invalid_grant")
    page = to_question(browser, tenant, begun, tenant.user())
    browser.submit(page.form_with_button("allow"), button="allow")
    refused(poll(thief, begun), 400, "invalid_grant")
    assert patiently(client, begun).status_code == 200


def test_op_dev_1_another_tenants_code(one, own, devices, visitor):
    client, other = devices(one), own()
    begun = begin(client)
    abroad = other.client("NATIVE", ["http://127.0.0.1/cb"], grant_types=[DEVICE_GRANT])
    refused(poll(abroad, begun), 400, "invalid_grant")
    page = visitor(other).go(f"{other.pages}/device")
    page = visitor(other).submit(page.form("user_code"), user_code=begun["user_code"])
    assert page.form("user_code"), "there is no such code"


def test_asking_too_often(one, devices):
    client = devices(one)
    begun = begin(client)
    refused(poll(client, begun), 400, "authorization_pending")
    refused(poll(client, begun), 400, "slow_down")


def test_it_ends(clocked, devices):
    node, step = clocked
    tenant = Tenant(node)
    client = devices(tenant)
    begun = begin(client)
    step(begun["expires_in"] + 5)
    refused(poll(client, begun), 400, "expired_token")


def test_codes_as_people_type_them(one, devices, visitor):
    client, user = devices(one), one.user()
    for change in (str.lower, lambda c: c.replace("-", ""), lambda c: f" {c.replace('-', ' ')} ".lower()):
        begun, browser = begin(client), visitor(one)
        page = to_question(browser, one, begun | {"user_code": change(begun["user_code"])}, user)
        browser.submit(page.form_with_button("deny"), button="deny")


def test_codes_that_are_none(one, visitor):
    browser = visitor(one)
    for code in ("", "BBBB-BBBB", "x", "<script>alert(1)</script>", "B" * 5000, "\u00e9\u4e2d", "a\r\nb"):
        page = browser.go(f"{one.pages}/device")
        page = browser.submit(page.form("user_code"), user_code=code)
        assert isinstance(page, Page) and page.status in (200, 400, 404, 413, 422), page
        assert "<script>alert" not in page.source
        assert not any("password" in f.types for f in page.forms), "nothing begins"


def test_guessing_is_slowed(paced, visitor):
    """Of eight letters from twenty; after some wrong ones nobody is heard for a while (RFC 8628 section 5.1)."""
    tenant = Tenant(paced)
    browser = visitor(tenant)
    form = browser.go(f"{tenant.pages}/device").form("user_code")
    statuses = [browser.send(form, user_code=f"BCDF-GH{a}{b}").status_code for a in "JKLMNPQR" for b in "STVWXZ"]
    assert not any(s >= 500 for s in statuses)
    assert 429 in statuses, statuses


def test_who_may_not(one, devices):
    client = one.client()
    refused(client.post("oauth/device_authorization", scope="openid"), 400, "unauthorized_client")
    answer = client.post("oauth/device_authorization", credentials={}, scope="openid")
    assert answer.status_code in (400, 401)
    device = devices(one)
    refused(device.post("oauth/device_authorization", scope="nonsense"), 400, "invalid_scope")
    refused(device.ask(grant_type=DEVICE_GRANT), 400, "invalid_request")
    refused(device.ask(grant_type=DEVICE_GRANT, device_code="x"), 400, "invalid_grant")
    refused(device.ask(grant_type=DEVICE_GRANT, device_code="\u00e9" * 500), 400, "invalid_grant")
    confidential = one.client(grant_types=[DEVICE_GRANT])
    answer = confidential.post("oauth/device_authorization", credentials={"data": {"client_id": confidential.id}}, scope="openid")
    refused(answer, 401, "invalid_client")


def test_the_form_is_made_for_one_browser(one, devices, visitor):
    """WEB-CSRF: nobody can make somebody else's browser allow a device."""
    client, browser = devices(one), visitor(one)
    begun = begin(client)
    page = to_question(browser, one, begun, one.user())
    form = page.form_with_button("allow")
    answer = visitor(one).send(form, button="allow")
    assert answer.status_code in (400, 403), answer.status_code
    answer = browser.send(form, button="allow", csrf="x")
    assert answer.status_code == 403
    time.sleep(0.1)
    refused(poll(client, begun), 400, "authorization_pending")
