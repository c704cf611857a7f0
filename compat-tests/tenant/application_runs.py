"""What every application's library must be able to do at a tenant, without a browser: the pages are gone through by `visitor.py`.

`Runs` is asked of one library after the other by `test_openid_client.py` and `test_authlib.py`.
"""

import pytest

from harness import eventually, unique
from peers.jose import Key, decode
from tenancy import DEVICE_GRANT, SESSIONS, Tenant, admin
from visitor import Page, query_of


class Runs:
    """The runs. A subclass says which `kind` of application."""

    kind = None

    @pytest.fixture
    def start(self, application):
        """`start(tenant, **settings)`: the running application."""
        return lambda tenant, **settings: application(self.kind, tenant, **settings)

    # -- steps ---------------------------------------------------------------------------------------------------------

    @staticmethod
    def enter(app, browser, user, query=""):
        """From the application's button to its page: signs in with a password if asked to. The page."""
        page = browser.go(f"{app.url}/login{query}")
        if any("password" in f.types for f in page.forms):
            page = browser.submit(page.form("password"), username=user["name"], password=user["password"])
        return page

    @staticmethod
    def arrived(app, page, user_id):
        """The application has let them in as this user; what it holds."""
        held = app.visitor()
        assert held.get("sub") == user_id and user_id in page.text, f"{page!r} {held}"
        assert held["userinfo"]["sub"] == user_id and held["claims"]["iss"] == app.client.tenant.issuer
        return held

    # -- runs ----------------------------------------------------------------------------------------------------------

    def test_with_a_password(self, tenant, start, visitor):
        email = f"{unique()}@example.org"
        app, browser, user = start(tenant), visitor(tenant), tenant.user(email=email)
        held = self.arrived(app, self.enter(app, browser, user), user["id"])
        assert held["claims"]["email"] == held["userinfo"]["email"] == email
        assert held["claims"]["aud"] in (app.client.id, [app.client.id])

    def test_through_an_identity_provider(self, tenant, provider, start, visitor):
        app, way, browser = start(tenant), tenant.way(provider), visitor(tenant)
        person = way.person(name="Ann Other")
        leaving = browser.go(browser.go(f"{app.url}/login").link(way.id), f"{provider.issuer}/")
        page = browser.go(way.return_from(browser, leaving, person))
        held = app.visitor()
        self.arrived(app, page, held["claims"]["sub"])
        assert held["claims"]["idp"] == way.id and held["claims"]["email"] == f"{person}@example.com"
        assert tenant.people()[person]["id"] == held["sub"]

    @pytest.mark.parametrize("type, method", [("WEB", "client_secret_post"), ("SPA", "none"), ("NATIVE", "none")])
    def test_every_way_of_proving_itself(self, one, start, visitor, type, method, application):
        app, browser, user = start(one, type=type), visitor(one), one.user()
        if method == "client_secret_post":
            app.remove()
            app.start(one.issuer, app.client.id, app.client.secret, method=method)
        self.arrived(app, self.enter(app, browser, user), user["id"])

    def test_by_its_own_key(self, one, visitor, application):
        from peers.applications import OpenIdApp
        key = Key("k1", "ES256")
        app = OpenIdApp(self.kind)
        try:
            app.client = one.client("WEB", [app.redirect_uri], auth_method="private_key_jwt", jwks={"keys": [key.public_jwk()]})
            app.start(one.issuer, app.client.id, method="private_key_jwt", key=key.private_jwk())
            browser, user = visitor(one), one.user()
            self.arrived(app, self.enter(app, browser, user), user["id"])
        finally:
            app.remove()

    def test_id_tokens_by_the_other_algorithm(self, one, start, visitor):
        app, browser, user = start(one, id_token_alg="ES256"), visitor(one), one.user()
        self.arrived(app, self.enter(app, browser, user), user["id"])

    def test_refreshing(self, tenant, start, visitor):
        app, browser, user = start(tenant, scope="openid profile email offline_access"), visitor(tenant), tenant.user()
        before = self.arrived(app, self.enter(app, browser, user), user["id"])["tokens"]
        assert browser.get(f"{app.url}/refresh").json() == {"refreshed": True}
        after = app.visitor()["tokens"]
        assert after["refresh_token"] != before["refresh_token"] and after["access_token"] != before["access_token"]
        assert browser.get(f"{app.url}/userinfo").json()["sub"] == user["id"]
        assert browser.get(f"{app.url}/refresh").json() == {"refreshed": True}

    def test_refreshing_when_nothing_is_left(self, one, start, visitor):
        app, browser, user = start(one, scope="openid offline_access"), visitor(one), one.user()
        held = self.arrived(app, self.enter(app, browser, user), user["id"])
        app.client.revoke(held["tokens"]["refresh_token"])
        answer = browser.get(f"{app.url}/refresh").json()
        assert answer["error"] == "invalid_grant", answer
        assert browser.get(f"{app.url}/userinfo").json()["status"] == 401

    def test_single_sign_on(self, tenant, start, visitor):
        first, second, browser, user = start(tenant), start(tenant), visitor(tenant), tenant.user()
        self.arrived(first, self.enter(first, browser, user), user["id"])
        page = browser.go(f"{second.url}/login")
        assert self.arrived(second, page, user["id"])["claims"]["sid"] == first.visitor()["claims"]["sid"]

    def test_signing_out(self, tenant, start, visitor):
        app, browser, user = start(tenant), visitor(tenant), tenant.user()
        self.arrived(app, self.enter(app, browser, user), user["id"])
        page = browser.go(f"{app.url}/logout")
        assert page.text.endswith("Signed out"), f"with its own state: {page!r}"
        page = browser.go(f"{app.url}/login")
        assert isinstance(page, Page) and any("password" in f.types for f in page.forms), "and the next one is asked"
        # The application hears of it on the back channel as well.
        assert eventually(lambda: app.state()["logouts"], 5.0) and not app.state()["refused"]

    def test_signed_out_by_an_administrator(self, one, start, visitor):
        app, browser, user = start(one), visitor(one), one.user()
        held = self.arrived(app, self.enter(app, browser, user), user["id"])
        admin(one.node, "DELETE", f"{SESSIONS}/{held['claims']['sid']}?tenant_id={one.id}", status=204)
        assert eventually(lambda: app.state()["logouts"], 5.0), app.state()
        assert "sub" not in app.visitor() and not app.state()["refused"]

    def test_errors_come_through(self, one, start, visitor):
        app, browser = start(one), visitor(one)
        for query, error in (("?prompt=none", "login_required"), ("?scope=nonsense", "invalid_scope"), ("?response_type=token", "unsupported_response_type"),
                             ("?max_age=x", "invalid_request"), ("?request=x", "request_not_supported")):
            page = browser.go(f"{app.url}/login{query}")
            assert error in page.text, f"{query}: {page!r}"
            failed = app.visitor()["failed"]
            assert failed["error"] in (error, "OAUTH_AUTHORIZATION_RESPONSE_ERROR") and failed["iss"] == one.issuer, failed

    def test_consent(self, one, start, visitor):
        app, browser, user = start(one, third_party=True, name="Photo printer"), visitor(one), one.user()
        page = self.enter(app, browser, user)
        assert "Photo printer" in page.text
        page = browser.submit(page.form_with_button("deny"), button="deny")
        assert "access_denied" in page.text, page
        page = self.enter(app, browser, user)
        self.arrived(app, browser.submit(page.form_with_button("allow"), button="allow"), user["id"])

    def test_an_answer_that_is_posted(self, one, start, visitor):
        app, browser, user = start(one, parameters={"response_mode": "form_post"}), visitor(one), one.user()
        page = self.enter(app, browser, user)
        form = page.form("code")
        assert form.action == app.redirect_uri
        self.arrived(app, browser.submit(form), user["id"])

    def test_two_windows(self, tenant, start, visitor):
        app, browser, user = start(tenant), visitor(tenant), tenant.user()
        pages = [browser.go(f"{app.url}/login") for _ in range(2)]
        for page in reversed(pages):
            page = browser.submit(page.form("password"), username=user["name"], password=user["password"])
            self.arrived(app, page, user["id"])

    def test_an_expired_sign_in(self, clocked, start, visitor):
        node, step = clocked
        tenant = Tenant(node)
        app, browser, user = start(tenant), visitor(tenant), tenant.user()
        page = browser.go(f"{app.url}/login")
        step(605)
        page = browser.submit(page.form("password"), username=user["name"], password=user["password"])
        assert "temporarily_unavailable" in page.text, page

    def test_keys_that_turn(self, own, start, visitor):
        """TOK-KEY-1 as an application sees it: the next key is shown before it signs, the last one as long as tokens of its live."""
        tenant = own()
        browser, user = visitor(tenant), tenant.user()
        first = start(tenant)
        old = self.arrived(first, self.enter(first, browser, user), user["id"])
        before = set(tenant.keys())
        tenant.node.cli("tenant-keys", "rotate", tenant.slug, "--after", "3")
        assert eventually(lambda: set(tenant.keys()) > before, 2.0)
        # An application that has fetched the keys by now need not do so again.
        app = start(tenant)
        kid = decode(self.arrived(app, self.enter(app, browser, user), user["id"])["tokens"]["id_token"])[0]["kid"]
        assert kid in before

        def turned():
            self.arrived(app, self.enter(app, browser, user, "?prompt=login"), user["id"])
            return decode(app.visitor()["tokens"]["id_token"])[0]["kid"] != kid

        assert eventually(turned, 6.0, every=0.5)
        assert set(tenant.keys()) > before and tenant.userinfo(old["tokens"]["access_token"]).status_code == 200

    def test_a_device_beside_it(self, one, start, visitor):
        """Who is signed in at an application only has to say yes to a device."""
        app, browser, user = start(one), visitor(one), one.user()
        self.arrived(app, self.enter(app, browser, user), user["id"])
        device = one.client("NATIVE", ["http://127.0.0.1/cb"], grant_types=[DEVICE_GRANT])
        begun = device.post("oauth/device_authorization", scope="openid").json()
        page = browser.submit(browser.go(begun["verification_uri"]).form("user_code"), user_code=begun["user_code"])
        assert not any("password" in f.types for f in page.forms), "nobody is asked again"
        browser.submit(page.form_with_button("allow"), button="allow")
        assert device.ask(grant_type=DEVICE_GRANT, device_code=begun["device_code"]).status_code == 200

    def test_the_request_that_the_library_makes(self, one, start, visitor):
        app, browser = start(one), visitor(one)
        asked = query_of(browser.get(f"{app.url}/login").headers["Location"])
        assert asked["code_challenge_method"] == "S256" and asked["state"] and asked["nonce"] and asked["client_id"] == app.client.id
