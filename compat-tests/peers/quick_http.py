"""A small threaded HTTP/1.1 server that answers some thousand requests a second, for peers that measurements ask too.

It takes only what clients of ours send: `Content-Length` or chunked bodies, connections that stay open.
"""

import http.client
import socket
import socketserver
import threading
import urllib.parse

MOST = 64 * 1_048_576


class Request:
    """One request; the names of `headers` in small letters."""

    __slots__ = ("method", "path", "headers", "body")

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class QuickServer:
    """Answers with what `serve(request)` returns: (status, headers, body), the body being bytes or an iterator of them (sent in chunks);
    None ends the connection without an answer. With `context` it speaks TLS."""

    def __init__(self, serve, content_type="application/scim+json", port=0, context=None):
        class Handler(_Handler):
            pass

        Handler.serve, Handler.content_type = staticmethod(serve), content_type
        self.connections, self.lock = set(), threading.Lock()
        self.server = _Server(("127.0.0.1", port), Handler)
        self.server.quick = self
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def remove(self):
        """Closes the port and every connection."""
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """Who went away does not want the answer."""


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = 0

    def handle(self):
        quick = self.server.quick
        with quick.lock:
            quick.connections.add(self.connection)
        try:
            while self._one():
                pass
        except (OSError, ValueError):
            pass
        finally:
            with quick.lock:
                quick.connections.discard(self.connection)

    def _one(self):
        line = self.rfile.readline(65_536)
        if not line.strip():
            return False
        method, path, version = line.decode("latin-1").split()
        headers = {}
        while (line := self.rfile.readline(65_536)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self._chunks() if "chunked" in headers.get("transfer-encoding", "") else self._body(int(headers.get("content-length", 0)))
        answer = self.serve(Request(method, urllib.parse.urlsplit(path).path if path.startswith("http") else path, headers, body))
        if answer is None:
            return False
        self._give(method, *answer)
        return headers.get("connection", "").lower() != "close" and version != "HTTP/1.0"

    def _body(self, length):
        if length > MOST:
            raise ValueError("too large")
        return self.rfile.read(length) if length else b""

    def _chunks(self):
        found = bytearray()
        while size := int(self.rfile.readline(64).split(b";")[0], 16):
            found += self._body(size)
            self.rfile.readline(64)
            if len(found) > MOST:
                raise ValueError("too large")
        self.rfile.readline(64)
        return bytes(found)

    def _give(self, method, status, headers, body):
        whole = isinstance(body, bytes)
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}"]
        if body or not whole:
            lines.append(f"Content-Type: {headers.get('Content-Type', self.content_type)}")
        if not whole:
            lines.append("Transfer-Encoding: chunked")
        elif status not in (204, 304):
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers.items() if name != "Content-Type"]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if whole:
            self.wfile.write(head if method == "HEAD" else head + body)
            return
        self.wfile.write(head)
        for piece in body:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


def page(text):
    """A page as proxies have them."""
    return f"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>{text}</h1></body></html>".encode()


def pieces(begin, piece, size):
    """An endless body, nearly."""
    yield begin
    for _ in range(size // len(piece)):
        yield piece
