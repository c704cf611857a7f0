"""What the edge tests need beyond `harness.Archstone`: addresses for raw sockets, the process's own figures, load."""

import http.client
import os
import pathlib
import threading
import time

from api import Api, project
from harness import ADMIN_PASSWORD, Archstone, eventually

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
ADMIN_PROJECT = project("admin")
BROKEN = (OSError, http.client.HTTPException)


def server_limits(**limits):
    """Environment variables for keys of the `[server]` section."""
    return {f"ARCHSTONE_SERVER__{key.upper()}": str(value) for key, value in limits.items()}


class Node(Archstone):
    """A node that can be measured and reached by raw sockets."""

    @property
    def address(self):
        """Host and port for a socket."""
        return ("127.0.0.1", self.port)

    def api(self, timeout=10.0):
        """A client of this node."""
        return Api(self.address, timeout)

    def admin(self):
        """The administrator's project-scoped token; made once."""
        return self.admin_token

    def rss(self):
        """Resident memory in bytes."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def cpu_seconds(self):
        """User and system time the process has used so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def open_files(self):
        """Open file descriptors of the process."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def beside(self, settings=None):
        """A second node on the same data folder, keys and database; not started."""
        return Node(self.database_url, self.settings | (settings or {}), folder=self.folder, binary=self.binary)

    def database_file(self):
        """The SQLite file in the data folder."""
        found = [p for p in self.data.rglob("*") if p.is_file() and p.open("rb").read(15) == b"SQLite format 3"]
        assert len(found) == 1, found
        return found[0]


class Load:
    """Worker threads that repeat an action until told to stop; every outcome is kept.

    `action(api, turn)` answers a label for the outcome. A transport failure becomes its class's name.
    """

    def __init__(self, node, action, workers=8, rate=None, timeout=10.0):
        self.node, self.action, self.timeout = node, action, timeout
        self.pause = workers / rate if rate else 0
        self.outcomes = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(workers)]

    def _work(self, worker):
        api, turn = Api(self.node.address, self.timeout), worker * 1_000_000
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                label = self.action(api, turn)
            except BROKEN as failure:
                label = type(failure).__name__
            ended = time.monotonic()
            self.outcomes.append((started, ended, label))
            turn += 1
            if self.pause:
                self._stop.wait(max(0.0, self.pause - (ended - started)))
            elif isinstance(label, str):
                self._stop.wait(0.05)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        """Stops the workers and waits for them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(self.timeout + 5)
        return self

    def labels(self, since=0.0, until=float("inf")):
        """How often each outcome happened among requests begun within the span."""
        counts = {}
        for started, _, label in list(self.outcomes):
            if since <= started < until:
                counts[label] = counts.get(label, 0) + 1
        return counts

    def slowest(self, since=0.0, until=float("inf")):
        """Seconds of the slowest request begun within the span."""
        return max((e - s for s, e, _ in list(self.outcomes) if since <= s < until), default=0.0)


def wait_until(probe, within, what, every=0.02):
    """Seconds until `probe` is true; fails after `within`."""
    started = time.monotonic()
    assert eventually(probe, within, every), f"{what}: not within {within} s"
    return time.monotonic() - started


def admin_token(api):
    """A fresh administrator's token, scoped to the admin project."""
    return api.token("admin", ADMIN_PASSWORD, ADMIN_PROJECT)
