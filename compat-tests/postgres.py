#!/usr/bin/env python3
"""A scratch PostgreSQL cluster: made, started and removed by the tests that use it.

Needs only the standard library and Debian's `postgresql` package. As a program it lends a cluster to one command:

    python3 compat-tests/postgres.py cargo nextest run

runs the command with `ARCHSTONE_TEST_POSTGRES` set to the URL of the cluster's maintenance database.
"""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid


def free_port():
    """A TCP port on the loopback interface that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _binaries():
    """The folder with initdb and pg_ctl of the newest installed PostgreSQL."""
    found = glob.glob("/usr/lib/postgresql/*/bin/pg_ctl")
    if not found:
        raise RuntimeError("PostgreSQL's server is not installed (Debian package: postgresql)")
    newest = max(found, key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(newest)


class Postgres:
    """One cluster on a free loopback port, in a folder of its own.

    `durable=False` switches off what only matters when the machine loses power (killing a process loses nothing).
    """

    # Without these a commit waits for the disk.
    RELAXED = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]

    def __init__(self, durable=False):
        self.folder = tempfile.mkdtemp(prefix="archstone-postgres-")
        self.port = free_port()
        self.durable = durable
        self.running = False
        # PostgreSQL refuses to run as root; Debian's package made this account for it.
        self.account = "postgres" if os.geteuid() == 0 else None
        if self.account:
            entry = pwd.getpwnam(self.account)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                  *([] if durable else ["--no-sync"]))
        self.start()

    def _run(self, program, *args):
        options = {"user": self.account, "group": self.account, "extra_groups": []} if self.account else {}
        done = subprocess.run([f"{_binaries()}/{program}", *args], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")
        return done.stdout

    def start(self):
        """Starts the server and waits until it answers."""
        options = ["-p", str(self.port), "-k", self.folder, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"]
        if not self.durable:
            options += self.RELAXED
        self._run("pg_ctl", "start", "-w", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-o", " ".join(options))
        self.running = True

    def stop(self, mode="fast"):
        """Stops the server; `immediate` is what a crash looks like to its clients. Databases stay."""
        self._run("pg_ctl", "stop", "-w", "-D", f"{self.folder}/data", "-m", mode)
        self.running = False

    def url(self, database="postgres"):
        """URL of a database of this cluster."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, text, database="postgres"):
        """Runs SQL text; the answer's rows as lines, columns divided by `|`."""
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", text).strip()

    def fresh_database(self):
        """Makes an empty database and answers its URL."""
        name = f"t_{uuid.uuid4().hex}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def remove(self):
        """Stops the server and deletes its folder."""
        if self.running:
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


if __name__ == "__main__":
    with Postgres() as cluster:
        sys.exit(subprocess.call(sys.argv[1:], env=os.environ | {"ARCHSTONE_TEST_POSTGRES": cluster.url()}))
