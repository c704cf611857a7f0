"""A SCIM server that misbehaves as it is told, counts what is asked of it, and is fast enough for many thousand users.

Untold it is a good one: it filters, pages, patches and has entity tags. `on` makes a fault for some requests:

    hostile.on("POST", "/Users", "drop", times=1)        does the work, then closes the connection
    hostile.on(None, "/", "status", code=429, retry_after=1, times=3)

| fault | what happens instead of an answer |
|---|---|
| `status` | `code` with a SCIM error, `retry_after` (seconds, or a text) and `body` (another body) if given; nothing is done |
| `uniqueness` | 409 with `scimType` `uniqueness`, or `code` |
| `html`, `html error` | a page with 200, or 502, as a proxy has them |
| `huge` | a hundred megabytes of JSON |
| `hang`, `slow` | no answer; the answer after `seconds` |
| `drop`, `refuse` | the connection ends after the work, or before it |
| `redirect` | 307 to another host, `elsewhere`, which notes what arrives there |
| `stale` | 412, whatever the entity tag |
| `forget` | 404, and the resource is really gone |

What it is like all the time are its attributes, below.
"""

import collections
import threading
import urllib.parse

from peers.quick_http import QuickServer, page, pieces
from peers.scim import ScimPeer
from peers.scim_memory import CANARY, Memory, Refused

HUGE = 100 * 1_048_576


class HostileScim(ScimPeer, Memory):
    """One server on a loopback port; `elsewhere` is another that nobody has a reason to ask.

    `asked` has (method, path with query) of the last requests, `bodies` what came with the last writes, `reads` and `writes` how
    many there were, `most` how many at once, `stolen` what arrived at `elsewhere`: (path, Authorization).
    """

    def __init__(self, token=None, without=(), fast=False):
        ScimPeer.__init__(self, token)
        Memory.__init__(self, without)
        # Does not note requests; for what measures.
        self.fast = fast
        # How many requests at once are let in (429 beyond), and how long each takes.
        self.at_once = None
        self.latency = 0.0
        self.rules = []
        self.asked, self.bodies = collections.deque(maxlen=20_000), collections.deque(maxlen=2_000)
        self.reads = self.writes = self.running = self.most = 0
        self.ending, self.stolen = threading.Event(), []
        self.server, self.other = QuickServer(self._serve), QuickServer(self._steal)
        self.url, self.elsewhere = f"{self.server.url}/scim/v2", self.other.url

    # -- what tests tell it --------------------------------------------------------------------------------------------

    def on(self, method, path, fault, times=None, skip=0, **arguments):
        """A fault for requests of this method (None: any) whose path begins so, `times` often, after `skip` of them went well."""
        assert fault in FAULTS, fault
        with self.lock:
            self.rules.append({"method": method, "path": path, "fault": fault, "times": times, "skip": skip, "arguments": arguments})

    def behave(self):
        """No faults any more."""
        with self.lock:
            self.rules.clear()

    def forget(self, id):
        """Loses a user or a group; groups keep the dangling member."""
        with self.lock:
            for kind in self.kinds:
                if id in self.kinds[kind]:
                    self._unlink(kind, self.kinds[kind].pop(id))

    def fill(self, users, groups=0, members=0, prefix="bulk"):
        """That many users and groups at once, each group with that many of the users; ids of the groups."""
        with self.lock:
            ids = [self._store("Users", {"userName": f"{prefix}-{n:06d}", "externalId": f"{prefix}-x-{n:06d}", "active": True})["id"]
                   for n in range(users)]
            made = []
            for n in range(groups):
                chosen = {ids[(n * 7 + m) % len(ids)]: None for m in range(min(members, len(ids)))}
                made.append(self._store("Groups", {"displayName": f"{prefix}-group-{n:04d}", "members": chosen})["id"])
            return made

    def touch(self, id):
        """Changes a resource's entity tag, as another administrator's change does."""
        with self.lock:
            for kind in self.kinds.values():
                if id in kind:
                    kind[id]["version"] += 1

    def counted(self):
        """(reads, writes) since the last call."""
        with self.lock:
            found, self.reads, self.writes = (self.reads, self.writes), 0, 0
            return found

    def remove(self):
        """Closes both ports and whatever still waits."""
        self.ending.set()
        self.http.close()
        self.server.remove()
        self.other.remove()

    # -- requests ------------------------------------------------------------------------------------------------------

    def _steal(self, request):
        self.stolen.append((request.path, request.headers.get("authorization")))
        return 200, {}, b"{}"

    def _serve(self, request):
        path, _, query = request.path.partition("?")
        if not path.startswith("/scim/v2"):
            return 404, {}, b"not here"
        path, write = path[8:] or "/", request.method not in ("GET", "HEAD")
        own = "x-peer" in request.headers
        with self.lock:
            if not own:
                self.reads, self.writes = self.reads + (not write), self.writes + write
                if not self.fast:
                    self.asked.append((request.method, path + ("?" + urllib.parse.unquote_plus(query) if query else "")))
                    if write:
                        self.bodies.append(request.body)
            rule = None if own else self._rule(request.method, path)
            self.running += not own
            self.most = max(self.most, self.running)
            crowded = self.at_once and self.running > self.at_once and not own
        try:
            if self.latency and not own:
                self.ending.wait(self.latency)
            if crowded:
                raise Refused(429)
            if request.headers.get("authorization") != f"Bearer {self.token}":
                raise Refused(401)
            if rule:
                return FAULTS[rule["fault"]](self, request, path, query, **rule["arguments"])
            return self.answer(request, path, query)
        except Refused as refused:
            more = {"Retry-After": "1"} if refused.status == 429 else {}
            return refused.status, more, refused.encoded()
        finally:
            with self.lock:
                self.running -= not own

    def _rule(self, method, path):
        for rule in self.rules:
            if rule["method"] in (None, method) and path.startswith(rule["path"]):
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                    continue
                if rule["times"] is not None:
                    rule["times"] -= 1
                    if rule["times"] == 0:
                        self.rules.remove(rule)
                return rule
        return None

    def request(self, method, path, body=None, **headers):
        """As the administrator: neither counted nor hit by faults."""
        return super().request(method, path, body, **({"X-Peer": "1"} | headers))


def scim_error(hostile, request, path, query, code=500, retry_after=None, body=None):
    """A status instead of an answer."""
    more = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return code, more, Refused(code).encoded() if body is None else body.encode()


def uniqueness(hostile, request, path, query, code=409):
    """Somebody has that already, it says."""
    return code, {}, Refused(code, "uniqueness").encoded()


def hang(hostile, request, path, query):
    """No answer."""
    hostile.ending.wait(120)


def slow(hostile, request, path, query, seconds=1.0):
    """The work is done, the answer comes late."""
    answer = hostile.answer(request, path, query)
    hostile.ending.wait(seconds)
    return answer


def drop(hostile, request, path, query):
    """The work is done, the connection ends."""
    hostile.answer(request, path, query)


def forget(hostile, request, path, query):
    """What is asked for goes away now."""
    hostile.forget(path.rpartition("/")[2])
    raise Refused(404)


def stale(hostile, request, path, query):
    """Somebody changed it in between."""
    hostile.touch(path.rpartition("/")[2])
    raise Refused(412)


FAULTS = {
    "status": scim_error,
    "uniqueness": uniqueness,
    "html": lambda *_: (200, {"Content-Type": "text/html"}, page(CANARY)),
    "html error": lambda *_: (502, {"Content-Type": "text/html"}, page(CANARY)),
    "huge": lambda *_: (200, {}, pieces(b'{"Resources":["', b"x" * 65_536, HUGE)),
    "hang": hang,
    "slow": slow,
    "drop": drop,
    "refuse": lambda *_: None,
    "redirect": lambda hostile, request, path, query: (307, {"Location": f"{hostile.elsewhere}{path}"}, b""),
    "stale": stale,
    "forget": forget,
}
