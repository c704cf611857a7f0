"""Calls on the identity core that several test files make, as the cloud administrator. Paths begin after `/v3`."""

from harness import error_of, unique

# An id that nothing has.
NOBODY = "0123456789abcdef0123456789abcdef"
# What Keystone says of a change to something that is not to be changed, or deleted.
IMMUTABLE = "Unable to {verb} immutable {kind} resource: `{id}. Set resource option \"immutable\" to false first."


def call(archstone, method, path, body=None, **options):
    """One call; the answer as it came."""
    return archstone.request(method, f"/v3{path}", token=archstone.admin_token, json=body, **options)


def done(archstone, method, path, body=None, status=204):
    """A call that must succeed with this status; the answer's JSON, if any."""
    return archstone.expect(status, method, f"/v3{path}", token=archstone.admin_token, json=body)


def post(archstone, kind, fields):
    """POST of these fields, nothing added; the answer as it came."""
    return call(archstone, "POST", f"/{kind}s", {kind: fields})


def make(archstone, kind, **fields):
    """A new object with a name of its own; the member."""
    return done(archstone, "POST", f"/{kind}s", {kind: {"name": unique(kind)} | fields}, status=201)[kind]


def get(archstone, kind, object_id):
    return done(archstone, "GET", f"/{kind}s/{object_id}", status=200)[kind]


def patch(archstone, kind, object_id, **fields):
    """PATCH of these fields; the answer as it came."""
    return call(archstone, "PATCH", f"/{kind}s/{object_id}", {kind: fields})


def message(answer, code):
    """The message of an error answer with this code."""
    return error_of(answer, code)["message"]


def items(archstone, path):
    """The members of a collection, one page."""
    body = done(archstone, "GET", path, status=200)
    return body[next(key for key in body if key not in ("links", "truncated"))]


def ids(archstone, path):
    return sorted(item["id"] for item in items(archstone, path))


def updated(archstone, kind, object_id, **fields):
    """PATCH of these fields, which must succeed; the member, as GET shows it too. Keystone answers a member `extra` beside it."""
    member = done(archstone, "PATCH", f"/{kind}s/{object_id}", {kind: fields}, status=200)[kind]
    member.pop("extra", None)
    assert member == get(archstone, kind, object_id)
    return member
