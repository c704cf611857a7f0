"""Applications whose people sign in at an OpenID provider: one built on npm's openid-client, one on Authlib.

`openid_app/app.mjs` and `authlib_app.py` are the programs, each a process with the same face (see the head of `app.mjs`).
"""

import json
import os
import pathlib
import subprocess
import sys

import requests

from peers.openid import NODE
from postgres import free_port

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / "openid_app"
KINDS = {
    "openid-client": lambda: [NODE, PROGRAM / "app.mjs"],
    "authlib": lambda: [sys.executable, HERE / "authlib_app.py"],
}


class OpenIdApp:
    """An application on a loopback port. Its addresses are known before it is told its issuer and its name there."""

    def __init__(self, kind):
        self.kind = kind
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.redirect_uri = f"{self.url}/callback"
        self.logout_uri = f"{self.url}/signed-out"
        self.backchannel_uri = f"{self.url}/backchannel"
        self.process = None
        self.http = requests.Session()
        self.http.trust_env = False

    def start(self, issuer, client_id, client_secret=None, method=None, key=None, scope="openid profile email", **parameters):
        """Serves for this client; returns when it listens."""
        world = {
            "port": self.port,
            "issuer": issuer,
            "client_id": client_id,
            "client_secret": client_secret,
            "method": method or ("client_secret_basic" if client_secret else "none"),
            "key": key,
            "scope": scope,
            "parameters": parameters,
        }
        # Nothing here may go by a proxy.
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.process = subprocess.Popen(KINDS[self.kind](), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env=environment)
        self.process.stdin.write(json.dumps(world) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line and json.loads(line) == {"ready": self.url}, f"{self.kind} does not start: {line}"
        return self

    def state(self):
        """Everything that it holds: `visitors`, `logouts`, `refused`."""
        return self.http.get(f"{self.url}/state", timeout=10).json()

    def visitor(self, number=-1):
        """What it holds of one visitor, the last one unless told other."""
        return self.state()["visitors"][number]

    def remove(self):
        """Ends the process."""
        process, self.process = self.process, None
        if process:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()
        self.http.close()
