"""OP-DOS-1 in full: a hundred thousand authorization requests without a sign-in; storage and memory stay bounded, old ones end.

Then the node is asked to clean (it does when it starts), and somebody who has begun last still signs in.
"""

import os
import pathlib
import sqlite3
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "federation"), str(HERE.parent / "edge")]

import requests  # noqa: E402

from conftest import SETTINGS  # noqa: E402
from rig import Node  # noqa: E402
from tenancy import Tenant, by_password, login_page  # noqa: E402

COUNT = int(os.environ.get("ARCHSTONE_FLOOD_COUNT", "100000"))
BOUND = 20_000
WORKERS = 8


def main():
    """Floods; prints one line of results."""
    node = Node(None, SETTINGS, described=False)
    try:
        node.prepare().start()
        tenant = Tenant(node)
        client, user = tenant.client(), tenant.user()
        url, before = client.attempt().url, node.rss()
        statuses = {}

        def work(count):
            with requests.Session() as http:
                http.trust_env = False
                for _ in range(count):
                    got = http.get(url, headers={"Accept": "text/html"}, allow_redirects=False, timeout=30).status_code
                    statuses[got] = statuses.get(got, 0) + 1
                    http.cookies.clear()

        began = time.monotonic()
        threads = [threading.Thread(target=work, args=(COUNT // WORKERS,)) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rate = COUNT / (time.monotonic() - began)
        grown = (node.rss() - before) / 1_048_576
        visitor, attempt = tenant.visitor(), client.attempt()
        form = login_page(visitor, attempt).form("password")
        node.restart()
        deadline = time.monotonic() + 60
        while (kept := count_of(node, tenant)) > BOUND and time.monotonic() < deadline:
            time.sleep(0.5)
        attempt.code(visitor.submit(form, client.redirect_uri, username=user["name"], password=user["password"]))
        assert isinstance(by_password(tenant.visitor(), client.attempt(), user), str)
        size = sum(f.stat().st_size for f in node.data.rglob("*") if f.is_file()) / 1_048_576
        print(f"result: {COUNT} requests at {rate:.0f} a second, answers {statuses}, {grown:.0f} MiB more memory, {kept} kept, {size:.0f} MiB on disk")
        assert set(statuses) <= {302, 429} and kept <= BOUND and grown < 64
    finally:
        node.remove()


def count_of(node, tenant):
    """Sign-ins of the tenant that are stored."""
    with sqlite3.connect(node.database_file()) as connection:
        return connection.execute("SELECT count(*) FROM sign_ins WHERE tenant_id = ?", (tenant.id,)).fetchone()[0]


if __name__ == "__main__":
    main()
