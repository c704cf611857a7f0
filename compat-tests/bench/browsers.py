"""Browsers that sign people in at an application, and the application: as little as it takes, and nothing taken on trust.

`Browser.login` is one complete login: authorize, wherever the redirects lead, the code for tokens, userinfo. State, code,
issuer, the ID token's signature and claims and userinfo are checked each time; anything unexpected is an `AssertionError`.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from peers.jose import b64, unb64

HOPS = 8
TIMEOUT = 20
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


class Wire:
    """One connection to one origin, kept open from request to request."""

    def __init__(self, origin):
        self.origin = origin
        self.at = urllib.parse.urlsplit(origin)
        self.reader = self.writer = None

    async def request(self, method, target, headers, body=b""):
        """Status, header fields in order (names in lower case) and body."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.at.hostname, self.at.port)
        head = [f"{method} {target} HTTP/1.1", f"Host: {self.at.netloc}", *(f"{name}: {value}" for name, value in headers)]
        if body:
            head.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)
        async with asyncio.timeout(TIMEOUT):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
            fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            status = int(first.split(" ", 2)[1])
            content = await self._body(dict(fields), status)
        if ("connection", "close") in fields:
            self.close()
        return status, fields, content

    async def _body(self, fields, status):
        if "chunked" in fields.get("transfer-encoding", ""):
            parts = []
            while size := int((await self.reader.readline()).split(b";")[0], 16):
                parts.append(await self.reader.readexactly(size))
                await self.reader.readline()
            await self.reader.readline()
            return b"".join(parts)
        length = fields.get("content-length")
        assert length is not None or status in (204, 304), f"{self.origin}: an answer without a length"
        return await self.reader.readexactly(int(length or 0))

    def close(self):
        """Ends the connection; the next request opens another."""
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


class Keys:
    """An issuer's public RSA keys."""

    def __init__(self, jwks):
        whole = {key["kid"]: [int.from_bytes(unb64(key[name])) for name in "en"] for key in jwks["keys"] if key["kty"] == "RSA"}
        self.by_id = {kid: rsa.RSAPublicNumbers(e, n).public_key() for kid, (e, n) in whole.items()}

    def claims(self, token):
        """The claims of a token that one of them signed by RS256."""
        text, _, signature = token.rpartition(".")
        head, _, body = text.partition(".")
        header = json.loads(unb64(head))
        assert header["alg"] == "RS256", header
        self.by_id[header["kid"]].verify(unb64(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return json.loads(unb64(body))


class Application:
    """An OpenID client: what it was registered with, and where its issuer's endpoints are."""

    def __init__(self, issuer, client_id, client_secret, redirect_uri, *, authorize, token, userinfo, jwks, hint=None):
        self.issuer, self.client_id, self.redirect_uri, self.keys = issuer, client_id, redirect_uri, Keys(jwks)
        self.authorize, self.token, self.userinfo = authorize, token, userinfo
        self.hint = {"idp_hint": hint} if hint else {}
        self.basic = "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
        # Who people turned out to be: `sub` by e-mail address.
        self.subjects = {}

    def begin(self):
        """What it remembers of a login, and the URL to which it sends the browser."""
        verifier, state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        query = {
            "client_id": self.client_id, "redirect_uri": self.redirect_uri, "response_type": "code", "scope": "openid profile email",
            "state": state, "nonce": nonce, "code_challenge": b64(hashlib.sha256(verifier.encode()).digest()), "code_challenge_method": "S256",
        }
        return (verifier, state, nonce), f"{self.authorize}?{urllib.parse.urlencode(query | self.hint)}"

    def code(self, url, state):
        """The code in the URL that the browser came back by."""
        got = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert got.get("state") == state and got.get("code"), f"came back with {url}"
        assert got.get("iss", self.issuer) == self.issuer, f"the code of another issuer: {url}"
        return got["code"]

    def judge(self, tokens, profile, nonce, email):
        """Whether both say that it is this person, the same as ever, and nobody else."""
        claims = self.keys.claims(tokens["id_token"])
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        assert claims["iss"] == self.issuer and audience == [self.client_id] and claims["nonce"] == nonce, claims
        assert claims["iat"] - 60 < time.time() < claims["exp"], claims
        assert claims["email"] == profile["email"] == email, f"{email} is {claims} and {profile}"
        assert claims["sub"] == profile["sub"] == self.subjects.setdefault(email, claims["sub"]), f"{email} is {claims} and {profile}"

    def everybody(self, people):
        """That as many different people as these have been here."""
        assert len(set(self.subjects.values())) == len(self.subjects) == people, f"{people} people became {len(set(self.subjects.values()))}"


class Browser:
    """A browser, new for each login as far as anybody can see: no cookie lives on but the one that the company knows it by."""

    def __init__(self, company):
        self.company, self.wires, self.cookies = company, {}, {}

    def wire(self, url):
        """The connection for this URL, and what to ask for on it."""
        at = urllib.parse.urlsplit(url)
        origin = f"{at.scheme}://{at.netloc}"
        if origin not in self.wires:
            self.wires[origin] = Wire(origin)
        return self.wires[origin], f"{at.path}?{at.query}" if at.query else at.path

    async def navigate(self, url):
        """GETs a URL with its cookies and keeps what cookies are set; where it is sent on to."""
        wire, target = self.wire(url)
        jar = self.cookies.setdefault(wire.origin, {})
        headers = [("Accept", HTML)] + ([("Cookie", "; ".join(f"{k}={v}" for k, v in jar.items()))] if jar else [])
        status, fields, body = await wire.request("GET", target, headers)
        for value in (value for name, value in fields if name == "set-cookie"):
            pair, *attributes = value.split(";")
            name, _, content = pair.partition("=")
            if any(a.strip().lower() == "max-age=0" for a in attributes):
                jar.pop(name, None)
            else:
                jar[name] = content
        location = dict(fields).get("location")
        assert status in (302, 303) and location, f"{url}: {status} {body[:2000]}"
        return urllib.parse.urljoin(url, location)

    async def call(self, method, url, authorization, form=None):
        """What the application asks for itself, the JSON of a 200."""
        wire, target = self.wire(url)
        headers = [("Accept", "application/json"), ("Authorization", authorization)]
        headers += [("Content-Type", "application/x-www-form-urlencoded")] if form else []
        status, _, body = await wire.request(method, target, headers, urllib.parse.urlencode(form or {}).encode())
        assert status == 200, f"{method} {url}: {status} {body[:2000]}"
        return json.loads(body)

    async def login(self, application, person):
        """One complete login of this person, with everything checked."""
        self.cookies = {self.company: {"person": person}}
        (verifier, state, nonce), url = application.begin()
        for _ in range(HOPS):
            url = await self.navigate(url)
            if url.startswith(f"{application.redirect_uri}?"):
                break
        code = application.code(url, state)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": application.redirect_uri, "code_verifier": verifier}
        tokens = await self.call("POST", application.token, application.basic, form)
        profile = await self.call("GET", application.userinfo, f"Bearer {tokens['access_token']}")
        application.judge(tokens, profile, nonce, f"{person}@example.org")

    def close(self):
        """Ends its connections."""
        for wire in self.wires.values():
            wire.close()


async def crowd(company, application, browsers, people, until):
    """Signs people in by so many browsers, one after the other each, while `until(done)` is false; seconds that each took."""
    took = []

    async def one(first):
        browser, person = Browser(company), first
        try:
            while not until(len(took)):
                began = time.perf_counter()
                await browser.login(application, f"person-{person % people}")
                took.append(time.perf_counter() - began)
                person += browsers
        finally:
            browser.close()

    async with asyncio.TaskGroup() as group:
        for first in range(browsers):
            group.create_task(one(first))
    return took
