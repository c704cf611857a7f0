"""HTTP/2 frames by hand (RFC 9113 section 4, RFC 7541), with prior knowledge over cleartext: for what no library would send."""

import socket
import struct
import time

import wire

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind, flags=0, stream=0, payload=b""):
    """One frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header field without indexing and without Huffman coding; both parts shorter than 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def get(path, stream, flags=END_STREAM | END_HEADERS):
    """A GET request."""
    block = b"\x82\x86" + literal(b":path", path) + literal(b":authority", b"127.0.0.1")
    return frame(HEADERS, flags, stream, block)


class Connection:
    """An HTTP/2 connection after the preface; what arrives is collected frame by frame."""

    def __init__(self, address):
        self.sock = wire.connect(address)
        self.sock.sendall(PREFACE + frame(SETTINGS))
        self.pending = b""
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        """Sends all of it; False when the peer has gone."""
        try:
            self.sock.sendall(data)
            return True
        except OSError:
            self.closed = True
            return False

    def read(self, seconds, until=None):
        """Frames (kind, flags, stream, payload) that arrive, until a kind is seen, the peer closes or time is up."""
        seen, deadline = [], time.monotonic() + seconds
        while time.monotonic() < deadline:
            while len(self.pending) >= 9:
                size = int.from_bytes(self.pending[:3], "big")
                if len(self.pending) < 9 + size:
                    break
                head, payload = self.pending[:9], self.pending[9 : 9 + size]
                self.pending = self.pending[9 + size :]
                seen.append((head[3], head[4], struct.unpack(">I", head[5:9])[0] & 0x7FFFFFFF, payload))
            if until is not None and any(f[0] == until for f in seen):
                break
            if self.closed:
                break
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                piece = self.sock.recv(65536)
            except TimeoutError:
                break
            except OSError:
                piece = b""
            if not piece:
                self.closed = True
            self.pending += piece
        return seen

    def half_close(self):
        """Says that nothing more will be sent."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.closed = True
