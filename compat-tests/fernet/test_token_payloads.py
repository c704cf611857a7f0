"""Tokens made by Keystone are read here and ours there, of every payload kind and in both formats."""

import base64
import random
import uuid

import pytest

from token_peers import AUDIT, ID, METHODS, ROOT_AUDIT, ArchstoneKeys, KeystoneTokens, federated, payload

CASES = [
    ("unscoped", payload()),
    ("unscoped", payload(user_id="not-a-uuid-ü", audit_ids=[AUDIT, ROOT_AUDIT], methods=["token", "password"])),
    ("domain", payload(domain_id="default")),
    ("domain", payload(domain_id=ID)),
    ("project", payload(project_id=ID)),
    ("project", payload(project_id="a project", audit_ids=[AUDIT, ROOT_AUDIT])),
    ("trust", payload(project_id=ID, trust_id=ID)),
    ("federated unscoped", federated()),
    ("federated unscoped", federated(group_ids=[], idp_id=ID)),
    ("federated project", federated(project_id=ID)),
    ("federated domain", federated(domain_id="default")),
    ("federated domain", federated(domain_id=ID)),
    ("oauth1", payload(project_id=ID, access_token_id=ID, methods=["oauth1"])),
    ("system", payload(system="all")),
    ("application credential", payload(project_id=ID, app_cred_id=ID, methods=["application_credential"])),
    ("oauth2", payload(project_id=ID, thumbprint="a9h0uSiRfTXOwxTBlIvTBCyrLsY4C7LUtxCzJZ1TR3A")),
    ("oauth2", payload(thumbprint="x")),
]
NAMES = [f"{number} {kind}" for number, (kind, _) in enumerate(CASES)]


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    """One set of keys for all of these tests: they leave it as it is."""
    root = tmp_path_factory.mktemp("keys")
    return root / "fernet", root / "private", root / "public"


@pytest.fixture(scope="module")
def keystone(repositories):
    keystone = KeystoneTokens(repositories)
    keystone.ask(do="setup")
    keystone.ask(do="pair")
    yield keystone
    keystone.close()


@pytest.fixture(scope="module")
def archstone(repositories):
    return ArchstoneKeys(repositories)



def without_issued_at(said):
    """Keystone takes the time of issue from its own clock."""
    return {name: value for name, value in said.items() if name != "issued_at"}


@pytest.mark.parametrize("form", ["fernet", "jws"])
@pytest.mark.parametrize(("kind", "says"), CASES, ids=NAMES)
def test_keystones_tokens_are_read_here(keystone, archstone, kind, says, form):
    token = keystone.make(kind, says, form)
    [ours] = archstone.decode([token])
    assert ours == keystone.read(token, form)["payload"]
    assert without_issued_at(ours) == without_issued_at(says)


@pytest.mark.parametrize("form", ["fernet", "jws"])
@pytest.mark.parametrize(("kind", "says"), CASES, ids=NAMES)
def test_our_tokens_are_read_by_keystone(keystone, archstone, kind, says, form):
    [token] = archstone.encode([says], form)
    assert keystone.read(token, form)["payload"] == says


@pytest.mark.parametrize(("kind", "says"), CASES, ids=NAMES)
def test_the_payload_is_the_same_to_the_byte(keystone, archstone, kind, says):
    [ours] = archstone.encode([says])
    theirs = keystone.make(kind, says)
    assert keystone.read(ours)["msgpack"] == keystone.read(theirs)["msgpack"]
    assert len(ours) == len(theirs)


@pytest.mark.parametrize(("kind", "says"), CASES, ids=NAMES)
def test_tokens_of_writers_with_old_msgpack_are_read_here(keystone, archstone, kind, says):
    token = keystone.make(kind, says, old_msgpack=True)
    [ours] = archstone.decode([token])
    assert without_issued_at(ours) == without_issued_at(says)


def test_a_thousand_payloads_of_random_ids_agree(keystone, archstone):
    chance = random.Random(20251231)

    def any_id():
        text = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789-_. äß", k=chance.randint(1, 64)))
        return chance.choice([uuid.UUID(int=chance.getrandbits(128)).hex, text])

    def any_audits():
        own, root = (base64.urlsafe_b64encode(chance.randbytes(16)).rstrip(b"=").decode() for _ in "ab")
        return chance.choice([[own], [own, root]])

    made = []
    for _ in range(1000):
        bits = chance.getrandbits(len(METHODS))
        methods = [name for place, name in reversed(list(enumerate(METHODS))) if bits >> place & 1]
        base = payload(user_id=any_id(), methods=methods, audit_ids=any_audits())
        came = {"group_ids": [any_id() for _ in range(chance.randint(0, 8))], "idp_id": any_id(), "protocol_id": "saml2"}
        made.append(
            chance.choice(
                [
                    ("unscoped", base),
                    ("project", {**base, "project_id": any_id()}),
                    ("federated unscoped", {**base, **came}),
                    ("federated project", {**base, **came, "project_id": any_id()}),
                    ("federated domain", {**base, **came, "domain_id": any_id()}),
                    ("application credential", {**base, "project_id": any_id(), "app_cred_id": any_id()}),
                ]
            )
        )
    theirs = archstone.decode([keystone.make(kind, says) for kind, says in made])
    ours = [keystone.read(token)["payload"] for token in archstone.encode([says for _, says in made])]
    assert [without_issued_at(said) for said in theirs] == [without_issued_at(says) for _, says in made]
    assert ours == [says for _, says in made]


@pytest.mark.parametrize("spelling", ["01234567-89ab-cdef-0123-456789abcdef", ID.upper(), "{%s}" % ID, "urn:uuid:" + ID])
def test_other_spellings_of_a_uuid_survive_in_our_tokens(keystone, archstone, spelling):
    """Keystone reads its own token of such an id as another id; ours it reads as it was."""
    says = payload(user_id=spelling, project_id=spelling)
    [token] = archstone.encode([says])
    assert keystone.read(token)["payload"] == says
    made = keystone.make("project", says)
    [ours] = archstone.decode([made])
    assert ours == keystone.read(made)["payload"]
    assert ours["user_id"] == ID


@pytest.mark.parametrize("form", ["fernet", "jws"])
def test_ks_tok_2_a_changed_token_is_refused_by_both(keystone, archstone, form):
    token = keystone.make("project", payload(project_id=ID), form)
    # The last character's spare bits are looked at here only, so it is left out.
    changed = [token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :] for at in range(0, len(token) - 1, 7)]
    assert all("error" in said for said in archstone.decode(changed))
    assert all("error" in keystone.read(one, form) for one in changed)
