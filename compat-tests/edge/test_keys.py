"""TOK-KEY-1: turning the signing keys under load fails no validation; and what `keys` leaves on the disk.

A Fernet key stays readable for `max_active_keys - 1` further rotations (keystone-api section 5.4), so the tokens under test
live no longer than one period between rotations.
"""

import re
import stat
import threading
import time

import pytest

from harness import eventually
from rig import Load, admin_token

SECONDS = 8
RATE = 200
PERIOD = 1.5


@pytest.mark.parametrize("provider", ["fernet", "jws"])
def test_tok_key_1_rotation_under_load(make_node, provider):
    server = make_node(settings={"ARCHSTONE_TOKEN__FORMAT": provider})
    held = threading.local()

    def act(api, turn):
        """Validates the token issued before, and replaces it when it is older than half a period."""
        now = time.monotonic()
        if getattr(held, "token", None) is None or now - held.made > PERIOD / 2:
            held.token, held.made = admin_token(api), now
            return "issued"
        return api.validate(held.token).status

    with Load(server, act, workers=8, rate=RATE) as load:
        time.sleep(0.5)
        rotations, ended = 0, time.monotonic() + SECONDS
        while time.monotonic() < ended:
            server.cli("keys", "rotate")
            rotations += 1
            time.sleep(PERIOD)
        time.sleep(0.5)
    labels = load.labels()
    print(f"{provider}: {rotations} rotations: {labels}, slowest {load.slowest() * 1000:.0f} ms")
    assert rotations >= 4
    assert set(labels) == {"issued", 200}, labels
    assert sum(labels.values()) > RATE * SECONDS * 0.5


def test_tok_key_1_older_token_survives_one_rotation(make_node):
    server = make_node()
    api = server.api()
    before = admin_token(api)
    server.cli("keys", "rotate")
    assert eventually(lambda: api.validate(before).status == 200, 0.1)
    time.sleep(1.2)
    after = admin_token(api)
    assert api.validate(before).status == 200 and api.validate(after).status == 200
    server.restart()
    api.close()
    assert api.validate(before).status == 200 and api.validate(after).status == 200


def test_tok_key_3_repository_is_as_keystone_keeps_it(make_node):
    server = make_node()
    folder = next(p.parent for p in server.data.rglob("0") if p.is_file() and p.stat().st_size in (44, 45))

    def names():
        return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit())

    assert names() == [0, 1]
    for expected in ([0, 1, 2], [0, 2, 3], [0, 3, 4]):
        staged = (folder / "0").read_bytes()
        server.cli("keys", "rotate")
        assert names() == expected
        assert (folder / str(expected[-1])).read_bytes() == staged, "the staged key did not become the primary"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        if path.name.isdigit():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert re.fullmatch(rb"[A-Za-z0-9_-]{43}=", path.read_bytes().strip())
    listed = server.cli("keys", "list").stdout + server.cli("keys", "list", "--json").stdout
    for path in folder.iterdir():
        assert path.read_text().strip() not in listed, "`keys list` shows a key"


def test_tok_key_3_setup_keeps_existing_keys(make_node):
    server = make_node()
    api, token = server.api(), server.admin()
    server.cli("keys", "setup")
    server.bootstrap()
    time.sleep(1.2)
    assert api.validate(token).status == 200


def test_tok_key_broken_repository_keeps_the_last_good_keys(make_node):
    """A folder that cannot be read, or holds rubbish, does not put a running node out of service."""
    server = make_node()
    api, token = server.api(), server.admin()
    folder = next(p.parent for p in server.data.rglob("0") if p.is_file() and p.stat().st_size in (44, 45))
    away = folder.with_name(folder.name + ".away")
    folder.rename(away)
    time.sleep(1.5)
    assert api.validate(token).status == 200
    assert api.validate(admin_token(api)).status == 200
    away.rename(folder)
    (folder / "99").write_text("this is not a key")
    (folder / "notes.txt").write_text("neither is this a key, but it is not named like one")
    time.sleep(1.5)
    assert api.validate(token).status == 200
    assert api.validate(admin_token(api)).status == 200
