"""Logouts by SAML 2.0 at a tenant, both ways: people who came by an identity provider, what it asks, what it is
asked and answered (tenant-login sections 10.2 and 10.5)."""

import copy
import http.client
import urllib.parse

import requests

from harness import unique
from peers import saml_logout
from peers.saml import PERSISTENT, SUCCESS, find, new_id
from peers.saml_logout import (
    REQUEST,
    RESPONSE,
    LogoutProvider,
    at,
    post_fields,
    read_post,
    read_redirect,
    redirect_query,
)
from saml_cases import across, begin, in_by, send
from tenancy import SESSIONS, admin, claims_of
from test_op_logout import is_in
from visitor import JSON, PAGE, Page

BINDINGS = ["Redirect", "POST"]
# What an identity provider may be told when a document is no good: never more than that.
REFUSALS = (400, 413, 414, 422, 431)


def new_provider(**options):
    """An identity provider that nobody knows yet; its address for logouts has a query of its own."""
    host = f"https://{unique('idp')}.example"
    return LogoutProvider(f"{host}/metadata", f"{host}/sso?realm=a%20b", f"{host}/slo?realm=a%20b", **options)


def slo(way):
    """Where the tenant is told of logouts, and answered."""
    return f"{way.tenant.issuer}/federation/saml/slo"


def our_certificates(tenant, use="signing"):
    """What the tenant signs with, or others encrypt for (`encryption`), in PEM."""
    address = f"{tenant.issuer}/federation/saml/metadata"
    return tenant.node.expect(200, "GET", address, headers={"Accept": JSON})[f"{use}_certificates"]


class Login:
    """Somebody who came by an identity provider: in which browser, with which tokens, and what they are called
    there."""

    def __init__(self, way, client, browser, tokens, name, index):
        self.way, self.client, self.browser = way, client, browser
        self.tokens, self.name, self.index = tokens, name, index
        self.sid = claims_of(tokens)["sid"]

    @property
    def is_in(self):
        """Whether the browser's session goes on."""
        return is_in(self.browser, self.client)

    def session(self):
        """It, as an administrator sees it."""
        tenant = self.way.tenant
        return admin(tenant.node, "GET", f"{SESSIONS}/{self.sid}?tenant_id={tenant.id}", status=200)

    def request(self, **changes):
        """An unsigned LogoutRequest about exactly this session; `changes` as for `build_request` (`names`:
        elements)."""
        usual = {"destination": slo(self.way), "names": [copy.deepcopy(self.name)], "indexes": [self.index]}
        return self.way.idp.request(**(usual | changes))

    def called(self, text=None, **attributes):
        """Its name with another text or other attributes (None: without)."""
        made = copy.deepcopy(self.name)
        made.text = made.text if text is None else text
        for name, value in attributes.items():
            made.attrib.pop(name, None)
            if value is not None:
                made.set(name, value)
        return made


def log_in(way, client, browser, name=None, index=..., format=PERSISTENT, qualifiers=None, wrap=None, **parts):
    """A whole sign-in of somebody, new unless there is a `name`; `wrap` makes something else of the NameID (an
    EncryptedID)."""
    case = begin(way, client, browser)
    index = new_id() if index is ... else index
    tree = case.build(name_id=name or case.name, name_id_format=format, session_index=index, **parts)
    named = find(tree, ".//saml:NameID")
    named.attrib.update(qualifiers or {})
    kept = copy.deepcopy(named)
    if wrap:
        named.getparent().replace(named, wrap(named))
    return Login(way, client, browser, in_by(case, send(case, way.idp.sign(tree))), kept, index)


# -- from the identity provider ----------------------------------------------------------------------------------------


def packed(way, tree, binding="Redirect", key=..., relay_state="the state", **how):
    """The request signed and packed: an address to go to, or a form's fields to post."""
    key = way.idp.key if key is ... else key
    if binding == "Redirect":
        return at(slo(way), redirect_query(REQUEST, tree, relay_state, key, **how))
    return post_fields(REQUEST, tree, relay_state, key, **how)


def bring(way, browser, sending):
    """A browser brings what the identity provider has packed, from its page, without our cookies."""
    return browser.get(sending) if isinstance(sending, str) else across(browser, slo(way), sending)


def bring_literally(way, address):
    """A browser without cookies goes to this address as it is written: `requests` would write escapes its own way."""
    place = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    connection.putrequest("GET", address.removeprefix(f"{place.scheme}://{place.netloc}"))
    connection.putheader("Accept", PAGE)
    connection.endheaders()
    found, answer = connection.getresponse(), requests.Response()
    answer.status_code, answer.url, answer._content = found.status, address, found.read()
    answer.headers.update(found.getheaders())
    answer.request = requests.Request("GET", address).prepare()
    connection.close()
    way.tenant.node.check_description(answer)
    return answer


def tell(way, browser, tree, binding="Redirect", **how):
    """Both: the answer."""
    return bring(way, browser, packed(way, tree, binding, **how))


def signed_message(way, answer, parameter, binding, location):
    """The signed message with which a browser is sent to the identity provider; it."""
    location = location or way.idp.slo_url
    [certificate] = our_certificates(way.tenant)
    if binding == "Redirect":
        assert answer.status_code in (302, 303), f"{answer.status_code} {answer.text[:1000]}"
        url = answer.headers["Location"]
        assert url.startswith(at(location, f"{parameter}=")), url
        message = read_redirect(url, parameter)
        saml_logout.verify_redirect(url, parameter, certificate)
    else:
        assert answer.status_code == 200, f"{answer.status_code} {answer.headers} {answer.text[:1000]}"
        form = Page(answer).form(parameter)
        assert form.action == location and form.method == "post" and form.buttons, "without scripts there is a button"
        message = read_post(form.fields, parameter)
        saml_logout.verify_post(form.fields, parameter, certificate)
    assert answer.headers["Cache-Control"] == "no-store"
    assert message.root.get("Version") == "2.0" and message.root.get("Destination") == location
    return message


def answered(way, answer, request, relay_state="the state", binding="Redirect", location=None, status=(SUCCESS,)):
    """The answer is a signed LogoutResponse to this request, on its way to the identity provider; it."""
    message = signed_message(way, answer, RESPONSE, binding, location)
    assert message.kind == "LogoutResponse" and message.issuer == way.metadata
    assert message.root.get("InResponseTo") == request.get("ID") and message.relay_state == relay_state
    assert tuple(message.status) == status, message.status
    return message


def may_post(answer, location):
    """The page's policy lets its form go to this address (and on from there, wherever it leads)."""
    policy = answer.headers["Content-Security-Policy"].partition("form-action ")[2].partition(";")[0].split()
    scheme, _, host = location.split("/")[:3]
    assert policy and set(policy) <= {"https:", "http:", f"{scheme}//{host}"}, policy


def ended(login, by_whom="upstream_logout"):
    """The session is over, and so is what stood on it."""
    assert not login.is_in
    session = login.session()
    assert session["terminated_at"] and session["terminated_reason"] == by_whom, session
    assert login.way.tenant.userinfo(login.tokens["access_token"]).status_code == 401
    if "refresh_token" in login.tokens:
        answer = login.client.refresh(login.tokens["refresh_token"])
        assert answer.status_code == 400 and answer.json()["error"] == "invalid_grant", answer.text


def refused(answer, *logins):
    """Nobody was logged out; the browser stays, with a page that says nothing of what it brought."""
    assert answer.status_code in REFUSALS, f"{answer.status_code} {answer.headers} {answer.text[:1000]}"
    for login in logins:
        assert login.is_in, "somebody was logged out"
        assert login.name.text not in answer.text
    for word in ("Traceback", "panicked"):
        assert word not in answer.text


# -- to the identity provider ------------------------------------------------------------------------------------------


def leave(login, after=None, **parameters):
    """Logs out at the tenant as an application does: the first answer that leads away from it, or is a page."""
    wish = {"id_token_hint": login.tokens["id_token"], "post_logout_redirect_uri": after} | parameters
    wish = {name: value for name, value in wish.items() if value is not None}
    answer = login.browser.get(f"{login.way.tenant.url}/oauth/logout", params=wish)
    return onward(login.browser, answer, login.way.tenant)


def onward(browser, answer, tenant):
    """Follows redirects from the tenant to itself, such as to a page that posts a form."""
    for _ in range(3):
        if not answer.is_redirect or not answer.headers["Location"].startswith(tenant.issuer):
            return answer
        answer = browser.get(answer.headers["Location"])
    raise AssertionError(f"no end of redirects: {answer.url}")


def request_of(way, answer, binding="Redirect", location=None):
    """The signed LogoutRequest with which a browser is sent to the identity provider; it."""
    message = signed_message(way, answer, REQUEST, binding, location)
    assert message.kind == "LogoutRequest" and message.root.get("IssueInstant").endswith("Z")
    assert message.relay_state and len(message.relay_state) <= 80, "the binding allows no more"
    return message


def respond(way, browser, message, binding="Redirect", key=..., relay_state=..., tree=None, in_response_to=...,
            how=None, **changes):
    """The identity provider answers the message: where the browser is sent then. `how` is how it signs, `changes`
    are of the document (see `build_response`)."""
    key = way.idp.key if key is ... else key
    relay_state = message.relay_state if relay_state is ... else relay_state
    if tree is None:
        in_response_to = message.id if in_response_to is ... else in_response_to
        tree = way.idp.response(**({"destination": slo(way), "in_response_to": in_response_to} | changes))
    if binding == "Redirect":
        return browser.get(at(slo(way), redirect_query(RESPONSE, tree, relay_state, key, **(how or {}))))
    answer = across(browser, slo(way), post_fields(RESPONSE, tree, relay_state, key, **(how or {})))
    # A page may ask for the form once more, with the cookies.
    again = next((f for f in Page(answer).forms if RESPONSE in f.types), None) if answer.status_code == 200 else None
    return browser.send(again) if again and again.action == slo(way) else answer


def goes_on(browser, answer, after):
    """The browser is led to the application's own address, or to the page that says so."""
    place = browser.follow(answer, after.partition("?")[0] if after else "http://127.0.0.1:9/", "https://")
    if after:
        assert place == after, place
    else:
        assert isinstance(place, Page) and place.status == 200 and "signed out" in place.text.lower(), place
    return place

