"""A small WSGI service behind keystonemiddleware's auth_token, for `test_keystonemiddleware.py`.

    python guarded_service.py PORT JSON

JSON is the middleware's configuration as a paste file would have it. The service answers 200 with the request headers that it
got; under `/private` it answers 401 by itself unless the middleware has confirmed the identity.
"""

import json
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from keystonemiddleware.auth_token import AuthProtocol


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *_args):
        pass


def application(environ, start_response):
    """The service: it trusts what the middleware tells, where None is nothing."""
    headers = {name[5:].replace("_", "-"): value for name, value in environ.items()
               if name.startswith("HTTP_") and value is not None}
    private = environ["PATH_INFO"] == "/private" and headers.get("X-IDENTITY-STATUS") != "Confirmed"
    start_response("401 Unauthorized" if private else "200 OK", [("Content-Type", "application/json")])
    return [json.dumps(headers).encode()]


if __name__ == "__main__":
    port, configuration = int(sys.argv[1]), json.loads(sys.argv[2])
    guarded = AuthProtocol(application, configuration)
    make_server("127.0.0.1", port, guarded, server_class=Server, handler_class=Handler).serve_forever()
