"""`archstone sso`: configurations in files, applied while the service runs."""

import json

import pytest

from harness import eventually
from sso_bodies import invented
from sso_calls import MASK, done, path_of, problem, send

CANARY = "canary-of-a-file-7c1f"


@pytest.fixture
def write(archstone, tmp_path):
    """Writes a file of configurations and applies it; what is printed."""

    def apply(entries, *options, check=True, **environment):
        file = tmp_path / "sso.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({"configurations": entries}))
        return archstone.cli("sso", "apply", "-f", str(file), *options, check=check, settings=environment)

    return apply


def entry(issuer, name="From a file", **more):
    block = {
        "clientId": "c",
        "clientSecret": {"env": "CORP_SECRET"},
        "wellKnownUrl": f"{issuer}/.well-known/openid-configuration",
    }
    return {"displayName": name, "providerType": "OIDC", "oidcConfig": block} | more


def of(archstone, issuer):
    """The configuration with an issuer, once the node knows it."""

    def look():
        items = done(archstone, "GET", path_of("")[:-1] + "?limit=1000")["items"]
        return next((item for item in items if item.get("issuer") == issuer), None)

    return eventually(look, 2.0)


def test_a_file_is_applied_once_and_again_without_effect(archstone, write):
    issuer = invented("file")
    one = entry(
        issuer, attributeMappings={"username": "upn", "email": "mail"}, groupMappings=[{"idpGroup": "g", "zcfRole": "member"}]
    )
    said = write([one], "--dry-run", CORP_SECRET=CANARY).stdout
    assert "+ From a file" in said and "1 would be made" in said and of(archstone, issuer) is None
    assert "1 made" in write([one], CORP_SECRET=CANARY).stdout
    made = of(archstone, issuer)
    assert made["source"] == "import" and made["oidcConfig"]["clientSecret"] == MASK
    assert list(made["attributeMappings"]) == ["username", "email"]
    again = write([one], CORP_SECRET=CANARY)
    # The background test may have come in between.
    now = of(archstone, issuer)
    assert "1 as they were" in again.stdout and (now["uuid"], now["updatedAt"]) == (made["uuid"], made["updatedAt"])
    assert CANARY not in again.stdout + again.stderr


def test_what_is_different_is_shown_and_what_the_file_leaves_out_is_the_default(archstone, write):
    issuer = invented("file")
    write([entry(issuer, userProvisioning="manual", enabled=False, groupProvisioning="sync")], CORP_SECRET=CANARY)
    said = write([entry(issuer, name="Renamed")], CORP_SECRET=CANARY + "2").stdout
    for line in (
        'displayName: "From a file" -> "Renamed"',
        'userProvisioning: "manual" -> "auto"',
        'groupProvisioning: "sync" -> "none"',
        "enabled: false -> true",
        "oidcConfig.clientSecret: (secret) -> (another secret)",
    ):
        assert line in said, said
    assert CANARY not in said
    changed = of(archstone, issuer)
    assert (changed["displayName"], changed["userProvisioning"], changed["enabled"]) == ("Renamed", "auto", True)
    without = entry(issuer, name="Renamed")
    del without["oidcConfig"]["clientSecret"]
    write([without])
    assert eventually(lambda: "clientSecret" not in of(archstone, issuer)["oidcConfig"], 2.0)


def test_secrets_come_from_the_environment_or_a_file_and_never_stand_in_it(archstone, write, tmp_path):
    issuer = invented("file")
    plain = entry(issuer)
    plain["oidcConfig"]["clientSecret"] = CANARY
    refused = write([plain], check=False)
    assert (
        refused.returncode == 1 and "configurations.0.oidcConfig.clientSecret" in refused.stderr and CANARY not in refused.stderr
    )
    missing = write([entry(issuer)], check=False)
    assert missing.returncode == 1 and "CORP_SECRET" in missing.stderr and of(archstone, issuer) is None
    (tmp_path / "secret").write_text(CANARY + "\n")
    named = entry(issuer)
    named["oidcConfig"]["clientSecret"] = {"file": "secret"}
    write([named])
    assert "1 as they were" in write([entry(issuer)], CORP_SECRET=CANARY).stdout


def test_nothing_is_changed_if_one_entry_is_wrong(archstone, write):
    good, bad = invented("file"), invented("file")
    wrong = entry(bad, groupMappings=[{"idpGroup": "g"}])
    refused = write([entry(good), wrong], check=False, CORP_SECRET=CANARY)
    assert refused.returncode == 1 and "configurations.1.groupMappings.0.zcfRole" in refused.stderr
    assert of(archstone, good) is None


def test_the_face_cannot_change_what_a_file_manages_until_it_is_released(archstone, write):
    issuer = invented("file")
    write([entry(issuer)], CORP_SECRET=CANARY)
    made = of(archstone, issuer)
    assert "archstone sso release" in problem(send(archstone, "PUT", path_of(made), {"displayName": "x"}), 409)["description"]
    problem(send(archstone, "DELETE", path_of(made)), 409)
    assert done(archstone, "POST", path_of(made, "test"))["success"] is False
    archstone.cli("sso", "release", made["uuid"])
    assert done(archstone, "PUT", path_of(made), {"displayName": "x"})["source"] == "manual"
    refused = write([entry(issuer)], check=False, CORP_SECRET=CANARY)
    assert refused.returncode == 1 and "--adopt" in refused.stderr
    assert "source: manual -> import" in write([entry(issuer)], "--adopt", CORP_SECRET=CANARY).stdout
    assert of(archstone, issuer)["source"] == "import"


def test_commands_list_show_test_and_delete(archstone, write):
    issuer = invented("file")
    write([entry(issuer)], CORP_SECRET=CANARY)
    made = of(archstone, issuer)
    uuid = made["uuid"]
    assert uuid in archstone.cli("sso", "list").stdout
    listed = json.loads(archstone.cli("sso", "list", "--json").stdout)
    shown = json.loads(archstone.cli("sso", "show", uuid).stdout)
    assert uuid in [item["uuid"] for item in listed]
    assert (shown["issuer"], shown["oidcConfig"]["clientSecret"]) == (issuer, MASK)
    tested = archstone.cli("sso", "test", uuid, check=False)
    assert tested.returncode == 1 and "does not resolve" in tested.stdout
    archstone.cli("sso", "delete", uuid)
    assert send(archstone, "GET", path_of(made)).status_code == 404
    gone = archstone.cli("sso", "show", uuid, check=False)
    assert gone.returncode == 1 and uuid in gone.stderr


def test_prune_deletes_what_came_from_a_file_and_is_in_none(archstone, write):
    kept, dropped = invented("file"), invented("file")
    write([entry(kept), entry(dropped)], CORP_SECRET=CANARY)
    manual = done(
        archstone,
        "POST",
        path_of("")[:-1],
        entry(invented("face"))
        | {"oidcConfig": {"clientId": "c", "wellKnownUrl": invented("face") + "/.well-known/openid-configuration"}},
    )
    said = write([entry(kept)], "--prune", CORP_SECRET=CANARY).stdout
    assert said.count("\n- ") >= 1
    assert of(archstone, kept) and eventually(lambda: of(archstone, dropped) is None, 2.0)
    assert send(archstone, "GET", path_of(manual)).status_code == 200
