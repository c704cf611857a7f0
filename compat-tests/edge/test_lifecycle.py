"""REL-TERM-1, REL-CONF-1, REL-MIG-1, REL-BKP-1: beginning, end, schema and backup of a node."""

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from harness import ADMIN_PASSWORD, Archstone, unique
from api import Api, project
from rig import BROKEN, Load, Node, admin_token

IDPS = "/v3/OS-FEDERATION/identity_providers"


# -- REL-TERM-1 --------------------------------------------------------------------------------------------------------


def test_rel_term_1_no_request_is_cut(make_node):
    """Requests that were under way when SIGTERM came, or came just after on a connection that stood, are answered in full, and
    the process ends within 10 s."""
    # Logins at argon2's usual cost: each takes tens of milliseconds, so that some are always under way.
    server = make_node(settings={"ARCHSTONE_PASSWORD__ARGON2_MEMORY_KIB": "19456", "ARCHSTONE_PASSWORD__ARGON2_ITERATIONS": "2"})
    token = server.admin()

    def act(api, turn):
        if turn % 3 == 0:
            return "login", api.login("admin", ADMIN_PASSWORD, project("admin")).status
        if turn % 3 == 1:
            name = unique("term")
            return "write", api.call("PUT", f"{IDPS}/{name}", {"identity_provider": {}}, token).status
        return "read", api.get("/v3/users", token=token).status

    with Load(server, act, workers=12) as load:
        time.sleep(1.5)
        process, began = server.process, time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(15)
        took = time.monotonic() - began
        server.process = None
        time.sleep(0.2)
    assert code == 0, f"exit code {code}"
    assert took < 10, f"{took:.1f} s"
    before = load.labels(until=began - 0.02)
    assert sum(before.values()) > 50
    assert set(before) <= {("login", 201), ("write", 201), ("read", 200), ("login", 429), ("login", 503)}, before
    # Afterwards a connection may be refused; none that stands is reset under a request, no answer is cut short.
    transport = {label for label in load.labels() if isinstance(label, str)}
    assert transport <= {"ConnectionRefusedError"}, load.labels()
    assert any(started < began < ended and isinstance(label, tuple) for started, ended, label in load.outcomes), "nothing was under way"


def test_rel_term_1_a_stalled_client_does_not_hold_the_end(make_node):
    server = make_node()
    with socket.create_connection(server.address) as sock:
        sock.sendall(b"POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.2)
        began = time.monotonic()
        assert server.term(within=15) == 0
        assert time.monotonic() - began < 10


def test_rel_term_1_sigint_ends_too(make_node):
    server = make_node()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(10) == 0
    server.process = None


# -- REL-CONF-1 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def stopped(tmp_path):
    """A prepared server that is not running."""
    server = Node(folder=tmp_path)
    server.prepare()
    yield server
    server.remove()


def refused(server, *args, settings=None, names=()):
    """`serve` ends by itself with a code that is not 0, naming what is wrong and where; no panic, no secret."""
    began = time.monotonic()
    done = server.cli(*args, check=False, settings=settings, timeout=20)
    assert done.returncode != 0, done.stdout
    assert time.monotonic() - began < 15
    text = done.stderr + done.stdout
    for name in names:
        assert name in text, f"{name!r} is not in: {text}"
    assert "panicked" not in text and "RUST_BACKTRACE" not in text, text
    return text


@pytest.mark.parametrize(
    "text, names",
    [
        ("[server\nbind = 1", ["config"]),
        ("[server]\nbindd = \"127.0.0.1:1\"\n", ["server.bindd"]),
        ("[server]\nbind = 17\n", ["server.bind"]),
        ("[server]\nbind = \"nowhere\"\n", ["server.bind"]),
        ("[sevrer]\nbind = \"127.0.0.1:1\"\n", ["sevrer"]),
        ("[database]\nurl = \"mysql://x\"\n", ["database.url"]),
        ("[server]\nheader_timeout_secs = -1\n", ["server.header_timeout_secs"]),
    ],
    ids=["not_toml", "unknown_key", "wrong_type", "bad_address", "unknown_section", "unknown_database", "negative"],
)
def test_rel_conf_1_bad_file(stopped, text, names):
    path = stopped.folder / "config.toml"
    path.write_text(text)
    for command in (["serve"], ["config", "check"]):
        # The environment of the tests would overrule the file.
        settings = {}
        said = refused_file(stopped, path, command, settings)
        for name in names:
            assert name in said, f"{name!r} is not in: {said}"


def refused_file(server, path, command, settings):
    environment = {k: v for k, v in server.environment().items() if not k.startswith("ARCHSTONE_SERVER__")} | settings
    done = subprocess.run([server.binary, "--config", str(path), *command], env=environment, cwd=server.folder, capture_output=True, text=True, timeout=20)
    assert done.returncode not in (0, None), f"{command}: {done.stdout}"
    assert "panicked" not in done.stderr
    return done.stderr + done.stdout


def test_rel_conf_1_missing_file(stopped):
    done = subprocess.run([stopped.binary, "--config", "/nonexistent/archstone.toml", "serve"], env=stopped.environment(), capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "/nonexistent/archstone.toml" in done.stderr + done.stdout


@pytest.mark.parametrize(
    "variable, value, names",
    [
        ("ARCHSTONE_SERVER__BINDD", "127.0.0.1:1", ["server.bindd"]),
        ("ARCHSTONE_SERVER__HEADER_TIMEOUT_SECS", "soon", ["server.header_timeout_secs"]),
        ("ARCHSTONE_NOTHING__AT_ALL", "1", ["nothing"]),
        ("ARCHSTONE_SERVER__PUBLIC_URL", "not a url", ["server.public_url"]),
    ],
    ids=["unknown_key", "wrong_type", "unknown_section", "bad_url"],
)
def test_rel_conf_1_bad_environment(stopped, variable, value, names):
    refused(stopped, "serve", settings={variable: value}, names=names)


def test_rel_conf_1_port_in_use(stopped):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", stopped.port))
        listener.listen()
        refused(stopped, "serve", names=[f"127.0.0.1:{stopped.port}"])


def test_rel_conf_1_missing_token_keys(stopped):
    for folder in [p.parent for p in stopped.data.rglob("0")]:
        shutil.rmtree(folder)
    text = refused(stopped, "serve")
    assert "key" in text.lower() and "keys setup" in text, text


def test_rel_conf_1_unreachable_database(stopped):
    text = refused(stopped, "serve", settings={"ARCHSTONE_DATABASE__URL": "postgres://nobody:hidden-secret@127.0.0.1:1/none"})
    assert "database" in text.lower()
    assert "hidden-secret" not in text


def test_rel_conf_1_unmigrated_postgresql(cluster):
    """On PostgreSQL migrations are the operator's step: without it the server says so and ends."""
    server = Node(cluster.fresh_database())
    try:
        server.cli("keys", "setup")
        text = refused(server, "serve")
        assert "db migrate" in text, text
    finally:
        server.remove()


def test_rel_conf_1_shown_configuration_hides_secrets(stopped):
    text = stopped.cli("config", "show", settings={"ARCHSTONE_DATABASE__URL": "postgres://someone:hidden-secret@127.0.0.1:1/none"}).stdout
    assert "hidden-secret" not in text and "someone" in text


# -- REL-MIG-1 ---------------------------------------------------------------------------------------------------------


def schema(server, cluster):
    """Everything a migration makes, as text: definitions and the rows of the migration table."""
    if server.database_url:
        name = server.database_url.rsplit("/", 1)[1]
        return cluster.sql("SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2", name) + \
            cluster.sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1", name) + \
            cluster.sql("SELECT version, success FROM _sqlx_migrations ORDER BY 1", name)
    with sqlite3.connect(server.database_file()) as connection:
        return "\n".join(str(row) for row in connection.execute("SELECT name, sql FROM sqlite_master ORDER BY 1")) + \
            "\n".join(str(row) for row in connection.execute("SELECT version, success FROM _sqlx_migrations ORDER BY 1"))


def test_rel_mig_1_from_empty_and_twice(database_url, cluster, tmp_path):
    server = Node(database_url, folder=tmp_path)
    server.cli("keys", "setup")
    server.cli("db", "migrate")
    first = schema(server, cluster)
    server.cli("db", "migrate")
    assert schema(server, cluster) == first
    status = server.cli("db", "status", "--json").stdout
    assert json.loads(status) is not None
    server.bootstrap()
    try:
        server.start()
        assert admin_token(server.api())
        server.term()
        server.cli("db", "migrate")
        server.start()
        assert admin_token(server.api())
        assert schema(server, cluster) == first
    finally:
        server.remove()


def test_rel_mig_1_two_at_once(database_url, cluster, tmp_path):
    """Two nodes that migrate together: both end well, the schema is made once."""
    server = Node(database_url, folder=tmp_path)
    server.cli("keys", "setup")
    results = []
    workers = [threading.Thread(target=lambda: results.append(server.cli("db", "migrate", check=False))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [r.returncode for r in results] == [0] * 4, [r.stderr for r in results]
    server.bootstrap()


def test_rel_mig_1_interrupted_resumes(database_url, cluster, tmp_path):
    """kill -9 in the middle of `db migrate`: the next one finishes the work."""
    reference = Node(None if database_url is None else cluster.fresh_database(), folder=make(tmp_path / "reference"))
    reference.cli("keys", "setup")
    began = time.monotonic()
    reference.cli("db", "migrate")
    whole = time.monotonic() - began
    wanted, chance = schema(reference, cluster), random.Random(7)
    for turn in range(10):
        url = None if database_url is None else cluster.fresh_database()
        server = Node(url, folder=make(tmp_path / f"turn-{turn}"))
        server.cli("keys", "setup")
        process = subprocess.Popen([server.binary, "db", "migrate"], env=server.environment(), cwd=server.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, whole))
        process.kill()
        process.wait()
        server.cli("db", "migrate")
        assert schema(server, cluster) == wanted
        server.bootstrap()


def make(folder):
    """The folder, made."""
    folder.mkdir()
    return folder


def test_rel_mig_1_a_newer_schema_is_refused(tmp_path):
    """An old binary on a database that a newer one has migrated says so instead of guessing."""
    server = Node(folder=tmp_path)
    server.prepare()
    with sqlite3.connect(server.database_file()) as connection:
        connection.execute(
            "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time) "
            "VALUES (9999, 'from the future', CURRENT_TIMESTAMP, 1, x'00', 0)"
        )
    refused(server, "serve", names=["9999"])


# -- REL-BKP-1 ---------------------------------------------------------------------------------------------------------


def test_rel_bkp_1_sqlite_backup_during_load(tmp_path):
    """SQLite's own online backup while writes go on, restored in another folder with the keys: nothing torn, all older writes there."""
    server = Node(folder=make(tmp_path / "live"))
    copy = None
    acknowledged, lock = [], threading.Lock()
    try:
        server.prepare().start()
        token, subject = server.admin(), admin_token(server.api())

        def act(api, turn):
            name = unique("backup")
            got = api.call("PUT", f"{IDPS}/{name}", {"identity_provider": {"remote_ids": [name]}}, token)
            if got.status == 201:
                with lock:
                    acknowledged.append((time.monotonic(), name))
            return got.status

        with Load(server, act, workers=4) as load:
            time.sleep(1)
            began = time.monotonic()
            target = make(tmp_path / "restored")
            shutil.copytree(server.data, target / "data", ignore=lambda _, names: [n for n in names if n.startswith(server.database_file().name)])
            restored = target / "data" / server.database_file().relative_to(server.data)
            with sqlite3.connect(server.database_file()) as live, sqlite3.connect(restored) as file:
                live.backup(file)
            took = time.monotonic() - began
            time.sleep(0.5)
        assert set(load.labels()) == {201}, load.labels()
        print(f"backup of {restored.stat().st_size / 1e6:.1f} MB under load in {took:.2f} s")
        copy = Node(folder=target)
        copy.start()
        assert "ok" in sqlite3.connect(restored).execute("PRAGMA integrity_check").fetchone()
        api = copy.api()
        assert api.validate(subject).status == 200, "a token of the original does not work on the copy"
        assert admin_token(api)
        older = [name for at, name in acknowledged if at < began]
        assert len(older) > 20
        for name in older:
            assert api.get(f"{IDPS}/{name}", token=token).status == 200, f"{name} was acknowledged before the backup and is not in it"
        for provider in api.get(IDPS, token=token).json["identity_providers"]:
            assert api.get(f"/v3/domains/{provider['domain_id']}", token=token).status == 200, "half an object was restored"
    finally:
        server.remove()
        if copy:
            copy.remove()


def test_rel_bkp_1_postgresql_dump_during_load(cluster, tmp_path):
    """pg_dump under load, restored into another database with the keys: consistent, and the older writes are there."""
    url = cluster.fresh_database()
    server = Node(url, folder=tmp_path)
    copy = None
    acknowledged = []
    try:
        server.prepare().start()
        token = server.admin()

        def act(api, turn):
            name = unique("dump")
            got = api.call("PUT", f"{IDPS}/{name}", {"identity_provider": {"remote_ids": [name]}}, token)
            if got.status == 201:
                acknowledged.append((time.monotonic(), name))
            return got.status

        with Load(server, act, workers=4) as load:
            time.sleep(1)
            began = time.monotonic()
            dump = subprocess.run(["pg_dump", url], check=True, capture_output=True, env=os.environ | {"PGOPTIONS": ""}).stdout
            time.sleep(0.3)
        assert set(load.labels()) == {201}, load.labels()
        other = cluster.fresh_database()
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", other], input=dump, check=True, capture_output=True)
        copy = Archstone(other, server.settings, folder=tmp_path)
        copy.start()
        api = Api(("127.0.0.1", copy.port))
        assert api.validate(token).status == 200
        older = [name for at, name in acknowledged if at < began]
        assert len(older) > 20
        for name in older:
            assert api.get(f"{IDPS}/{name}", token=token).status == 200
    finally:
        server.remove()
        if copy:
            copy.remove()


# -- REL-DISK-1 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB in memory. Needs the right to mount: root, as in CI."""
    folder = make(tmp_path / "disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_rel_disk_1_full_disk(small_disk):
    server = Node(folder=small_disk)
    # The log goes elsewhere: what is tested is the database without room.
    server.log_path = small_disk.parent / "log.txt"
    try:
        server.prepare().start()
        api, token = server.api(), server.admin()
        api.want(201, "PUT", f"{IDPS}/before", {"identity_provider": {}}, token)
        filler = small_disk / "filler"
        # Unbuffered: what no longer fits must not be tried again when the file is closed.
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass
        answers, written = {}, []
        for n in range(200):
            name = f"full-{n}"
            try:
                got = api.call("PUT", f"{IDPS}/{name}", {"identity_provider": {"description": "x" * 2000}}, token)
            except BROKEN as failure:
                raise AssertionError(f"no answer with the disk full: {failure!r}") from failure
            answers[got.status] = answers.get(got.status, 0) + 1
            if got.status == 201:
                written.append(name)
            assert got.status in (201, 503, 507), (got.status, server.log()[-600:])
        assert answers.get(503, 0) + answers.get(507, 0) > 0, answers
        # Reading goes on.
        assert api.validate(token).status == 200
        assert api.get(f"{IDPS}/before", token=token).status == 200
        assert server.running()
        filler.unlink()
        deadline = time.monotonic() + 10
        while api.call("PUT", f"{IDPS}/after-{time.monotonic()}", {"identity_provider": {}}, token).status != 201:
            assert time.monotonic() < deadline, "it does not work again after space came back"
            time.sleep(0.2)
        for name in ["before", *written]:
            assert api.get(f"{IDPS}/{name}", token=token).status == 200, f"{name} was acknowledged and is lost"
        assert server.term() == 0
        with sqlite3.connect(server.database_file()) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        server.start()
        api.close()
        assert api.get(f"{IDPS}/before", token=token).status == 200
    finally:
        server.remove()
