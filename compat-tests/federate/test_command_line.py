"""`archstone platform …` and `archstone sso federate|unfederate|status` (sso-api.md 4.8, 4.9, 4.11, 5).

A command does its work whether the service runs or not, waits until all of it has ended, and says what came of it.
"""

import json
import os
import pty
import signal
import subprocess
import time

import pytest

from federate_calls import UI, Platform, described, record, stands
from harness import eventually, unique
from peers.hostile_scim import HostileScim
from peers.zstack import ZStack
from way import Way

STAFF = [{"idpGroup": "staff", "zcfRole": "member"}]
SYNCED = {"userProvisioning": "auto", "groupProvisioning": "sync", "groupMappings": STAFF}


@pytest.fixture
def archstone(sqlite_archstone):
    """The database makes no difference to what is tested here."""
    return sqlite_archstone


def populated(node, provider, people=3):
    """A configuration of a node, through which people have come who are in a group."""
    way = Way(node, provider, **SYNCED)
    for _ in range(people):
        way.enter(way.person(groups=["staff"]))
    return way


def rows(text):
    """A table's rows by its headings; cells have two blanks between them at least."""
    head, *lines = text.splitlines()
    names = [name for name in head.split("  ") if name.strip()]
    starts = [head.index(name.strip()) for name in names]
    ends = [*starts[1:], None]
    return [{name.strip(): line[a:b].strip() for name, a, b in zip(names, starts, ends, strict=True)} for line in lines]


def row(text, name):
    """The one row of a platform."""
    [found] = [r for r in rows(text) if r["PLATFORM"] == name]
    return found


def running(node, *args, **options):
    """A command that has begun."""
    return subprocess.Popen([node.binary, *args], env=node.environment(), cwd=node.folder, text=True, **options)


def test_platforms_are_registered_looked_at_changed_and_deleted(archstone, made, tmp_path):
    zstack = made(ZStack)
    body = described(zstack)
    name, secret = unique("by-hand"), body["accessKeySecret"]
    said = archstone.cli(
        "platform", "create", name, "--type", "zstack", "--endpoint", zstack.url, "--access-key-id", body["accessKeyId"],
        "--secret-file", "-", "--set", f"uiUrl={UI}", stdin=f"{secret}\n",
    ).stdout
    id = said.split()[0]
    assert said.strip() == f"{id} {name} (zstack, {zstack.url}) registered"
    assert archstone.cli("platform", "check", name).stdout.strip() == f"{id} {name} (zstack, {zstack.url}): connected"
    shown = archstone.cli("platform", "show", id).stdout
    assert json.loads(shown)["uuid"] == id and json.loads(shown)["uiUrl"] == UI and secret not in shown
    assert json.loads(archstone.cli("platform", "show", name).stdout)["uuid"] == id
    [listed] = [r for r in rows(archstone.cli("platform", "list").stdout) if r["UUID"] == id]
    assert (listed["NAME"], listed["PRODUCT"], listed["ADDRESS"], listed["STATUS"]) == (name, "zstack", zstack.url, "connected")
    assert id in {p["uuid"] for p in json.loads(archstone.cli("platform", "list", "--json").stdout)}

    other = unique("renamed")
    assert "changed" in archstone.cli("platform", "update", name, "--name", other).stdout
    # A secret is not sent to another address than it was given for.
    moved = archstone.cli("platform", "update", other, "--endpoint", "http://127.0.0.1:1", check=False)
    assert moved.returncode == 1 and "accessKeySecret" in moved.stderr
    wrong = tmp_path / "secret"
    wrong.write_text("wrong-canary\n")
    archstone.cli("platform", "update", other, "--secret-file", str(wrong))
    looked = archstone.cli("platform", "check", other, check=False)
    assert looked.returncode == 1 and ": error: " in looked.stdout and "wrong-canary" not in looked.stdout + looked.stderr
    assert json.loads(archstone.cli("platform", "check", id, "--json", check=False).stdout)["status"] == "error"

    assert "deleted" in archstone.cli("platform", "delete", other).stdout
    gone = archstone.cli("platform", "show", id, check=False)
    assert gone.returncode == 1 and "There is no platform" in gone.stderr


def test_secrets_are_no_arguments(archstone):
    name = unique("refused")
    refused = archstone.cli(
        "platform", "create", name, "--type", "webhook", "--endpoint", "http://127.0.0.1:9", "--set", "accessKeySecret=canary-5",
        check=False,
    )
    assert refused.returncode == 1 and "accessKeySecret" in refused.stderr and "canary-5" not in refused.stderr
    assert name not in archstone.cli("platform", "list").stdout


def test_keys_are_exchanged_and_shown_only_when_asked_for(archstone, made):
    zstack = made(ZStack)
    platform = Platform(archstone, zstack)
    before = platform.get()["accessKeyId"]
    said = archstone.cli("platform", "rotate-keys", platform.name).stdout
    first = platform.get()["accessKeyId"]
    assert first != before and said.strip().endswith(f"uses key {first} now") and len(said.splitlines()) == 1
    key = json.loads(archstone.cli("platform", "rotate-keys", platform.uuid, "--show-secret").stdout)
    assert key["accessKeyId"] == platform.get()["accessKeyId"] != first and key["accessKeySecret"]
    assert archstone.cli("platform", "check", platform.name).stdout.strip().endswith("connected")


def test_a_push_is_waited_for_and_told_and_taken_back(archstone, provider, made, hook):
    way, scim = populated(archstone, provider), made(HostileScim)
    zstack, webhook = Platform(archstone, made(ZStack), scim=scim), Platform(archstone, hook)
    done = archstone.cli("sso", "federate", way.config["uuid"], "--platforms", f"{zstack.name},{webhook.uuid}")
    told = row(done.stdout, zstack.name)
    item = record(archstone, way.config, zstack)["federation"]
    assert told["STATUS"] == "federated" and told["PRODUCT"] == "zstack" and told["FIRST ERROR"] == "-"
    assert (told["CLIENT"], told["CALLBACK URL"]) == (item["ssoClientUuid"], item["callbackUrl"])
    assert (told["USERS"], told["GROUPS"]) == ("3 created", "1 created")
    assert row(done.stdout, webhook.name)["STATUS"] == "federated" and row(done.stdout, webhook.name)["USERS"] == "-"
    lines = [line for line in done.stderr.splitlines() if line.startswith(f"{zstack.name}: ")]
    assert lines[-1] == f"{zstack.name}: done: users 3/3, groups 1/1" and "\x1b" not in done.stderr
    assert len(scim.users()) == 3

    status = archstone.cli("sso", "status", "--platform", zstack.name).stdout
    assert row(status, zstack.name)["STATUS"] == "federated" and row(status, zstack.name)["CONFIGURATION"] == way.config["uuid"]
    assert webhook.name not in status and webhook.name in archstone.cli("sso", "status").stdout
    shown = json.loads(archstone.cli("sso", "status", "--configuration", way.config["uuid"], "--json").stdout)
    assert {s["platformUuid"]: s["status"] for s in shown}[zstack.uuid] == "federated"

    again = json.loads(
        archstone.cli("sso", "federate", way.config["uuid"], "--platforms", zstack.name, "--json").stdout
    )["items"][0]
    assert again["status"] == "success" and again["run"]["users"]["outcomes"] == {"unchanged": 3}

    refused = archstone.cli("platform", "delete", zstack.name, check=False)
    assert refused.returncode == 1 and "federated to this platform" in refused.stderr
    done = archstone.cli(
        "sso", "unfederate", way.config["uuid"], "--platforms", f"{zstack.name},{webhook.name}", "--deprovision", "deactivate"
    )
    told = row(done.stdout, zstack.name)
    assert (told["STATUS"], told["USERS"], told["GROUPS"]) == ("taken away", "deactivated", "emptied")
    assert not any(u["active"] for u in scim.users())
    assert row(archstone.cli("sso", "status").stdout, zstack.name)["STATUS"] == "not_federated"


def test_one_that_fails_keeps_no_other_and_is_the_exit_code(archstone, provider, made):
    way, zstack, broken = populated(archstone, provider, 0), made(ZStack), made(ZStack)
    good, bad = Platform(archstone, zstack), Platform(archstone, broken)
    broken.stop()
    done = archstone.cli("sso", "federate", way.config["uuid"], "--platforms", f"{good.name},{bad.name}", check=False)
    assert done.returncode == 1 and "panicked" not in done.stderr
    assert row(done.stdout, good.name)["STATUS"] == "federated"
    told = row(done.stdout, bad.name)
    assert told["STATUS"] == "failed" and told["FIRST ERROR"] != "-"
    # A name that is wrong is noticed before anything is begun.
    archstone.cli("sso", "unfederate", way.config["uuid"], "--platforms", good.name)
    wrong = archstone.cli("sso", "federate", way.config["uuid"], "--platforms", f"{good.name},nowhere", check=False)
    assert wrong.returncode == 1 and "nowhere" in wrong.stderr and wrong.stdout == ""
    assert record(archstone, way.config, good)["status"] == "not_federated"
    word = archstone.cli("sso", "unfederate", way.config["uuid"], "--platforms", good.name, "--deprovision", "burn", check=False)
    assert word.returncode == 1 and "deprovision" in word.stderr


def test_some_users_that_fail_are_told_with_the_first_reason(archstone, provider, made):
    way, scim = populated(archstone, provider), made(HostileScim)
    scim.on("POST", "/Users", "status", times=1, code=400)
    platform = Platform(archstone, scim)
    done = archstone.cli("sso", "federate", way.config["uuid"], "--platforms", platform.name, check=False)
    told = row(done.stdout, platform.name)
    assert done.returncode == 1 and told["STATUS"] == "partial" and told["USERS"] == "2 created, 1 failed"
    assert told["FIRST ERROR"].startswith("users: 1 of 3 failed")


def test_it_works_where_no_service_runs(launch, settings, provider, made):
    node = launch("sqlite", settings)
    way, scim = populated(node, provider), made(HostileScim)
    platform = Platform(node, made(ZStack), scim=scim)
    node.term()
    args = (way.config["uuid"], "--platforms", platform.name)
    told = row(node.cli("sso", "federate", *args).stdout, platform.name)
    assert (told["STATUS"], told["USERS"], told["GROUPS"]) == ("federated", "3 created", "1 created")
    assert node.cli("platform", "check", platform.name).stdout.strip().endswith("connected")
    told = row(node.cli("sso", "unfederate", *args, "--deprovision", "delete").stdout, platform.name)
    assert (told["STATUS"], told["USERS"]) == ("taken away", "deleted") and scim.users() == []
    node.cli("sso", "federate", *args)
    assert "deleted" in node.cli("platform", "delete", platform.name, "--policy", "Foreground").stdout


def test_who_stops_waiting_leaves_the_rest_to_the_service(archstone, provider, made):
    way, scim = populated(archstone, provider, 6), made(HostileScim)
    platform = Platform(archstone, scim)
    scim.on("POST", "/", "slow", seconds=2.0)
    command = running(archstone, "sso", "federate", way.config["uuid"], "--platforms", platform.name,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: record(archstone, way.config, platform)["status"] != "not_federated", 10.0)
    time.sleep(1.0)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=15)
    told = row(out, platform.name)
    assert command.returncode == 1 and told["STATUS"] == "running" and "continues in the background" in told["FIRST ERROR"]
    assert "sso status" in err
    scim.behave()
    stands(archstone, way.config, platform, "federated", 40.0)
    eventually(lambda: len(scim.users()) == 6, 40.0, 0.1)
    assert len(scim.users()) == 6


def test_a_terminal_has_bars(archstone, provider, made):
    way, scim = populated(archstone, provider), made(HostileScim)
    platform = Platform(archstone, scim)
    ours, theirs = pty.openpty()
    command = running(archstone, "sso", "federate", way.config["uuid"], "--platforms", platform.name,
                      stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    drawn = b""
    try:
        while piece := os.read(ours, 65_536):
            drawn += piece
    except OSError:
        # The other end is closed.
        pass
    finally:
        os.close(ours)
    out, _ = command.communicate(timeout=30)
    assert command.returncode == 0 and row(out, platform.name)["STATUS"] == "federated"
    last = drawn.decode().splitlines()[-1]
    assert f"[{'#' * 20}]  done: users 3/3, groups 1/1" in last and "\x1b[1A" in drawn.decode() and "\x1b" not in out
