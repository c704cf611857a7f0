"""Identity providers that are broken, each in its own way: OpenID providers, SAML metadata, directories.

`BrokenWeb` serves documents at `/<case>/<anything>`: what is wrong with them is the case, which `documents` of `broken_oidc.py`
and `broken_saml.py` describe; what stands behind makes the address a test's own. `Sockets` are the ports behind which no server
does what it should.
"""

import http.server
import socket
import threading
import time

from postgres import free_port

# Nobody may echo this: it stands in every body that a broken server sends.
CANARY = "canary-of-a-broken-server"
# An answer must not be larger than this.
LIMIT = 1_048_576


class Reply:
    """One answer. `drip` sends a byte a second, `silent` none; `chunked` hides the length."""

    def __init__(
        self, body=b"", status=200, content_type="application/json", headers=(), chunked=False, drip=False, silent=False
    ):
        self.body = body.encode() if isinstance(body, str) else body
        self.status, self.headers = status, {"Content-Type": content_type} | dict(headers)
        self.chunked, self.drip, self.silent = chunked, drip, silent


class BrokenWeb:
    """One server on a loopback address; with `context` it speaks TLS.

    `documents(web, case, rest)` answers a `Reply`, or None for 404. `asked` has every path that was asked for.
    """

    def __init__(self, documents, context=None, address="127.0.0.1", name=None):
        self.documents = documents
        self.asked = []
        self.ending = threading.Event()
        self.server = _Server((address, 0), self._handler())
        self.port = self.server.server_address[1]
        self.url = f"{'https' if context else 'http'}://{name or address}:{self.port}"
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _handler(web):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                web.asked.append(self.path)
                case, _, rest = self.path.lstrip("/").partition("/")
                self.give(web.documents(web, case, rest) or Reply(CANARY, 404, "text/plain"))

            do_POST = do_GET

            def give(self, reply):
                self.close_connection = True
                if reply.silent:
                    web.ending.wait(60)
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Connection", "close")
                self.send_header("Transfer-Encoding", "chunked") if reply.chunked else self.send_header(
                    "Content-Length", len(reply.body)
                )
                self.end_headers()
                pieces = (
                    [bytes([b]) for b in reply.body]
                    if reply.drip
                    else [reply.body[i : i + 65_536] for i in range(0, len(reply.body), 65_536)]
                )
                for piece in pieces:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.chunked else piece)
                    if reply.drip and web.ending.wait(1):
                        return
                if reply.chunked:
                    self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *_):
                pass

        return Handler

    def remove(self):
        """Closes the port and whatever still waits."""
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Peers that go away, or do not trust us, are what the tests are about."""


class Sockets:
    """Ports behind which nothing answers as it should."""

    def __init__(self):
        self.listeners, self.held = [], []

    def refused(self):
        """A port that nobody listens on."""
        return free_port()

    def silent(self):
        """A port that takes connections and says nothing."""
        return self._serve(lambda connection: self.held.append(connection))

    def closing(self):
        """A port that takes connections and closes them."""
        return self._serve(lambda connection: connection.close())

    def saying(self, data, every=None):
        """A port whose server says this at once (`every`: byte for byte, with so many seconds between) and then nothing."""

        def speak(connection):
            self.held.append(connection)
            for piece in [data] if every is None else [data[i : i + 1] for i in range(len(data))]:
                connection.sendall(piece)
                time.sleep(every or 0)

        return self._serve(speak)

    def answering(self, data, context=None):
        """A port whose server says this to whatever it is told first."""

        def speak(connection):
            self.held.append(connection)
            wrapped = context.wrap_socket(connection, server_side=True) if context else connection
            self.held.append(wrapped)
            if wrapped.recv(4_096):
                wrapped.sendall(data)

        return self._serve(speak)

    def counting(self, address="127.0.0.1", port=0):
        """A port that counts who comes: (port, list of peers)."""
        seen = []

        def count(connection):
            seen.append(connection.getpeername())
            connection.close()

        return self._serve(count, address, port), seen

    def _serve(self, act, address="127.0.0.1", port=0):
        listener = socket.create_server((address, port), backlog=64)
        self.listeners.append(listener)

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_quietly, args=(act, connection), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    def remove(self):
        """Closes every port and connection."""
        for it in [*self.listeners, *self.held]:
            it.close()


def _quietly(act, connection):
    try:
        act(connection)
    except OSError:
        pass
