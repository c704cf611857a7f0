"""What schemathesis is told of this service, beside its description. Loaded by `schemathesis.toml` in the process that
`test_schemathesis.py` starts.

Generated ids lead nowhere. So the first two valid requests of an operation that makes or deletes something particular are taken
from a scene of their own (`scene.example`), and half of the others are about the scene that all share. Where a request would saw
off the branch that the run sits on, it is about nothing instead:

- what the callers are made of (users, project, domain, roles) is neither changed nor deleted, nor are their tokens revoked;
- what the shared scene is made of is not deleted.
"""

import collections
import json
import os
import pathlib

import schemathesis

from harness import Archstone
from scene import BODIES, example

GIVEN = json.loads(os.environ["ARCHSTONE_OPENAPI_RUN"])
KEPT, PROTECTED, TOKENS = GIVEN["kept"], set(GIVEN["protected"]), set(GIVEN["tokens"])
SEEN = open(pathlib.Path(GIVEN["seen"]), "w", buffering=1)
# Members of bodies that name something.
MEMBERS = {"domain_id": "domain_id", "parent_id": "project_id", "default_project_id": "project_id", "service_id": "service_id",
           "region_id": "region_id", "region": "region_id", "parent_region_id": "region_id", "mapping_id": "mapping_id"}
PARTICULAR = set(BODIES) | {"CheckProjectTag", "AddProjectTag", "CreateImpliedRole", "CancelJob"}
calls = collections.Counter()


class Server(Archstone):
    """The server that is asked, to make parts of scenes on; it runs in another process."""

    def __init__(self):
        super().__init__(folder=pathlib.Path(GIVEN["seen"]).parent)
        self._admin_token = GIVEN["administrator"]

    url = GIVEN["url"]


server = Server()


def is_valid(case):
    """Whether the request was generated as one that the description allows."""
    return case.meta is None or case.meta.generation.mode.is_positive


def sits_on(case):
    """Whether a request is about what the caller is made of."""
    return any(value in PROTECTED for value in (case.path_parameters or {}).values())


def fill(case, parts):
    """Puts real ids into a request."""
    for name in case.path_parameters or {}:
        if name in parts:
            case.path_parameters[name] = parts[name]
    if "X-Subject-Token" in (case.headers or {}):
        case.headers["X-Subject-Token"] = parts["X-Subject-Token"]


def fill_body(body):
    """Puts real ids into the members that name something; a PATCH may only repeat them."""
    if isinstance(body, dict):
        for wrapped in body.values():
            if isinstance(wrapped, dict):
                for name in wrapped.keys() & MEMBERS.keys():
                    wrapped[name] = KEPT[MEMBERS[name]]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Chooses what a request is about."""
    operation = case.operation.definition.raw["operationId"]
    if case.operation.method.upper() != case.method.upper():
        return
    changes, deletes = case.method.upper() not in ("GET", "HEAD"), case.method.upper() == "DELETE"
    if is_valid(case):
        number = calls[operation]
        calls[operation] += 1
        if number < 2 and GIVEN["succeeds"] and (deletes or operation in PARTICULAR):
            parts, body = example(server, operation)
            fill(case, parts)
            if body:
                case.body = body
            return
        if number % 2 == 0:
            fill_body(case.body)
            if not deletes and (not operation.startswith("Create") or operation.startswith("CreateScim")):
                fill(case, KEPT)
    if changes:
        values = (case.path_parameters or {}).values()
        if sits_on(case) or (deletes and any(value in KEPT.values() for value in values)):
            for name in case.path_parameters:
                case.path_parameters[name] = "of-nobody"
        if (case.headers or {}).get("X-Subject-Token") in TOKENS:
            case.headers["X-Subject-Token"] = "of-nobody"


@schemathesis.hook
def after_call(context, case, response):
    """Notes what was answered, for `test_schemathesis.py`."""
    SEEN.write(json.dumps([case.operation.definition.raw["operationId"], response.status_code]) + "\n")
