"""HTTP/1.1 by hand over a plain socket, for requests that no client library would send.

Nothing here corrects, completes or retries what a test writes; replies are parsed strictly (RFC 9112 section 6.3).
"""

import socket
import time
from dataclasses import dataclass, field


@dataclass
class Reply:
    """One response as it came over the wire."""

    status: int
    headers: list
    body: bytes
    whole: bool = True
    raw: bytes = field(default=b"", repr=False)

    def get(self, name, default=None):
        """The first value of a header, names compared without case."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default


@dataclass
class Exchange:
    """All replies on one connection, and how it ended."""

    replies: list
    closed: bool
    seconds: float

    @property
    def status(self):
        """Status of the first reply, or None."""
        return self.replies[0].status if self.replies else None


def connect(address, timeout=5.0):
    """A TCP connection with Nagle's algorithm off."""
    sock = socket.create_connection(address, timeout=timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _dechunk(data):
    """The payload of a chunked body and what follows it, or None while it is incomplete."""
    out, at = [], 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = int(data[at:end].split(b";")[0], 16)
        at = end + 2
        if len(data) < at + size + 2:
            return None
        out.append(data[at : at + size])
        at += size + 2
        if size == 0:
            return b"".join(out), data[at:]


def split_replies(data, heads=()):
    """Cuts `data` into replies; `heads` says for each request in turn whether it was a HEAD."""
    replies, turn = [], 0
    while data:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            break
        lines = data[:end].decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        start, data = data, data[end + 4 :]
        lower = {k.lower(): v for k, v in headers}
        bodyless = status < 200 or status in (204, 304) or (turn < len(heads) and heads[turn])
        turn += 1 if status >= 200 else 0
        whole = True
        if bodyless:
            body = b""
        elif "chunked" in lower.get("transfer-encoding", "").lower():
            cut = _dechunk(data)
            body, data, whole = (cut[0], cut[1], True) if cut else (data, b"", False)
        elif "content-length" in lower:
            size = int(lower["content-length"])
            body, whole, data = data[:size], len(data) >= size, data[size:]
        else:
            body, data = data, b""
        replies.append(Reply(status, headers, body, whole, start[: len(start) - len(data)]))
    return replies


def drain(sock, seconds=3.0, enough=None, heads=()):
    """Reads until the peer closes, `seconds` have passed, or `enough` whole replies are in."""
    data, closed, start = b"", False, time.monotonic()
    while time.monotonic() - start < seconds:
        sock.settimeout(max(0.01, seconds - (time.monotonic() - start)))
        try:
            piece = sock.recv(65536)
        except TimeoutError:
            break
        except OSError:
            closed = True
            break
        if not piece:
            closed = True
            break
        data += piece
        if enough:
            got = split_replies(data, heads)
            if len(got) >= enough and all(r.whole for r in got):
                break
    return Exchange(split_replies(data, heads), closed, time.monotonic() - start)


def send(address, raw, seconds=3.0, enough=None, heads=()):
    """Opens a connection, writes `raw`, reads what comes. A peer that closes while we write is a normal end."""
    with connect(address) as sock:
        try:
            sock.sendall(raw)
        except OSError:
            pass
        return drain(sock, seconds, enough, heads)


def request(method, path, headers=(), body=b"", host="127.0.0.1"):
    """The bytes of one well-formed request; a Content-Length is added when there is a body."""
    lines = [f"{method} {path} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{k}: {v}" for k, v in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def ask(address, method, path, headers=(), body=b"", host="127.0.0.1", seconds=5.0):
    """One well-formed request on a fresh connection; its single reply."""
    got = send(address, request(method, path, headers, body, host), seconds, enough=1, heads=[method == "HEAD"])
    assert got.replies, f"no reply to {method} {path} within {seconds} s"
    return got.replies[0]
