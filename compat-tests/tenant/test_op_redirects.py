"""OP-REDIR-1 to 16: a code goes to a registered address, compared as it is written, or nowhere (RFC 9700 section 4.1, RFC 8252)."""

import urllib.parse

import pytest

from tenancy import APPLICATIONS, admin, by_password, told
from visitor import JSON, PAGE

URI = "https://app.example.com/cb"
LOOPBACK = "http://127.0.0.1:9/callback"
# What is registered is URI; each of these is something else.
OTHERS = {
    "1": ["https://evil.example.com/cb", "https://app.example.com.evil.org/cb", "https://xapp.example.com/cb"],
    "2": ["https://app.example.com:8443/cb", "https://app.example.com:443/cb", "https://app.example.com:/cb"],
    "3": ["https://app.example.com/other", "https://app.example.com/CB", "https://app.example.com/", "https://app.example.com"],
    "4": ["https://app.example.com/cb.evil", "https://app.example.com/cb/", "https://app.example.com/cb/x", "https://app.example.com/c"],
    "5": ["https://app.example.com/x/../cb", "https://app.example.com/cb/../x", "https://app.example.com/..;/cb", "https://app.example.com/./cb"],
    "6": ["https://app.example.com/%2e/cb", "https://app.example.com/%63b", "https://app.example.com/cb%2f..%2fx", "https://app%2eexample.com/cb"],
    "7": ["https://app.example.com@evil.example/cb", "https://user@app.example.com/cb", "https://a@b@app.example.com/cb",
          "https://app.example.com:443@evil.example/cb"],
    "8": ["https://app.example.com/cb#", "https://app.example.com/cb#x", "https://app.example.com/cb#code=1"],
    "9": ["https://app.example.com/cb?", "https://app.example.com/cb?x=1", "https://app.example.com/cb&x=1"],
    "10": ["HTTPS://app.example.com/cb", "https://APP.example.com/cb", "http://app.example.com/cb", "//app.example.com/cb", "/cb"],
    "11": ["https://evil.example\\@app.example.com/cb", "https:\\\\app.example.com\\cb", "https://app.example.com\\.evil.example/cb"],
    "13": ["https://\u0430pp.example.com/cb", "https://xn--pp-7sb.example.com/cb", "https://app.example\u3002com/cb"],
    "14": ["https://app.example.com/cb\r\nLocation: https://evil.example", "https://app.example.com/cb%0d%0aX: y", "https://app.example.com/cb\n",
           " https://app.example.com/cb", "https://app.example.com/cb\t", "https://app.example.com/cb\0"],
}
CASES = [pytest.param(uri, id=f"op_redir_{n}-{i}") for n, uris in OTHERS.items() for i, uri in enumerate(uris)]


@pytest.fixture(scope="module")
def clients():
    """An application of each kind for each tenant, which the cases only ask in vain."""
    made = {}

    def of(tenant, kind="WEB", *uris):
        key = (tenant.id, kind, uris)
        if key not in made:
            made[key] = tenant.client(kind, uris or [URI])
        return made[key]

    return of


def nowhere(tenant, url, code="invalid_redirect_uri", *more):
    """The request ends here, with a page and with JSON."""
    page = tenant.node.request("GET", url, headers={"Accept": PAGE})
    assert page.status_code == 400 and "Location" not in page.headers, f"{page.status_code} {page.headers.get('Location')}"
    assert page.headers["Content-Type"].startswith("text/html")
    assert "http-equiv" not in page.text.lower().replace('http-equiv="x-ua-compatible"', ""), "it leads on"
    answer = tenant.node.request("GET", url, headers={"Accept": JSON})
    assert answer.status_code == 400 and "Location" not in answer.headers
    # What holds control characters is malformed before it is compared with anything.
    assert told(answer)["error"] in (code, "invalid_request", *more), answer.text
    assert "redirect_url" not in answer.text
    return page


@pytest.mark.parametrize("uri", CASES)
def test_an_address_that_is_not_registered(one, clients, uri):
    attempt = clients(one).attempt(redirect_uri=uri)
    page = nowhere(one, attempt.url)
    assert f'href="{uri}' not in page.text and f'action="{uri}' not in page.text


@pytest.mark.parametrize("entry", ["authorize", "provider"])
def test_at_every_entry(one, clients, provider, entry):
    client = clients(one)
    bad = client.attempt(redirect_uri="https://evil.example.com/cb")
    if entry == "authorize":
        answer = one.node.request("POST", f"{one.url}/oauth/authorize", data=bad.parameters, headers={"Accept": JSON})
        assert answer.status_code == 400 and told(answer)["error"] == "invalid_redirect_uri"
    else:
        nowhere(one, bad.at(one.way(provider, show_on_login=False)))


@pytest.mark.parametrize("uri", ["http://localhost:9/callback", "http://[::1]:9/callback", "http://127.1:9/callback", "http://127.0.0.1:10/callback"])
def test_op_redir_12_loopback_has_more_than_one_name(one, clients, uri):
    nowhere(one, clients(one, "WEB", LOOPBACK).attempt(redirect_uri=uri).url)


def test_the_registered_one_with_its_query_is_taken_as_it_is(one, visitor):
    uri = "https://app.example.com/cb?tenant=1&x=%20y"
    client = one.client(redirect_uris=[uri])
    attempt = client.attempt()
    answer = by_password(visitor(one), attempt, one.user())
    assert answer.startswith(f"{uri}&"), answer
    parameters = attempt.answer(answer)
    assert set(parameters) == {"tenant", "x", "code", "state", "iss"}, parameters


def test_a_native_application_listens_where_it_can(one, visitor):
    """RFC 8252 section 7.3: any port of a loopback literal."""
    client = one.client("NATIVE", ["http://127.0.0.1/cb", "com.example.app:/cb"])
    user = one.user()
    for uri in ("http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", "com.example.app:/cb"):
        attempt = client.attempt(redirect_uri=uri)
        browser = visitor(one)
        form = browser.go(attempt.url).form("password")
        answer = browser.submit(form, uri, username=user["name"], password=user["password"])
        assert attempt.redeem(attempt.code(answer)).status_code == 200
    for uri in ("http://127.0.0.1:51004/other", "http://localhost:51004/cb", "http://[::1]:51004/cb", "http://127.0.0.2:51004/cb",
                "http://127.0.0.1:51004/cb?x", "http://127.0.0.1:x/cb", "http://127.0.0.1:51004@evil.example/cb", "https://127.0.0.1:51004/cb"):
        nowhere(one, client.attempt(redirect_uri=uri).url)


@pytest.mark.parametrize("given", [None, ""])
def test_op_redir_15_none_named(one, clients, given):
    for client in (clients(one, "WEB", URI, f"{URI}2"), clients(one)):
        nowhere(one, client.attempt(redirect_uri=given).url, "invalid_redirect_uri", "invalid_request")


@pytest.mark.parametrize("uri", [
    f"{URI}?code=x", f"{URI}?a=b&state=x", f"{URI}?iss=x", f"{URI}?error=x", f"{URI}?response=x", f"{URI}#", f"{URI}#code=x", f"{URI}?co%64e=x",
    "http://app.example.com/cb", "javascript:alert(1)", "data:text/html,x", "https://user@app.example.com/cb", "//app.example.com/cb", "/cb", "",
    "https://app.example.com/cb\r\nx", "https://*.example.com/cb", "file:///etc/passwd", 7, None,
])  # fmt: skip
def test_op_redir_16_what_cannot_be_registered(one, uri):
    body = {"tenant_id": one.id, "name": "an application", "type": "WEB", "redirect_uris": [URI, uri]}
    answer = admin(one.node, "POST", APPLICATIONS, body)
    assert answer.status_code == 422, f"{answer.status_code} {answer.text}"
    [problem] = answer.json()["detail"]
    assert set(problem) == {"type", "loc", "msg"} and problem["loc"][:2] == ["body", "redirect_uris"], problem


@pytest.mark.parametrize("uri", ["myapp:/cb", "https://app.example.com/cb", "http://127.0.0.1:1/cb", "http://[::1]/cb", "com.example.app://cb"])
def test_custom_schemes_are_for_native_applications(one, uri):
    """Reverse domain names only (RFC 8252 section 7.1); not at all for web applications."""
    body = {"tenant_id": one.id, "name": "an application", "redirect_uris": [uri]}
    native = admin(one.node, "POST", APPLICATIONS, body | {"type": "NATIVE"})
    assert native.status_code == (422 if uri.startswith("myapp") else 201), native.text
    if not uri.startswith("http"):
        assert admin(one.node, "POST", APPLICATIONS, body | {"type": "WEB"}).status_code == 422


def test_an_answer_keeps_the_state_as_it_came(one, visitor):
    client, user = one.client(), one.user()
    for state in ("a b+c%20/&=?#\u00e9\u4e2d", "x" * 2048, "0"):
        attempt = client.attempt(state=state)
        attempt.code(by_password(visitor(one), attempt, user))
    attempt = client.attempt(state=None)
    answer = by_password(visitor(one), attempt, user)
    assert "state=" not in answer
    attempt.code(answer)


def test_what_is_too_long_or_holds_controls_is_refused(one, clients):
    client = clients(one)
    for parameters in ({"nonce": "n" * 2049}, {"state": "s" * 4097}, {"state": "a\r\nb"}, {"nonce": "a\0b"}, {"scope": "openid " + "x" * 2048}):
        url = client.attempt(**parameters).url
        answer = one.node.request("GET", url, headers={"Accept": PAGE})
        if answer.is_redirect:
            assert "error=invalid_request" in answer.headers["Location"], answer.headers["Location"]
            assert "\r" not in answer.headers["Location"] and "%0D" not in answer.headers["Location"].upper()
        else:
            assert answer.status_code in (400, 414), answer.status_code


def test_an_unknown_or_disabled_application_leads_nowhere(one, clients):
    for client_id in ("app_00000000000000000000000000000000", "", None, "x" * 300, "a'b\"<script>"):
        page = nowhere(one, clients(one).attempt(client_id=client_id).url, "invalid_client" if client_id else "invalid_request")
        assert "<script>" not in page.text.replace("<script nonce", "")
    disabled = one.client(redirect_uris=[URI], enabled=False)
    nowhere(one, disabled.attempt().url, "invalid_client")
    service = one.client("SERVICE")
    nowhere(one, service.attempt(redirect_uri=URI).url, "invalid_client")


def test_an_application_of_another_tenant_leads_nowhere(one, own):
    client = own().client(redirect_uris=[URI])
    attempt = client.attempt()
    nowhere(one, attempt.url.replace(client.tenant.url, one.url), "invalid_client")
    assert urllib.parse.urlsplit(attempt.url).path.endswith("/oauth/authorize")
