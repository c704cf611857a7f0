"""WebSSO by the wire: from a dashboard to the provider and back, and what must not come back (1.7; security.md 7; KS-FED-3).

`test_browser.py` goes the same way in Chromium.
"""

import html
import re
import urllib.parse

import pytest
import requests

from harness import unique
from trust import ANYBODY, PERSON, WEBSSO, Trust, user_id


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough."""
    return sqlite_archstone


class Visit:
    """A browser's visit, by hand: a session with its cookies."""

    def __init__(self, way, origin, path=None):
        self.way, self.provider = way, way.provider
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        self.start = f"{way.archstone.url}{path or f'{WEBSSO}/identity_providers/{way.id}/protocols/{way.protocol}/websso'}"
        self.origin = origin

    def begin(self, method="GET"):
        """The first answer, a redirect to the provider."""
        return self.session.request(
            method, self.start, params={"origin": self.origin} if self.origin else {}, allow_redirects=False, timeout=10
        )

    def at_provider(self):
        """Parameters of the authorization request that the first answer makes."""
        answer = self.begin()
        assert answer.status_code in (302, 303), f"{answer.status_code} {answer.text[:500]}"
        self.location = answer.headers["Location"]
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.location).query))

    def back(self, user):
        """Goes to the provider and logs in there (None: cancels); the callback's URL, not yet visited."""
        asked = self.at_provider()
        return self.provider.follow(self.session, self.location, user, stop=asked["redirect_uri"])

    def arrive(self, url, **options):
        """Visits the callback."""
        return self.session.get(url, allow_redirects=False, timeout=20, **options)

    def log_in(self, user):
        """All of it: the last answer."""
        return self.arrive(self.back(user))


def form(answer):
    """Action and token of the form that posts itself."""
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(
        "text/html"
    ), f"{answer.status_code} {answer.text[:1000]}"
    assert re.search(r'<form[^>]*id="sso"[^>]*name="sso"[^>]*>', answer.text)
    action = re.search(r'<form[^>]*action="([^"]*)"', answer.text)[1]
    token = re.search(r'name="token" value="([^"]*)"', answer.text)[1]
    return html.unescape(action), html.unescape(token)


def refused(answer, *statuses):
    """A page without a token."""
    assert answer.status_code in (statuses or (401,)), f"{answer.status_code} {answer.text[:1000]}"
    assert "X-Subject-Token" not in answer.headers and "<script" not in answer.text and "<form" not in answer.text


@pytest.fixture
def visit(dashboard):
    """`visit(way, …)`: a new browser at the dashboard."""
    return lambda way, origin=dashboard.origin, **options: Visit(way, origin, **options)


def changed(url, **parameters):
    """The URL with other parameters (None: leave out)."""
    parts = urllib.parse.urlsplit(url)
    query = dict(urllib.parse.parse_qsl(parts.query)) | parameters
    return parts._replace(query=urllib.parse.urlencode({k: v for k, v in query.items() if v is not None})).geturl()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_there_and_back(archstone, trust, provider, visit, dashboard, method):
    """The provider demands PKCE of everybody, and each way of client authentication works."""
    way = trust(PERSON, method=method)
    person = provider.user(name="Ann", email="ann@example.org")
    provider.requests()
    answer = visit(way).log_in(person)
    action, token = form(answer)
    assert action == dashboard.origin
    body = archstone.validate(token).json()["token"]
    assert body["user"]["id"] == user_id(way.domain_id, person) and body["user"]["name"] == "Ann"
    assert body["methods"] == ["mapped"] and "project" not in body
    assert way.enter(person)[1]["user"]["id"] == body["user"]["id"]
    [exchange] = provider.requests("/token")[:1]
    assert exchange["authorization"] == ("Basic" if method == "client_secret_basic" else "")
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert f"form-action {dashboard.url}" in policy


def test_the_authorization_request(trust, provider, visit):
    way = trust(ANYBODY, connection={"scopes": ["openid", "email"]})
    first, second = visit(way), visit(way)
    asked, again = first.at_provider(), second.at_provider()
    assert first.location.startswith(f"{provider.issuer}/auth?")
    assert (
        asked["response_type"] == "code" and asked["client_id"] == way.client_id and asked["scope"].split() == ["openid", "email"]
    )
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    for secret in ("state", "nonce", "code_challenge"):
        assert len(asked[secret]) >= 22 and asked[secret] != again[secret]
    assert asked["redirect_uri"].startswith(f"{way.archstone.url}/v3/auth/OS-FEDERATION/")
    answer = first.begin()
    [cookie] = [c for c in answer.headers["Set-Cookie"].split(", ") if "=" in c.split(";")[0]][:1]
    assert "HttpOnly" in cookie and "SameSite=" in cookie and "Domain" not in cookie
    assert answer.headers["Cache-Control"] == "no-store"


def test_both_entries_take_get_and_post(trust, provider, visit):
    way = trust(ANYBODY, protocol=unique("p"))
    for path in (None, f"{WEBSSO}/websso/{way.protocol}"):
        for method in ("GET", "POST"):
            assert visit(way, path=path).begin(method).status_code in (302, 303)


def test_the_global_entry_finds_the_identity_provider_by_the_protocol(archstone, trust, provider, visit):
    protocol = unique("p")
    path = f"{WEBSSO}/websso/{protocol}"
    way = trust(PERSON, protocol=protocol, description="The first one")
    person = provider.user(name="Ann", email="a@example.org")
    _, token = form(visit(way, path=path).log_in(person))
    assert archstone.validate(token).json()["token"]["user"]["OS-FEDERATION"]["identity_provider"] == {"id": way.id}
    second = trust(PERSON, protocol=protocol, description="The <second> one")
    page = visit(way, path=path).begin()
    assert page.status_code == 200 and "The first one" in page.text and "The &lt;second&gt; one" in page.text
    links = [html.unescape(u) for u in re.findall(r'href="([^"]+)"', page.text)]
    chosen = [u for u in links if second.id in urllib.parse.unquote(u)]
    assert len(links) == 2 and len(chosen) == 1
    choice = visit(second)
    choice.start, choice.origin = urllib.parse.urljoin(page.url, chosen[0]), None
    _, token = form(choice.log_in(person))
    assert archstone.validate(token).json()["token"]["user"]["OS-FEDERATION"]["identity_provider"] == {"id": second.id}
    way.patch(enabled=False)
    assert visit(second, path=path).begin().status_code in (302, 303), "a disabled one is not offered"
    assert visit(way, path=f"{WEBSSO}/websso/{unique('none')}").begin().status_code in (401, 404)


def test_a_browser_without_a_dashboard_gets_the_token_itself(trust, provider, visit):
    """`…/auth` without a bearer: who asks for a page is sent to the provider, and the answer at the end is the token's."""
    way = trust(ANYBODY)
    person = provider.user()
    visitor = visit(way, origin=None, path=f"{way.path}/protocols/openid/auth")
    answer = visitor.log_in(person)
    assert answer.status_code == 201 and answer.json()["token"]["user"]["name"] == person
    assert way.archstone.validate(answer.headers["X-Subject-Token"]).status_code == 200
    visitor = visit(way, origin=None, path=f"{way.path}/protocols/openid/auth")
    visitor.session.headers["Accept"] = "application/json"
    assert visitor.begin().status_code == 401


@pytest.mark.parametrize("path", ["global", "fixed"])
def test_without_an_origin(trust, visit, path):
    way = trust(ANYBODY, protocol=unique("p"))
    visitor = visit(way, origin=None, path=f"{WEBSSO}/websso/{way.protocol}" if path == "global" else None)
    refused(visitor.begin(), 400)
    visitor.session.headers["Accept"] = "application/json"
    assert visitor.begin().json()["error"]["message"] == "Request must have an origin query parameter"


def origins(trusted):
    """Origins that only look like the trusted one."""
    host = urllib.parse.urlsplit(trusted).netloc
    return {
        "another host": "https://evil.example/auth/websso/",
        "another port": "http://127.0.0.1:1/auth/websso/",
        "another scheme": trusted.replace("http:", "https:"),
        "another path": trusted + "x",
        "no slash": trusted.rstrip("/"),
        "above": trusted + "../evil",
        "encoded dots": trusted + "%2e%2e/",
        "path's case": trusted.replace("auth", "AUTH"),
        "query": trusted + "?x",
        "fragment": trusted + "#x",
        "user": f"http://{host}@evil.example/auth/websso/",
        "user before": f"http://x@{host}/auth/websso/",
        "prefix of a host": f"http://{host}.evil.example/auth/websso/",
        "backslash": f"http://evil.example\\@{host}/auth/websso/",
        "scheme-less": f"//{host}/auth/websso/",
        "script": "javascript:alert(1)",
        "data": "data:text/html,x",
        "line end": trusted + "\r\nSet-Cookie: a=b",
        "blank": " " + trusted,
        "tab inside": trusted.replace("http", "ht\ttp"),
        "another spelling of the host": trusted.replace("127.0.0.1", "0x7f.1"),
        "markup": trusted + '"><script>alert(1)</script>',
        "empty": "",
        "twice": f"{trusted} {trusted}",
        "long": trusted + "x" * 5000,
    }


def test_ks_fed_3_only_the_trusted_dashboard(trust, provider, visit, dashboard):
    way = trust(ANYBODY)
    provider.requests()
    for name, origin in origins(dashboard.origin).items():
        answer = visit(way, origin).begin()
        assert answer.status_code in (
            (400, 401) if name == "empty" else (401,)
        ), f"{name}: {answer.status_code} {answer.text[:300]}"
        assert "Location" not in answer.headers and "Set-Cookie" not in answer.headers
        assert "<script>alert" not in answer.text
    assert provider.requests() == []
    double = requests.get(
        visit(way).start,
        params=[("origin", dashboard.origin), ("origin", "https://evil.example/")],
        allow_redirects=False,
        timeout=10,
    )
    assert double.status_code in (302, 400, 401), "the first counts, or neither"


def test_the_hosts_case_does_not_matter(trust, visit, local_origin):
    assert visit(trust(ANYBODY), local_origin).begin().status_code in (302, 303)
    assert visit(trust(ANYBODY), local_origin.replace("localhost", "LocalHost")).begin().status_code in (302, 303)


def test_an_answer_is_taken_once(trust, provider, visit):
    way = trust(ANYBODY)
    visitor = visit(way)
    url = visitor.back(provider.user())
    form(visitor.arrive(url))
    refused(visitor.arrive(url))
    refused(visitor.arrive(url))


def test_web_fix_2_an_answer_is_for_the_browser_that_asked(trust, provider, visit):
    """WEB-FIX-2 and rule 7: without the cookie nothing happens, and nothing is lost for the right browser."""
    way = trust(ANYBODY)
    visitor, attacker = visit(way), visit(way)
    url = visitor.back(provider.user())
    refused(requests.get(url, allow_redirects=False, timeout=10))
    attacker.begin()
    refused(attacker.arrive(url))
    form(visitor.arrive(url))


def test_answers_that_do_not_fit(trust, provider, visit):
    way = trust(ANYBODY)
    person = provider.user()

    def arriving(**parameters):
        visitor = visit(way)
        return visitor.arrive(changed(visitor.back(person), **parameters))

    for parameters in (
        {"state": None},
        {"state": "x"},
        {"state": ""},
        {"state": "x" * 5000},
        {"code": None},
        {"code": "x"},
        {"code": "x" * 5000},
        {"error": "access_denied"},
        {"code": None, "error": "<script>alert(1)</script>", "error_description": "<script>alert(2)</script>"},
    ):
        refused(arriving(**parameters), 400, 401)
    visitor, other = visit(way), visit(way)
    url, codes = visitor.back(person), other.back(person)
    stolen = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(codes).query))["code"]
    refused(visitor.arrive(changed(url, code=stolen)), 401)
    visitor = visit(way)
    url = visitor.back(person)
    refused(visitor.arrive(url + "&state=x"), 400, 401)


def test_rfc_9207_the_issuer_of_the_answer(trust, provider, other_provider, visit):
    """The provider says that it names itself in its answers, so it must, and rightly."""
    way = trust(ANYBODY)
    person = provider.user()
    for issuer in (None, other_provider.issuer, provider.issuer + "/"):
        with provider.misbehaving(authorization={"iss": issuer}):
            refused(visit(way).log_in(person))
    form(visit(way).log_in(person))


def test_an_answer_at_another_way_in_is_refused(trust, provider, visit):
    """Mix-up: each way in has an address of its own to come back to, and what comes back to one is never another's."""
    one, two = trust(ANYBODY), trust(ANYBODY)
    visitor = visit(one)
    url = visitor.back(provider.user())
    there = visit(two).at_provider()["redirect_uri"]
    assert not url.startswith(there)
    refused(visitor.arrive(f"{there}?{urllib.parse.urlsplit(url).query}"))


WRONG = {
    "nonce": {"nonce": "another"},
    "no_nonce": {"nonce": None},
    "audience": {"aud": "another"},
    "issuer": {"iss": "https://other.example"},
    "expired": {"exp": 1},
    "no_subject": {"sub": None},
    "no_expiry": {"exp": None},
    "authorised_party": {"azp": "another"},
    "future": {"iat": 9999999999},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
def test_id_tokens_that_the_provider_should_not_have_made(trust, provider, visit, claims):
    way = trust(ANYBODY)
    person = provider.user()
    with provider.misbehaving(id_token=claims):
        refused(visit(way).log_in(person))


def test_rule_6_the_id_tokens_signature_counts_on_the_code_flow_too(trust, provider, other_provider, visit):
    way = trust(ANYBODY)
    person = provider.user()
    with provider.misbehaving(id_token_key=other_provider.keys[0].private_jwk() | {"kid": provider.keys[0].kid}):
        refused(visit(way).log_in(person))
    with provider.misbehaving(id_token_key="none"):
        refused(visit(way).log_in(person))


def test_userinfo_of_somebody_else_is_not_added(trust, provider, visit):
    """Core 5.3.2: the subject of userinfo is the ID token's, or userinfo does not count."""
    way = trust(PERSON)
    person = provider.user(name="Ann", email="a@example.org")
    with provider.misbehaving(userinfo={"sub": "somebody-else", "name": "Mallory"}):
        answer = visit(way).log_in(person)
        assert answer.status_code in (200, 401)
        if answer.status_code == 200:
            assert way.archstone.validate(form(answer)[1]).json()["token"]["user"]["name"] == "Ann"


def test_who_gives_up_comes_back_to_a_page(trust, provider, visit):
    way = trust(ANYBODY)
    visitor = visit(way)
    url = visitor.back(None)
    assert "error=access_denied" in url
    answer = visitor.arrive(url)
    refused(answer)
    assert "html" in answer.headers["Content-Type"]


def close_idp(way):
    way.patch(enabled=False)


def close_protocol(way):
    way.delete("/protocols/openid")


def close_connection(way):
    way.delete("/protocols/openid/connection")


def close_mapping(way):
    way.map({"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "OIDC-nothing"}]})


@pytest.mark.parametrize("close", [close_idp, close_protocol, close_connection, close_mapping])
def test_ks_fed_2_what_is_closed_between_the_steps(trust, provider, visit, close):
    way = trust(ANYBODY)
    visitor = visit(way)
    url = visitor.back(provider.user())
    close(way)
    refused(visitor.arrive(url), 401, 403, 404)


def test_a_disabled_user_at_the_end_of_the_way(archstone, trust, provider, visit):
    way = trust(ANYBODY)
    person = provider.user()
    _, body = way.enter(person)
    archstone.expect(
        200, "PATCH", f"/v3/users/{body['user']['id']}", token=archstone.admin_token, json={"user": {"enabled": False}}
    )
    refused(visit(way).log_in(person))


def test_no_code_state_or_token_in_the_log(archstone, trust, provider, visit):
    way = trust(ANYBODY)
    visitor = visit(way)
    url = visitor.back(provider.user())
    _, token = form(visitor.arrive(url))
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    log = archstone.log()
    for secret in (query["code"], query["state"], token, *visitor.session.cookies.values()):
        assert secret not in log


def test_one_node_begins_and_the_other_ends(pair, provider, dashboard):
    """Nothing of an attempt lives in one node's memory. Both nodes stand behind one address; here the second one plays it."""
    a, b = pair
    way = Trust(a, provider, ANYBODY)
    visitor = Visit(way, dashboard.origin)
    url = visitor.back(provider.user())
    _, token = form(visitor.arrive(url.replace(a.url, b.url, 1)))
    assert a.validate(token).status_code == 200
