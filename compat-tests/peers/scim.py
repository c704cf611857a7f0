"""Real SCIM servers as processes of the tests: `scim2-server` from PyPI and `scimmy` from npm, opposites wherever servers may differ.

Both hold everything in memory and want the bearer token that they were started with. `peers/hostile_scim.py` has the one that
misbehaves.
"""

import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile

import requests

from harness import eventually, unique
from peers.openid import NODE
from postgres import free_port

HERE = pathlib.Path(__file__).resolve().parent
CORE = "urn:ietf:params:scim:schemas:core:2.0:"
# What scim2-server announces of itself when it is not told other.
FULL = {
    "schemas": [f"{CORE}ServiceProviderConfig"],
    "patch": {"supported": True},
    "bulk": {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1_048_576},
    "filter": {"supported": True, "maxResults": 1000},
    "changePassword": {"supported": True},
    "sort": {"supported": True},
    "etag": {"supported": True},
    "authenticationSchemes": [],
}


class ScimPeer:
    """What an administrator of any of these servers sees: everything in it, and ways to put there what others own.

    `url` is the base URL, `token` the bearer.
    """

    def __init__(self, token=None):
        self.token = token or f"scim-{secrets.token_urlsafe(24)}"
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers.update({"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"})

    def request(self, method, path, body=None, **headers):
        """One request as the administrator; redirects are not followed."""
        return self.http.request(method, f"{self.url}{path}", data=None if body is None else json.dumps(body), headers=headers,
                                 timeout=30, allow_redirects=False)

    def _ask(self, method, path, body=None):
        answer = self.request(method, path, body)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def _all(self, path):
        found, start = [], 1
        while True:
            page = self._ask("GET", f"{path}?startIndex={start}&count=100")
            found += page.get("Resources", [])
            start += len(page.get("Resources", []))
            if not page.get("Resources") or start > page["totalResults"]:
                return found

    def users(self):
        """Every user, by any number of pages."""
        return self._all("/Users")

    def groups(self):
        """Every group, with its members."""
        return self._all("/Groups")

    def user(self, id):
        """One user, or None."""
        answer = self.request("GET", f"/Users/{id}")
        return answer.json() if answer.status_code == 200 else None

    def group(self, id):
        """One group, or None."""
        answer = self.request("GET", f"/Groups/{id}")
        return answer.json() if answer.status_code == 200 else None

    def user_named(self, name):
        """The user of this `userName`, or None."""
        found = [u for u in self.users() if u["userName"].lower() == name.lower()]
        return found[0] if found else None

    def members(self, id):
        """Ids of a group's members."""
        return {m["value"] for m in (self.group(id) or {}).get("members") or []}

    def seed_user(self, user_name=None, **fields):
        """Puts a user there whom somebody else made; it."""
        body = {"schemas": [f"{CORE}User"], "userName": user_name or unique("foreign"), "active": True} | fields
        return self._ask("POST", "/Users", body)

    def seed_group(self, display_name=None, members=(), **fields):
        """Puts a group there that somebody else made, of members by their ids; it."""
        body = {"schemas": [f"{CORE}Group"], "displayName": display_name or unique("foreign"),
                "members": [{"value": id} for id in members]} | fields
        return self._ask("POST", "/Groups", body)

    def delete_user(self, id):
        """Takes a user away behind everybody's back."""
        self._ask("DELETE", f"/Users/{id}")

    def delete_group(self, id):
        """Takes a group away behind everybody's back."""
        self._ask("DELETE", f"/Groups/{id}")


class Scim2Server(ScimPeer):
    """scim2-server on a loopback port: entity tags, absolute locations, 204 for PATCH, a deleted user stays a dangling member.

    It announces everything but the features `without` ("patch", "etag", "filter", "bulk", "sort"), and refuses what it does not
    announce.
    """

    def __init__(self, token=None, without=()):
        super().__init__(token)
        assert set(without) <= FULL.keys(), without
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="archstone-scim-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v2"
        announced = FULL | {name: FULL[name] | {"supported": False} for name in without}
        (self.folder / "config.json").write_text(json.dumps(announced))
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from scim2_server.testserver.cli import main; main()", "--port",
                 str(self.port), "--bearer-token", self.token, "--service-provider-config", str(self.folder / "config.json")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
        if not eventually(self._ready, 20.0, 0.05):
            said = self.log()
            self.remove()
            raise AssertionError(f"scim2-server does not start: {said}")

    def _ready(self):
        try:
            return requests.get(f"{self.url}/ServiceProviderConfig", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def log(self):
        """What it has said so far."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def remove(self):
        """Ends it and deletes its folder."""
        self.http.close()
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


class Scimmy(ScimPeer):
    """scimmy on a loopback port: no entity tags, relative locations, 200 for PATCH; `config` is over what it announces."""

    def __init__(self, token=None, config=None):
        super().__init__(token)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/scim/v2"
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen([NODE, HERE / "scim_scimmy/server.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, env=environment)
        self.process.stdin.write(json.dumps({"port": self.port, "token": self.token, "config": config or {}}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line and json.loads(line) == {"ready": self.url}, f"scimmy does not start: {line}"

    def remove(self):
        """Ends the process."""
        self.http.close()
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
