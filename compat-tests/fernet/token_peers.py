"""The two peers and what they tell each other: Keystone's own token formatters (in a process of the Keystone venv's
Python) and `archstone keys`, on the same three repositories (Fernet, JWS private, JWS public)."""

import json
import os
import subprocess
import uuid
from pathlib import Path

from harness import BINARY, KEYSTONE_VENV

HERE = Path(__file__).resolve().parent
ID = "0123456789abcdef0123456789abcdef"
AUDIT = "AAECAwQFBgcICQoLDA0ODw"
ROOT_AUDIT = "Dw4NDAsKCQgHBgUEAwIBAA"
FEDERATED_USER = "0eb300bb812e72711fe82968ba798bf7670b9a8104db98297804c2947d928cde"
METHODS = ["external", "password", "token", "oauth1", "mapped", "application_credential", "ec2credential"]


def payload(**more):
    return {
        "user_id": ID,
        "methods": ["password"],
        "audit_ids": [AUDIT],
        "issued_at": "2025-12-31T23:00:00.000000Z",
        "expires_at": "2026-01-01T00:00:00.000000Z",
        **more,
    }


def federated(**more):
    groups = [uuid.uuid5(uuid.NAMESPACE_DNS, str(n)).hex for n in range(3)] + ["a group", "gruppe-ä"]
    came = {"group_ids": groups, "idp_id": "ACME", "protocol_id": "openid", "methods": ["mapped"]}
    return payload(**{"user_id": FEDERATED_USER, **came, **more})


class KeystoneTokens:
    """A process of Keystone's own formatters on the given repositories."""

    def __init__(self, repositories):
        self.process = subprocess.Popen(
            [KEYSTONE_VENV / "bin/python", "-W", "ignore", HERE / "keystone_tokens.py", *repositories],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "Keystone's process has ended"
        return json.loads(answer)

    def make(self, kind, payload, form="fernet", **more):
        return self.ask(do="make", format=form, kind=kind, payload=payload, **more)["token"]

    def read(self, token, form="fernet"):
        return self.ask(do="read", format=form, token=token)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


class ArchstoneKeys:
    """`archstone keys` on the given repositories."""

    def __init__(self, repositories):
        self.fernet, self.private, self.public = map(str, repositories)

    def run(self, *arguments, lines=()):
        done = subprocess.run(
            [BINARY, "keys", *arguments],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def places(self):
        return [
            *("--fernet", self.fernet),
            *(("--jws-private", self.private, "--jws-public", self.public) if os.path.isdir(self.private) else ()),
        ]

    def decode(self, tokens):
        return self.run("decode", "--json-lines", *self.places(), lines=tokens)

    def encode(self, payloads, form="fernet"):
        arguments = ["encode", "--json-lines", *self.places(), "--format", form]
        answers = self.run(*arguments, lines=[json.dumps(payload) for payload in payloads])
        assert all("token" in answer for answer in answers), answers
        return [answer["token"] for answer in answers]
