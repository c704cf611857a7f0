"""An OpenID provider that wants to get somebody in who is nobody, to make us fetch what we must not, or to hold us up.

Each `Case` is a provider of its own below one server, so that nothing that is remembered of one helps or hinders another. What
a case does wrong is a name in `TOKENS`, `ANSWERS`, `DOCUMENTS`, `KEYS` or `USERINFO`, and can be switched while it serves: in
this process by `case.turn`, from outside by a POST of a JSON object to `<issuer>/control`.
"""

import http.server
import json
import secrets
import threading
import time
import urllib.parse
import zlib

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from peers.jose import Key, b64, number, part, symmetric, unb64, unsigned

SHORT = Key("short", bits=1_024)
STRANGER = Key("stranger")
HUGE = 100 * 1_048_576


class Case:
    """One provider: `how` says what is wrong with it, `asked` what was asked of it as (method, path)."""

    def __init__(self, provider, **how):
        self.provider = provider
        self.name = secrets.token_hex(6)
        self.issuer = f"{provider.url}/{self.name}"
        self.key, self.other = Key(f"k-{self.name}"), Key(f"o-{self.name}", "ES256")
        self.how, self.codes, self.asked, self.sent = how, {}, [], 0
        # What came with requests to it that only we and another should know.
        self.credentials = []
        self.person = {"sub": f"person-{self.name}", "email": f"{self.name}@example.com", "email_verified": True, "name": "Nobody",
                       "preferred_username": f"nobody-{self.name}"}
        provider.cases[self.name] = self

    def turn(self, **how):
        """From now on it does this wrong."""
        self.how = how

    def client(self, *_, **__):
        """Registers a client, as `peers.openid` does; anybody is one here."""

    def claims(self, code):
        """The claims of a good ID token for a code."""
        now, asked = int(time.time()), self.codes.get(code, {})
        return {"iss": self.issuer, "aud": asked.get("client_id"), "iat": now, "exp": now + 300, "nonce": asked.get("nonce")} | self.person

    def id_token(self, code):
        """The ID token for a code, as wrong as the case is."""
        return TOKENS[self.how.get("token", "good")](self, self.claims(code))

    def public_pem(self):
        """Its public key as text."""
        return self.key.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed(case, claims, key=None, **header):
    """A token with the type that ID tokens have."""
    return (key or case.key).sign({k: v for k, v in claims.items() if v is not None}, **({"typ": "JWT"} | header))


def with_claims(**changes):
    """A token whose claims are changed; values may be functions of the case and the claims."""
    def make(case, claims):
        return signed(case, claims | {k: v(case, claims) if callable(v) else v for k, v in changes.items()})

    return make


def by_e_one(case, claims):
    """For a key with the exponent 1 a signature is the padded digest itself: everybody can write it."""
    import hashlib
    text = f"{part({'alg': 'RS256', 'kid': 'one', 'typ': 'JWT'})}.{part(claims)}"
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(text.encode()).digest()
    padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
    return f"{text}.{b64(padded)}"


def changed_after(case, claims):
    """The signature of other claims."""
    head, _, signature = signed(case, claims).split(".")
    return f"{head}.{part(claims | {'sub': 'admin', 'email': 'admin@example.com'})}.{signature}"


def later(seconds):
    """A number of seconds from now, as a claim."""
    return lambda case, claims: int(time.time()) + seconds


# What the token endpoint gives for an ID token. Nobody may be signed in by any but "good".
TOKENS = {
    "good": signed,
    "alg none": lambda case, claims: unsigned(claims),
    "alg None": lambda case, claims: unsigned(claims, "nOnE"),
    "alg none, signed": lambda case, claims: unsigned(claims, "none", signed(case, claims).rpartition(".")[2]),
    "no alg": lambda case, claims: signed(case, claims, alg=None),
    "public key as a secret": lambda case, claims: symmetric(claims, case.public_pem(), case.key.kid),
    "modulus as a secret": lambda case, claims: symmetric(claims, unb64(case.key.public_jwk()["n"]), case.key.kid),
    "key set as a secret": lambda case, claims: symmetric(claims, json.dumps(keys_of(case)).encode(), case.key.kid),
    "empty secret": lambda case, claims: symmetric(claims, b"", case.key.kid),
    "client secret": lambda case, claims: symmetric(claims, f"{claims['aud']} secret".encode(), case.key.kid),
    "a stranger's key": lambda case, claims: signed(case, claims, STRANGER, kid=case.key.kid),
    "unknown kid": lambda case, claims: signed(case, claims, STRANGER),
    "a stranger's key without kid": lambda case, claims: signed(case, claims, STRANGER, kid=None),
    "its own key in the header": lambda case, claims: signed(case, claims, STRANGER, jwk=STRANGER.public_jwk()),
    "a key's address in the header": lambda case, claims: signed(case, claims, STRANGER, jku=f"{case.issuer}/stranger", kid=None),
    "a certificate's address in the header": lambda case, claims: signed(case, claims, STRANGER, x5u=f"{case.issuer}/stranger"),
    "kid that is a path": lambda case, claims: signed(case, claims, STRANGER, kid="../../../../dev/null"),
    "kid that is a statement": lambda case, claims: signed(case, claims, STRANGER, kid="' OR 1=1 --"),
    "another key's algorithm": lambda case, claims: signed(case, claims, case.key, kid=case.other.kid),
    "zeros for a signature": lambda case, claims: f"{part({'alg': 'ES256', 'kid': case.other.kid})}.{part(claims)}.{b64(bytes(64))}",
    "no signature": lambda case, claims: signed(case, claims).rpartition(".")[0] + ".",
    "two parts": lambda case, claims: signed(case, claims).rpartition(".")[0],
    "cut short": lambda case, claims: signed(case, claims)[:-8],
    "changed afterwards": changed_after,
    "critical header": lambda case, claims: signed(case, claims, crit=["b64"], b64=False),
    "exponent one": by_e_one,
    "a short key": lambda case, claims: signed(case, claims, SHORT),
    "a key for encryption": lambda case, claims: signed(case, claims, kid="enc"),
    "another issuer": with_claims(iss="https://elsewhere.example"),
    "an issuer with a slash": with_claims(iss=lambda case, claims: f"{case.issuer}/"),
    "no issuer": with_claims(iss=None),
    "another audience": with_claims(aud="somebody"),
    "no audience": with_claims(aud=None),
    "an empty audience": with_claims(aud=[]),
    "an audience with ours inside": with_claims(aud=lambda case, claims: f"x{claims['aud']}x"),
    "another's among audiences, for another": with_claims(aud=lambda case, claims: [claims["aud"], "somebody"], azp="somebody"),
    "for another party": with_claims(azp="somebody"),
    "audiences without a party": with_claims(aud=lambda case, claims: [claims["aud"], "somebody"]),
    "no nonce": with_claims(nonce=None),
    "another nonce": with_claims(nonce="somebody's"),
    "an empty nonce": with_claims(nonce=""),
    "another at_hash": with_claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "expired": with_claims(exp=later(-120), iat=later(-400)),
    "no end": with_claims(exp=None),
    "an end that is a word": with_claims(exp="never"),
    "of the future": with_claims(iat=later(3600), exp=later(7200)),
    "issued long ago": with_claims(iat=later(-3600)),
    "not yet": with_claims(nbf=later(3600)),
    "no issue time": with_claims(iat=None),
    "nobody": with_claims(sub=None),
    "an empty name": with_claims(sub=""),
    "a number for a name": with_claims(sub=7),
    "a list for a name": with_claims(sub=["admin"]),
    "a name without end": with_claims(sub="x" * 100_000),
    "a logout token": lambda case, claims: signed(case, claims | {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, typ="logout+jwt"),
    "no token": lambda case, claims: None,
    "a number": lambda case, claims: 7,
    "an object": lambda case, claims: {"sub": "admin"},
    "empty": lambda case, claims: "",
    "words": lambda case, claims: "a.b.c",
    "deep": lambda case, claims: f"{part({'alg': 'RS256', 'kid': case.key.kid})}.{b64(b'[' * 50_000)}.{b64(b'x' * 256)}",
    "large": lambda case, claims: signed(case, claims | {"x": "x" * 300_000}),
}


def keys_of(case):
    """The keys that a case shows: its own and, where the token wants one, a bad one beside them."""
    more = {
        "exponent one": [{"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", "n": number(case.key.key.public_key().public_numbers().n), "e": "AQ"}],
        "a short key": [SHORT.public_jwk()],
        "a key for encryption": [case.key.public_jwk() | {"kid": "enc", "use": "enc"}],
    }
    return {"keys": [case.key.public_jwk(), case.other.public_jwk(), *more.get(case.how.get("token"), [])]}


# What other endpoints do instead of answering. Each writes to the handler; the key is "<endpoint>".
def redirected(to):
    """Leads on."""
    return lambda handler, case: handler.give(307, b"", {"Location": to(case) if callable(to) else to})


def flood(handler, case):
    """A hundred megabytes, as fast as they are taken."""
    handler.begin(200, {"Transfer-Encoding": "chunked", "Content-Type": "application/json"})
    piece = b'{"a":"' + b"x" * 65_530
    for _ in range(HUGE // len(piece)):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        case.sent += len(piece)
    handler.wfile.write(b"0\r\n\r\n")


def bomb(handler, case):
    """A hundred megabytes that weigh a hundred kilobytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(b" " * 1_048_576) for _ in range(100)) + packer.flush()
    handler.give(200, body, {"Content-Encoding": "gzip", "Content-Type": "application/json"})


def drip(handler, case):
    """A byte a second."""
    handler.begin(200, {"Content-Length": "1000", "Content-Type": "application/json"})
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        if handler.provider.ending.wait(1):
            return


ANSWERS = {
    "flood": flood,
    "bomb": bomb,
    "drip": drip,
    "silence": lambda handler, case: handler.provider.ending.wait(60),
    "loop": redirected(lambda case: f"{case.issuer}/loop"),
    "another host": redirected(lambda case: f"{case.provider.url}/{case.name}/stolen"),
    "metadata service": redirected("http://169.254.169.254/latest/meta-data/"),
    "file": redirected("file:///etc/passwd"),
    "error": lambda handler, case: handler.give(500, b"canary-of-a-hostile-provider"),
    "page": lambda handler, case: handler.give(200, b"<h1>canary-of-a-hostile-provider", {"Content-Type": "text/html"}),
    "nothing": lambda handler, case: handler.give(200, b"", {"Content-Type": "application/json"}),
    "list": lambda handler, case: handler.give(200, b"[]", {"Content-Type": "application/json"}),
    "depth": lambda handler, case: handler.give(200, b'{"a":' * 100_000, {"Content-Type": "application/json"}),
    "oauth error": lambda handler, case: handler.give(400, b'{"error":"invalid_grant","error_description":"<b>canary-of-a-hostile-provider"}',
                                                      {"Content-Type": "application/json"}),
    "closing": lambda handler, case: handler.connection.close(),
}


class HostileProvider:
    """The server of all cases."""

    def __init__(self):
        self.cases, self.ending = {}, threading.Event()
        self.server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def case(self, **how):
        """A new one."""
        return Case(self, **how)

    def remove(self):
        """Closes the port and whatever still waits."""
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(provider):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.provider, self.close_connection = provider, True
                url = urllib.parse.urlsplit(self.path)
                name, _, path = url.path.lstrip("/").partition("/")
                case = provider.cases.get(name)
                if case is None:
                    return self.give(404, b"")
                case.asked.append((self.command, path))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                if "secret" in body or "Authorization" in self.headers and path == "token":
                    case.credentials.append(self.headers.get("Authorization", body))
                wrong = case.how.get({"token": "token_endpoint", ".well-known/openid-configuration": "discovery", "jwks": "jwks", "me": "userinfo",
                                      "loop": "loop"}.get(path))
                if path == "loop":
                    return ANSWERS["loop"](self, case)
                if isinstance(wrong, str):
                    return ANSWERS[wrong](self, case)
                match path:
                    case ".well-known/openid-configuration":
                        return self.json(discovery(case) | (wrong or {}))
                    case "jwks":
                        return self.json(wrong or keys_of(case))
                    case "auth":
                        return self.authorize(case, dict(urllib.parse.parse_qsl(url.query)))
                    case "token":
                        form = dict(urllib.parse.parse_qsl(body))
                        answer = {"access_token": secrets.token_hex(8), "token_type": "Bearer", "id_token": case.id_token(form.get("code"))}
                        return self.json({k: v for k, v in (answer | (wrong or {})).items() if v is not None})
                    case "me":
                        return self.json(case.person | (wrong or {}))
                    case "control":
                        case.turn(**json.loads(body))
                        return self.json({})
                    case "end":
                        return self.give(200, b"bye")
                return self.give(404, b"")

            do_POST = do_GET

            def authorize(self, case, asked):
                code = secrets.token_hex(16)
                case.codes[code] = asked
                back = {"code": code, "state": asked.get("state"), "iss": case.issuer} | case.how.get("callback", {})
                query = urllib.parse.urlencode({k: v for k, v in back.items() if v is not None})
                self.give(302, b"", {"Location": f"{asked['redirect_uri']}?{query}"})

            def begin(self, status, headers):
                self.send_response(status)
                for name, value in ({"Connection": "close"} | headers).items():
                    self.send_header(name, value)
                self.end_headers()

            def give(self, status, body, headers=()):
                self.begin(status, {"Content-Length": str(len(body))} | dict(headers))
                self.wfile.write(body)

            def json(self, value):
                self.give(200, json.dumps({k: v for k, v in value.items() if v is not None}).encode(), {"Content-Type": "application/json"})

            def log_message(self, *_):
                """Nothing."""

        return Handler


def discovery(case):
    """The discovery document of a case."""
    at = case.issuer
    return {
        "issuer": at, "authorization_endpoint": f"{at}/auth", "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/jwks", "userinfo_endpoint": f"{at}/me",
        "end_session_endpoint": f"{at}/end", "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"], "authorization_response_iss_parameter_supported": True,
        "code_challenge_methods_supported": ["S256"],
    }  # fmt: skip


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Who does not want to hear all of it goes away."""
