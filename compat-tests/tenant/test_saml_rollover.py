"""SAML 2.0: the tenant's keys turn while people sign in, by `archstone saml-keys`; metadata that is signed
(tenant-login section 6.1)."""

import json

import pytest

from harness import eventually
from peers import saml, xmlsec1
from peers.authority import bare
from peers.saml import find, q
from saml_cases import SamlWay, in_by, nobody_in
from saml_covered import comes_encrypted
from saml_logouts import answered, log_in, new_provider, tell
from tenancy import Tenant, admin
from visitor import JSON

SOON = 3.0
DAY, WEEK = 86_400, 7 * 86_400


class Keys:
    """A tenant's keys as its metadata has them, and the commands that change them."""

    def __init__(self, tenant):
        self.tenant, self.node = tenant, tenant.node
        self.metadata = f"{tenant.issuer}/federation/saml/metadata"

    def command(self, what, *more, **options):
        """`archstone saml-keys …`; what it printed as JSON if it is JSON."""
        done = self.node.cli("saml-keys", what, self.tenant.slug, *more, **options)
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done

    def summary(self, use="signing"):
        """The certificates in the JSON summary, each in PEM."""
        return self.node.expect(200, "GET", self.metadata, headers={"Accept": JSON})[f"{use}_certificates"]

    def published(self, use="signing"):
        """The certificates in the metadata, each as its base64."""
        root = saml.parse(self.node.request("GET", self.metadata).content)
        keys = root.findall(f"md:SPSSODescriptor/md:KeyDescriptor[@use='{use}']", saml.NAMES)
        found = ["".join(find(key, ".//ds:X509Certificate").text.split()) for key in keys]
        assert found == [bare(pem) for pem in self.summary(use)], "the summary says the same"
        return found

    def signer(self, way, client, browser):
        """The certificate by which a request is signed now, in PEM."""
        leaving = browser.get(client.attempt().at(way)).headers["Location"]
        for pem in self.summary():
            try:
                way.idp.verify_redirect(leaving, pem)
            except Exception:
                continue
            return pem
        raise AssertionError(f"signed by none of those that are published: {leaving}")


@pytest.fixture(scope="module")
def idp():
    """An identity provider of these tests' own."""
    return new_provider()


@pytest.fixture
def turning(house, idp):
    """A tenant of the test's own, whose keys turn: its keys, its way in, its application."""
    tenant = Tenant(house.node)
    way, keys = SamlWay.new(tenant, idp, idp_slo_url=idp.slo_url), Keys(tenant)
    assert len(keys.published()) == 1 and len(keys.published("encryption")) == 1
    return keys, way, tenant.client()


def test_the_next_key_is_announced_first(turning, visitor):
    """Both are published, the old one signs; what is encrypted for either is read."""
    keys, way, client = turning
    [old] = keys.summary()
    listed = keys.command("list", "--json")
    assert len(listed) == 1 and listed[0]["id"], listed
    keys.command("rotate")
    assert eventually(lambda: len(keys.published()) == 2, SOON) and len(keys.published("encryption")) == 2
    assert old in keys.summary() and len(keys.command("list", "--json")) == 2
    assert keys.signer(way, client, visitor(way.tenant)) == old
    for certificate in keys.summary("encryption"):
        in_by(*comes_encrypted(way, client, visitor(way.tenant), certificate))


def test_after_a_while_the_next_key_signs(turning, visitor):
    """By itself, on a running node; the old one stays for who reads the metadata late."""
    keys, way, client = turning
    [old] = keys.summary()
    keys.command("rotate", "--after", "4")
    assert eventually(lambda: len(keys.published()) == 2, SOON)
    assert keys.signer(way, client, visitor(way.tenant)) == old
    [new] = [pem for pem in keys.summary() if pem != old]
    assert eventually(lambda: keys.signer(way, client, visitor(way.tenant)) == new, 8.0, 0.3)
    assert old in keys.summary()
    for certificate in keys.summary("encryption"):
        in_by(*comes_encrypted(way, client, visitor(way.tenant), certificate))


def test_the_next_key_signs_at_once(turning, visitor):
    """Requests, logouts and answers alike."""
    keys, way, client = turning
    [old] = keys.summary()
    login = log_in(way, client, visitor(way.tenant))
    keys.command("rotate", "--after", "0")
    assert eventually(lambda: keys.signer(way, client, visitor(way.tenant)) != old, SOON, 0.2)
    request = login.request()
    answer = tell(way, visitor(way.tenant), request)
    [new] = [pem for pem in keys.summary() if pem != old]
    keys.command("revoke", entry_of(keys, old)["id"])
    assert eventually(lambda: keys.summary() == [new], SOON)
    answered(way, answer, request)


def entry_of(keys, pem):
    """What is listed of the key of this certificate."""
    [entry] = [entry for entry in keys.command("list", "--json") if entry["certificate"] == bare(pem)]
    return entry


def test_a_week_from_announcement_to_use(make_clocked, visitor):
    """And a day more until the old one goes, if nobody says otherwise."""
    node, step = make_clocked()
    tenant, idp = Tenant(node), new_provider()
    way, client, keys = SamlWay.new(tenant, idp), tenant.client(), Keys(tenant)
    [old] = keys.summary()
    keys.command("rotate")
    assert eventually(lambda: len(keys.published()) == 2, SOON)
    [new] = [pem for pem in keys.summary() if pem != old]
    step(WEEK - 60)
    assert keys.signer(way, client, visitor(tenant)) == old
    step(WEEK + 5)
    assert eventually(lambda: keys.signer(way, client, visitor(tenant)) == new, SOON, 0.2)
    assert len(keys.published()) == 2 and len(keys.published("encryption")) == 2
    step(WEEK + DAY + 60)
    assert eventually(lambda: keys.summary() == [new], SOON, 0.2) and len(keys.published("encryption")) == 1


def test_one_after_the_other(turning):
    """While a key waits for its time there is no further one."""
    keys, _, _ = turning
    first = keys.command("rotate", "--json")
    done = keys.node.cli("saml-keys", "rotate", keys.tenant.slug, "--after", "0", check=False)
    assert done.returncode != 0 and "waits" in done.stderr and "panicked" not in done.stderr, done.stderr
    assert {entry["id"] for entry in keys.command("list", "--json")} == {entry["id"] for entry in first}
    [waiting] = [entry for entry in first if entry["state"] == "next"]
    keys.command("revoke", waiting["id"])
    assert len(keys.command("rotate", "--after", "0", "--json")) == 2


def test_what_is_taken_away_is_good_for_nothing(turning, visitor):
    keys, way, client = turning
    [old] = keys.summary("encryption")
    keys.command("rotate", "--after", "0")
    assert eventually(lambda: len(keys.published()) == 2, SOON)
    in_by(*comes_encrypted(way, client, visitor(way.tenant), old))
    keys.command("revoke", entry_of(keys, old)["id"])
    assert eventually(lambda: len(keys.published()) == 1 and len(keys.published("encryption")) == 1, SOON)
    [new] = keys.summary("encryption")
    assert new != old
    case, answer = comes_encrypted(way, client, visitor(way.tenant), old)
    nobody_in(case, answer)
    in_by(*comes_encrypted(way, client, visitor(way.tenant), new))
    assert keys.signer(way, client, visitor(way.tenant)) == new


def test_the_announced_key_taken_back(turning, visitor):
    """Before it has signed anything."""
    keys, way, client = turning
    [old] = keys.summary()
    before = {entry["id"] for entry in keys.command("list", "--json")}
    keys.command("rotate")
    [made] = {entry["id"] for entry in keys.command("list", "--json")} - before
    keys.command("revoke", made)
    assert eventually(lambda: keys.summary() == [old], SOON)
    assert keys.signer(way, client, visitor(way.tenant)) == old


def test_commands_that_cannot_be(turning):
    """They say why, and change nothing."""
    keys, _, _ = turning
    [old] = keys.summary()
    wrong = [("revoke", "x", "key"), ("rotate", "--after", "-1", "-1"), ("rotate", "--after", "soon", "after")]
    for what, *more, word in wrong:
        done = keys.node.cli("saml-keys", what, keys.tenant.slug, *more, check=False)
        assert done.returncode != 0 and word in done.stderr.lower(), f"{what} {more}: {done.stderr}"
        assert "panicked" not in done.stderr
    for what in ("list", "rotate"):
        done = keys.node.cli("saml-keys", what, "nobody", check=False)
        assert done.returncode != 0 and "nant" in done.stderr and "panicked" not in done.stderr, done.stderr
    assert keys.summary() == [old]


def test_the_only_key_taken_away(turning, visitor):
    """Another one is made, as at the beginning."""
    keys, way, client = turning
    [old] = keys.summary()
    keys.command("revoke", entry_of(keys, old)["id"])
    assert eventually(lambda: keys.summary() != [old], SOON) and len(keys.published()) == 1
    assert keys.signer(way, client, visitor(way.tenant)) == keys.summary()[0]


def test_what_is_printed(turning):
    """For people; never a private key."""
    keys, _, _ = turning
    rotated = keys.node.cli("saml-keys", "rotate", keys.tenant.slug).stdout
    listed = keys.node.cli("saml-keys", "list", keys.tenant.slug).stdout
    for text in (rotated, listed, json.dumps(keys.command("list", "--json"))):
        assert "PRIVATE" not in text and text.strip()
    assert all(entry["id"] in listed for entry in keys.command("list", "--json"))


# -- metadata that is signed -------------------------------------------------------------------------------------------


def test_metadata_is_signed_where_the_tenant_wants_it(turning):
    """By the key that signs, over the whole document; as somebody else verifies it."""
    keys, way, _ = turning
    tenant = keys.tenant
    plain = keys.node.request("GET", keys.metadata).content
    assert find(saml.parse(plain), "ds:Signature") is None
    assert tenant.set(sign_metadata=True)["settings"]["sign_metadata"] is True
    [old] = keys.summary()
    answer = keys.node.request("GET", keys.metadata)
    assert answer.headers["Content-Type"].split(";")[0] == "application/samlmetadata+xml"
    root = saml.parse(answer.content)
    assert root[0].tag == q("ds:Signature") and root.get("ID") and root.get("entityID") == way.metadata
    xmlsec1.verify(answer.content, old)
    with pytest.raises(AssertionError):
        xmlsec1.verify(answer.content.replace(b"SingleLogoutService", b"SingleLogoutServicf"), old)
    keys.command("rotate", "--after", "0")
    assert eventually(lambda: len(keys.summary()) == 2, SOON)
    [new] = [pem for pem in keys.summary() if pem != old]
    assert eventually(lambda: verified(keys.node.request("GET", keys.metadata).content, new), SOON, 0.2)
    tenant.set(sign_metadata=False)
    assert find(saml.parse(keys.node.request("GET", keys.metadata).content), "ds:Signature") is None


def verified(octets, certificate):
    try:
        xmlsec1.verify(octets, certificate)
    except AssertionError:
        return False
    return True


def test_a_setting_that_is_none(own):
    tenant = own()
    for wrong in ("yes", 1, []):
        answer = admin(tenant.node, "PATCH", tenant.path(), {"settings": {"sign_metadata": wrong}})
        assert answer.status_code == 422, f"{wrong}: {answer.status_code} {answer.text[:500]}"
