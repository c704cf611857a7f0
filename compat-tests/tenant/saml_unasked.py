"""Sign-ins by SAML that begin at the identity provider, and what comes of them (tenant-login section 6.5)."""

from peers.saml import Request
from saml_cases import Case, across, nobody_in, session_cookies
from tenancy import claims_of
from visitor import Page, query_of

# Where an application begins sign-ins of its own; nobody listens there.
START = "http://127.0.0.1:9/start"
SCOPES = ["openid", "profile", "email"]


class Unasked(Case):
    """One that nobody asked for: its documents name no request."""

    def __init__(self, way, browser, name=None):
        super().__init__(way.idp, Request(None, way.metadata, way.acs), None, browser, way)
        self.name = name or self.name


def arrive(case, document, relay_state=None, browser=None):
    """From the identity provider's page, without our cookies, then by ours, with them: the answer that is no such
    page."""
    browser = browser or case.browser
    fields = case.fields(document)
    answer = across(browser, case.way.acs, fields | ({} if relay_state is None else {"RelayState": relay_state}))
    for _ in range(2):
        again = [f for f in Page(answer).forms if "SAMLResponse" in f.types] if answer.status_code == 200 else []
        if not again:
            return answer
        [form] = again
        assert form.action == case.way.acs and form.method == "post"
        assert form.buttons, "without scripts there is a button"
        answer = browser.send(form)
    raise AssertionError("the page that sends the form once more does so without an end")


def comes(way, browser, relay_state=None, name=None, **parts):
    """Somebody is sent here by the identity provider: the answer, and the case."""
    case = Unasked(way, browser, name)
    return arrive(case, case.signed(**parts), relay_state), case


def who(browser, client):
    """The claims of whoever a normal request of the application finds in the browser; None for nobody."""
    attempt = client.attempt(prompt="none")
    place = browser.go(attempt.url, client.redirect_uri)
    return claims_of(attempt.tokens(place)) if "code" in query_of(place) else None


def in_at(answer, case, client, uri, target=None):
    """They are in, and the browser goes to the application's own entrance, by which it finds them."""
    assert answer.status_code in (302, 303), f"{answer.status_code} {answer.text[:1000]}"
    place = answer.headers["Location"]
    assert place.startswith(uri) and place[len(uri):][:1] in ("?", "&"), place
    told = {name: value for name, value in query_of(place).items() if name not in query_of(uri)}
    assert told == {"iss": case.way.tenant.issuer} | ({"target_link_uri": target} if target else {}), told
    assert session_cookies(case.browser)
    claims = who(case.browser, client)
    assert claims and claims["email"] == f"{case.name}@example.com" and claims["idp"] == case.way.id, claims
    return claims


def nobody(case, answer, browser=None):
    """Nobody came in, and the browser is led nowhere."""
    assert not answer.is_redirect, answer.headers
    nobody_in(case, answer, browser)
