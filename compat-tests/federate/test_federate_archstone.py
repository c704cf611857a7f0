"""Another Archstone as a platform: after the push people sign in there natively, by a token and by a browser, with their roles."""

import requests

from federate_calls import Platform, federate, pushed
from harness import ADMIN_PASSWORD, unique
from trust import WEBSSO
from way import Way, token_of


def cloud(archstone, other):
    """The other Archstone as a platform of this one."""
    return Platform(archstone, other.url, productType="keystone", endpoint=f"{other.url}/v3", username="admin", password=ADMIN_PASSWORD,
                    accessKeyId=None, accessKeySecret=None)


def present(other, idp, protocol, token):
    """Shows an ID token there."""
    return other.request("POST", f"/v3/OS-FEDERATION/identity_providers/{idp}/protocols/{protocol}/auth",
                         headers={"Authorization": f"Bearer {token}"})


def test_another_archstone_lets_people_in_after_the_push(sqlite_archstone, launch, settings, provider, dashboard):
    archstone, other = sqlite_archstone, launch("sqlite", settings)
    way = Way(archstone, provider, groupProvisioning="sync", groupMappings=[{"idpGroup": "ops", "zcfRole": "member"}])
    platform = cloud(archstone, other)
    item = pushed(archstone, way.config, platform)
    idp, callback = item["ssoClientUuid"], item["callbackUrl"]
    assert callback.startswith(other.url) and pushed(archstone, way.config, platform) == item
    protocols = other.expect(200, "GET", f"/v3/OS-FEDERATION/identity_providers/{idp}/protocols", token=other.admin_token)["protocols"]
    assert len(protocols) == 1
    protocol = protocols[0]["id"]

    name = unique("ann")
    person = way.person(preferred_username=name, groups=["ops"])
    answer = present(other, idp, protocol, provider.id_token(person, way.client))
    assert answer.status_code == 201, answer.text
    user = answer.json()["token"]["user"]
    assert user["name"] == name
    scoped = other.rescope(answer.headers["X-Subject-Token"], domain=user["domain"]["id"])
    assert "member" in {r["name"] for r in scoped.json()["token"]["roles"]}, scoped.text

    provider.client(way.client, redirect_uris=[way.callback, callback])
    browser = requests.Session()
    browser.trust_env = False
    browser.headers["Accept"] = "text/html"
    start = f"{other.url}{WEBSSO}/identity_providers/{idp}/protocols/{protocol}/websso"
    leaving = browser.get(start, params={"origin": dashboard.origin}, allow_redirects=False, timeout=10)
    assert leaving.status_code in (302, 303), leaving.text
    back = provider.follow(browser, leaving.headers["Location"], person, stop=callback)
    token = token_of(browser.get(back, allow_redirects=False, timeout=20))
    assert other.request("GET", "/v3/auth/tokens", token=token, headers={"X-Subject-Token": token}).json()["token"]["user"]["id"] == user["id"]

    assert federate(archstone, way.config, platform, verb="unfederate")[0]["status"] == "success"
    assert present(other, idp, protocol, provider.id_token(person, way.client)).status_code in (401, 403, 404)
