"""What a SCIM server in memory keeps, and how it answers while nothing is wrong with it; `hostile_scim.py` serves it.

It filters by `eq`, pages, patches and has entity tags; what servers differ in are its attributes.
"""

import itertools
import json
import re
import threading
import urllib.parse
import uuid

from peers.scim import CORE, FULL

API = "urn:ietf:params:scim:api:messages:2.0:"
EQUALS = re.compile(r'(\w+(?:\.\w+)?)\s+eq\s+("(?:[^"\\]|\\.)*")', re.I)
MEMBER = re.compile(r'members\[\s*value\s+eq\s+("(?:[^"\\]|\\.)*")\s*\]', re.I)
CANARY = "canary-of-a-hostile-scim-server"


class Refused(Exception):
    """An answer that is an error of the protocol."""

    def __init__(self, status, scim_type=None, detail=CANARY):
        super().__init__(detail)
        self.status = status
        self.body = {"schemas": [f"{API}Error"], "status": str(status), "detail": detail} | ({"scimType": scim_type} if scim_type else {})

    def encoded(self):
        """The body as bytes."""
        return encoded(self.body)


class Memory:
    """Users and groups, and their answers: (status, headers, body). `without` names features that it does not have: "patch", "etag",
    "filter", or "config" for no ServiceProviderConfig at all."""

    def __init__(self, without=()):
        self.without, self.lock = set(without), threading.RLock()
        # 204 or 200 for PATCH; `Location` of what is made: "absolute", "relative", "other prefix" or None; the most that a page has.
        self.patch_status, self.location, self.page = 204, "absolute", 100
        # Groups without their members in answers; every n-th member is lost; removing who is no member is `noTarget`.
        self.hides_members, self.loses_every, self.strict_removal = False, 0, False
        # It keeps no externalId; the status for a userName that is taken.
        self.drops_external_id, self.uniqueness_status = False, 409
        self.kinds, self.names, self.externals = {"Users": {}, "Groups": {}}, {}, {"Users": {}, "Groups": {}}

    def answer(self, request, path, query):
        """What a good server answers."""
        parts = path.strip("/").split("/")
        asked = {k: v[-1] for k, v in urllib.parse.parse_qs(query).items()}
        match request.method, parts:
            case "GET", ["ServiceProviderConfig"]:
                if "config" in self.without:
                    raise Refused(404)
                return ok(FULL | {"bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0}, "sort": {"supported": False},
                                  "filter": {"supported": "filter" not in self.without, "maxResults": self.page}}
                          | {name: {"supported": name not in self.without} for name in ("patch", "etag")})
            case "GET", ["ResourceTypes"]:
                types = [{"schemas": [f"{CORE}ResourceType"], "id": k[:-1], "name": k[:-1], "endpoint": f"/{k}", "schema": f"{CORE}{k[:-1]}"}
                         for k in self.kinds]
                return ok(listed(types, len(types), 1))
            case "GET", ["Users" | "Groups" as kind]:
                return self._list(kind, asked)
            case "POST", ["Users" | "Groups" as kind]:
                return self._create(kind, parsed(request.body))
            case _, ["Users" | "Groups" as kind, id]:
                return self._one(request, kind, urllib.parse.unquote(id), asked)
        raise Refused(404)

    def _one(self, request, kind, id, asked):
        with self.lock:
            found = self.kinds[kind].get(id)
            if found is None:
                raise Refused(404)
            wanted = request.headers.get("if-match")
            if request.method != "GET" and wanted not in (None, "*", tag(found)) and "etag" not in self.without:
                raise Refused(412)
            match request.method:
                case "GET":
                    return ok(self._shown(kind, found, asked), **self._tagged(found))
                case "DELETE":
                    self._unlink(kind, self.kinds[kind].pop(id))
                    return 204, {}, b""
                case "PUT":
                    self._replace(kind, found, self._taken_in(kind, parsed(request.body)))
                    return ok(self._shown(kind, found, asked), **self._tagged(found))
                case "PATCH":
                    if "patch" in self.without:
                        raise Refused(501)
                    self._patch(kind, found, parsed(request.body))
                    if self.patch_status == 204:
                        return 204, self._tagged(found), b""
                    return ok(self._shown(kind, found, asked), **self._tagged(found))
        raise Refused(405)

    def _tagged(self, found):
        return {} if "etag" in self.without else {"ETag": tag(found)}

    def _list(self, kind, asked):
        start, count = max(1, int(asked.get("startIndex", 1))), max(0, min(self.page, int(asked.get("count", self.page))))
        with self.lock:
            if "filter" in asked:
                found = self._filtered(kind, asked["filter"])
                total, found = len(found), found[start - 1 : start - 1 + count]
            else:
                total = len(self.kinds[kind])
                found = list(itertools.islice(self.kinds[kind].values(), start - 1, start - 1 + count))
            return ok(listed([self._shown(kind, f, asked) for f in found], total, start))

    def _filtered(self, kind, text):
        if "filter" in self.without:
            raise Refused(400, "invalidFilter")
        match = EQUALS.fullmatch(text.strip())
        if not match:
            raise Refused(400, "invalidFilter")
        name, value = match[1].lower(), json.loads(match[2])
        if name == "externalid":
            ids = self.externals[kind].get(value, {})
        elif name == "username":
            ids = [self.names[value.lower()]] if kind == "Users" and value.lower() in self.names else []
        elif name == "id":
            ids = [value] if value in self.kinds[kind] else []
        elif name == "displayname":
            ids = [i for i, f in self.kinds[kind].items() if str(f["data"].get("displayName", "")).lower() == value.lower()]
        else:
            raise Refused(400, "invalidFilter")
        return [self.kinds[kind][i] for i in ids]

    # -- what it keeps -------------------------------------------------------------------------------------------------

    def _taken_in(self, kind, body):
        data = {k: v for k, v in body.items() if k.lower() not in ("id", "meta", "schemas")}
        if kind == "Users" and not isinstance(data.get("userName"), str):
            raise Refused(400, "invalidValue")
        if kind == "Groups":
            if not isinstance(data.get("displayName"), str):
                raise Refused(400, "invalidValue")
            data["members"] = self._kept(m["value"] for m in data.get("members") or [])
        if self.drops_external_id:
            data.pop("externalId", None)
        return data

    def _kept(self, ids):
        ids = list(ids)
        return {id: None for n, id in enumerate(ids, 1) if not self.loses_every or n % self.loses_every}

    def _store(self, kind, data):
        found = {"id": uuid.uuid4().hex, "version": 1, "data": data}
        self.kinds[kind][found["id"]] = found
        self._link(kind, found)
        return found

    def _link(self, kind, found):
        if kind == "Users":
            self.names[found["data"]["userName"].lower()] = found["id"]
        if external := found["data"].get("externalId"):
            self.externals[kind].setdefault(external, {})[found["id"]] = None

    def _unlink(self, kind, found):
        if kind == "Users" and self.names.get(found["data"]["userName"].lower()) == found["id"]:
            del self.names[found["data"]["userName"].lower()]
        if external := found["data"].get("externalId"):
            self.externals[kind][external].pop(found["id"], None)

    def _free(self, kind, data, id=None):
        if kind == "Users" and self.names.get(data["userName"].lower(), id) != id:
            raise Refused(self.uniqueness_status, "uniqueness")

    def _create(self, kind, body):
        with self.lock:
            data = self._taken_in(kind, body)
            self._free(kind, data)
            found = self._store(kind, data)
            place = {"absolute": f"{self.url}/{kind}/{found['id']}", "relative": f"/{kind}/{found['id']}",
                     "other prefix": f"{self.url.removesuffix('/scim/v2')}/v2/{kind}/{found['id']}"}.get(self.location)
            more = {"Location": place} if place else {}
            return 201, more | self._tagged(found), encoded(self._shown(kind, found, {}))

    def _replace(self, kind, found, data):
        self._free(kind, data, found["id"])
        self._unlink(kind, found)
        found["data"], found["version"] = data, found["version"] + 1
        self._link(kind, found)

    def _patch(self, kind, found, body):
        if body.get("schemas") != [f"{API}PatchOp"] or not body.get("Operations"):
            raise Refused(400, "invalidSyntax")
        data = dict(found["data"])
        if kind == "Groups":
            data["members"] = dict(data["members"])
        for operation in body["Operations"]:
            if operation.get("op") not in ("add", "remove", "replace"):
                raise Refused(400, "invalidSyntax")
            self._operate(kind, data, operation["op"], operation.get("path"), operation.get("value"))
        if "active" in data and not isinstance(data["active"], bool):
            raise Refused(400, "invalidValue")
        self._replace(kind, found, data)

    def _operate(self, kind, data, op, path, value):
        if path is None:
            if op == "remove" or not isinstance(value, dict):
                raise Refused(400, "noTarget")
            for name, inner in value.items():
                self._operate(kind, data, op, name, inner)
        elif one := MEMBER.fullmatch(path):
            id = json.loads(one[1])
            if op != "remove":
                raise Refused(400, "invalidPath")
            if id not in data["members"] and self.strict_removal:
                raise Refused(400, "noTarget")
            data["members"].pop(id, None)
        elif kind == "Groups" and path.lower() == "members":
            if op == "remove":
                data["members"] = {}
            else:
                if not isinstance(value, list):
                    raise Refused(400, "invalidValue")
                kept = self._kept(m["value"] for m in value)
                data["members"] = kept if op == "replace" else data["members"] | kept
        elif "." in path and not path.startswith("urn:"):
            outer, inner = path.split(".", 1)
            data[outer] = {k: v for k, v in (data.get(outer) or {}).items() if k != inner} | ({} if op == "remove" else {inner: value})
        elif "[" in path or path in ("id", "meta"):
            raise Refused(400, "invalidPath" if "[" in path else "mutability")
        elif op == "remove":
            data.pop(path, None)
        elif not (path == "externalId" and self.drops_external_id):
            data[path] = value

    def _shown(self, kind, found, asked):
        data, meta = found["data"], {"resourceType": kind[:-1], "location": f"{self.url}/{kind}/{found['id']}"}
        if "etag" not in self.without:
            meta["version"] = tag(found)
        only = {name.lower() for name in asked.get("attributes", "").split(",") if name}
        never = {name.lower() for name in asked.get("excludedAttributes", "").split(",") if name}
        body = {"schemas": [f"{CORE}{kind[:-1]}"], "id": found["id"]}
        for name, value in data.items():
            if (only and name.lower() not in only) or name.lower() in never or (name == "members" and self.hides_members):
                continue
            body[name] = [{"value": id, "$ref": f"{self.url}/Users/{id}"} for id in value] if name == "members" else value
        return body | ({"meta": meta} if not only or "meta" in only else {})


def tag(found):
    """The entity tag of what is kept."""
    return f'W/"{found["version"]}"'


def parsed(body):
    """A body that must be a JSON object."""
    try:
        value = json.loads(body)
    except ValueError:
        raise Refused(400, "invalidSyntax") from None
    if not isinstance(value, dict):
        raise Refused(400, "invalidSyntax")
    return value


def encoded(value):
    """JSON as bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


def ok(value, **headers):
    """An answer of 200."""
    return 200, headers, encoded(value)


def listed(resources, total, start):
    """A ListResponse."""
    return {"schemas": [f"{API}ListResponse"], "totalResults": total, "startIndex": start, "itemsPerPage": len(resources),
            "Resources": resources}
