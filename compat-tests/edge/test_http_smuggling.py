"""HTTP-SMUG: messages whose end two readers could see in different places are refused and the connection closed.

Rules: RFC 9112 sections 2.2 (line ends), 5.1 (no space before the colon), 6.1 to 6.3 (framing), 7.1 (chunks).
"""

import pytest

import wire

HIDDEN = b"GET /hidden-by-smuggling HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
JSON = ("Content-Type", "application/json")


def refused(node, raw, statuses=(400,)):
    """Exactly one answer, of an expected status, then the end of the connection; the node still serves."""
    got = wire.send(node.address, raw, seconds=4.0)
    assert [r.status for r in got.replies][:1] and got.replies[0].status in statuses, got
    assert len(got.replies) == 1, f"a second request was read out of the first: {got}"
    assert got.closed, f"the connection stayed open: {got}"
    assert wire.ask(node.address, "GET", "/healthcheck").status == 200
    return got


def post(headers, body):
    """A login request with hand-made framing headers."""
    head = b"POST /v3/auth/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head + b"".join(h + b"\r\n" for h in headers) + b"\r\n" + body


@pytest.mark.parametrize("order", ["length_first", "chunked_first"])
def test_http_smug_1_content_length_with_transfer_encoding(node, order):
    lines = [b"Content-Length: 5", b"Transfer-Encoding: chunked"]
    if order == "chunked_first":
        lines.reverse()
    refused(node, post(lines, b"0\r\n\r\n" + HIDDEN))


@pytest.mark.parametrize(
    "lines",
    [
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: chunked, chunked"],
        [b"Transfer-Encoding: identity, chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-encoding: x"],
        [b"Transfer-Encoding: \x0bchunked"],
        [b"Transfer-Encoding : chunked"],
        [b"X: y\r\n Transfer-Encoding: chunked"],
    ],
    ids=["two_lines", "not_last", "twice", "identity_first", "other_case", "vertical_tab", "space_before_colon", "folded"],
)
def test_http_smug_2_transfer_encoding_variants(node, lines):
    refused(node, post(lines, b"0\r\n\r\n" + HIDDEN), statuses=(400, 501))


def test_http_smug_3_two_content_lengths(node):
    refused(node, post([b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN)], HIDDEN))
    refused(node, post([b"Content-Length: 0, %d" % len(HIDDEN)], HIDDEN))


@pytest.mark.parametrize("value", [b"+5", b"-5", b"5 5", b"0x5", b"5,", b"", b"99999999999999999999999", b"\xb2"])
def test_http_smug_4_content_length_that_is_no_number(node, value):
    refused(node, post([b"Content-Length: " + value], b"{}   " + HIDDEN), statuses=(400, 413))


def test_http_smug_5_bare_line_feed(node):
    refused(node, post([b"Transfer-Encoding: chunked"], b"2\n{}\n0\n\n" + HIDDEN))
    refused(node, post([b"Transfer-Encoding: chunked"], b"2;a\nb\r\n{}\r\n0\r\n\r\n"))
    # A bare carriage return inside a value must not end it (RFC 9112 section 2.2).
    refused(node, post([b"X: a\rContent-Length: 3"], b""))


def test_http_smug_5b_line_feed_alone_cannot_hide_a_header(node):
    """A lone LF may be read as a line end (RFC 9112 section 2.2); then the header it makes visible must count."""
    raw = post([b"Content-Length: 3\nTransfer-Encoding: chunked"], b"0\r\n\r\n" + HIDDEN)
    refused(node, raw)


@pytest.mark.parametrize(
    "size", [b"1" + b"0" * 16, b"F" * 17, b"-1", b"0x2", b"2 2", b"+2", b"", b"g"],
    ids=["2_to_64", "17_digits", "negative", "prefix", "space", "plus", "empty", "not_hex"],
)
def test_http_smug_6_chunk_size(node, size):
    refused(node, post([b"Transfer-Encoding: chunked"], size + b"\r\n{}\r\n0\r\n\r\n" + HIDDEN), statuses=(400, 413))


def test_http_smug_7_chunk_extension_of_a_megabyte(node):
    refused(node, post([b"Transfer-Encoding: chunked"], b"2;x=" + b"a" * 1_000_000 + b"\r\n{}\r\n0\r\n\r\n"), statuses=(400, 413))


def test_http_smug_8_unknown_transfer_encoding(node):
    refused(node, post([b"Transfer-Encoding: xchunked"], b"0\r\n\r\n" + HIDDEN), statuses=(400, 501))
    old = b"POST /v3/auth/tokens HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN
    refused(node, old, statuses=(400, 501))


def test_http_smug_unread_body_is_not_taken_for_a_request(node):
    """A refusal that does not read the body must not leave the body to be read as the next request."""
    raw = post([b"Content-Length: %d" % len(HIDDEN), b"X-Auth-Token: nonsense"], HIDDEN).replace(b"POST /v3/auth/tokens", b"PATCH /v3/users/x")
    got = wire.send(node.address, raw, seconds=1.5)
    assert [r.status for r in got.replies] == [401], got


def test_http_smug_pipelined_requests_are_answered_in_order(node):
    raw = wire.request("GET", "/healthcheck") + wire.request("GET", "/v3/no-such-path") + wire.request("GET", "/v3")
    got = wire.send(node.address, raw, enough=3)
    assert [r.status for r in got.replies] == [200, 404, 200], got
