"""REL-DB: what clients see while PostgreSQL is away or cuts connections, and how soon the service is itself again."""

import time

from harness import eventually, unique
from rig import BROKEN, Load, Node, wait_until

IDPS = "/v3/OS-FEDERATION/identity_providers"
AWAY = 30
SLOWEST = 5.0


def reading_and_writing(token, written=None):
    """An action for `Load`: mostly reads and validations, some writes; (kind, status, Retry-After) of each."""

    def act(api, turn):
        if turn % 4 == 0:
            name = unique("outage")
            got = api.call("PUT", f"{IDPS}/{name}", {"identity_provider": {"remote_ids": [name]}}, token)
            if written is not None:
                written.append((name, got.status))
            kind = "write"
        elif turn % 4 == 1:
            got, kind = api.get("/v3/roles", token=token), "read"
        elif turn % 4 == 2:
            got, kind = api.validate(token), "validate"
        else:
            got, kind = api.login(unique("nobody"), "wrong"), "login"
        return kind, got.status, got.headers.get("retry-after")

    return act


GOOD = {"write": 201, "read": 200, "validate": 200, "login": 401}


def test_rel_db_1_database_stopped_for_30_seconds(own_cluster):
    server = Node(own_cluster.fresh_database())
    written = []
    try:
        server.prepare().start()
        token, api = server.admin(), server.api(timeout=15)
        with Load(server, reading_and_writing(token, written), workers=12, rate=60, timeout=15) as load:
            time.sleep(2)
            stopping = time.monotonic()
            own_cluster.stop("fast")
            stopped = time.monotonic()
            wait_until(lambda: server.api().get("/healthcheck").status == 503, 5, "the health check tells")
            while time.monotonic() < stopped + AWAY:
                assert api.get("/healthcheck").status == 503
                assert server.running()
                time.sleep(1)
            starting = time.monotonic()
            own_cluster.start()
            started = time.monotonic()
            recovery = wait_until(lambda: server.api().get("/healthcheck").status == 200, 5, "the health check recovers")
            time.sleep(max(0.0, started + 5 - time.monotonic()))
            settled = time.monotonic()
            time.sleep(2)
        calm = load.labels(until=stopping - 0.1)
        assert calm and all(status == GOOD[kind] for kind, status, _ in calm), calm
        # Whoever asks within three seconds of the start may still wait for a connection when there is one again.
        during = load.labels(stopped + 0.5, starting - 3.5)
        print(f"during the outage: {during}; recovered {recovery:.2f} s after the start; slowest {load.slowest():.2f} s")
        for label in during:
            assert isinstance(label, tuple), f"an answer is missing: {during}"
            kind, status, retry = label
            # A token whose facts are in memory may still be shown, or not: never a wrong answer, never a 500.
            assert status == 503 or (kind, status) == ("validate", 200), during
            assert status != 503 or (retry and int(retry) >= 1), f"503 without Retry-After: {during}"
        assert any(label[1] == 503 for label in during), during
        between = load.labels(stopping, settled)
        assert all(isinstance(label, tuple) and label[1] in (503, GOOD[label[0]]) for label in between), between
        after = load.labels(settled)
        assert after and all(status == GOOD[kind] for kind, status, _ in after), after
        assert load.slowest() <= SLOWEST, load.slowest()
        for name, status in written:
            if status == 201:
                assert api.get(f"{IDPS}/{name}", token=token).status == 200, f"{name} was acknowledged and is lost"
        assert "panicked" not in server.log()
    finally:
        server.remove()


def test_rel_db_2_connections_cut_at_random(own_cluster):
    url = own_cluster.fresh_database()
    name = url.rsplit("/", 1)[1]
    server = Node(url)
    written = []
    cut = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid() AND random() < 0.2"
    try:
        server.prepare().start()
        token, api = server.admin(), server.api()
        with Load(server, reading_and_writing(token, written), workers=8, rate=120) as load:
            time.sleep(0.5)
            ended, cuts = time.monotonic() + 10, 0
            while time.monotonic() < ended:
                cuts += int(own_cluster.sql(cut))
                time.sleep(0.15)
            quiet = time.monotonic()
            time.sleep(3)
        labels = load.labels()
        print(f"{cuts} connections cut: {labels}")
        assert cuts > 20
        for label in labels:
            assert isinstance(label, tuple), labels
            kind, status, retry = label
            assert status in (GOOD[kind], 503), labels
            assert status != 503 or retry, labels
        total = sum(labels.values())
        failed = sum(n for label, n in labels.items() if label[1] == 503)
        assert failed < total / 2, f"{failed} of {total} requests failed"
        refilled = load.labels(quiet + 1)
        assert refilled and all(status == GOOD[kind] for kind, status, _ in refilled), refilled
        assert load.slowest() <= SLOWEST
        for name, status in written:
            if status == 201:
                assert api.get(f"{IDPS}/{name}", token=token).status == 200, f"{name} was acknowledged and is lost"
        connections = eventually(lambda: int(own_cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")) >= 2, 5)
        assert connections
    finally:
        server.remove()


def test_rel_db_start_without_database_says_so(own_cluster):
    """A server that cannot reach its database at the start ends with a message, or serves 503 until it can; it never hangs."""
    url = own_cluster.fresh_database()
    server = Node(url)
    try:
        server.prepare()
        own_cluster.stop("fast")
        server.start(wait=False)

        def decided():
            if not server.running():
                return "ended"
            try:
                return "unready" if server.api(5).get("/healthcheck").status == 503 else None
            except BROKEN:
                return None

        outcome = eventually(decided, 15)
        assert outcome, "neither an end nor an answer within 15 s"
        if outcome == "unready":
            own_cluster.start()
            wait_until(lambda: server.api().get("/healthcheck").status == 200, 10, "comes up when the database does")
        else:
            assert server.process.returncode != 0
            assert "database" in server.log().lower(), server.log()[-500:]
    finally:
        server.remove()
