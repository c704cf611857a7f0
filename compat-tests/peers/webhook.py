"""A receiver of signed pushes: it keeps what came, and says of each whether the signature is right.

A push carries `X-Archstone-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`; what is unsigned, signed with
something else or older than `tolerance` seconds is refused with 401 and never counts as received.
"""

import hashlib
import hmac
import http.server
import json
import re
import threading
import time

HEADER = "X-Archstone-Signature"
FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def signature(secret, at, body):
    """What the header must say."""
    return f"t={at},v1=" + hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def fault(secret, header, body, now, tolerance=300):
    """What is wrong with a signature; None when nothing is."""
    found = FORM.fullmatch(header or "")
    if not found:
        return "no signature" if header is None else "a malformed signature"
    if not hmac.compare_digest(header, signature(secret, int(found[1]), body)):
        return "another signature"
    return "an old signature" if abs(now - int(found[1])) > tolerance else None


class Webhook:
    """One receiver at `url`. `received` are the bodies of good pushes, decoded; `requests` everything that came, as it came.

    `turn` makes it answer otherwise: `status` and `body` (what it answers), `redirect` (where to), `hang` (no answer), `drop` (keeps
    the push and closes without an answer), `delay` (seconds before the answer); `times` says for how many pushes.
    """

    def __init__(self, secret, path="/hook"):
        self.secret, self.path = secret, path
        self.received, self.requests, self.refused = [], [], []
        self.ending, self.lock = threading.Event(), threading.Lock()
        self.how, self.times = {}, None
        self.server = _Server(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}{path}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def turn(self, times=None, **how):
        """From now on (for `times` pushes) it answers so; without arguments it behaves."""
        assert how.keys() <= {"status", "body", "redirect", "hang", "drop", "delay"}, how
        with self.lock:
            self.how, self.times = how, times

    def _behaviour(self):
        with self.lock:
            how = self.how
            if self.times is not None:
                self.times -= 1
                if self.times <= 0:
                    self.how, self.times = {}, None
            return how

    def _handler(hook):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.close_connection = True
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                wrong = fault(hook.secret, self.headers.get(HEADER), body, time.time())
                hook.requests.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body, "wrong": wrong})
                if self.path != hook.path:
                    return self.give(404)
                if self.command != "POST":
                    return self.give(405)
                if wrong:
                    hook.refused.append(wrong)
                    return self.give(401, wrong)
                how = hook._behaviour()
                if how.get("hang"):
                    return hook.ending.wait(60)
                if "redirect" in how:
                    return self.give(307, "", {"Location": how["redirect"]})
                if hook.ending.wait(how.get("delay", 0)):
                    return None
                if how.get("status", 200) < 400:
                    hook.received.append(json.loads(body))
                if not how.get("drop"):
                    self.give(how.get("status", 200), how.get("body", ""))

            do_GET = do_PUT = do_DELETE = do_PATCH = do_POST

            def give(self, status, text="", headers=()):
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(text.encode())), "Connection": "close"} | dict(headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                """Nothing."""

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
        """Who went away does not want the answer."""
