"""HTTP-H2: floods that HTTP/2 makes cheap for the sender are ended or bounded by the server.

Known as CVE-2023-44487 (rapid reset), VU#421644 (CONTINUATION) and CVE-2019-9515 (SETTINGS).
"""

import time

import frames
import wire
from frames import CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, SETTINGS, Connection, frame

FLAT = 64 * 1024 * 1024


def others_are_served(node):
    started = time.monotonic()
    assert wire.ask(node.address, "GET", "/healthcheck").status == 200
    assert time.monotonic() - started < 0.5


def test_http_h2_plain_request_works(node):
    with Connection(node.address) as h2:
        h2.send(frames.get(b"/healthcheck", 1))
        seen = h2.read(3, until=HEADERS)
        assert any(kind == HEADERS and stream == 1 and payload[:1] == b"\x88" for kind, _, stream, payload in seen), seen


def test_http_h2_1_rapid_reset(node):
    cpu, rss = node.cpu_seconds(), node.rss()
    sent, goaway = 0, False
    with Connection(node.address) as h2:
        for batch in range(400):
            piece = b"".join(
                frames.get(b"/v3", s) + frame(RST_STREAM, 0, s, b"\0\0\0\x08") for s in range(batch * 100 + 1, batch * 100 + 101, 2)
            )
            if not h2.send(piece):
                break
            sent += 50
            if batch % 10 == 0:
                goaway = goaway or any(f[0] == GOAWAY for f in h2.read(0.02))
                if goaway or h2.closed:
                    break
        others_are_served(node)
        seen = h2.read(2, until=GOAWAY)
        ended = goaway or h2.closed or any(f[0] == GOAWAY for f in seen)
    assert ended, f"{sent} streams were opened and reset, and the connection lives"
    assert node.cpu_seconds() - cpu < 2.0
    assert node.rss() - rss < FLAT


def test_http_h2_1b_more_streams_than_allowed(node):
    """Streams over the announced limit are refused, not served."""
    with Connection(node.address) as h2:
        limit = None
        for kind, flags, _, payload in h2.read(1, until=SETTINGS):
            if kind == SETTINGS and not flags:
                pairs = {int.from_bytes(payload[i : i + 2], "big"): int.from_bytes(payload[i + 2 : i + 6], "big") for i in range(0, len(payload), 6)}
                limit = pairs.get(3)
        assert limit is not None and limit <= 256, f"SETTINGS_MAX_CONCURRENT_STREAMS is {limit}"
        # Requests whose body never comes stay open.
        for n in range(limit + 50):
            h2.send(frames.get(b"/v3/auth/tokens", 2 * n + 1, flags=END_HEADERS).replace(b"\x82\x86", b"\x83\x86"))
        seen = h2.read(1.5)
        refused = [f for f in seen if f[0] == RST_STREAM] + [f for f in seen if f[0] == GOAWAY]
        assert refused or h2.closed
    others_are_served(node)


def test_http_h2_2_continuation_flood(node):
    cpu, rss = node.cpu_seconds(), node.rss()
    with Connection(node.address) as h2:
        h2.send(frames.get(b"/v3", 1, flags=END_STREAM))
        field = frames.literal(b"x-flood", b"a" * 100) * 140
        sent = 0
        # 16 MB of one header block that never ends.
        while sent < 16_000_000 and h2.send(frame(CONTINUATION, 0, 1, field)):
            sent += len(field)
        seen = h2.read(2)
        assert h2.closed or any(f[0] == GOAWAY for f in seen), f"{sent} bytes of one header block were taken"
        others_are_served(node)
    assert node.cpu_seconds() - cpu < 2.0
    assert node.rss() - rss < FLAT


def test_http_h2_2b_empty_continuations(node):
    cpu = node.cpu_seconds()
    with Connection(node.address) as h2:
        h2.send(frames.get(b"/v3", 1, flags=END_STREAM))
        sent = 0
        while sent < 100_000 and h2.send(frame(CONTINUATION, 0, 1) * 100):
            sent += 100
        h2.read(2)
        others_are_served(node)
        assert h2.closed or sent == 100_000
    assert node.cpu_seconds() - cpu < 2.0


def test_http_h2_3_settings_flood(node):
    """Every SETTINGS wants an acknowledgement; a peer that does not read them must not make us keep them."""
    cpu, rss = node.cpu_seconds(), node.rss()
    with Connection(node.address) as h2:
        h2.sock.settimeout(2)
        sent = 0
        while sent < 200_000 and h2.send(frame(SETTINGS) * 1000):
            sent += 1000
        others_are_served(node)
    assert node.cpu_seconds() - cpu < 3.0, f"{sent} frames"
    assert node.rss() - rss < FLAT


def test_http_h2_3b_ping_flood(node):
    cpu, rss = node.cpu_seconds(), node.rss()
    with Connection(node.address) as h2:
        h2.sock.settimeout(2)
        sent = 0
        while sent < 200_000 and h2.send(frame(frames.PING, 0, 0, b"\0" * 8) * 1000):
            sent += 1000
        others_are_served(node)
    assert node.cpu_seconds() - cpu < 3.0, f"{sent} frames"
    assert node.rss() - rss < FLAT


def test_http_h2_header_list_is_limited(node):
    """HTTP-BIG-1 over HTTP/2: 64 kB of header fields in one block."""
    with Connection(node.address) as h2:
        block = b"\x82\x86" + frames.literal(b":path", b"/v3") + frames.literal(b":authority", b"x") + frames.literal(b"x-a", b"a" * 100) * 700
        pieces = [block[i : i + 16_000] for i in range(0, len(block), 16_000)]
        h2.send(frame(HEADERS, END_STREAM, 1, pieces[0]))
        for n, piece in enumerate(pieces[1:], 2):
            h2.send(frame(CONTINUATION, END_HEADERS if n == len(pieces) else 0, 1, piece))
        seen = h2.read(2, until=HEADERS)
        answered = [payload for kind, _, stream, payload in seen if kind == HEADERS and stream == 1]
        assert not any(payload[:1] == b"\x88" for payload in answered), "64 kB of headers were accepted"
    others_are_served(node)
