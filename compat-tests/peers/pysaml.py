"""An identity provider on pysaml2 (and Debian's `xmlsec1`): metadata, sign-on by both bindings and a login form, in a thread.

What it says and reads is pysaml2's; here are its pages, its sessions and who may come.
"""

import html
import http.server
import pathlib
import secrets
import shutil
import tempfile
import threading
import traceback
import urllib.parse

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, xmldsig
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import AUTHN_PASSWORD_PROTECTED, NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT
from saml2.samlp import STATUS_NO_PASSIVE
from saml2.server import Server
from saml2.sigver import get_pem_wrapped_unwrapped, make_temp, pre_encryption_part

from harness import unique
from peers.authority import self_signed
from peers.saml import parse

BINDINGS = {"Redirect": BINDING_HTTP_REDIRECT, "POST": BINDING_HTTP_POST}
SIGNATURES = {"sha256": (xmldsig.SIG_RSA_SHA256, xmldsig.DIGEST_SHA256), "sha1": (xmldsig.SIG_RSA_SHA1, xmldsig.DIGEST_SHA1)}
_XMLENC, _XMLENC_11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
# Algorithm of the assertion: its URI, and what xmlsec1 calls a key for it.
ENCRYPTIONS = {
    "aes128-cbc": (f"{_XMLENC}aes128-cbc", "aes-128"),
    "aes256-cbc": (f"{_XMLENC}aes256-cbc", "aes-256"),
    "aes128-gcm": (f"{_XMLENC_11}aes128-gcm", "aes-128"),
    "aes256-gcm": (f"{_XMLENC_11}aes256-gcm", "aes-256"),
    "tripledes-cbc": (f"{_XMLENC}tripledes-cbc", "des-192"),
}
KEY_TRANSPORTS = {name: f"{_XMLENC}{name}" for name in ("rsa-oaep-mgf1p", "rsa-1_5")}
XMLSEC = shutil.which("xmlsec1")


class _Server(Server):
    """pysaml2's, with a choice of the algorithms that assertions are encrypted with: its own is Triple DES alone."""

    encrypts = key_transport = None

    def _encrypt_assertion(self, encrypt_cert, sp_entity_id, response, node_xpath=None):
        name, certificate = next(iter(self.metadata.certs(sp_entity_id, "any", "encryption")))
        wrapped, bare = get_pem_wrapped_unwrapped(certificate)
        algorithm, session_key = ENCRYPTIONS[self.encrypts]
        transport = KEY_TRANSPORTS[self.key_transport]
        template = pre_encryption_part(msg_enc=algorithm, key_enc=transport, key_name=name, encrypt_cert=bare)
        file = make_temp(wrapped.encode(), decode=False)
        return self.sec.encrypt_assertion(response, file.name, template, session_key, node_xpath=node_xpath)


class PySaml:
    """One identity provider on a loopback port."""

    def __init__(self):
        assert XMLSEC, "xmlsec1 is not installed (Debian package: xmlsec1)"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="archstone-pysaml-"))
        self.lock = threading.RLock()
        self.people, self.parties, self.sessions, self.tickets, self.errors = {}, {}, {}, {}, []
        self.server, self.switches = None, {}
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.metadata_url = self.entity_id = f"{self.url}/metadata"
        self.sso_url = f"{self.url}/sso/Redirect"
        self.set()
        self.use_certificate(*self_signed("pysaml.example.com"))

    # -- what it is told -----------------------------------------------------------------------------------------------

    def use_certificate(self, certificate, key):
        """Signs with this from now on."""
        self.certificate, self.key = certificate, key
        (self.folder / "idp.crt").write_text(certificate)
        (self.folder / "idp.key").write_text(key)
        self._build()

    def person(self, **attributes):
        """Somebody new: name, password and e-mail address; `attributes` are lists of values."""
        name = unique("person")
        usual = {"uid": [name], "mail": [f"{name}@example.com"], "displayName": ["Ann Other"]}
        made = {"name": name, "password": f"{name} password", "attributes": usual | attributes}
        self.people[name] = made
        return made | {"email": made["attributes"]["mail"][0]}

    def know(self, metadata):
        """Knows a service provider by its metadata from now on."""
        self.parties[parse(metadata.encode()).get("entityID")] = metadata
        self._build()

    def set(self, signs="both", encrypts=None, wants_signed_requests=False, bindings=("Redirect", "POST"), hash="sha256",
            key_transport="rsa-oaep-mgf1p"):
        """What it does for everybody: as at `SimpleSamlPhp`; and the hash that it signs with, and how it encrypts a key."""
        self.switches = {"signs": signs, "encrypts": encrypts, "wants_signed_requests": wants_signed_requests,
                         "bindings": bindings, "hash": hash, "key_transport": key_transport}
        if self.server:
            self._build()

    def _build(self):
        signs, (signature, digest) = self.switches["signs"], SIGNATURES[self.switches["hash"]]
        places = [(f"{self.url}/sso/{name}", BINDINGS[name]) for name in self.switches["bindings"]]
        settings = {
            "entityid": self.entity_id,
            "xmlsec_binary": XMLSEC,
            "key_file": str(self.folder / "idp.key"),
            "cert_file": str(self.folder / "idp.crt"),
            "metadata": {"inline": list(self.parties.values())},
            # A service provider whose clock is stepped ahead by a test asks a little from the future.
            "accepted_time_diff": 60,
            "service": {"idp": {
                "name": "pysaml2",
                "endpoints": {"single_sign_on_service": places},
                "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None, "name_form": NAME_FORMAT_URI}},
                "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                "sign_response": signs in ("response", "both"),
                "sign_assertion": signs in ("assertion", "both"),
                "encrypt_assertion": bool(self.switches["encrypts"]),
                "signing_algorithm": signature,
                "digest_algorithm": digest,
                "want_authn_requests_signed": self.switches["wants_signed_requests"],
            }},
        }
        with self.lock:
            built = _Server(config=IdPConfig().load(settings))
            built.encrypts, built.key_transport = self.switches["encrypts"], self.switches["key_transport"]
            if self.server:
                # Who somebody is to whom.
                built.ident = self.server.ident
            self.server = built

    # -- what it answers -----------------------------------------------------------------------------------------------

    def metadata(self):
        """Its metadata as text."""
        with self.lock:
            return str(entity_descriptor(self.server.config))

    def arrive(self, binding, values, cookie):
        """Somebody comes with a request: what they are shown."""
        with self.lock:
            signed = {"sigalg": values.get("SigAlg"), "signature": values.get("Signature")} if binding == "Redirect" else {}
            read = self.server.parse_authn_request(
                values["SAMLRequest"], BINDINGS[binding], relay_state=values.get("RelayState"), **signed)
            ticket = {"request": read.message, "relay_state": values.get("RelayState")}
            person = self.sessions.get(cookie)
            if person and read.message.force_authn != "true":
                return self.vouch(ticket, person)
            if read.message.is_passive == "true":
                return self.refuse(ticket)
        number = secrets.token_hex(8)
        self.tickets[number] = ticket
        return (f'<form method="post" action="{self.url}/login"><input type="hidden" name="ticket" value="{number}">'
                '<input name="username"><input type="password" name="password"><button>Log in</button></form>')

    def vouch(self, ticket, person):
        """The page that says who it is."""
        with self.lock:
            told = self.server.response_args(ticket["request"], [BINDING_HTTP_POST])
            binding, destination = told.pop("binding"), told["destination"]
            response = self.server.create_authn_response(
                person["attributes"], userid=person["name"],
                authn={"class_ref": AUTHN_PASSWORD_PROTECTED, "authn_auth": self.entity_id}, **told)
            return self._page(binding, response, destination, ticket)

    def refuse(self, ticket):
        """The page that says that nobody is there."""
        with self.lock:
            told = self.server.response_args(ticket["request"], [BINDING_HTTP_POST])
            response = self.server.create_error_response(
                told["in_response_to"], told["destination"], (STATUS_NO_PASSIVE, "nobody is signed in"),
                sign=self.switches["signs"] != "assertion")
            return self._page(told["binding"], response, told["destination"], ticket)

    def _page(self, binding, response, destination, ticket):
        applied = self.server.apply_binding(binding, str(response), destination, ticket["relay_state"], response=True)
        return applied["data"]

    def login(self, values):
        """Somebody filled the form in: the page, and the cookie."""
        person = self.people.get(values["username"])
        if not person or person["password"] != values["password"]:
            return "<p>no</p>", None
        cookie = secrets.token_hex(16)
        self.sessions[cookie] = person
        return self.vouch(self.tickets.pop(values["ticket"]), person), cookie

    def _handler(idp):
        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.respond(urllib.parse.urlsplit(self.path).query)

            def do_POST(self):
                self.respond(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def respond(self, form):
                path, values = urllib.parse.urlsplit(self.path).path, dict(urllib.parse.parse_qsl(form))
                try:
                    status, kind, body, cookie = 200, "text/html", None, None
                    if path == "/metadata":
                        kind, body = "application/samlmetadata+xml", idp.metadata()
                    elif path.startswith("/sso/"):
                        known = dict(c.strip().split("=", 1) for c in self.headers.get("Cookie", "").split(";") if "=" in c)
                        body = idp.arrive(path.rsplit("/", 1)[1], values, known.get("pysaml"))
                    elif path == "/login":
                        body, cookie = idp.login(values)
                    else:
                        status, body = 404, "no such page"
                except Exception:
                    idp.errors.append(traceback.format_exc())
                    status, body = 500, f"<pre>{html.escape(idp.errors[-1])}</pre>"
                octets = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(octets)))
                if cookie:
                    self.send_header("Set-Cookie", f"pysaml={cookie}; Path=/; HttpOnly")
                self.end_headers()
                self.wfile.write(octets)

        return Handler

    def log(self):
        """What went wrong."""
        return "\n".join(self.errors)[-6000:]

    # -- its life ------------------------------------------------------------------------------------------------------

    def start(self):
        """Serves."""
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def stop(self):
        """Serves no longer."""
        self.http.shutdown()
        self.http.server_close()

    def remove(self):
        """Ends it and deletes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
