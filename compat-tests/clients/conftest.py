"""What the clients' tests share: one server, openstacksdk's identity proxy, scripts of `openstack` commands."""

import json

import openstack
import pytest

from harness import ADMIN_PASSWORD, DEFAULT_DOMAIN, as_json, unique


@pytest.fixture
def archstone(sqlite_archstone):
    """One database is enough: what clients see does not depend on it."""
    return sqlite_archstone


@pytest.fixture
def identity(archstone):
    """The identity proxy of an administrator's connection."""
    with openstack.connect(auth_url=archstone.auth_url, username="admin", password=ADMIN_PASSWORD, user_domain_id=DEFAULT_DOMAIN,
                           project_name="admin", project_domain_id=DEFAULT_DOMAIN, region_name="RegionOne",
                           load_envvars=False, load_yaml_config=False) as connection:
        yield connection.identity


@pytest.fixture
def domain(archstone):
    """A domain of the test's own; the member."""
    return archstone.new_domain()


@pytest.fixture
def held(archstone):
    """`held(kind, id)`: what the server holds under this id, None when it holds nothing."""
    def get(kind, id):
        answer = archstone.request("GET", f"/v3/{kind}s/{id}", token=archstone.admin_token)
        return answer.json()[kind] if answer.status_code == 200 else None

    return get


@pytest.fixture
def osc(archstone):
    """`osc(text, env=None)` runs a script of `openstack` commands, one a line, in one process of the stock client.

    The client reads commands from its standard input, as an operator's script does; starting it once saves a second a command.
    A line that begins with `! ` must be refused. Answers, in the order of the lines, what was printed (decoded) and, for a
    refused command, its error text; a command that prints nothing has no place in it. Words have no blanks in them; a backslash ends a line that goes on.
    """
    def run(text, env=None):
        lines = [line.split() for line in text.strip().splitlines()]
        # The client ends with 1 whatever happened and tells nothing between commands, so a mark on both streams ends each.
        mark = unique("mark")
        marker = archstone.folder / "mark.sh"
        marker.write_text('#!/bin/sh\necho "$1"\necho "$1" >&2\n')
        marker.chmod(0o755)
        typed = [words[1:] if words[0] == "!" else words for words in lines]
        stdin = "".join(f"{' '.join([*words, *as_json(words)])}\n!{marker} {mark}\n" for words in typed)
        done = archstone.openstack_process(env=env, stdin=stdin)
        *printed, _ = done.stdout.split(mark + "\n")
        *told, rest = done.stderr.split(mark + "\n")
        assert len(printed) == len(told) == len(lines), f"{done.stdout}\n{done.stderr}"
        assert not rest.strip(), rest
        answers = []
        for words, out, err in zip(lines, printed, told):
            command, out, err = " ".join(words), out.strip(), err.strip()
            if words[0] == "!":
                assert err, f"{command}: not refused: {out}"
                answers.append(err)
                continue
            assert not err, f"{command}: {err}"
            if out:
                answers.append(json.loads(out) if as_json(words) else out)
        return answers

    return run
