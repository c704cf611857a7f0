"""WEB-LOCK-1 to 4, WEB-ENUM-1 (short form), WEB-ENUM-2, and rates (tenant-login section 2.7): guessing is slowed and tells nothing.

The statistics of WEB-ENUM-1 and WEB-TIME-1 (times) are in `long.sh`.
"""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import Archstone, unique
from tenancy import Tenant, by_password, login_page, told
from visitor import JSON, Page

ATTEMPTS, SECONDS = 5, 3
LOCKOUT = {
    "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS": str(ATTEMPTS),
    "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION": str(SECONDS),
}


@pytest.fixture(scope="module")
def locking(make_node):
    """A tenant on a node that locks after five failures for three seconds."""
    return Tenant(make_node(**LOCKOUT))


@pytest.fixture(scope="module")
def locking_pair(cluster, settings):
    """Two such nodes on one PostgreSQL database, behind one public URL."""
    first = Archstone(cluster.fresh_database(), settings | LOCKOUT)
    first.settings = first.settings | {"ARCHSTONE_SERVER__PUBLIC_URL": first.url}
    first.prepare().start()
    second = first.another_node().start()
    yield first, second
    second.remove()
    first.remove()


def json_login(tenant, name, password, node=None, **headers):
    """POST …/login; the answer."""
    node = node or tenant.node
    return node.request("POST", f"{node.url}/api/v1/auth/tenants/{tenant.slug}/login", json={"username": name, "password": password}, headers=headers)


def sameness(answer):
    """What may be compared of an answer: not what is of this one request."""
    own = ("x-openstack-request-id", "date", "set-cookie", "content-length", "content-security-policy", "x-request-id")
    text = re.sub(r'"request_id": ?"[^"]*"', "", answer.text)
    text = re.sub(r"req-[0-9a-f-]{36}|[A-Za-z0-9_-]{43}|nonce=\"[^\"]*\"", "", text)
    return answer.status_code, text, sorted((k.lower(), v) for k, v in answer.headers.items() if k.lower() not in own)


def test_web_lock_1_ten_wrong_passwords(locking):
    user = locking.user()
    wrong = [json_login(locking, user["name"], f"wrong-{n}") for n in range(10)]
    assert wrong[0].status_code == 401 and told(wrong[0])["error"] == "login_failed"
    assert all(sameness(a) == sameness(wrong[0]) for a in wrong)
    assert sameness(json_login(locking, user["name"], user["password"])) == sameness(wrong[0]), "a locked account tells that the password was right"
    time.sleep(SECONDS + 0.5)
    assert json_login(locking, user["name"], user["password"]).status_code == 200, "WEB-LOCK-3: not for ever"


def test_web_lock_1_on_the_page(locking, visitor):
    user, browser, client = locking.user(), visitor(locking), locking.client()
    attempt = client.attempt()
    page = login_page(browser, attempt)
    texts = set()
    for n in range(ATTEMPTS + 2):
        page = browser.submit(page.form("password"), client.redirect_uri, username=user["name"], password=f"wrong-{n}")
        assert isinstance(page, Page) and page.status in (200, 401), page
        texts.add(page.text)
        assert page.form("password").fields["username"] == user["name"]
    assert len(texts) == 1
    page = browser.submit(page.form("password"), client.redirect_uri, username=user["name"], password=user["password"])
    assert isinstance(page, Page) and page.text in texts, "locked"
    time.sleep(SECONDS + 0.5)
    attempt.code(browser.submit(page.form("password"), client.redirect_uri, username=user["name"], password=user["password"]))


def test_web_lock_1_all_faces_count_together(locking):
    """The Keystone face's failures count here, and the other way round."""
    user = locking.user()
    for n in range(ATTEMPTS):
        if n % 2:
            assert json_login(locking, user["name"], "wrong").status_code == 401
        else:
            assert locking.node.login({"id": user["id"]}, "wrong").status_code == 401
    assert json_login(locking, user["name"], user["password"]).status_code == 401
    assert locking.node.login({"id": user["id"]}, user["password"]).status_code == 401


def test_web_lock_1_confirming_a_link_counts_too(locking, provider, visitor):
    """Lock-out is asked at every step (CVE-2026-16103)."""
    email = f"{unique()}@example.com"
    user = locking.user(email=email, email_verified=True)
    way, client, browser = locking.way(provider, link_mode="confirm"), locking.client(), visitor(locking)
    button = login_page(browser, client.attempt()).link(way.id)
    back = way.return_from(browser, browser.go(button, f"{provider.issuer}/"), way.person(email=email))
    page = browser.go(back, client.redirect_uri)
    for n in range(ATTEMPTS):
        page = browser.submit(page.form("password"), client.redirect_uri, button="link", password=f"wrong-{n}")
        assert isinstance(page, Page), page
        if not any("password" in f.types for f in page.forms):
            break
    else:
        page = browser.submit(page.form("password"), client.redirect_uri, button="link", password=user["password"])
        assert isinstance(page, Page), "locked"
    assert json_login(locking, user["name"], user["password"]).status_code == 401


def test_web_lock_2_a_hundred_at_once_over_two_nodes(locking_pair):
    """No more than the limit and one for each node are tried."""
    tenant = Tenant(locking_pair[0])
    user = tenant.user()
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda n: json_login(tenant, user["name"], "wrong", node=locking_pair[n % 2]), range(100)))
    assert {a.status_code for a in answers} == {401}
    assert json_login(tenant, user["name"], user["password"]).status_code == 401
    events = locking_pair[0].expect(200, "GET", f"/v3/users/{user['id']}", token=locking_pair[0].admin_token)
    assert events["user"]["id"] == user["id"]


def test_web_lock_4_no_forwarded_address_is_believed(locking):
    user = locking.user()
    for n in range(ATTEMPTS):
        assert json_login(locking, user["name"], "wrong", **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code == 401
    assert json_login(locking, user["name"], user["password"], **{"X-Forwarded-For": "198.51.100.7"}).status_code == 401


# -- who is there ---------------------------------------------------------------------------------------------------------


def test_web_enum_1_failures_look_alike(one, own, visitor):
    """Short form: existing, unknown, disabled and other tenants' users, passwords wrong, empty and huge."""
    there, disabled, elsewhere = one.user(), one.user(enabled=False), own()
    names = {"existing": there["name"], "unknown": unique("nobody"), "disabled": disabled["name"], "elsewhere": elsewhere.user()["name"], "federated": "x" * 255}
    for label, password in {"wrong": "wrong", "right for the disabled": disabled["password"], "huge": "p" * 1_000_000}.items():
        answers = {kind: json_login(one, name, password) for kind, name in names.items() if not (kind == "existing" and label.startswith("right"))}
        first = next(iter(answers.values()))
        assert first.status_code in (401, 413), first.text
        for kind, answer in answers.items():
            assert sameness(answer) == sameness(first), f"{label}: {kind}"
    for name in names.values():
        answer = json_login(one, name, "")
        assert answer.status_code in (401, 422), answer.text
        assert sameness(answer) == sameness(json_login(one, unique(), "")), name


def test_web_enum_1_pages_look_alike(one, visitor):
    disabled = one.user(enabled=False)
    pages = []
    for name, password in ((one.user()["name"], "wrong"), (unique("nobody"), "wrong"), (disabled["name"], "wrong"), (disabled["name"], disabled["password"])):
        browser = visitor(one)
        page = browser.submit(browser.go(f"{one.pages}/login").form("password"), username=name, password=password)
        pages.append(sameness(page.answer)[:2] + (page.source.replace(name, "N").count("N") > 0,))
        pages[-1] = (pages[-1][0], pages[-1][1].replace(name, "N"), pages[-1][2])
    assert len(set(pages)) == 1


def test_web_enum_2_a_domain_says_nothing_about_people(own, provider, visitor):
    """Home-realm discovery knows domains, not people (section 11.1)."""
    tenant = own()
    way = tenant.way(provider, domains=["corp.example.com"], name="Corporate")
    tenant.user(name="ann@elsewhere.example.com", email="ann@elsewhere.example.com")

    def ask(identifier):
        browser = visitor(tenant)
        page = browser.go(f"{tenant.pages}/login")
        form = page.form("identifier") if any("identifier" in f.types for f in page.forms) else page.form("username")
        return browser.send(form, **{next(n for n in ("identifier", "username") if n in form.types): identifier})

    known, unknown = ask("ann@corp.example.com"), ask("nobody@corp.example.com")
    for answer in (known, unknown):
        assert answer.status_code == 303 and way.id in answer.headers["Location"] or provider.issuer in answer.headers["Location"], answer.text
    local, nobody = ask("ann@elsewhere.example.com"), ask("bob@elsewhere.example.com")
    assert local.status_code == nobody.status_code
    assert sameness(local)[1].replace("ann@", "x@") == sameness(nobody)[1].replace("bob@", "x@")


def test_web_enum_2_the_public_list_names_no_customer(own, provider):
    tenant = own()
    way = tenant.way(provider, domains=["secret-customer.example.com"])
    answer = tenant.node.request("GET", tenant.idps)
    for word in ("secret-customer", way.client_id, provider.issuer):
        assert word not in answer.text
    hints = [tenant.node.request("GET", f"{tenant.idps}?login_hint={h}").json() for h in ("ann@elsewhere.example.com", "nobody@elsewhere.example.com")]
    assert hints[0] == hints[1]


# -- rates ----------------------------------------------------------------------------------------------------------------


def slowed(node, ask, limit):
    """Asks until it is refused; how often it was not."""
    for n in range(limit + 40):
        answer = ask()
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 300
            return n, answer
        assert answer.status_code < 500, answer.text
    raise AssertionError(f"never slowed in {limit + 40} requests")


@pytest.mark.parametrize("what, limit", [("idps", 120), ("begin", 60), ("finish", 60), ("token", 300)])
def test_rates(paced, provider, what, limit):
    tenant = Tenant(paced)
    client = tenant.client("SERVICE", grant_types=["client_credentials"])
    way = tenant.way(provider) if what == "begin" else None
    asks = {
        "idps": lambda: paced.request("GET", tenant.idps),
        "begin": lambda: paced.request("GET", way.authorize, headers={"Accept": JSON}),
        "finish": lambda: paced.request("GET", f"{tenant.url}/federation/oidc/callback?state=x", headers={"Accept": JSON}),
        "token": lambda: client.ask(grant_type="client_credentials"),
    }
    count, answer = slowed(paced, asks[what], limit)
    if what == "finish":
        assert count <= limit, "failures have a smaller limit of their own"
    else:
        assert limit <= count <= limit + 30, count
    if what != "token":
        assert answer.json()["detail"] == "Too many requests"
    # Another tenant's people are not slowed by that.
    other = Tenant(paced)
    assert paced.request("GET", other.idps).status_code == 200
    assert paced.request("GET", f"{other.url}/federation/oidc/callback?state=x", headers={"Accept": JSON}).status_code == 400


def test_wrong_passwords_are_failures_too(paced, visitor):
    tenant = Tenant(paced)
    user = tenant.user()
    count, _ = slowed(paced, lambda: json_login(tenant, unique(), "wrong"), 60)
    assert count <= 60
    other = Tenant(paced)
    friend = other.user()
    attempt = other.client().attempt()
    attempt.code(by_password(visitor(other), attempt, friend))
    assert user["id"] != friend["id"]
