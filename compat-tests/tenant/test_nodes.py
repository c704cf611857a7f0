"""REL-NODE-1, REL-NODE-3, OP-DOS-1 (short form), REL-KILL-2: each step may land on another node, and nothing piles up."""

import itertools
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import Archstone, eventually
from tenancy import Tenant, admin, by_password, claims_of, login_page
from visitor import Page


@pytest.fixture
def balanced(visitor):
    """`balanced(tenant, pair, start)`: a browser whose requests go to the nodes in turn."""
    def make(tenant, pair, start=0):
        browser = visitor(tenant)
        turn = itertools.count(start)
        plain = type(browser).routed

        def routed(url):
            browser.through = pair[next(turn) % len(pair)].url
            return plain(browser, url)

        browser.routed = routed
        return browser

    return make


@pytest.fixture
def tenant(pair):
    """A tenant on both nodes; the second one is given the moment that it may take to hear of it."""
    made = Tenant(pair[0])
    at = f"/api/v1/auth/tenants/{made.slug}/federation/idps"
    assert eventually(lambda: pair[1].request("GET", at).status_code == 200, 1.0)
    return made


@pytest.mark.parametrize("start", [0, 1])
def test_rel_node_1_each_step_on_another_node(pair, tenant, provider, balanced, start):
    """Request, login page, departure, callback, code, userinfo, refresh, logout."""
    way, client = tenant.way(provider), tenant.client(logout_uris=["http://127.0.0.1:9/after"])
    browser = balanced(tenant, pair, start)
    attempt = client.attempt(scope="openid profile email offline_access")
    page = browser.go(attempt.url)
    leaving = browser.go(page.link(way.id), f"{provider.issuer}/")
    answer = browser.go(way.return_from(browser, leaving, way.person()), client.redirect_uri)
    form = {"grant_type": "authorization_code", "code": attempt.code(answer), "redirect_uri": client.redirect_uri, "code_verifier": attempt.verifier}
    tokens = client.ask(node=pair[1 - start], **form).json()
    assert claims_of(tokens)["iss"] == tenant.issuer
    for node in pair:
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert node.request("GET", f"/api/v1/auth/tenants/{tenant.slug}/oauth/userinfo", headers=bearer).status_code == 200
        tokens = client.ask(node=node, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    out = f"{tenant.url}/oauth/logout?id_token_hint={tokens['id_token']}&post_logout_redirect_uri=http://127.0.0.1:9/after"
    browser.go(out, "http://127.0.0.1:9/after")
    attempt = client.attempt(prompt="none")
    assert attempt.answer(browser.go(attempt.url, client.redirect_uri))["error"] == "login_required"


def test_rel_node_1_with_a_password_consent_and_a_device(pair, tenant, balanced):
    browser, user = balanced(tenant, pair, 1), tenant.user()
    client = tenant.client(third_party=True)
    attempt = client.attempt()
    form = browser.go(attempt.url).form("password")
    page = browser.submit(form, client.redirect_uri, username=user["name"], password=user["password"])
    attempt.tokens(browser.submit(page.form_with_button("allow"), client.redirect_uri, button="allow"))
    device = tenant.client("NATIVE", ["http://127.0.0.1/cb"], grant_types=["urn:ietf:params:oauth:grant-type:device_code"])
    begun = device.post("oauth/device_authorization", scope="openid").json()
    page = browser.submit(browser.go(f"{tenant.pages}/device").form("user_code"), user_code=begun["user_code"])
    browser.submit(page.form_with_button("allow"), button="allow")
    answer = device.ask(node=pair[1], grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=begun["device_code"])
    assert claims_of(answer.json())["sub"] == user["id"], answer.text


def test_rel_node_1_a_node_dies_between(cluster, settings, provider, visitor):
    """And REL-KILL-2: what was begun on the dead node is ended on the other."""
    first = Archstone(cluster.fresh_database(), settings)
    first.settings = first.settings | {"ARCHSTONE_SERVER__PUBLIC_URL": first.url}
    second = None
    try:
        first.prepare().start()
        second = first.another_node().start()
        tenant = Tenant(first)
        way, client = tenant.way(provider), tenant.client()
        browser, user = visitor(tenant), tenant.user()
        attempt, other = client.attempt(), client.attempt()
        leaving = browser.go(attempt.at(way), f"{provider.issuer}/")
        form = login_page(browser, other).form("password")
        back = way.return_from(browser, leaving, way.person())
        first.kill()
        browser.through = second.url
        code = attempt.code(browser.go(back, client.redirect_uri))
        redeem = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri, "code_verifier": attempt.verifier}
        tokens = client.ask(node=second, **redeem).json()
        assert claims_of(tokens)["iss"] == tenant.issuer
        other.code(browser.submit(form, client.redirect_uri, username=user["name"], password=user["password"]))
    finally:
        if second:
            second.remove()
        first.remove()


def test_rel_node_2_changes_are_heard_within_a_second(pair, tenant, provider):
    way, client = tenant.way(provider), tenant.client()
    at = f"/api/v1/auth/tenants/{tenant.slug}"

    def offered():
        return way.id in [i["id"] for i in pair[1].request("GET", f"{at}/federation/idps").json()["idps"]]

    assert eventually(offered, 1.0)
    way.set(enabled=False)
    assert eventually(lambda: not offered(), 1.0)
    asked = lambda: pair[1].request("GET", client.attempt().url.replace(pair[0].url, pair[1].url), headers={"Accept": "text/html"}).status_code  # noqa: E731
    assert eventually(lambda: asked() == 302, 1.0)
    client.set(enabled=False)
    assert eventually(lambda: asked() == 400, 1.0)
    tenant.patch(active=False)
    assert eventually(lambda: pair[1].request("GET", f"{at}/federation/idps").status_code == 403, 1.0)


def test_two_nodes_make_the_keys_once(pair):
    """Keys are made when first needed, by whichever node; both sign with the same ones."""
    for _ in range(3):
        tenant = Tenant(pair[0])
        path = f"/api/v1/auth/tenants/{tenant.slug}/.well-known/jwks.json"
        assert eventually(lambda: pair[1].request("GET", f"/api/v1/auth/tenants/{tenant.slug}/federation/idps").status_code == 200, 1.0)  # noqa: B023
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: pair[n % 2].request("GET", path).json(), range(8)))  # noqa: B023
        assert eventually(lambda: pair[0].request("GET", path).json() == pair[1].request("GET", path).json(), 1.0)  # noqa: B023
        settled = {k["kid"] for k in pair[0].request("GET", path).json()["keys"]}
        assert all(settled >= {k["kid"] for k in a["keys"]} for a in answers), "no key was shown that is gone again"


def test_rel_node_3_one_callback_at_both_nodes(pair, tenant, provider, visitor):
    way, client = tenant.way(provider), tenant.client()
    for _ in range(3):
        browser, attempt = visitor(tenant), client.attempt()
        back = way.return_from(browser, browser.go(attempt.at(way), f"{provider.issuer}/"), way.person())
        cookies = "; ".join(f"{n}={v}" for n, v in browser.cookies.items())
        headers = {"Accept": "text/html", "Cookie": cookies}
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: pair[n % 2].request("GET", back.replace(pair[0].url, pair[n % 2].url), headers=headers), range(20)))  # noqa: B023
        codes = [a for a in answers if "code=" in a.headers.get("Location", "")]
        assert len(codes) == 1 and all(a.status_code < 500 for a in answers), [a.status_code for a in answers]


def test_op_dos_1_requests_without_a_sign_in(make_node):
    """Short form: above the bound the oldest ones go; who began last can go on. `long_flood.py` asks a hundred thousand times."""
    node = make_node(ARCHSTONE_TENANT__MAX_OPEN_SIGN_INS="100")
    tenant = Tenant(node)
    client, user = tenant.client(), tenant.user()
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda _: node.request("GET", client.attempt().url, headers={"Accept": "text/html"}).status_code, range(300)))
    assert statuses == {302}
    file = next(p for p in node.data.rglob("*") if p.is_file() and p.open("rb").read(15) == b"SQLite format 3")

    def kept():
        with sqlite3.connect(file) as connection:
            return connection.execute("SELECT count(*) FROM sign_ins WHERE tenant_id = ? AND stage = 'open'", (tenant.id,)).fetchone()[0]

    browser = tenant.visitor()
    attempt = client.attempt()
    attempt.code(by_password(browser, attempt, user))
    browser.close()
    fresh = tenant.visitor()
    page = login_page(fresh, last := client.attempt())
    # Cleaning happens every ten minutes, and when a node starts.
    node.restart()
    assert eventually(lambda: kept() <= 100, 5.0), kept()
    last.code(fresh.submit(page.form("password"), client.redirect_uri, username=user["name"], password=user["password"]))
    fresh.close()
    assert isinstance(tenant.visitor().go(client.attempt().url), Page)
    assert admin(node, "GET", tenant.path(), status=200)


def test_a_node_that_is_stopped_ends_its_sign_ins_well(make_node, visitor):
    """Restarting loses nothing that was begun."""
    node = make_node()
    tenant = Tenant(node)
    client, user, browser = tenant.client(), tenant.user(), visitor(tenant)
    attempt = client.attempt()
    form = login_page(browser, attempt).form("password")
    node.restart("kill")
    answer = browser.submit(form, client.redirect_uri, username=user["name"], password=user["password"])
    code = attempt.code(answer)
    node.restart("term")
    tokens = attempt.redeem(code).json()
    node.restart("kill")
    assert tenant.userinfo(tokens["access_token"]).status_code == 200
