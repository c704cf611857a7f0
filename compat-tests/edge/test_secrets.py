"""SEC-REST and SEC-LOG: planted secrets are looked for in everything that the service writes.

What is searched: the database file with its write-ahead log or a dump of the PostgreSQL database, an online backup, the log
at its most talkative level, the audit records, the metrics and every error body that the test provokes.
"""

import base64
import http.client
import json
import re
import shutil
import sqlite3
import subprocess
import time

import pytest

import wire
from api import SYSTEM, password_request
from harness import ADMIN_PASSWORD, unique
from rig import Node

TALKATIVE = {"ARCHSTONE_LOG__FILTER": "trace"}
JSON = ("Content-Type", "application/json")


def forms(secret):
    """A secret as it could have been written: as it is, in base64, in hexadecimal, percent-encoded, as a list of bytes."""
    raw = secret.encode() if isinstance(secret, str) else secret
    return {
        raw, base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"="), raw.hex().encode(), raw.hex().upper().encode(),
        ", ".join(str(b) for b in raw[:16]).encode(),
    }


def key_material(server):
    """The bytes of every key file in the data folder: as text and decoded."""
    found = {}
    for path in server.data.rglob("*"):
        if not path.is_file() or path.stat().st_size > 10_000 or path.read_bytes().startswith(b"SQLite"):
            continue
        data = path.read_bytes().strip()
        if re.fullmatch(rb"[A-Za-z0-9_+/-]{43}=", data):
            found[f"{path.name} (text)"] = data
            found[f"{path.name} (bytes)"] = base64.urlsafe_b64decode(data.replace(b"+", b"-").replace(b"/", b"_"))
        elif path.name == "master.key":
            for entry in re.findall(rb"[A-Za-z0-9_-]{43}", data):
                found["a master key (text)"], found["a master key (bytes)"] = entry, base64.urlsafe_b64decode(entry + b"=")
        elif b"PRIVATE KEY" in data:
            found[f"{path.name} (PEM)"] = b"".join(data.splitlines()[1:-1])[:60]
    return found


def search(where, canaries):
    """Fails with the name of the place and of the secret (never the secret)."""
    for place, data in where.items():
        for name, secret in canaries.items():
            for form in forms(secret):
                at = data.find(form)
                assert at < 0, f"{name} stands in {place}, after {data[max(0, at - 200):at]!r}"


def test_sec_rest_1_and_sec_log_1_planted_secrets(database_url, cluster, tmp_path):
    server = Node(database_url, TALKATIVE, folder=tmp_path)
    copies, errors = {}, b""
    try:
        server.prepare().start()
        api, admin = server.api(), server.admin()
        canaries = {"the administrator's password": ADMIN_PASSWORD, "the administrator's token": admin}
        name = unique("canary")
        canaries["a new user's password"] = "canary-Aq7-first-password"
        canaries["a changed password"] = "canary-Bq8-second-password"
        canaries["a wrong password"] = "canary-Cq9-wrong-password"
        canaries["a bearer token"] = "canary-Dq1-bearer-token-that-is-none"
        canaries["a token-like value"] = "gAAAAABcanaryEq2" + "x" * 120
        canaries["a cookie"] = "canary-Fq3-cookie-value"
        user = api.create_user(admin, name, canaries["a new user's password"], email="canary@example.org")["id"]
        canaries["a user's token"] = api.token(name, canaries["a new user's password"])
        api.want(200, "PATCH", f"/v3/users/{user}", {"user": {"password": canaries["a changed password"]}}, admin)
        # Out of the second in which the change revoked what was issued before it.
        time.sleep(1.1)
        canaries["a second token"] = api.token(name, canaries["a changed password"])
        canaries["a system token"] = api.rescope(admin, SYSTEM).token

        def keep(answer):
            nonlocal errors
            errors += answer.body + repr(getattr(answer, "headers", "")).encode()

        # Every failure that is handed a secret.
        for domain in ("default", "nowhere"):
            keep(api.call("POST", "/v3/auth/tokens", password_request(name, canaries["a wrong password"], domain=domain)))
        keep(api.get("/v3/users", token=canaries["a token-like value"]))
        keep(api.get("/v3/users", headers={"Authorization": f"Bearer {canaries['a bearer token']}"}))
        keep(api.get("/v3/users", headers={"Authorization": f"Basic {canaries['a bearer token']}"}))
        keep(api.get("/v3/users", headers={"Cookie": canaries["a cookie"]}))
        keep(api.validate(canaries["a token-like value"], admin))
        keep(api.revoke(canaries["a token-like value"], admin))
        keep(api.rescope(canaries["a token-like value"], SYSTEM))
        keep(api.rescope(canaries["a user's token"], SYSTEM))
        wrong = canaries["a wrong password"]
        for body in (
            {"auth": {"identity": {"methods": ["password"], "password": {"user": {"password": wrong}}}}},
            {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": name, "password": wrong}}}}},
            {"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": user, "password": [wrong]}}}}},
            {"auth": {"identity": {"methods": ["totp"], "totp": {"user": {"id": user, "passcode": wrong}}}}},
        ):
            keep(api.call("POST", "/v3/auth/tokens", body))
        for fields in ({"password": wrong, "name": 5}, {"password": [wrong], "name": "x"}, {"password": wrong, "name": name, "domain_id": "default"}):
            keep(api.call("POST", "/v3/users", {"user": fields}, admin))
        malformed = json.dumps(password_request(name, wrong)).encode()[:-2] + b","
        raw = wire.ask(server.address, "POST", "/v3/auth/tokens", [JSON], malformed)
        errors += raw.body
        # A query is not logged; a path is, so no route takes a secret there.
        api.get(f"/v3/users?token={canaries['a bearer token']}", token=admin)
        # Revoked, then used.
        assert api.revoke(canaries["a second token"], admin).status == 204
        keep(api.get("/v3/users", token=canaries["a second token"]))
        canaries |= key_material(server)
        assert len(canaries) > 13, "no key files were found"
        audit = api.want(200, "GET", "/v3/archstone/audit?limit=500", token=admin).body
        copies |= {"an audit answer": audit, "an error": errors, "the log": server.log().encode(), "the metrics": metrics(server)}
        copies["the list of users"] = api.get("/v3/users", token=admin).body
        if database_url:
            copies["a dump of the database"] = subprocess.run(["pg_dump", "--inserts", database_url], check=True, capture_output=True).stdout
        else:
            file = server.database_file()
            for path in file.parent.glob(file.name + "*"):
                copies[path.name] = path.read_bytes()
            backup = tmp_path / "backup.sqlite"
            with sqlite3.connect(file) as live, sqlite3.connect(backup) as target:
                live.backup(target)
            copies["a backup"] = backup.read_bytes()
        assert all(copies.values()), [k for k, v in copies.items() if not v]
        # The search would find something: what is no secret is there.
        assert name.encode() in b"".join(copies.values())
        assert server.log().count("\n") > 50, "the log is not at its most talkative"
        search(copies, canaries)
        server.restart("kill")
        search({"the log after a crash": server.log().encode()}, canaries)
    finally:
        server.remove()


def metrics(server):
    """The metrics page."""
    connection = http.client.HTTPConnection("127.0.0.1", server.metrics_port, timeout=5)
    connection.request("GET", "/metrics")
    body = connection.getresponse().read()
    connection.close()
    assert b"# TYPE" in body
    return body


@pytest.mark.parametrize("form", ["text", "json"])
def test_sec_log_1_user_data_cannot_write_log_lines(tmp_path, form):
    server = Node(None, TALKATIVE | {"ARCHSTONE_LOG__FORMAT": form}, folder=tmp_path)
    try:
        server.prepare().start()
        api = server.api()
        evil = "eve\r\n2026-01-01T00:00:00Z ERROR forged line\x1b[31m\x07\u202e"
        api.login(evil, "wrong")
        api.login("admin", "wrong", domain=evil)
        api.call("PUT", "/v3/OS-FEDERATION/identity_providers/forge%0d%0aforged%20line%1b%5b31m", {"identity_provider": {"description": evil}}, server.admin())
        api.call("POST", "/v3/domains", {"domain": {"name": evil}}, server.admin())
        wire.ask(server.address, "GET", "/v3/users?name=%0d%0aforged%20line%1b%5b31m", [("X-Auth-Token", server.admin()), ("User-Agent", "a\x1b[31mforged line")])
        time.sleep(0.2)
        log = server.log()
        assert "\x1b" not in log and "\x07" not in log, "control characters reach the log"
        for line in log.splitlines():
            assert not line.startswith(("forged", "2026-01-01T00:00:00Z ERROR forged")), line
            if form == "json":
                json.loads(line)
    finally:
        server.remove()


def test_sec_log_passwords_in_arguments_and_environment_stay_out_of_messages(tmp_path):
    server = Node(folder=tmp_path)
    try:
        server.cli("keys", "setup")
        server.cli("db", "migrate")
        done = server.cli("bootstrap", "--bootstrap-password", "canary-Gq4-bootstrap", check=False, settings=TALKATIVE)
        assert "canary-Gq4" not in done.stdout + done.stderr
        done = server.cli("bootstrap", check=False, settings=TALKATIVE | {"OS_BOOTSTRAP_PASSWORD": "canary-Hq5-bootstrap"})
        assert "canary-Hq5" not in done.stdout + done.stderr
    finally:
        server.remove()


# -- SEC-REST-2 --------------------------------------------------------------------------------------------------------


def master_key(server):
    """The file with the keys that seal stored secrets."""
    found = server.data / "master.key"
    assert found.is_file(), sorted(server.data.rglob("*"))
    return found


def test_sec_rest_2_wrong_master_key_at_start(tmp_path):
    """A database whose secrets another key sealed is not served: the message names the setting, not the key."""
    server, other = Node(folder=tmp_path / "one" if (tmp_path / "one").mkdir() is None else None), None
    try:
        server.prepare().start()
        server.term()
        (tmp_path / "two").mkdir()
        other = Node(folder=tmp_path / "two")
        other.prepare()
        own, foreign = master_key(server), master_key(other)
        kept = own.read_bytes()
        shutil.copyfile(foreign, own)
        done = server.cli("serve", check=False, timeout=20)
        text = done.stdout + done.stderr
        assert done.returncode != 0 and "master" in text.lower(), text
        for line in (*kept.split(), *foreign.read_bytes().split()):
            assert len(line) < 30 or line.decode(errors="replace") not in text
        own.write_bytes(kept)
        server.start()
        assert server.api().get("/healthcheck").status == 200
    finally:
        server.remove()
        if other:
            other.remove()


def test_sec_rest_2_master_key_is_rotated_and_the_old_one_removed(tmp_path):
    """Rotate, re-seal, then the old key is no longer needed."""
    server = Node(folder=tmp_path)
    try:
        server.prepare().start()
        token = server.admin()
        before = master_key(server).read_bytes()
        server.cli("secrets", "rotate")
        server.cli("secrets", "reseal")
        assert master_key(server).read_bytes() != before
        server.restart()
        assert server.api().validate(token).status == 200
        server.cli("secrets", "prune")
        server.restart()
        assert server.api().validate(token).status == 200
        assert not set(before.split()) & set(master_key(server).read_bytes().split()) - {b""}, "the old key is still there"
    finally:
        server.remove()


def test_sec_rest_secret_files_are_private(node):
    for path in node.data.rglob("*"):
        if path.is_file() and not path.name.endswith((".pub", ".pem")) or "private" in path.name:
            assert path.stat().st_mode & 0o007 == 0, f"{path} can be read by others"


def test_sec_sql_adm_login_needs_the_whole_password(node):
    """No truncation: bytes after the 72nd (bcrypt's limit), NUL and trailing space count."""
    api, admin = node.api(), node.admin()
    base = "p" * 80
    name = unique("long")
    api.create_user(admin, name, base + "-right")
    assert api.login(name, base + "-right").status == 201
    for wrong in (base, base + "-wrong", base + "-right ", " " + base + "-right", base + "-right\0", base + "-RIGHT"):
        # A NUL is no text that could be a password.
        assert api.login(name, wrong).status == (400 if "\0" in wrong else 401)
