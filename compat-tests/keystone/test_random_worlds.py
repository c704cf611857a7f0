"""A random world, built here and on a real Keystone: role assignments, tokens and what users can reach are the same.

ARCHSTONE_WORLD_SEEDS holds the seeds (`"1 2 3"`, or a range `1-100`); `long.sh worlds` takes many.
"""

import os
import random

import pytest

from harness import ROOT, Archstone
from random_worlds import Built, describe, queries

# The peer's answers are asked for once per seed and phase, and kept for the other database.
QUERIES = int(os.environ.get("ARCHSTONE_WORLD_QUERIES", "40"))


def seeds():
    text = os.environ.get("ARCHSTONE_WORLD_SEEDS", "22")
    first, _, last = text.partition("-")
    return list(range(int(first), int(last) + 1)) if last else [int(seed) for seed in text.split()]


@pytest.fixture(scope="module")
def peer():
    """A real Keystone, and the worlds built on it with their answers, by seed."""
    keystone = Archstone(binary=str(ROOT / "compat-tests/oracle.py"))
    keystone.prepare().start()
    yield keystone, {}
    keystone.remove()


def answers(built, asked):
    """Answers by what was asked: these queries, what each user can reach, and the roles in tokens of each user and scope."""
    found = {query: built.assignments(query) for query in asked}
    for user in built.world["users"]:
        if asked:
            found[f"reachable by {user}"] = built.reachable(user)
        for target in [*built.world["projects"], *built.world["domains"], "system"]:
            found[f"roles of {user} on {target}"] = built.roles(user, target)
    return found


def change(built, seed):
    """Takes back some grants and memberships and makes others, the same ones for the same seed."""
    rng, world = random.Random(f"change {seed}"), built.world
    for grant in rng.sample(world["grants"], 5):
        built.grant("DELETE", *grant)
    for member in rng.sample(world["members"], min(2, len(world["members"]))):
        built.membership("DELETE", *member)
    absent = sorted({(group, user) for group in world["groups"] for user in world["users"]} - set(world["members"]))
    for member in rng.sample(absent, min(2, len(absent))):
        built.membership("PUT", *member)


def phases(archstone, seed):
    """The answers in the world as built, and the roles in tokens after the changes."""
    world = describe(seed)
    built = Built(archstone, world)
    first = answers(built, queries(seed, world, QUERIES))
    change(built, seed)
    # A change of memberships ends the tokens of who left: everybody logs in again.
    built.tokens.clear()
    return [first, answers(built, [])]


@pytest.mark.parametrize("seed", seeds())
def test_a_random_world_is_answered_as_by_keystone(archstone, peer, seed):
    keystone, known = peer
    if seed not in known:
        known[seed] = phases(keystone, seed)
    for phase, (mine, theirs) in enumerate(zip(phases(archstone, seed), known[seed])):
        different = {asked: (mine[asked], theirs[asked]) for asked in theirs if mine[asked] != theirs[asked]}
        assert not different, f"seed {seed}, phase {phase}: {len(different)} of {len(theirs)} differ: {list(different.items())[:3]}"


def test_effective_assignments_and_tokens_agree(archstone):
    """Without the peer: a user gets a token exactly where they have an effective role."""
    built = Built(archstone, describe(seeds()[0]))
    for user in built.world["users"]:
        targets = [*built.world["projects"], *built.world["domains"]]
        reached = {target for target in targets if isinstance(built.roles(user, target), list)}
        assert reached == built.effective_targets(user)
