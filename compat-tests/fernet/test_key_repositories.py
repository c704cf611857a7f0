"""Either side may set up and rotate the repositories that both use (TOK-KEY-3)."""

import os
import stat

import pytest

from token_peers import ID, payload

SAYS = payload(project_id=ID)


def both_read(keystone, archstone, token, form="fernet"):
    [ours] = archstone.decode([token])
    theirs = keystone.read(token, form)
    assert ours == theirs.get("payload", ours), (ours, theirs)
    assert ("error" in ours) == ("error" in theirs)
    return "error" not in ours


def test_tok_key_3_keystone_uses_the_repository_that_we_made(keystone, archstone, repositories):
    archstone.run("setup", "--json", "--fernet", str(repositories[0]))
    assert sorted(path.name for path in repositories[0].iterdir()) == ["0", "1"]
    assert stat.S_IMODE(repositories[0].stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in repositories[0].iterdir()} == {0o600}
    assert keystone.ask(do="setup") == {"keys": ["0", "1"]}
    token = keystone.make("project", SAYS)
    assert both_read(keystone, archstone, token)


def test_tok_key_3_rotations_of_either_side_leave_the_same_files(keystone, archstone, repositories):
    keystone.ask(do="setup")
    staged = (repositories[0] / "0").read_text()
    living = [keystone.make("project", SAYS), *archstone.encode([SAYS])]

    def rotate_ours():
        archstone.run("rotate", "--json", "--fernet", str(repositories[0]), "--max-active-keys", "3")
        return sorted(path.name for path in repositories[0].iterdir())

    assert rotate_ours() == ["0", "1", "2"]
    assert (repositories[0] / "2").read_text() == staged
    living += [keystone.make("project", SAYS), *archstone.encode([SAYS])]
    assert all(both_read(keystone, archstone, token) for token in living)

    assert keystone.ask(do="rotate") == {"keys": ["0", "2", "3"]}
    assert [both_read(keystone, archstone, token) for token in living] == [False, False, True, True]

    assert rotate_ours() == ["0", "3", "4"]
    assert keystone.ask(do="rotate") == {"keys": ["0", "4", "5"]}
    assert not any(both_read(keystone, archstone, token) for token in living)


def test_tok_key_3_a_lost_primary_is_replaced_alike(keystone, archstone, repositories):
    keystone.ask(do="setup")
    keystone.ask(do="rotate")
    token = keystone.make("project", SAYS)
    (repositories[0] / "2").unlink()
    assert not both_read(keystone, archstone, token)
    [ours], theirs = archstone.encode([SAYS]), keystone.make("project", SAYS)
    assert both_read(keystone, archstone, ours) and both_read(keystone, archstone, theirs)


def test_foreign_files_are_ignored_alike(keystone, archstone, repositories):
    keystone.ask(do="setup")
    key = (repositories[0] / "0").read_text()
    (repositories[0] / "0.tmp").write_text(key)
    (repositories[0] / "README").write_text("text")
    (repositories[0] / "7").write_text("")
    (repositories[0] / "8").mkdir()
    [ours], theirs = archstone.encode([SAYS]), keystone.make("project", SAYS)
    assert both_read(keystone, archstone, ours) and both_read(keystone, archstone, theirs)


def test_keystone_uses_the_key_pair_that_we_made_and_rotated(keystone, archstone, repositories):
    fernet, private, public = map(str, repositories)
    places = ["--fernet", fernet, "--jws-private", private, "--jws-public", public]
    archstone.run("setup", "--json", *places)
    tokens = [keystone.make("project", SAYS, "jws"), *archstone.encode([SAYS], "jws")]
    archstone.run("rotate", "--json", *places)
    tokens += [keystone.make("project", SAYS, "jws"), *archstone.encode([SAYS], "jws")]
    assert all(both_read(keystone, archstone, token, "jws") for token in tokens)
    assert len(list(repositories[2].iterdir())) == 2
    [old] = [path for path in repositories[2].iterdir() if path.name != "public.pem"]
    old.unlink()
    assert [both_read(keystone, archstone, token, "jws") for token in tokens] == [False, False, True, True]


@pytest.mark.parametrize("form", ["fernet", "jws"])
def test_tokens_of_other_keys_are_refused_by_both(keystone, archstone, repositories, form):
    keystone.ask(do="setup")
    keystone.ask(do="pair")
    theirs = keystone.make("system", payload(system="all"), form)
    [ours] = archstone.encode([payload(system="all")], form)
    for name in os.listdir(repositories[0]):
        os.remove(repositories[0] / name)
    keystone.ask(do="setup")
    keystone.ask(do="pair")
    assert all("error" in said for said in archstone.decode([theirs, ours]))
    assert all("error" in keystone.read(token, form) for token in (theirs, ours))
