"""A SAML identity provider with a socket: the Enhanced Client profile (SOAP, HTTP Basic) and its metadata, signed by
`peers.saml`.

What its responses say beside the usual can be turned by `says`.
"""

import base64
import contextlib
import http.server
import threading
import urllib.parse

from lxml import etree

from harness import unique
from peers.saml import IdentityProvider, Request, parse, serialise
from peers.saml_metadata import metadata_of
from peers.saml_xml import NAMES

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ECP = "urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp"
PAOS = "urn:liberty:paos:2003-08"
NEXT = "http://schemas.xmlsoap.org/soap/actor/next"
# What an Enhanced Client says of itself, and what it asks for.
PAOS_HEADER = f'ver="{PAOS}";"{ECP}"'
PAOS_TYPE = "application/vnd.paos+xml"
# Prefixes of the paths that tests look for.
SPACES = NAMES | {"S": SOAP, "ecp": ECP, "paos": PAOS}


def envelope(*body, header=()):
    """A SOAP envelope with these elements in its body and its header (`header=None`: without one)."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"S": SOAP, "ecp": ECP})
    if header is not None:
        etree.SubElement(root, f"{{{SOAP}}}Header").extend(header)
    etree.SubElement(root, f"{{{SOAP}}}Body").extend(body)
    return root


def block(name, text=None, **attributes):
    """A header block of the profile that must be understood."""
    made = etree.Element(f"{{{ECP}}}{name}", {f"{{{SOAP}}}mustUnderstand": "1", f"{{{SOAP}}}actor": NEXT} | attributes)
    made.text = text
    return made


def relay_state(text):
    """The block with a RelayState, as a client puts it there."""
    return block("RelayState", text)


class Asked:
    """What a service provider answers to an Enhanced Client: its envelope, read."""

    def __init__(self, octets):
        self.root = parse(octets)
        assert self.root.tag == f"{{{SOAP}}}Envelope", self.root.tag
        self.header, self.body = (self.root.find(f"S:{name}", SPACES) for name in ("Header", "Body"))
        self.paos, self.ecp = self.header.find("paos:Request", SPACES), self.header.find("ecp:Request", SPACES)
        self.relay_state = self.header.findtext("ecp:RelayState", namespaces=SPACES)
        self.consumer = self.paos.get("responseConsumerURL")
        [element] = self.body
        self.request = Request.read(serialise(element), self.relay_state)
        # Where a response goes, also when the request names no address.
        self.request.acs_url = self.request.acs_url or self.consumer


class EcpIdentityProvider(IdentityProvider):
    """One identity provider on a loopback port."""

    def __init__(self, key=None):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        super().__init__(f"{self.url}/metadata/{unique()}", f"{self.url}/sso", key)
        self.ecp_url, self.metadata_url = f"{self.url}/ecp", self.entity_id
        self.people, self.asked = {}, []
        self.what, self.parts, self.consumer = "assertion", {}, None

    def person(self, **attributes):
        """Somebody new: name, password and e-mail address; `attributes` are lists of values."""
        name = unique("person")
        usual = {"uid": [name], "email": [f"{name}@example.com"], "displayName": ["Ann Other"]}
        self.people[name] = {"password": f"{name} password", "attributes": usual | attributes}
        return {"name": name, "password": f"{name} password", "email": f"{name}@example.com"}

    @contextlib.contextmanager
    def says(self, what="assertion", consumer=None, **parts):
        """Until the end of the block it signs `what`, names that consumer, and says these `parts` (see
        `build_response`)."""
        before = self.what, self.consumer, self.parts
        self.what, self.consumer, self.parts = what, consumer, parts
        try:
            yield self
        finally:
            self.what, self.consumer, self.parts = before

    def vouch(self, request, name, what=None, **parts):
        """The signed response to a request of an Enhanced Client (None: unsolicited, `parts` say for whom)."""
        usual = {"name_id": name, "attributes": self.people[name]["attributes"]}
        return self.respond(request, what or self.what, **(usual | self.parts | parts))

    def answer(self, request, name, **parts):
        """The envelope with it."""
        header = block("Response", AssertionConsumerServiceURL=self.consumer or request.acs_url)
        return envelope(self.vouch(request, name, **parts), header=[header])

    def metadata(self):
        """Its metadata as text, with its address for Enhanced Clients."""
        root = parse(metadata_of(self).encode())
        place = etree.SubElement(root[0], f"{{{NAMES['md']}}}SingleSignOnService")
        place.set("Binding", "urn:oasis:names:tc:SAML:2.0:bindings:SOAP")
        place.set("Location", self.ecp_url)
        return serialise(root).decode()

    def _who(self, authorization):
        """The name of who gives their password; None for somebody else."""
        kind, _, given = (authorization or "").partition(" ")
        name, _, password = base64.b64decode(given).decode().partition(":") if kind == "Basic" else ("", "", "")
        return name if name in self.people and self.people[name]["password"] == password else None

    def _handler(idp):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, kind, octets, **fields):
                self.send_response(status)
                for name, value in {"Content-Type": kind, "Content-Length": str(len(octets)), **fields}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(octets)

            def do_GET(self):
                if idp.url + urllib.parse.urlsplit(self.path).path == idp.metadata_url:
                    self.answer(200, "application/samlmetadata+xml", idp.metadata().encode())
                else:
                    self.answer(404, "text/plain", b"no such page")

            def do_POST(self):
                octets = self.rfile.read(int(self.headers["Content-Length"]))
                name = idp._who(self.headers.get("Authorization"))
                if self.path != "/ecp":
                    return self.answer(404, "text/plain", b"no such page")
                if name is None:
                    return self.answer(401, "text/plain", b"who are you?", WWW_Authenticate='Basic realm="ecp"')
                root = parse(octets)
                assert root.find("S:Header", SPACES) is None, "a client takes the header away"
                [element] = root.find("S:Body", SPACES)
                request = Request.read(serialise(element), None)
                idp.asked.append((request, element, self.headers["Content-Type"]))
                self.answer(200, "text/xml", serialise(idp.answer(request, name)))

        return Handler

    def start(self):
        """Serves."""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        """Serves no longer."""
        self.server.shutdown()
        self.server.server_close()

    remove = stop
