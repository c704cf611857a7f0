"""Sign-ins through real SAML identity providers (`peers/simplesamlphp.py`, `peers/pysaml.py`), step by step as a browser does."""

import base64

from requests.cookies import RequestsCookieJar

from harness import unique
from peers import saml
from tenancy import PROVIDERS, admin, claims_of, login_page
from visitor import Page


class PeerWay:
    """An identity provider of a tenant: `idp`, told by its metadata's address or by its members; they know each other then, and
    it goes with the tenant's `clear`. `members` are further ones of `saml`, `settings` what else the tenant says of it."""

    def __init__(self, tenant, idp, told_by="metadata", settings=None, **members):
        self.tenant, self.idp = tenant, idp
        self.metadata, self.acs = f"{tenant.issuer}/federation/saml/metadata", f"{tenant.issuer}/federation/saml/acs"
        known = {"idp_metadata_url": idp.metadata_url} if told_by == "metadata" else {
            "idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "idp_certificate": idp.certificate}
        body = {"tenant_id": tenant.id, "name": unique("Corp"), "provider_type": "saml", "saml": known | members}
        self.id = admin(tenant.node, "POST", PROVIDERS, body | (settings or {}), 201)["id"]
        self.path = f"{PROVIDERS}/{self.id}?tenant_id={tenant.id}"
        self.authorize = f"{tenant.url}/federation/saml/{self.id}/login"
        tenant.ways.append(self)
        answer = tenant.node.request("GET", self.metadata)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text[:1000]}"
        idp.know(answer.text)


def at_the_idp(way, browser, attempt, direct=False):
    """Goes there, by the tenant's login page or directly: the page that is shown, and the form by which we sent the browser on
    (None: by a redirect)."""
    start = attempt.at(way) if direct else login_page(browser, attempt).link(way.id)
    page, request = browser.go(start, attempt.client.redirect_uri), None
    assert isinstance(page, Page) and page.status == 200, f"{page!r} {way.idp.log()}"
    if page.url.startswith(way.tenant.node.url):
        request = page.form("SAMLRequest")
        page = browser.submit(request)
    assert isinstance(page, Page) and page.url.startswith(way.idp.url), f"{page!r} {way.idp.log()}"
    return page, request


def asks(page):
    """Whether this is the login form."""
    return any("password" in form.types for form in page.forms)


def log_in(way, browser, page, person):
    """Fills the login form in: the page that has the browser post a response."""
    assert asks(page), f"{page!r} {way.idp.log()}"
    return browser.submit(page.form("password"), username=person["name"], password=person["password"])


def response_on(page):
    """The response that a page of the identity provider posts, as a tree."""
    return saml.parse(base64.b64decode(page.form("SAMLResponse").fields["SAMLResponse"]))


def hand_over(way, browser, page, attempt):
    """Posts the response as a browser does from another site, without cookies, then by our page, with them: where that leads."""
    assert any("SAMLResponse" in form.types for form in page.forms), f"{page!r} {way.idp.log()}"
    form = page.form("SAMLResponse")
    assert form.action == way.acs and form.method == "post", form.action
    kept, browser.http.cookies = browser.http.cookies, RequestsCookieJar()
    again = Page(browser.send(form)).form("SAMLResponse")
    kept.update(browser.http.cookies)
    browser.http.cookies = kept
    assert again.fields["SAMLResponse"] == form.fields["SAMLResponse"]
    return browser.submit(again, attempt.client.redirect_uri)


def come_by(way, client, browser, person, direct=False, **parameters):
    """A whole sign-in of somebody who is asked to log in there: where it leads, and the attempt."""
    attempt = client.attempt(**parameters)
    page, _ = at_the_idp(way, browser, attempt, direct)
    return hand_over(way, browser, log_in(way, browser, page, person), attempt), attempt


def signed_in(way, client, browser, person, **how):
    """The same, which must succeed: the claims of the ID token."""
    url, attempt = come_by(way, client, browser, person, **how)
    assert isinstance(url, str), f"{url!r} {way.idp.log()}"
    claims = claims_of(attempt.tokens(url))
    assert claims["email"] == person["email"], claims
    return claims


def kept_out(way, browser, person, place, attempt):
    """Where a sign-in led that must have failed: no code, no session, no account."""
    if isinstance(place, str):
        assert "code" not in attempt.answer(place)
    else:
        assert place.status in (400, 403), place
    assert not [n for n in browser.cookies if n.removeprefix("__Host-").startswith("sso.")], "a session"
    assert person["email"] not in {u.get("email") for u in way.tenant.people().values()}, "an account"


def refused(way, client, browser, person, **how):
    """A whole sign-in that must fail."""
    kept_out(way, browser, person, *come_by(way, client, browser, person, **how))
