"""The program of `keystone_apache.py`: Keystone's own WSGI application on a loopback port, in the environment with a real Keystone.

    keystone_wsgi.py PORT        with OS_KEYSTONE_CONFIG_FILES in the environment

Apache stands before it and says who it is by header fields, as mod_auth_openidc makes them; `X-Remote-User` becomes what a module
inside Apache would find as REMOTE_USER.
"""

import sys
import threading


def main(port):
    """Serves until killed."""
    sys.argv = ["keystone"]
    from keystone.server.wsgi import initialize_public_application
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def make_environ(self):
            # What mod_auth_openidc says is found by a module inside Apache as header fields, where Werkzeug leaves out those
            # with "_", and as variables, `OIDC-preferred_username`. It takes away what a client sent of that kind.
            said = {name: value for name, value in self.headers.items() if name.startswith("OIDC-")}
            return super().make_environ() | said | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in said.items()}

        def log(self, *_args, **_options):
            pass

    keystone, turn = initialize_public_application(), threading.Lock()

    def application(environ, start_response):
        if user := environ.pop("HTTP_X_REMOTE_USER", None):
            environ["REMOTE_USER"] = user
        # Two requests at once meet a locked SQLite database, which Keystone answers with 500.
        with turn:
            return keystone(environ, start_response)

    make_server("127.0.0.1", port, application, threaded=True, request_handler=Quiet).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
