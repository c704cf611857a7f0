"""What stands between a node and a SAML identity provider, as `trust.py` has it for OpenID Connect; what comes and goes
there.

Browsers are `tenant/visitor.py`'s; documents of hand-made identity providers are made by `tenant/saml_cases.py`'s
`Case`.
"""

from peers import saml
from peers.saml import find, parse
from peers.saml_ecp import PAOS_HEADER, PAOS_TYPE
from saml_cases import Case, across  # noqa: F401 (tests take it from here)
from trust import WEBSSO, Trust
from visitor import Page

SSO = "/v3-ext/auth/OS-FEDERATION/SSO"
ENTITY, ACS, ECP_ACS = f"{SSO}/metadata", f"{SSO}/SAML2/POST", f"{SSO}/SAML2/ECP"
PROTOCOL = "saml2"

# Who it is: by the name that the identity provider has for somebody, and attributes by both of their names.
PERSON = {
    "local": [{"user": {"id": "{0}", "name": "{1}", "email": "{2}"}}],
    "remote": [{"type": "__NAMEID__"}, {"type": "uid"}, {"type": "MELLON_email"}],
}
# The least: whoever has a name.
ANYBODY = {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "__NAMEID__"}]}


def told(idp, by="members"):
    """What a connection says of an identity provider: its members, its metadata's address, or the document."""
    if by == "url":
        return {"idp_metadata_url": idp.metadata_url}
    if by == "document":
        return {"idp_metadata_xml": idp.metadata()}
    certificate = getattr(idp, "certificate_pem", None) or idp.certificate
    return {"idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "idp_certificate": certificate}


class SamlTrust(Trust):
    """One way in at a node: people of `idp` come by SAML and become what `rules` say.

    `connection` are members of the connection beside those that tell of the identity provider (None: leave out). The
    rest is as at `Trust`.
    """

    def __init__(self, archstone, idp, *rules, protocol=PROTOCOL, by="members", connection=None, **options):
        self.by = by
        super().__init__(archstone, idp, *(rules or (PERSON,)), protocol=protocol, connection=connection, **options)

    def connect(self, protocol, method=None, remote_id_attribute=None, connection=None, client=None):
        """Adds a protocol with its connection; the mapping is the same."""
        body = {"mapping_id": self.mapping} | (
            {"remote_id_attribute": remote_id_attribute} if remote_id_attribute else {}
        )
        self._put(f"{self.path}/protocols/{protocol}", "protocol", body)
        body = {"kind": "saml"} | told(self.provider, self.by) | (connection or {})
        self._put(self.connection, "connection", {k: v for k, v in body.items() if v is not None})

    @property
    def connection(self):
        """The path of the connection."""
        return f"{self.path}/protocols/{self.protocol}/connection"

    @property
    def auth(self):
        """Where a token is had."""
        return f"{self.archstone.url}{self.path}/protocols/{self.protocol}/auth"

    @property
    def websso(self):
        """Where a dashboard sends browsers."""
        return f"{self.archstone.url}{WEBSSO}/identity_providers/{self.id}/protocols/{self.protocol}/websso"

    @property
    def acs(self):
        """Where forms with responses go."""
        return self.archstone.url + ACS

    @property
    def ecp_acs(self):
        """Where Enhanced Clients bring responses."""
        return self.archstone.url + ECP_ACS

    def logins(self):
        """The last attempts, as the administrator reads them."""
        return self.archstone.expect(200, "GET", f"{self.path}/logins", token=self.archstone.admin_token)["logins"]


# -- the service provider ----------------------------------------------------------------------------------------------


def metadata(node, **parameters):
    """The node's own metadata as text."""
    answer = node.request("GET", ENTITY, params=parameters)
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:1000]}"
    return answer.text


def certificate_in(document, use="signing"):
    """The PEM of the first certificate for this use in metadata."""
    text = find(parse(document.encode()), f".//md:KeyDescriptor[@use='{use}']//ds:X509Certificate").text
    return f"-----BEGIN CERTIFICATE-----\n{''.join(text.split())}\n-----END CERTIFICATE-----\n"


# -- browsers ----------------------------------------------------------------------------------------------------------


def leave(way, browser, origin, path=None, **options):
    """The first answer to a browser that wishes to sign in (`origin=None`: that wishes the token itself)."""
    url = path or (way.websso if origin else way.auth)
    return browser.get(url, params={"origin": origin} if origin else {}, **options)


def begin(way, browser, origin, path=None):
    """Goes to a hand-made identity provider by a redirect."""
    answer = leave(way, browser, origin, path)
    assert answer.status_code in (302, 303), f"{answer.status_code} {answer.text[:1000]}"
    return Case(way.provider, way.provider.read_redirect(answer.headers["Location"]), browser=browser, way=way)


def send(case, document, browser=None, url=None):
    """The form to the address of the way: with the browser's cookies. A page that asks for the form once more gets it
    once more."""
    browser, form = browser or case.browser, case.fields(document)
    answer = browser.post(url or case.way.acs, form)
    again = repost(answer)
    return browser.send(again) if again else answer


def repost(answer):
    """The form of a page that sends a response once more; None on any other."""
    forms = Page(answer).forms if answer.status_code == 200 else []
    return next((f for f in forms if "SAMLResponse" in f.types), None)


def token_for(answer, origin):
    """The token in the form that posts itself to the dashboard."""
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:1000]}"
    form = Page(answer).form("token")
    assert (form.id, form.action, form.method) == ("sso", origin, "post") and set(form.fields) == {"token"}
    return form.fields["token"]


def refused(answer, *statuses):
    """Nobody was let in: no token, no form, nothing of what was sent."""
    assert answer.status_code in (statuses or (401,)), f"{answer.status_code} {answer.text[:1000]}"
    assert "X-Subject-Token" not in answer.headers and "Location" not in answer.headers
    assert "<script" not in answer.text and "<form" not in answer.text, answer.text[:1000]


def comes(way, browser, dashboard, make=None, **parts):
    """A whole sign-in at a hand-made identity provider: the token's body and the case. `make` makes the response of the
    case."""
    case = begin(way, browser, dashboard.origin)
    token = token_for(send(case, make(case) if make else case.signed(**parts)), dashboard.origin)
    return way.archstone.validate(token).json()["token"], case


def at_a_peer(way, browser, origin):
    """Goes to an identity provider that has pages (SimpleSAMLphp, pysaml2): the page that is shown, and the form by
    which we sent the browser on (None: by a redirect)."""
    page, request = browser.follow(leave(way, browser, origin)), None
    if page.url.startswith(way.archstone.url):
        request = page.form("SAMLRequest")
        page = browser.submit(request)
    assert page.status == 200 and page.url.startswith(way.provider.url), f"{page!r} {way.provider.log()}"
    return page, request


def log_in(way, browser, page, person):
    """Fills in the login form there: the form with the response that it has the browser post."""
    page = browser.submit(page.form("password"), username=person["name"], password=person["password"])
    assert any("SAMLResponse" in form.types for form in page.forms), f"{page!r} {way.provider.log()}"
    return page.form("SAMLResponse")


def hand_over(browser, form):
    """Posts the response as a browser does from another site, without cookies; then by our page, with them."""
    again = repost(across(browser, form.action, form.fields))
    assert again and again.action == form.action, "a page that sends it once more"
    return browser.send(again)


def signed_in(way, browser, dashboard, person):
    """A whole sign-in at such an identity provider: the token's body."""
    page, _ = at_a_peer(way, browser, dashboard.origin)
    answer = hand_over(browser, log_in(way, browser, page, person))
    return way.archstone.validate(token_for(answer, dashboard.origin)).json()["token"]


# -- Enhanced Clients --------------------------------------------------------------------------------------------------


def ask(way, **options):
    """What an Enhanced Client is answered at first."""
    headers = {"Accept": f"application/json,{PAOS_TYPE}", "PAOS": PAOS_HEADER} | options.pop("headers", {})
    answer = way.archstone.request("GET", way.auth, headers=headers, **options)
    way.archstone.http.cookies.clear()
    return answer


def bring(node, envelope, **options):
    """Brings an identity provider's envelope (a tree, octets or text): the answer as it came. Cookies are not kept."""
    octets = envelope if isinstance(envelope, (bytes, str)) else saml.serialise(envelope)
    headers = {"Content-Type": PAOS_TYPE} | options.pop("headers", {})
    answer = node.request("POST", ECP_ACS, data=octets, headers=headers, **options)
    node.http.cookies.clear()
    return answer


def brought(way, answer):
    """The cookie with which an answer sends the client back."""
    assert answer.status_code == 303, f"{answer.status_code} {answer.text[:1000]}"
    assert answer.headers["Location"] == way.auth, answer.headers["Location"]
    assert answer.cookies, answer.headers
    return "; ".join(f"{c.name}={c.value}" for c in answer.cookies)


def collect(way, cookie, **options):
    """Comes back with a cookie: the answer as it came."""
    headers = {"Accept": "application/json", "Cookie": cookie} | options.pop("headers", {})
    answer = way.archstone.request("GET", way.auth, headers=headers, **options)
    way.archstone.http.cookies.clear()
    return answer


def collected(way, cookie):
    """The same, which must succeed: (token, its body)."""
    answer = collect(way, cookie)
    assert answer.status_code == 201, f"{answer.status_code} {answer.text[:1000]}"
    return answer.headers["X-Subject-Token"], answer.json()["token"]
