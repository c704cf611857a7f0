"""SAML 2.0: an identity provider sends somebody here while somebody else is signed in, who is asked first
(tenant-login section 6.5)."""

import pytest

from harness import unique
from peers.saml import IdentityProvider
from saml_cases import across, session_cookies
from saml_unasked import START, Unasked, comes, in_at, who
from tenancy import by_password
from visitor import Page


@pytest.fixture
def taken(taking, app, house, browse):
    """A browser in which somebody is signed in by a password, and the page that asks whether that is to be somebody
    else."""
    client, user, browser = app(), house.user(), browse()
    attempt = client.attempt()
    attempt.code(by_password(browser, attempt, user))
    answer, case = comes(taking(client), browser)
    page = browser.follow(answer, "http://127.0.0.1:9/")
    assert isinstance(page, Page) and page.status == 200, page
    assert user["name"] in page.text and case.name in page.text, page
    assert who(browser, client)["sub"] == user["id"], "not yet"
    [form] = [f for f in page.forms if any("cancel" in " ".join(b).lower() for b in f.buttons)]
    return case, client, user, form


def other_button(form):
    """The word of the button that goes on."""
    [(_, value, text)] = [b for b in form.buttons if "cancel" not in " ".join(b).lower()]
    return value or text


def test_somebody_else_is_asked_first(taken):
    case, client, user, form = taken
    answer = case.browser.send(form, button=other_button(form))
    assert in_at(answer, case, client, START)["sub"] != user["id"]


def test_somebody_else_stays(taken, house):
    case, client, user, form = taken
    page = case.browser.submit(form, "http://127.0.0.1:9/", button="cancel")
    assert isinstance(page, str) or page.status in (200, 400), page
    assert who(case.browser, client)["sub"] == user["id"]
    again = case.browser.send(form, button=other_button(form))
    assert again.status_code < 500 and who(case.browser, client)["sub"] == user["id"], "it was answered"


def test_the_question_is_that_browser_s(taken, browse):
    """Whoever gets hold of the form is not let in by it, and no other page can press the button."""
    case, client, user, form = taken
    thief = browse()
    assert thief.send(form, button=other_button(form)).status_code in (400, 403) and not session_cookies(thief)
    hidden = [name for name, kind in form.types.items() if kind == "hidden"]
    assert hidden
    for name in hidden:
        answer = case.browser.send(form, button=other_button(form), **{name: "x" * 43})
        assert answer.status_code in (400, 403, 422), f"{name}: {answer.status_code}"
    assert who(case.browser, client)["sub"] == user["id"]


def test_the_same_person_is_not_asked(taking, app, browse):
    client, browser = app(), browse()
    way = taking(client)
    answer, case = comes(way, browser)
    first = in_at(answer, case, client, START)
    answer, again = comes(way, browser, name=case.name)
    assert in_at(answer, again, client, START)["sub"] == first["sub"]


@pytest.mark.parametrize("again", ["1", "", "x" * 43])
def test_another_site_cannot_pretend_that_a_page_of_ours_was_there(taking, app, house, browse, again):
    """A form that says so itself is not asked whom it would sign out, as it brings no cookie."""
    client, user, browser = app(), house.user(), browse()
    attempt = client.attempt()
    attempt.code(by_password(browser, attempt, user))
    case = Unasked(taking(client), browser)
    answer = across(browser, case.way.acs, case.fields(case.signed()) | {"again": again})
    assert answer.status_code == 400, f"{answer.status_code} {answer.text[:500]}"
    assert who(browser, client)["sub"] == user["id"]


def test_whoever_comes_unasked_is_made_sure_of_as_the_tenant_wants_it(other_way, app, browse):
    client, browser = app(), browse()
    idp = IdentityProvider(f"https://{unique('idp')}.example/metadata", "https://idp.example/sso")
    strong = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"
    way = other_way(idp, settings={"idp_initiated": "accept", "default_app_id": client.id, "required_acr": [strong]})
    answer, _ = comes(way, browser)
    assert answer.status_code == 403 and not session_cookies(browser), answer.text[:500]
    answer, case = comes(way, browser, context_class=strong)
    assert in_at(answer, case, client, START)
