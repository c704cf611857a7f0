"""What Apache's mod_auth_openidc does for a Keystone behind it, as WSGI middleware for `oracle.py`.

It verifies bearer tokens by the connections that the tests store (which Keystone knows nothing of) and hands the claims over as
variables. Browsers are not served.
"""

import base64
import json
import re
import urllib.request

import jwt

CONNECTION = re.compile(r"^(/v3/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+)/connection$")
AUTH = re.compile(r"^(/v3/OS-FEDERATION/identity_providers/[^/]+/protocols/[^/]+)/auth$")


def fetch(url, data=None, headers=None):
    """JSON from the provider; nothing when it does not answer so."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return {}


def claims(connection, bearer):
    """The claims of a token that may be believed, else None."""
    issuer = connection["issuer"]
    try:
        key = jwt.PyJWKClient(f"{issuer}/jwks").get_signing_key_from_jwt(bearer)
        return jwt.decode(bearer, key, ["RS256", "ES256", "EdDSA"], issuer=issuer, options={"require": ["exp", "sub"]},
                          audience=[connection["client_id"], *connection.get("audiences", [])])
    except jwt.PyJWTError:
        pass
    basic = base64.b64encode(
        f"{connection['client_id']}:{connection.get('client_secret', '')}".replace(" ", "%20").encode()
    ).decode()
    found = fetch(f"{issuer}/token/introspection", f"token={bearer}".encode(), {"Authorization": f"Basic {basic}"})
    return found if found.get("active") else None


def variables(found, issuer):
    """Claims as the variables of a request."""
    made = {}
    for name, value in found.items():
        text = ";".join(map(str, value)) if isinstance(value, list) else str(value)
        for prefix in ("OIDC-", "OIDC_CLAIM_"):
            made[prefix + name] = made["HTTP_" + re.sub(r"\W", "_", prefix + name).upper()] = text
    return made | {"REMOTE_USER": f"{found['sub']}@{issuer.split('://')[1]}", "__NAMEID__": found["sub"]}


def openidc(application):
    """The middleware."""
    connections = {}

    def refuse(start_response):
        message = "The request you have made requires authentication."
        start_response("401 Unauthorized", [("Content-Type", "application/json"), ("WWW-Authenticate", 'Keystone uri="x"')])
        return [json.dumps({"error": {"code": 401, "title": "Unauthorized", "message": message}}).encode()]

    def serve(environ, start_response):
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if stored := CONNECTION.match(path):
            if method in ("PUT", "PATCH"):
                body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))["connection"]
                connections[stored[1]] = connections.get(stored[1], {}) | body
            elif method == "DELETE":
                del connections[stored[1]]
            start_response(
                {"PUT": "201 Created", "DELETE": "204 No Content"}.get(method, "200 OK"), [("Content-Type", "application/json")]
            )
            return (
                []
                if method == "DELETE"
                else [json.dumps({"connection": {k: v for k, v in connections[stored[1]].items() if "secret" not in k}}).encode()]
            )
        if (way := AUTH.match(path)) and way[1] in connections:
            scheme, _, bearer = environ.pop("HTTP_AUTHORIZATION", "").partition(" ")
            found = claims(connections[way[1]], bearer) if scheme.lower() == "bearer" else None
            if found is None:
                return refuse(start_response)
            environ |= variables(found, connections[way[1]]["issuer"])
        return application(environ, start_response)

    return serve
