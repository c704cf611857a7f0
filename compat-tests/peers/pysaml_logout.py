"""pysaml2 as an identity provider at which people log out, and from which they are sent to service providers that
have not asked."""

import html
import secrets
import urllib.parse

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.saml import AUTHN_PASSWORD_PROTECTED, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.samlp import STATUS_SUCCESS, NameIDPolicy

from peers.pysaml import BINDINGS, PySaml
from peers.saml import find, parse
from peers.saml_logout import with_bindings


class PySamlLogout(PySaml):
    """One that knows who came to which service provider, by which name and in which session.

    `/slo/<binding>` is where service providers send people to log out, and answer; `/logout` is where people begin;
    `/initiate` is where they are sent to a service provider from. What it was answered is in `answers`.
    """

    def __init__(self):
        # By cookie: the names (NameID, SessionIndex, service provider) that somebody has been given.
        self.given, self.pending, self.answers = {}, {}, []
        super().__init__()

    def set(self, logout_bindings=("Redirect",), **switches):
        """As of the other; and the bindings of the address at which one logs out."""
        self.logout_bindings = logout_bindings
        super().set(**switches)

    def _build(self):
        super()._build()
        places = [(f"{self.url}/slo/{name}", BINDINGS[name]) for name in self.logout_bindings]
        self.server.config.getattr("endpoints", "idp")["single_logout_service"] = places

    def know(self, metadata, bindings=("Redirect", "POST")):
        """Knows a service provider by its metadata, with what that says of logouts by these bindings."""
        super().know(with_bindings(metadata, bindings))

    @property
    def logout_url(self):
        """Where a browser goes to log out here, and at the service provider that it came to last."""
        return f"{self.url}/logout"

    @property
    def after_logout(self):
        """Where a browser ends that logged out here."""
        return f"{self.url}/bye"

    def initiated_url(self, entity_id, relay_state=None):
        """Where a browser goes to be sent to a service provider that has not asked."""
        query = {"entity_id": entity_id} | ({"RelayState": relay_state} if relay_state else {})
        return f"{self.url}/initiate?{urllib.parse.urlencode(query)}"

    # -- who is given which name ---------------------------------------------------------------------------------------

    def _page(self, binding, response, destination, ticket):
        root = parse(str(response).encode())
        name, statement = find(root, ".//saml:NameID"), find(root, ".//saml:AuthnStatement")
        if name is not None:
            ticket["given"] = (dict(name.attrib), name.text, statement.get("SessionIndex"))
        return super()._page(binding, response, destination, ticket)

    def vouch(self, ticket, person):
        """As of the other; it is remembered for the browser's session."""
        page = self._send_to(ticket, person) if "party" in ticket else super().vouch(ticket, person)
        party = ticket["party"] if "party" in ticket else ticket["request"].issuer.text
        cookies = [cookie for cookie, known in self.sessions.items() if known is person]
        if "given" in ticket and cookies:
            self.given[cookies[-1]] = (*ticket["given"], party)
        return page

    def _send_to(self, ticket, person):
        with self.lock:
            party = ticket["party"]
            _, destination = self.server.pick_binding(
                "assertion_consumer_service", [BINDING_HTTP_POST], "spsso", entity_id=party)
            response = self.server.create_authn_response(
                person["attributes"], userid=person["name"], in_response_to=None, destination=destination,
                sp_entity_id=party,
                name_id_policy=NameIDPolicy(format=NAMEID_FORMAT_PERSISTENT, allow_create="true"),
                authn={"class_ref": AUTHN_PASSWORD_PROTECTED, "authn_auth": self.entity_id})
            return self._page(BINDING_HTTP_POST, response, destination, ticket)

    def initiate(self, values, cookie):
        """Somebody is to go to a service provider: what they are shown."""
        ticket = {"party": values["entity_id"], "relay_state": values.get("RelayState", "")}
        if cookie in self.sessions:
            return self.vouch(ticket, self.sessions[cookie])
        number = secrets.token_hex(8)
        self.tickets[number] = ticket
        return (f'<form method="post" action="{self.url}/login"><input type="hidden" name="ticket" value="{number}">'
                '<input name="username"><input type="password" name="password"><button>Log in</button></form>')

    # -- logging out ---------------------------------------------------------------------------------------------------

    def _sent(self, binding, message, destination, relay_state, response):
        """A message on its way: an address to go to, or a page that posts it."""
        applied = self.server.apply_binding(binding, str(message), destination, relay_state or "", response=response,
                                            sign=True)
        headers = dict(applied["headers"])
        return headers.get("Location"), applied["data"] if binding == BINDING_HTTP_POST else None

    def _destination(self, party):
        """Where that service provider is told and answered, and how."""
        bindings = [BINDING_HTTP_REDIRECT, BINDING_HTTP_POST]
        return self.server.pick_binding("single_logout_service", bindings, "spsso", entity_id=party)

    def log_out(self, cookie):
        """Somebody logs out here: they are sent on to the service provider that they came to last."""
        with self.lock:
            attributes, text, index, party = self.given.pop(cookie)
            self.sessions.pop(cookie, None)
            binding, destination = self._destination(party)
            name = NameID(format=attributes.get("Format"), name_qualifier=attributes.get("NameQualifier"),
                          sp_name_qualifier=attributes.get("SPNameQualifier"), text=text)
            id, request = self.server.create_logout_request(
                destination, party, name_id=name, session_indexes=[index], sign=binding == BINDING_HTTP_POST)
            self.pending[id] = party
            return self._sent(binding, request, destination, f"state of {id}", False)

    def asked(self, binding, values, cookie):
        """A service provider asks for a logout: the session here ends, and it is answered."""
        with self.lock:
            read = self.server.parse_logout_request(
                values["SAMLRequest"], BINDINGS[binding], relay_state=values.get("RelayState"),
                sigalg=values.get("SigAlg"), signature=values.get("Signature"))
            message = read.message
            attributes, text, index, party = self.given[cookie]
            told = message.name_id.text, message.name_id.format, [made.text for made in message.session_index]
            assert told == (text, attributes.get("Format"), [index]), f"{told} instead of {text} {attributes} {index}"
            assert message.issuer.text == party
            self.given.pop(cookie)
            self.sessions.pop(cookie)
            binding, destination = self._destination(party)
            response = self.server.create_logout_response(message, [binding], sign=binding == BINDING_HTTP_POST)
            return self._sent(binding, response, destination, values.get("RelayState"), True)

    def answered(self, binding, values):
        """A service provider has answered: somebody is logged out."""
        with self.lock:
            read = self.server.parse_logout_request_response(values["SAMLResponse"], BINDINGS[binding])
            response = read.response
            assert self.pending.pop(response.in_response_to) == response.issuer.text
            assert values["RelayState"] == f"state of {response.in_response_to}"
            assert response.status.status_code.value == STATUS_SUCCESS, response
            self.answers.append(response.in_response_to)
        return self.after_logout, None

    def _handler(idp):
        class Handler(super()._handler()):
            def respond(self, form):
                path, values = urllib.parse.urlsplit(self.path).path, dict(urllib.parse.parse_qsl(form))
                known = dict(c.strip().split("=", 1) for c in self.headers.get("Cookie", "").split(";") if "=" in c)
                cookie, binding = known.get("pysaml"), path.rsplit("/", 1)[1]
                ways = {
                    "/logout": lambda: idp.log_out(cookie),
                    "/initiate": lambda: (None, idp.initiate(values, cookie)),
                    "/bye": lambda: (None, "<p>bye</p>"),
                }
                if path.startswith("/slo/"):
                    asks = "SAMLRequest" in values
                    ways[path] = lambda: idp.asked(binding, values, cookie) if asks else idp.answered(binding, values)
                if path not in ways:
                    super().respond(form)
                    return
                try:
                    place, page = ways[path]()
                except Exception as error:
                    idp.errors.append(f"{path}: {type(error).__name__}: {error}")
                    place, page = None, f"<pre>{html.escape(idp.errors[-1])}</pre>"
                octets = (page or "").encode()
                self.send_response(302 if place else 200)
                if place:
                    self.send_header("Location", place)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

        return Handler
