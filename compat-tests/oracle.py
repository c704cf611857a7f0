#!/usr/bin/env python3
"""A real Keystone behind archstone's command line, to see what these tests say about the original.

    ARCHSTONE_BIN=compat-tests/oracle.py compat-tests/.venv/bin/python -m pytest -c compat-tests/pytest.ini \\
        compat-tests/keystone/test_tokens.py -k 'not postgres'

Keystone on SQLite, with Fernet tokens, served on the loopback interface by a small threaded WSGI server, with OpenID Connect as
mod_auth_openidc would do it. It answers to `keys
setup`, `keys rotate`, `db migrate`, `bootstrap` and `serve`, and knows the few settings that the tests turn. With ORACLE_CACHE in
the environment it caches as a production Keystone does, and answers in half the time.
"""

import os
import pathlib
import pwd
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
VENV = pathlib.Path(os.environ.get("KEYSTONE_VENV", HERE / ".venv-keystone"))
DATA = pathlib.Path(os.environ["ARCHSTONE_DATA"])
CONFIGURATION = DATA / "keystone.conf"
COMPLIANCE = "ARCHSTONE_SECURITY_COMPLIANCE__"
MANAGE = {("keys", "setup"): "fernet_setup", ("keys", "rotate"): "fernet_rotate", ("db", "migrate"): "db_sync"}


def configure():
    """Writes keystone.conf from the environment."""
    def setting(name, default):
        return os.environ.get(f"ARCHSTONE_{name}", default)

    # Keystone's section under Keystone's names; "$" would begin a substitution there.
    compliance = {name[len(COMPLIANCE):].lower(): value.replace("$", "$$")
                  for name, value in os.environ.items() if name.startswith(COMPLIANCE)}
    compliance.setdefault("lockout_duration", "1800")
    CONFIGURATION.write_text("\n".join([
        "[DEFAULT]", f"log_file={DATA}/keystone.log",
        "[database]", f"connection=sqlite:///{DATA}/keystone.db",
        "[fernet_tokens]", f"key_repository={DATA}/fernet-keys",
        "[fernet_receipts]", f"key_repository={DATA}/fernet-keys",
        "[credential]", f"key_repository={DATA}/credential-keys",
        "[identity]", "password_hash_rounds=4",
        "[cache]", *(["enabled=true", "backend=oslo_cache.dict"] if os.environ.get("ORACLE_CACHE") else ["enabled=false"]),
        "[oslo_policy]", f"policy_file={DATA.parent}/policies/policy.yaml", f"policy_dirs={DATA.parent}/policies/policy.d",
        "[token]", "provider=fernet", f"expiration={setting('TOKEN__EXPIRATION_SECS', '3600')}",
        f"allow_expired_window={setting('TOKEN__ALLOW_EXPIRED_WINDOW_SECS', '172800')}",
        "[security_compliance]", *(f"{name}={value}" for name, value in compliance.items()),
        "[auth]", "methods=external,password,token,oauth1,mapped,application_credential,openid",
        "[federation]", *(f"trusted_dashboard={url}" for url in setting("FEDERATION__TRUSTED_DASHBOARDS", "").split(",")), ""]))


def serve():
    """Keystone's own WSGI application, in this process."""
    sys.argv = ["keystone"]
    os.environ |= {"OS_KEYSTONE_CONFIG_FILES": str(CONFIGURATION), "OS_KEYSTONE_CONFIG_DIR": str(DATA)}
    from keystone.server.wsgi import initialize_public_application
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_args, **_options):
            pass

    from peers.mod_auth_openidc import openidc

    keystone, turn = openidc(initialize_public_application()), threading.Lock()

    def one_at_a_time(environ, start_response):
        # Two requests at once meet a locked SQLite database, which Keystone answers with 500.
        with turn:
            return keystone(environ, start_response)

    host, port = os.environ["ARCHSTONE_SERVER__BIND"].split(":")
    make_server(host, int(port), one_at_a_time, threaded=True, request_handler=Quiet).serve_forever()


if __name__ == "__main__":
    if pathlib.Path(sys.prefix).resolve() != VENV.resolve():
        # With libfaketime's monotonic clock left real, Python's sleep is an error.
        os.environ.pop("FAKETIME_DONT_FAKE_MONOTONIC", None)
        os.execv(VENV / "bin/python", [VENV / "bin/python", __file__, *sys.argv[1:]])
    command = sys.argv[1:]
    configure()
    if command == ["serve"]:
        serve()
    account = pwd.getpwuid(os.getuid()).pw_name
    name = MANAGE.get(tuple(command[:2]))
    if name is None and command[:1] != ["bootstrap"]:
        sys.exit(f"not a command of the oracle: {command}")
    owner = ["--keystone-user", account, "--keystone-group", account] if name in ("fernet_setup", "fernet_rotate") else []
    sys.exit(subprocess.call([VENV / "bin/keystone-manage", "--config-file", CONFIGURATION, *([name, *owner] if name else command)]))
