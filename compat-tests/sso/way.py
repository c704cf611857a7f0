"""A way in through a configuration: people of an OpenID provider, what they become here, how the Keystone face shows it."""

import html
import re

import requests

from harness import unique
from sso_bodies import oidc
from sso_calls import FEDERATION, afresh
from trust import WEBSSO


def idp_path(config, *more):
    """The path of the identity provider that a configuration is."""
    return "/".join([f"{FEDERATION}/identity_providers", config if isinstance(config, str) else config["uuid"], *more])


def keystone(archstone, path, status=200, method="GET", json=None):
    """A request to the Keystone face that must have this status; the answer's JSON."""
    return archstone.expect(status, method, path, token=archstone.admin_token, json=json)


def federated(archstone, id=None, **fields):
    """An identity provider made on the Keystone face; its id."""
    id = id or unique("corp")
    keystone(archstone, idp_path(id), 201, "PUT", {"identity_provider": {"enabled": True} | fields})
    return id


class Way:
    """A configuration of the shared OpenID provider, and people who come through it."""

    def __init__(self, archstone, provider, block=None, **fields):
        self.archstone, self.provider = archstone, provider
        self.client = unique("archstone")
        block = {"clientId": self.client, "clientSecret": f"{self.client} secret"} | (block or {})
        self.config = afresh(archstone, oidc(provider.issuer, block=block, **fields))
        # Where log-ins come back to: an address of each configuration's own.
        self.callback = f"{archstone.url}{WEBSSO}/identity_providers/{self.config['uuid']}/protocols/oidc/callback"
        provider.client(self.client, redirect_uris=[self.callback])
        self.domain = keystone(archstone, idp_path(self.config))["identity_provider"]["domain_id"]

    def person(self, **claims):
        """A new person of the provider."""
        id = f"person-{unique()}"
        return self.provider.user(
            id, **{"preferred_username": f"{id}-name", "email": f"{id}@example.com", "name": "Ann Other"} | claims
        )

    def present(self, person):
        """Shows an ID token; the answer as it came."""
        token = self.provider.id_token(person, self.client)
        return self.archstone.request(
            "POST", idp_path(self.config, "protocols/oidc/auth"), headers={"Authorization": f"Bearer {token}"}
        )

    def enter(self, person):
        """Logs in: (token, its body)."""
        answer = self.present(person)
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"], answer.json()["token"]

    def refused(self, person):
        """A log-in that must not work."""
        answer = self.present(person)
        assert answer.status_code in (401, 403) and "X-Subject-Token" not in answer.headers, answer.text

    def roles(self, person):
        """Roles on the domain; None where there are none."""
        answer = self.archstone.rescope(self.enter(person)[0], domain=self.domain)
        return {r["name"] for r in answer.json()["token"]["roles"]} if answer.status_code == 201 else None

    def user(self, id):
        """The user as the administrator sees them."""
        return keystone(self.archstone, f"/v3/users/{id}")["user"]

    def groups(self, id):
        """Names of the user's groups."""
        return {g["name"] for g in keystone(self.archstone, f"/v3/users/{id}/groups")["groups"]}

    def websso(self, person, dashboard, arrive=True, archstone=None):
        """Goes from the dashboard to the provider and back by hand: the last answer (`arrive=False`: what would be the last step)."""
        node = archstone or self.archstone
        browser = requests.Session()
        browser.trust_env = False
        browser.headers["Accept"] = "text/html"
        start = f"{node.url}{WEBSSO}/identity_providers/{self.config['uuid']}/protocols/oidc/websso"
        answer = browser.get(start, params={"origin": dashboard.origin}, allow_redirects=False, timeout=10)
        assert answer.status_code in (302, 303), answer.text
        self.asked = answer.headers["Location"]
        back = self.provider.follow(browser, self.asked, person, stop=self.callback)
        return browser.get(back, allow_redirects=False, timeout=20) if arrive else (browser, back)


def token_of(page):
    """The token in the form that posts itself to the dashboard."""
    assert page.status_code == 200, page.text
    return html.unescape(re.search(r'name="token" value="([^"]*)"', page.text)[1])
