"""What seed 004 names: F1 to F3 with every parameter, the 422 form, JSON clients, direct sign-ins (tenant-login sections 1 to 4, 8.2, 16)."""

import urllib.parse

import pytest

from harness import unique
from tenancy import PROVIDERS, Tenant, admin, by_provider, claims_of, login_page, told
from visitor import JSON, PAGE, Page, query_of

PARAMETERS = ["response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"]


@pytest.fixture(scope="module")
def ways():
    """An identity provider for each tenant that tests only look at."""
    made = {}

    def of(tenant, provider):
        if tenant.id not in made:
            made[tenant.id] = tenant.way(provider, name="Acme Okta", preset="okta", keep=True)
        return made[tenant.id]

    return of


# -- F1 -------------------------------------------------------------------------------------------------------------------


def test_f1_the_list(own, provider):
    tenant = own()
    assert tenant.node.request("GET", tenant.idps).json() == {"idps": [], "local_login_enabled": True}
    way = tenant.way(provider, name="Acme Okta")
    answer = tenant.node.request("GET", tenant.idps)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "public, max-age=30" and answer.headers["ETag"]
    body = answer.json()
    assert set(body) == {"idps", "local_login_enabled"} and body["local_login_enabled"] is True
    [item] = body["idps"]
    assert {k: item[k] for k in ("id", "name", "provider_type", "display_name", "button_text", "icon_url", "is_default")} == {
        "id": way.id, "name": "Acme Okta", "provider_type": "oidc", "display_name": "Acme Okta", "button_text": "Sign in with Acme Okta", "icon_url": None,
        "is_default": False,
    }  # fmt: skip
    assert item["login_url"] == way.authorize
    unchanged = tenant.node.request("GET", tenant.idps, headers={"If-None-Match": answer.headers["ETag"]})
    assert unchanged.status_code == 304
    tenant.set(local_login=False)
    assert tenant.node.request("GET", tenant.idps).json()["local_login_enabled"] is False


def test_f1_order_and_what_is_left_out(own, provider):
    tenant = own()
    last = tenant.way(provider, name="Zeta", display_order=200)
    second = tenant.way(provider, name="beta")
    third = tenant.way(provider, name="Gamma")
    first = tenant.way(provider, name="omega", display_order=1)
    tenant.way(provider, name="hidden", show_on_login=False)
    tenant.way(provider, name="off", enabled=False)
    ids = [i["id"] for i in tenant.node.request("GET", tenant.idps).json()["idps"]]
    assert ids == [first.id, second.id, third.id, last.id], "display_order, then the name without regard to case"
    client = tenant.client(allowed_idps=[third.id])
    ids = [i["id"] for i in tenant.node.request("GET", f"{tenant.idps}?client_id={client.id}").json()["idps"]]
    assert ids == [third.id]


def test_f1_global_configurations_are_offered_to_every_tenant_unless_kept_for_some(archstone, own):
    """ADM: `PUT …/tenants` keeps one for these."""
    tenant, other = Tenant(archstone), Tenant(archstone)
    body = {"displayName": unique("Corporate"), "providerType": "OIDC",
            "oidcConfig": {"clientId": "x", "clientSecret": "y", "wellKnownUrl": f"https://{unique()}.example.com/.well-known/openid-configuration"}}
    made = archstone.request("POST", "/api/v1/sso/configurations", json=body, headers={"Authorization": f"Bearer {archstone.admin_token}"}).json()

    def offered(it):
        return made["uuid"] in {i["id"] for i in archstone.request("GET", it.idps).json()["idps"]}

    assert offered(tenant) and offered(other)
    admin(archstone, "PUT", f"{PROVIDERS}/{made['uuid']}/tenants", {"tenant_ids": [tenant.id]}, 200)
    assert offered(tenant) and not offered(other)
    answer = archstone.request("GET", f"{other.url}/federation/oidc/{made['uuid']}/authorize", headers={"Accept": JSON})
    assert answer.status_code == 404
    admin(archstone, "PUT", f"{PROVIDERS}/{made['uuid']}/tenants", {"tenant_ids": []}, 200)
    assert offered(other)
    archstone.request("DELETE", f"/api/v1/sso/configurations/{made['uuid']}?options.force=true", headers={"Authorization": f"Bearer {archstone.token(system=True)}"})


@pytest.mark.parametrize("slug", ["nobody", "ACME", "a_b", "-a", "a-", "a" * 64, "%00", "..%2f..", "\u00e9", "x y", "a.b"])
def test_an_unknown_tenant(one, slug):
    for path in ("federation/idps", "federation/oidc/x/authorize", "federation/oidc/callback", ".well-known/openid-configuration", "oauth/authorize"):
        answer = one.node.request("GET", f"/api/v1/auth/tenants/{urllib.parse.quote(slug, safe='%')}/{path}", headers={"Accept": JSON})
        assert answer.status_code == 404, f"{path}: {answer.status_code}"
        assert told(answer)["detail"] in ("Tenant not found", "Not Found"), answer.text


def test_no_credential_is_needed_and_none_refused(one):
    """Anonymous; a Bearer header is ignored, never rejected (section 1)."""
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic x"}, {"X-Auth-Token": "x"}, {"Authorization": f"Bearer {one.node.admin_token}"}):
        assert one.node.request("GET", one.idps, headers=headers).status_code == 200
        answer = one.node.request("GET", f"{one.url}/federation/oidc/callback", headers=headers | {"Accept": JSON})
        assert answer.status_code == 400 and told(answer)["error"] == "invalid_state"


# -- F2 -------------------------------------------------------------------------------------------------------------------


def test_f2_the_browser_is_led_to_the_provider(tenant, provider, visitor):
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt = client.attempt(login_hint="ann@example.com")
    answer = browser.get(attempt.at(way))
    assert answer.status_code == 302 and answer.headers["Cache-Control"] == "no-store"
    asked = query_of(answer.headers["Location"])
    assert answer.headers["Location"].startswith(f"{provider.issuer}/auth?")
    assert asked["response_type"] == "code" and asked["client_id"] == way.client_id and asked["redirect_uri"] == way.callback
    assert set(asked["scope"].split()) == {"openid", "email", "profile"} and asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == 43 and len(asked["nonce"]) == 43 and len(asked["code_challenge"]) == 43 and asked["login_hint"] == "ann@example.com"
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != attempt.parameters[name], f"{name}: ours, not the application's"
    again = query_of(browser.get(attempt.at(way)).headers["Location"])
    assert all(again[name] != asked[name] for name in ("state", "nonce", "code_challenge")), "fresh each time"


def test_f2_f3_the_parameters_survive_the_round_trip(tenant, provider, visitor):
    """"The original OAuth parameters are stored in state so they can be restored after the user returns from the IdP."""
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt = client.attempt(scope="openid email", state="s t/a?t&e=%20", nonce="n \u00e9 /")
    leaving = browser.go(attempt.at(way), f"{provider.issuer}/")
    back = way.return_from(browser, leaving, way.person())
    answer = browser.get(back)
    assert answer.status_code == 302 and answer.headers["Cache-Control"] == "no-store"
    tokens = attempt.tokens(answer.headers["Location"])
    assert tokens["scope"] == "openid email" and claims_of(tokens)["nonce"] == "n \u00e9 /"


@pytest.mark.parametrize("name", PARAMETERS)
def test_f2_every_parameter_is_optional_and_read(one, ways, provider, name):
    """One alone is a request of an application; without `client_id` that is none. An empty one counts as absent."""
    way = ways(one, provider)
    answer = one.node.request("GET", f"{way.authorize}?{name}=x", headers={"Accept": JSON})
    assert answer.status_code == 400, answer.text
    assert told(answer)["error"] == ("invalid_client" if name == "client_id" else "invalid_request")
    answer = one.node.request("GET", f"{way.authorize}?{name}=", headers={"Accept": JSON})
    assert answer.status_code == 200 and answer.json()["redirect_url"].startswith(f"{provider.issuer}/auth?")


def test_f2_other_identity_providers_are_not_found(one, own, ways, provider):
    ways(one, provider)
    other, off = own().way(provider), one.way(provider, enabled=False)
    for id in ("unknown", other.id, off.id, "%00", "a%2fb", "x" * 300, "..", "idp'--"):
        answer = one.node.request("GET", f"{one.url}/federation/oidc/{id}/authorize", headers={"Accept": JSON})
        assert answer.status_code == 404 and told(answer)["detail"] in ("Identity provider not found", "Not Found"), f"{id}: {answer.text}"


def test_the_generic_pair(tenant, provider, visitor):
    """`federation/{protocol}/{idp_id}/login` and `federation/{protocol}/callback` are the same for every protocol."""
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt = client.attempt()
    url = attempt.at(way).replace(f"/oidc/{way.id}/authorize", f"/oidc/{way.id}/login")
    leaving = browser.go(url, f"{provider.issuer}/")
    assert isinstance(leaving, str), leaving
    attempt.tokens(browser.go(way.return_from(browser, leaving, way.person()), client.redirect_uri))
    answer = tenant.node.request("GET", f"{tenant.url}/federation/nonsense/{way.id}/login", headers={"Accept": JSON})
    assert answer.status_code == 404


# -- F3 -------------------------------------------------------------------------------------------------------------------


def test_f3_without_anything(one):
    for query in ("", "?code=x", "?state=", "?error=access_denied", "?error_description=x", "?code=x&error=y"):
        answer = one.node.request("GET", f"{one.url}/federation/oidc/callback{query}", headers={"Accept": JSON})
        assert answer.status_code == 400 and told(answer)["error"] == "invalid_state", f"{query}: {answer.text}"
        assert set(answer.json()) == {"detail", "error", "request_id"} and answer.json()["request_id"]
    for state in ("x", "A" * 43, "\u00e9", "x" * 2000, "'--", "%00"):
        answer = one.node.request("GET", f"{one.url}/federation/oidc/callback?code=x&state={state}", headers={"Accept": JSON})
        assert answer.status_code == 400 and told(answer)["error"] in ("invalid_state", "invalid_request"), answer.text


@pytest.mark.parametrize("name", ["code", "state", "error", "error_description", "iss"])
def test_f3_a_parameter_twice(one, name):
    answer = one.node.request("GET", f"{one.url}/federation/oidc/callback?state=x&code=y&{name}=a&{name}=b", headers={"Accept": JSON})
    assert answer.status_code == 400 and told(answer)["error"] in ("invalid_request", "invalid_state"), answer.text


@pytest.mark.parametrize("error, expected", [("access_denied", "access_denied"), ("temporarily_unavailable", "temporarily_unavailable"),
                                             ("server_error", "server_error"), ("nonsense<b>", "server_error"), ("login_required", "access_denied")])
def test_f3_the_provider_says_no(tenant, provider, visitor, error, expected):
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt = client.attempt()
    state = query_of(browser.get(attempt.at(way)).headers["Location"])["state"]
    query = urllib.parse.urlencode({"state": state, "error": error, "error_description": "a canary of theirs", "iss": provider.issuer})
    answer = browser.go(f"{way.callback}?{query}", client.redirect_uri)
    parameters = attempt.error(answer, expected)
    assert "canary" not in answer and parameters["error_description"]


def test_f3_of_another_tenant(one, own, provider, visitor):
    way, browser, other = one.way(provider), visitor(one), own()
    attempt = one.client().attempt()
    leaving = browser.go(attempt.at(way), f"{provider.issuer}/")
    back = way.return_from(browser, leaving, way.person())
    answer = browser.get(back.replace(one.url, other.url), headers={"Accept": JSON})
    assert answer.status_code == 400 and told(answer)["error"] == "invalid_state"
    attempt.code(browser.go(back, attempt.client.redirect_uri))


def test_f3_an_expired_sign_in_returns_to_the_application(clocked, provider, visitor):
    """B4: ten minutes later the application is told; a day later there is a page."""
    node, step = clocked
    tenant = Tenant(node)
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt, direct = client.attempt(), browser.go(way.authorize, f"{provider.issuer}/")
    leaving = browser.go(attempt.at(way), f"{provider.issuer}/")
    back, back_direct = (way.return_from(browser, url, way.person()) for url in (leaving, direct))
    login = login_page(browser, other := client.attempt())
    step(605)
    parameters = attempt.error(browser.go(back, client.redirect_uri), "temporarily_unavailable")
    assert parameters["error_description"] == "authentication_expired"
    page = browser.go(back_direct)
    assert isinstance(page, Page) and page.status == 400
    user = tenant.user()
    late = browser.submit(login.form("password"), client.redirect_uri, username=user["name"], password=user["password"])
    if isinstance(late, str):
        other.error(late, "temporarily_unavailable")
    else:
        assert late.status == 400
    step(605 + 90_000)
    page = browser.go(back, client.redirect_uri)
    assert isinstance(page, Page) and page.status == 400


def test_a_shorter_time(make_clocked, provider, visitor):
    """`sign_in_secs` is configuration."""
    node, step = make_clocked(ARCHSTONE_TENANT__SIGN_IN_SECS="60")
    tenant = Tenant(node)
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt = client.attempt()
    back = way.return_from(browser, browser.go(attempt.at(way), f"{provider.issuer}/"), way.person())
    step(61)
    attempt.error(browser.go(back, client.redirect_uri), "temporarily_unavailable")


# -- JSON clients and direct sign-ins -------------------------------------------------------------------------------------


def test_json_clients_are_told_where_to_go(tenant, provider, visitor):
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant, accept=JSON)
    attempt = client.attempt()
    answer = browser.get(attempt.at(way))
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["method"] == "GET" and body["expires_in"] == 600 and set(body) <= {"redirect_url", "method", "form", "expires_in"}
    back = way.return_from(browser, body["redirect_url"], way.person())
    answer = browser.get(back)
    assert answer.status_code == 200 and set(answer.json()) == {"redirect_url"}
    attempt.tokens(answer.json()["redirect_url"])


def test_a_direct_sign_in_of_a_json_client(tenant, provider, visitor):
    way, browser = tenant.way(provider, name="Acme Okta"), visitor(tenant, accept=JSON)
    person = way.person(name="Ann Other", email="direct@example.org")
    for created in (True, False):
        url = browser.get(way.authorize).json()["redirect_url"]
        answer = browser.get(way.return_from(browser, url, person))
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert set(body) == {"status", "user", "session", "idp", "user_created"}, "no tokens"
        assert body["status"] == "authenticated" and body["user_created"] is created and body["idp"] == {"id": way.id, "name": "Acme Okta"}
        assert set(body["user"]) == {"id", "email", "display_name", "tenant_id"} and body["user"]["tenant_id"] == tenant.id
        assert body["user"]["email"] == "direct@example.org" and set(body["session"]) == {"id", "expires_at"}
    assert [n for n in browser.cookies if "sso." in n]


def test_a_direct_sign_in_of_a_browser(own, provider, visitor):
    tenant = own()
    way, browser = tenant.way(provider), visitor(tenant)
    page = browser.go(way.return_from(browser, browser.go(way.authorize, f"{provider.issuer}/"), way.person(name="Ann Other")))
    assert isinstance(page, Page) and page.status == 200 and [n for n in browser.cookies if "sso." in n]
    tenant.set(default_redirect_url="https://portal.example.com/home?x=1")
    browser = visitor(tenant)
    answer = browser.go(way.return_from(browser, browser.go(way.authorize, f"{provider.issuer}/"), way.person()), "https://")
    assert answer == "https://portal.example.com/home?x=1"


def test_a_direct_sign_in_and_then_an_application(tenant, provider, visitor):
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    browser.go(way.return_from(browser, browser.go(way.authorize, f"{provider.issuer}/"), way.person()))
    attempt = client.attempt(prompt="none")
    assert claims_of(attempt.tokens(browser.go(attempt.url, client.redirect_uri)))["idp"] == way.id


def test_a_failed_direct_sign_in(tenant, provider, visitor):
    way, browser = tenant.way(provider), visitor(tenant)
    back = provider.follow(browser.http, browser.go(way.authorize, f"{provider.issuer}/"), None, stop=way.callback)
    page = browser.go(back)
    assert isinstance(page, Page) and page.status == 403 and page.has_link(f"/auth/{tenant.slug}/login"), page
    assert "gave up" not in page.text
    request_id = page.answer.headers["x-openstack-request-id"]
    assert request_id in page.text, "whoever helps can look it up"


def test_the_password_login_of_a_json_client(tenant):
    user = tenant.user(email="ann@example.org")
    answer = tenant.node.request("POST", f"{tenant.url}/login", json={"username": user["name"], "password": user["password"]})
    assert answer.status_code == 200 and "Set-Cookie" in answer.headers, answer.text
    body = answer.json()
    assert body["status"] == "authenticated" and body["user"]["id"] == user["id"] and body["session"]["id"] and "tokens" not in body
    assert "password" not in answer.text


# -- the form of failures -------------------------------------------------------------------------------------------------


def schema(answer, *expected):
    """A 422 in the form of `HTTPValidationError`: (type, loc) of each problem, and nothing beside what the schema has."""
    assert answer.status_code == 422, f"{answer.status_code} {answer.text}"
    assert set(answer.json()) == {"detail"}
    for problem in answer.json()["detail"]:
        assert set(problem) == {"type", "loc", "msg"}, "no input is repeated"
        assert all(isinstance(p, (str, int)) for p in problem["loc"]) and problem["msg"]
    assert [(p["type"], p["loc"]) for p in answer.json()["detail"]] == list(expected), answer.text


def test_422_of_json_bodies(one):
    at = f"{one.url}/login"
    ask = lambda body: one.node.request("POST", at, json=body)  # noqa: E731
    schema(ask({"username": "x"}), ("missing", ["body", "password"]))
    schema(ask({"username": "x", "password": 7}), ("string_type", ["body", "password"]))
    schema(ask(["x"]), ("model_attributes_type", ["body"]))
    answer = one.node.request("POST", at, data="{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["detail"][0]["type"] == "json_invalid" and answer.json()["detail"][0]["msg"] == "JSON decode error"
    answer = one.node.request("POST", at, headers={"Content-Type": "application/json"})
    schema(answer, ("missing", ["body"]))
    secret = "a secret that nobody repeats"
    assert secret not in ask({"username": 7, "password": secret}).text


def test_other_failures(one):
    answer = one.node.request("GET", f"{one.url}/nothing", headers={"Accept": JSON})
    assert answer.status_code == 404 and answer.json()["detail"] == "Not Found"
    answer = one.node.request("DELETE", one.idps)
    assert answer.status_code == 405 and answer.json()["detail"] == "Method Not Allowed" and "GET" in answer.headers["Allow"]


def test_a_trailing_slash(one):
    answer = one.node.request("GET", f"{one.idps}/")
    assert answer.status_code in (200, 307)
    if answer.status_code == 307:
        assert answer.headers["Location"].endswith("/federation/idps")


@pytest.mark.parametrize("accept", [PAGE, "text/html"])
def test_failures_are_pages_for_browsers(one, accept):
    """The status, the text, the request id and a way to start again."""
    answer = one.node.request("GET", f"{one.url}/federation/oidc/callback?state=x", headers={"Accept": accept})
    page = Page(answer)
    assert page.status == 400 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["x-openstack-request-id"] in page.text and page.has_link(f"/auth/{one.slug}/login")


def test_the_description_names_what_the_seed_names(one):
    document = one.node.expect(200, "GET", "/openapi.json")
    base = "/api/v1/auth/tenants/{tenant_slug}/federation"
    wanted = {
        f"{base}/idps": {"tenant_slug"},
        f"{base}/oidc/{{idp_id}}/authorize": {"tenant_slug", "idp_id", "login_hint", *PARAMETERS},
        f"{base}/oidc/callback": {"tenant_slug", "code", "state", "error", "error_description"},
    }
    for path, names in wanted.items():
        operation = document["paths"][path]["get"]
        shared = document["paths"][path].get("parameters", [])
        parameters = [document["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p for p in [*operation.get("parameters", []), *shared]]
        assert names <= {p["name"] for p in parameters}, path
        assert {p["name"] for p in parameters if p.get("required")} <= {"tenant_slug", "idp_id"}, path
        assert "200" in operation["responses"] and "422" in operation["responses"], path
        assert not operation.get("security"), "anonymous"
    schemas = document["components"]["schemas"]
    assert set(schemas["HTTPValidationError"]["properties"]) == {"detail"}
    assert set(schemas["ValidationError"]["required"]) == {"loc", "msg", "type"}


def test_discovery(tenant):
    """RFC 8414, OpenID Connect Discovery, tenant-login section 9.1."""
    answer = tenant.node.request("GET", f"{tenant.url}/.well-known/openid-configuration")
    assert answer.headers["Cache-Control"].startswith("public") and answer.headers["ETag"]
    body = answer.json()
    at = tenant.issuer
    expected = {
        "issuer": at, "authorization_endpoint": f"{at}/oauth/authorize", "token_endpoint": f"{at}/oauth/token", "userinfo_endpoint": f"{at}/oauth/userinfo",
        "jwks_uri": f"{at}/.well-known/jwks.json", "introspection_endpoint": f"{at}/oauth/introspect", "revocation_endpoint": f"{at}/oauth/revoke",
        "end_session_endpoint": f"{at}/oauth/logout", "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "code_challenge_methods_supported": ["S256"], "claims_parameter_supported": False, "request_parameter_supported": False,
        "request_uri_parameter_supported": False, "authorization_response_iss_parameter_supported": True, "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }  # fmt: skip
    assert {k: body.get(k) for k in expected} == expected
    for name, values in {
        "response_modes_supported": {"query", "form_post"}, "id_token_signing_alg_values_supported": {"RS256", "ES256"},
        "token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
        "scopes_supported": {"openid", "profile", "email", "groups", "offline_access"}, "prompt_values_supported": {"none", "login", "consent", "select_account"},
        "grant_types_supported": {"authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
                                  "urn:ietf:params:oauth:grant-type:device_code"},
    }.items():  # fmt: skip
        assert values <= set(body[name]), name
    assert "none" not in body["id_token_signing_alg_values_supported"]
    other = tenant.node.expect(200, "GET", f"{tenant.url}/.well-known/oauth-authorization-server")
    assert other["issuer"] == at
    keys = tenant.keys()
    assert {k["alg"] for k in keys.values()} == {"RS256", "ES256"} and not any("d" in k or "p" in k for k in keys.values())


def test_the_issuer_stays_when_the_slug_changes(own, visitor):
    tenant = own()
    client, user = tenant.client(), tenant.user()
    old, new = tenant.url, unique("renamed")
    changed = tenant.patch(slug=new)
    assert changed["slug"] == new and changed["issuer"] == tenant.issuer and set(changed["slugs"]) == {new, tenant.slug}
    for base in (old, old.replace(tenant.slug, new)):
        document = tenant.node.expect(200, "GET", f"{base}/.well-known/openid-configuration")
        assert document["issuer"] == tenant.issuer
        assert tenant.node.request("GET", f"{base}/federation/idps").status_code == 200
    browser, attempt = visitor(tenant), client.attempt()
    form = browser.go(attempt.url).form("password")
    tokens = attempt.tokens(browser.submit(form, client.redirect_uri, username=user["name"], password=user["password"]))
    assert claims_of(tokens)["iss"] == tenant.issuer


def test_a_whole_round_by_the_button(tenant, provider, visitor):
    """As a person goes: application, login page, button, provider, application; the trace shows it."""
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt = client.attempt()
    assert claims_of(attempt.tokens(by_provider(browser, attempt, way, way.person())))["idp"] == way.id
