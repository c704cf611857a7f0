"""A dashboard as Horizon is one: a page with a link to single sign-on, and `/auth/websso/`, where the token is posted to."""

import html
import http.server
import threading
import urllib.parse

from postgres import free_port

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dashboard</title>
<style>body {{ font: 16px sans-serif; margin: 3em auto; width: 30em }}</style></head><body><h1>Dashboard</h1>{}</body></html>"""


class Dashboard:
    """One dashboard on a loopback port. `links` are what its front page offers: {text: URL}."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.origin = f"{self.url}/auth/websso/"
        self.links = {}
        # The forms that have been posted, newest last: (fields, header fields).
        self.posted = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(dashboard):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body):
                page = PAGE.format(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def do_GET(self):
                links = "".join(
                    f'<p><a href="{html.escape(url)}">{html.escape(text)}</a></p>' for text, url in dashboard.links.items()
                )
                self.answer(200 if self.path == "/" else 404, links)

            def do_POST(self):
                text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                dashboard.posted.append((dict(urllib.parse.parse_qsl(text)), dict(self.headers)))
                self.answer(200 if self.path == "/auth/websso/" else 404, "<p>Logged in.</p>")

            def log_message(self, *_):
                pass

        return Handler

    def websso(self, archstone, path):
        """The URL of single sign-on at this node that comes back here; `path` is what stands below `/v3/auth/OS-FEDERATION/`."""
        return f"{archstone.url}/v3/auth/OS-FEDERATION/{path}?origin={urllib.parse.quote(self.origin, safe='')}"

    def remove(self):
        """Closes the port."""
        self.server.shutdown()
        self.server.server_close()
