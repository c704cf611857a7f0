"""schemathesis asks every operation of the description, as three callers: no 5xx, no status, content type, header field or body
that is not described, no way past authentication, 405 with `Allow` where there is no method.

`ARCHSTONE_OPENAPI_EXAMPLES` is how many requests of each operation are made up beside those that its schemas suggest. What is
left out, and why, stands in `schemathesis.toml` and `hooks.py`; the whole report is kept in `compat-tests/.run/`.
"""

import json
import os
import pathlib
import subprocess
import sys

from harness import ROOT
from scene import scene

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = os.environ.get("ARCHSTONE_OPENAPI_EXAMPLES", "3")
LOG = ROOT / "compat-tests/.run"

# Operations that never succeed here, and why.
ASKS = "an identity provider would have to be there: federation/ holds these answers against the description"
NEVER = {
    "FederatedAuth": ASKS, "FederatedAuthByPost": ASKS, "CreateTokenByIdToken": ASKS, "WebSso": ASKS, "WebSsoByPost": ASKS,
    "IdentityProviderWebSso": ASKS, "IdentityProviderWebSsoByPost": ASKS,
    "SamlWebSso": ASKS, "SamlEcp": ASKS, "CreateTokenBySaml": ASKS, "CreateIDPMetadata": ASKS, "GetIDPMetadata": ASKS,
    "CreateSamlAssertion": "its token stands in the body: federation/ has it succeed",
    "CreateEcpAssertion": "its token stands in the body: federation/ has it succeed",
    "ProbeOIDCProvider": "a provider would have to be there: sso/ holds these answers against the description",
    "ListRevokedPkiTokens": "it is gone: 410",
} | dict.fromkeys(
    ("CreatePlatform", "DeletePlatform", "GetPlatform", "GetProvisioningRun", "OpenSSOSession", "PatchPlatform", "PreviewDeletePlatform",
     "RotateAccessKeys", "TestConnectionDetailed", "UpdatePlatform", "ValidatePlatform"),
    "a platform would have to be there: federate/ holds these answers against the description")


# Servers of their own, as they are left in disorder. Nobody is locked out by what is tried.
SETTINGS = {"ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS": "0"}


def own(archstone, token):
    """What a token is made of: ids that the run must leave alone."""
    shown = archstone.validate(token).json()["token"]
    ids = {shown["user"]["id"], shown["user"]["domain"]["id"]} | {role["id"] for role in shown["roles"]}
    return ids | ({shown["project"]["id"]} if "project" in shown else set())


def run(archstone, caller, token, tmp_path, examples=EXAMPLES):
    """One run; the statuses that were seen, by operation."""
    seen = tmp_path / "seen.jsonl"
    administrator = archstone.admin_token
    kept = scene(archstone) | {"X-Subject-Token": archstone.token()}
    given = {
        "url": archstone.url, "administrator": administrator, "kept": kept, "seen": str(seen), "succeeds": token is not None,
        "protected": sorted(own(archstone, administrator) | own(archstone, archstone.token(system=True))),
        "tokens": [administrator, kept["X-Subject-Token"]] + ([token] if token else []),
    }
    config = (HERE / "schemathesis.toml").read_text()
    if token:
        config += f'\n[auth.openapi.Token]\napi_key = "{token}"\n\n[auth.openapi.Bearer]\nbearer = "{token}"\n'
    (tmp_path / "schemathesis.toml").write_text(config)
    environment = os.environ | {"ARCHSTONE_OPENAPI_RUN": json.dumps(given), "PYTHONPATH": f"{HERE}:{HERE.parent}",
                                "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")}
    command = [pathlib.Path(sys.executable).parent / "st", "--config-file", tmp_path / "schemathesis.toml", "run",
               f"{archstone.url}/openapi.json", "--max-examples", str(examples), "--no-color", "--warnings", "off"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=1800)
    LOG.mkdir(exist_ok=True)
    (LOG / f"schemathesis-{caller}.txt").write_text(done.stdout + done.stderr)
    failures = done.stdout[done.stdout.find("= FAILURES ="):] if "= FAILURES =" in done.stdout else done.stdout
    assert done.returncode == 0, f"{failures[:8000]}\n…\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
    statuses = {}
    for line in seen.read_text().splitlines():
        operation, status = json.loads(line)
        statuses.setdefault(operation, set()).add(status)
    return statuses


def operations(archstone):
    """Every operation with whether it needs a token."""
    paths = archstone.expect(200, "GET", "/openapi.json")["paths"]
    items = [item for path in paths.values() for method, item in path.items() if method != "parameters"]
    return {item["operationId"]: any("Token" in way for way in item["security"]) for item in items}


def of_tenants(archstone):
    """The operations of the tenant face, most of which need a tenant, an application or a browser on its way: tenant/ has them
    succeed and holds their answers against the description."""
    paths = archstone.expect(200, "GET", "/openapi.json")["paths"]
    theirs = [path for name, path in paths.items() if name.startswith(("/api/v1/auth/", "/api/v1/admin/", "/api/v1/tenants/", "/auth/"))]
    return {item["operationId"] for path in theirs for method, item in path.items() if method != "parameters"}


def succeeded(statuses):
    """The operations that did at least once what they are for."""
    return {operation for operation, seen in statuses.items() if min(seen) < 400}


def test_as_administrator(launch, tmp_path):
    """Nearly every operation but those of tenants also succeeds, so that its answer is seen."""
    archstone = launch(settings=SETTINGS)
    statuses = run(archstone, "administrator", archstone.admin_token, tmp_path)
    assert set(statuses) == set(operations(archstone))
    assert sorted(set(operations(archstone)) - succeeded(statuses) - of_tenants(archstone)) == sorted(NEVER)


def test_as_system_administrator(launch, tmp_path):
    """On the other database."""
    archstone = launch("postgres", settings=SETTINGS)
    statuses = run(archstone, "system-administrator", archstone.token(system=True), tmp_path)
    assert set(statuses) == set(operations(archstone))


def test_without_a_token(launch, tmp_path):
    """What needs a token refuses, whatever is asked; what is open does not ask for one."""
    archstone = launch(settings=SETTINGS)
    statuses = run(archstone, "nobody", None, tmp_path, examples=1)
    for operation, needs_token in operations(archstone).items():
        if needs_token:
            assert not statuses[operation] - {400, 401, 404, 405, 413}, f"{operation}: {statuses[operation]}"
