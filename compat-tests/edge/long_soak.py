"""REL-MEM-1: half an hour of mixed load; memory and open files must not grow once everything is warm.

`ARCHSTONE_SOAK_SECONDS` changes the length. The first third warms the caches and is not judged.
"""

import os
import pathlib
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parent.parent)]

from harness import unique  # noqa: E402
from rig import Load, Node, admin_token  # noqa: E402

SECONDS = int(os.environ.get("ARCHSTONE_SOAK_SECONDS", "1800"))
IDPS = "/v3/OS-FEDERATION/identity_providers"


def slope(samples):
    """Growth per hour of (seconds, value) pairs, by least squares."""
    n = len(samples)
    mean_t, mean_v = sum(t for t, _ in samples) / n, sum(v for _, v in samples) / n
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return 3600 * sum((t - mean_t) * (v - mean_v) for t, v in samples) / spread


def main():
    server = Node(None, {"ARCHSTONE_TOKEN__CACHE_ENTRIES": "2000", "ARCHSTONE_TOKEN__EXPIRATION_SECS": "60"})
    samples, files = [], []
    try:
        server.prepare().start()
        api = server.api()

        def act(api, turn):
            token = admin_token(api)
            name = unique("soak")
            done = [
                api.validate(token).status == 200,
                api.call("PUT", f"{IDPS}/{name}", {"identity_provider": {"remote_ids": [name]}}, token).status == 201,
                api.get(f"{IDPS}?limit=5", token=token).status == 200,
                api.call("DELETE", f"{IDPS}/{name}", token=token).status == 204,
                api.login(unique("nobody"), "wrong").status == 401,
                api.get("/v3/nothing").status == 404,
                api.revoke(token).status == 204,
            ]
            if turn % 20 == 0:
                api.close()
            return all(done)

        with Load(server, act, workers=4, rate=60) as load:
            began = time.monotonic()
            while time.monotonic() - began < SECONDS:
                time.sleep(SECONDS / 180)
                samples.append((time.monotonic() - began, server.rss()))
                files.append(server.open_files())
                if len(samples) % 18 == 0:
                    print(f"{samples[-1][0]:6.0f} s  {samples[-1][1] / 1e6:7.1f} MB  {files[-1]} files  {sum(load.labels().values())} turns", flush=True)
        labels = load.labels()
        assert api.get("/healthcheck").status == 200
    finally:
        server.remove()
    warm = samples[len(samples) // 3 :]
    grown = slope(warm) / 1e6
    drift = max(files[len(files) // 3 :]) - min(files[len(files) // 3 :])
    print(f"result: {labels}, {warm[-1][1] / 1e6:.1f} MB at the end, {grown:+.2f} MB an hour, open files within {drift}")
    # 5 MB an hour is within what the allocator and the audit table's page cache do.
    return 0 if set(labels) == {True} and grown < 5.0 * max(1.0, 1800 / SECONDS) and drift < 20 else 1


if __name__ == "__main__":
    sys.exit(main())
