"""Calls on platforms and federations that several test files make, as the cloud administrator unless told otherwise.

What a platform of each product is registered with stands here alone.
"""

import subprocess
import urllib.parse

from harness import ADMIN_PASSWORD, Archstone, eventually, unique
from peers.keystone_apache import KeystoneApache
from peers.scim import ScimPeer
from peers.webhook import Webhook
from peers.zstack import ZStack
from sso_calls import MASK, done, path_of, send

PLATFORMS = "/api/v1/platforms"
STATUS = "/api/v1/sso/federation/status"
# What an item of an answer may have, and what it must.
ITEM = {"platformUuid", "productType", "status", "ssoClientUuid", "callbackUrl", "error", "scimUserProvisioningError", "scimGroupProvisioningError"}
NOT_FINISHED = "still running, continues in the background"
# Seconds that a call may take, whatever platforms do; 25 unless it is configured.
CALL = 12.0
UI = "http://ui.example:5000"


def described(peer, **fields):
    """The body by which a peer is registered; `scim` is a SCIM server beside it, fields of None are left out."""
    scim = fields.pop("scim", None)
    place = urllib.parse.urlsplit(peer if isinstance(peer, str) else peer.url)
    body = {"name": unique("platform"), "hostIp": place.hostname, "hostPort": place.port}
    match peer:
        case ZStack():
            key = peer.access_key()
            body |= {"productType": "zstack" if peer.line == "enterprise" else "zsphere", "endpoint": peer.url, "uiUrl": UI,
                     "accessKeyId": key["AccessKeyID"], "accessKeySecret": key["AccessKeySecret"], "accessKeyName": "tests"}
        case KeystoneApache():
            body |= {"productType": "keystone", "endpoint": peer.auth_url, "username": "admin", "password": ADMIN_PASSWORD}
        case Archstone():
            body |= {"productType": "keystone", "endpoint": peer.auth_url, "username": "admin", "password": ADMIN_PASSWORD}
        case Webhook():
            body |= {"productType": "webhook", "endpoint": peer.url, "accessKeyId": "hook", "accessKeySecret": peer.secret}
        case ScimPeer():
            body |= {"productType": "scim", "endpoint": peer.url, "scimEndpoint": peer.url, "scimToken": peer.token}
        case str():
            body |= {"productType": "zstack", "endpoint": peer, "accessKeyId": "nobody", "accessKeySecret": "nothing"}
    if scim:
        body |= {"scimEndpoint": scim.url, "scimToken": scim.token}
    return {name: value for name, value in (body | fields).items() if value is not None}


class Platform:
    """A peer that is registered as a platform; with `connect=False` nobody waits for the connection."""

    def __init__(self, archstone, peer, connect=True, **fields):
        self.archstone, self.peer = archstone, peer
        self.body = described(peer, **fields)
        self.resource = done(archstone, "POST", PLATFORMS, self.body, timeout=30)
        self.uuid, self.name = self.resource["uuid"], self.resource["name"]
        if connect:
            self.connected()

    @property
    def path(self):
        """Where it is."""
        return f"{PLATFORMS}/{self.uuid}"

    def get(self):
        """It as it is now."""
        return done(self.archstone, "GET", self.path)

    def connected(self, status="connected"):
        """Waits for its status."""
        eventually(lambda: self.get()["status"] == status, 20.0, 0.1)
        now = self.get()
        assert now["status"] == status, now
        return now

    def update(self, **fields):
        """Changes it; the resource."""
        return done(self.archstone, "PUT", self.path, fields, timeout=30)


def ids(*platforms):
    """Ids of platforms; texts stay."""
    return [p if isinstance(p, str) else p.uuid for p in platforms]


def federate(archstone, config, *platforms, body=None, token=None, verb="federate"):
    """Pushes a configuration; the items, which must be of the documented form and in the order that was asked."""
    asked = ids(*platforms)
    answer = done(archstone, "POST", path_of(config, verb), body or {"platformUuids": asked}, token, timeout=CALL + 25)
    assert set(answer) == {"items"}, answer
    for item in answer["items"]:
        assert set(item) <= ITEM and {"platformUuid", "status"} <= set(item), item
        assert item["status"] in ("success", "failed") and ("error" in item) == (item["status"] == "failed"), item
        assert None not in item.values(), item
    if asked:
        assert [i["platformUuid"] for i in answer["items"]] == list(dict.fromkeys(asked))
    return answer["items"]


def pushed(archstone, config, *platforms, **more):
    """The same where every platform must have taken it; one item where there is one platform."""
    items = federate(archstone, config, *platforms, **more)
    assert all(i["status"] == "success" for i in items), items
    return items[0] if len(items) == 1 else items


def unfederate(archstone, config, *platforms, **body):
    """Takes a configuration back; the items."""
    return federate(archstone, config, *platforms, body={"platformUuids": ids(*platforms)} | body, verb="unfederate")


def records(archstone, config=None, platform=None, token=None):
    """Every row of the status list, of a configuration, of a platform."""
    query = {"ssoConfigUuid": config and config["uuid"], "platformUuid": platform and platform.uuid, "limit": 1000}
    text = urllib.parse.urlencode({name: value for name, value in query.items() if value})
    return done(archstone, "GET", f"{STATUS}?{text}", token=token)["items"]


def record(archstone, config, platform):
    """The one row of a pair."""
    found = [r for r in records(archstone, config, platform) if r["platformUuid"] == platform.uuid]
    assert len(found) == 1, found
    return found[0]


def stands(archstone, config, platform, status, within=20.0):
    """The row of a pair once its status is this."""
    eventually(lambda: record(archstone, config, platform)["status"] == status, within, 0.1)
    now = record(archstone, config, platform)
    assert now["status"] == status, now
    return now


def stored(archstone):
    """Everything that it keeps in its database, as it lies there: a list of bytes."""
    if archstone.database_url:
        return [subprocess.run(["pg_dump", "--inserts", archstone.database_url], check=True, capture_output=True).stdout]
    [file] = [p for p in archstone.data.rglob("*") if p.is_file() and p.open("rb").read(15) == b"SQLite format 3"]
    return [path.read_bytes() for path in file.parent.glob(file.name + "*")]


def masked(resource, *names):
    """Whether these members of a resource are masked where they are shown at all."""
    return all(resource.get(name, MASK) == MASK for name in names)


def refused(archstone, method, path, body=None, **options):
    """The answer of a request that must not be answered 200."""
    answer = send(archstone, method, path, body, **options)
    assert answer.status_code >= 400, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
    return answer
