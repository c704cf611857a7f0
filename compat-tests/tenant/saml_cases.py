"""An identity provider of `peers.saml` at a tenant, and attempts to sign in by it, whose documents a test makes."""

import time

from requests.cookies import RequestsCookieJar

from harness import unique
from peers import saml
from peers.saml import encode
from peers.saml_signatures import Key
from tenancy import PROVIDERS, admin, claims_of
from visitor import Page

# The attributes that are somebody's e-mail address, name and groups unless an identity provider's mapping says otherwise.
EMAIL, USERNAME, GROUPS = "email", "uid", "groups"
# An answer to a document that is refused within this.
DEADLINE = 1.0
CANARY = "canary-3f1c"
OTHER = "https://elsewhere.example/"
RESPONDER = f"{saml.STATUS}Responder"
OTHER_KEY, EC_KEY = Key(name="other"), Key("ec", name="idp")
KIB = 1024


class SamlWay:
    """An identity provider that a tenant offers: `idp` (of `peers.saml`), by its id there."""

    def __init__(self, tenant, idp, id):
        self.tenant, self.idp, self.id = tenant, idp, id
        self.path = f"{PROVIDERS}/{id}?tenant_id={tenant.id}"
        self.authorize = f"{tenant.url}/federation/saml/{id}/login"
        self.acs = f"{tenant.issuer}/federation/saml/acs"
        self.metadata = f"{tenant.issuer}/federation/saml/metadata"

    @classmethod
    def new(cls, tenant, idp, settings=None, **members):
        """One of the tenant's own. `members` are those of `saml` beside the usual ones (None: leave out), `settings` what
        else the tenant says of it."""
        usual = {"idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "idp_certificate": idp.certificate_pem} | members
        body = {"tenant_id": tenant.id, "name": unique("Corp"), "provider_type": "saml",
                "saml": {k: v for k, v in usual.items() if v is not None}} | (settings or {})
        return cls(tenant, idp, admin(tenant.node, "POST", PROVIDERS, body, 201)["id"])

    def set(self, **settings):
        """Changes what the tenant says of it."""
        return admin(self.tenant.node, "PATCH", self.path, settings, 200)


class Case:
    """One attempt as far as the identity provider: `name` is who stands there, `victim` who else might be got in."""

    def __init__(self, idp, request, attempt=None, browser=None, way=None):
        self.idp, self.request, self.attempt, self.browser, self.way = idp, request, attempt, browser, way
        self.name, self.victim = unique("person"), unique("victim")

    def build(self, **parts):
        """An unsigned response."""
        name = parts.get("name_id") or self.name
        usual = {EMAIL: [f"{name}@example.com"], USERNAME: [name], "displayName": ["Ann Other"]}
        attributes = usual | parts.pop("attributes", {})
        return self.idp.build(self.request, **({"name_id": self.name, "attributes": attributes} | parts))

    def signed(self, what="assertion", **parts):
        """A signed one."""
        return self.idp.sign(self.build(**parts), what)

    def fields(self, document):
        """The form that the identity provider's page sends; a dict replaces fields (None: leave out)."""
        replaced = document if isinstance(document, dict) else {"SAMLResponse": encode(document)}
        return {k: v for k, v in ({"RelayState": self.request.relay_state} | replaced).items() if v is not None}


def begin(way, client, browser, **parameters):
    """Goes to the identity provider."""
    attempt = client.attempt(**parameters)
    answer = browser.get(attempt.at(way))
    assert answer.status_code == 302, f"{answer.status_code} {answer.text[:1000]}"
    return Case(way.idp, way.idp.read_redirect(answer.headers["Location"]), attempt, browser, way)


def send(case, document, browser=None, acs=None, **options):
    """The form from a page of ours: with the browser's cookies. A page that asks for the form once more gets it once more."""
    browser, acs = browser or case.browser, acs or case.way.acs
    options = options or {"form": case.fields(document)}
    for _ in range(2):
        began = time.monotonic()
        answer = browser.post(acs, **options)
        assert time.monotonic() - began < DEADLINE, "it takes no time to see what it is"
        form = next((f for f in Page(answer).forms if "SAMLResponse" in f.types), None) if answer.status_code == 200 else None
        if not form:
            return answer
        options = {"form": form.fields}
    raise AssertionError("the page that sends the form once more does so without an end")


def across(browser, url, form):
    """The form from another site's page: cookies of ours do not go along (SameSite)."""
    kept, browser.http.cookies = browser.http.cookies, RequestsCookieJar()
    answer = browser.post(url, form)
    kept.update(browser.http.cookies)
    browser.http.cookies = kept
    return answer


def session_cookies(browser):
    """Names of the cookies of sessions."""
    return [n for n in browser.cookies if n.removeprefix("__Host-").startswith("sso.")]


def in_by(case, answer):
    """The tokens, where somebody came in."""
    assert answer.status_code in (302, 303), f"{answer.status_code} {answer.text[:1000]}"
    tokens = case.attempt.tokens(answer.headers["Location"])
    assert session_cookies(case.browser), "a session"
    return tokens


def comes(way, client, browser, make=None, **parts):
    """A whole sign-in: the claims of the ID token and the case. `make` makes the response of the case."""
    case = begin(way, client, browser)
    return claims_of(in_by(case, send(case, make(case) if make else case.signed(**parts)))), case


def nobody_in(case, answer, browser=None):
    """Nobody was signed in: no code, no session, no account; an error without a word of the document's."""
    browser = browser or case.browser
    assert answer.status_code < 500, f"{answer.status_code} {answer.text[:1000]}"
    if answer.is_redirect:
        parameters = case.attempt.answer(answer.headers["Location"])
        assert "code" not in parameters and parameters["error"] in ("access_denied", "server_error", "login_required"), parameters
    else:
        assert answer.status_code in (400, 403, 413, 422), f"{answer.status_code} {answer.text[:1000]}"
    assert not session_cookies(browser) and "sso." not in answer.headers.get("Set-Cookie", ""), "a session"
    said = answer.text + answer.headers.get("Location", "")
    assert not [word for word in (CANARY, case.name, case.victim, "Traceback", "panicked") if word in said], said[:1000]
    people = case.way.tenant.people()
    known = {u.get("email") for u in people.values()} | set(people)
    assert not known & {n for name in (case.name, case.victim) for n in (name, f"{name}@example.com")}, "an account"
