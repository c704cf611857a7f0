"""The real `archstone` binary under test: nodes, databases, clients and the people who call them.

Plain functions and two classes (`postgres.Postgres`, `Archstone`); `conftest.py` makes fixtures of them. Everything listens
on the loopback interface only. Settings reach the binary through its environment, as an operator's would.
"""

import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import requests

from description import Description
from postgres import Postgres, free_port  # noqa: F401  (part of this module's face)

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.path.abspath(os.environ.get("ARCHSTONE_BIN", ROOT / "target/release/archstone"))
KEYSTONE_VENV = pathlib.Path(os.environ.get("KEYSTONE_VENV", ROOT / "compat-tests/.venv-keystone"))
TEMPEST_VENV = pathlib.Path(os.environ.get("TEMPEST_VENV", ROOT / "compat-tests/.venv-tempest"))
# The stock client stands beside the interpreter that runs the tests.
OPENSTACK = pathlib.Path(sys.executable).parent / "openstack"

ADMIN_PASSWORD = "correct horse battery staple"
DEFAULT_DOMAIN = "default"

# What every test server runs with: passwords are hashed at the least cost the algorithm allows.
SETTINGS = {
    "ARCHSTONE_PASSWORD__ARGON2_MEMORY_KIB": "64",
    "ARCHSTONE_PASSWORD__ARGON2_ITERATIONS": "1",
}


def unique(prefix="t"):
    """A name nobody else uses: tests share servers and never share names."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def eventually(probe, within=1.0, every=0.02):
    """Calls `probe` until it answers something true or `within` seconds have passed; the last answer."""
    deadline = time.monotonic() + within
    while True:
        answer = probe()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(every)


def faketime(folder, offset="+0"):
    """Environment under which a process sees the clock moved by what the file says, read again at every call."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    assert found, "libfaketime is not installed (Debian package: faketime)"
    control = folder / f"clock-{unique()}"
    control.write_text(offset)
    return control, {
        "LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": str(control), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(control, offset):
    """Steps the clock."""
    control.write_text(offset)


# What each binary under test says of its answers; None for one that says nothing.
DESCRIPTIONS = {}


class Archstone:
    """One node: a data folder, a database, a port, and the process while it runs.

    `database_url=None` is the embedded SQLite database in the data folder. `settings` are further environment variables. With
    `described=False` answers are not held against the API's description: what takes time is not to be measured with them.
    """

    def __init__(self, database_url=None, settings=None, folder=None, binary=BINARY, described=True):
        self.owns_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="archstone-test-"))
        self.data = self.folder / "data"
        self.data.mkdir(exist_ok=True)
        self.binary = binary
        self.database_url = database_url
        self.port = free_port()
        self.metrics_port = free_port()
        self.settings = SETTINGS | (settings or {})
        self.log_path = self.folder / f"log-{self.port}.txt"
        self.process = None
        self.http = requests.Session()
        self.http.trust_env = False
        if described:
            self.http.hooks["response"].append(self.check_description)
        self._admin_token = None

    # -- the process ---------------------------------------------------------------------------------------------------

    @property
    def url(self):
        """`http://127.0.0.1:<port>`, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def auth_url(self):
        """What goes into OS_AUTH_URL."""
        return f"{self.url}/v3"

    def environment(self):
        """The binary's environment: nothing of the caller's own ARCHSTONE_* or OS_* variables."""
        base = {k: v for k, v in os.environ.items() if not k.startswith(("ARCHSTONE_", "OS_"))}
        base |= {
            "ARCHSTONE_DATA": str(self.data),
            "ARCHSTONE_SERVER__BIND": f"127.0.0.1:{self.port}",
            "ARCHSTONE_METRICS__BIND": f"127.0.0.1:{self.metrics_port}",
        }
        if self.database_url:
            base["ARCHSTONE_DATABASE__URL"] = self.database_url
        return base | self.settings

    def cli(self, *args, stdin="", check=True, settings=None, timeout=60):
        """Runs one of the binary's commands to its end; stdout and stderr as text."""
        done = subprocess.run([self.binary, *args], input=stdin, env=self.environment() | (settings or {}), cwd=self.folder,
                              capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"archstone {' '.join(args)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def prepare(self, *bootstrap_args):
        """Keys, tables, the administrator: what an operator does once."""
        self.cli("keys", "setup")
        self.cli("db", "migrate")
        self.bootstrap(*bootstrap_args)
        return self

    def bootstrap(self, *args, check=True):
        """`archstone bootstrap` with this node's URLs and the tests' administrator password."""
        return self.cli("bootstrap", "--bootstrap-password", ADMIN_PASSWORD, "--bootstrap-public-url", self.auth_url,
                        "--bootstrap-internal-url", self.auth_url, "--bootstrap-admin-url", self.auth_url,
                        "--bootstrap-region-id", "RegionOne", *args, check=check)

    def start(self, wait=True):
        """Serves; with `wait` until /healthcheck answers 200 (at most 20 s)."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.binary, "serve"], env=self.environment(), cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, within=20.0):
        """Returns when /healthcheck answers 200; fails with the log when the process ends or time is up."""
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"archstone serve ended with {self.process.returncode}\n{self.log()[-4000:]}")
            try:
                return requests.get(f"{self.url}/healthcheck", timeout=2).status_code == 200
            except requests.RequestException:
                return False

        if not eventually(ready, within):
            raise AssertionError(f"no /healthcheck within {within} s\n{self.log()[-4000:]}")

    def kill(self):
        """SIGKILL: what a crash looks like."""
        self._stop(signal.SIGKILL)

    def term(self, within=15.0):
        """SIGTERM and the wait for a graceful end; the exit code."""
        return self._stop(signal.SIGTERM, within)

    def _stop(self, how, within=15.0):
        process, self.process = self.process, None
        if process is None:
            return None
        process.send_signal(how)
        try:
            return process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"archstone did not end within {within} s of signal {how}") from None

    def restart(self, how="term"):
        """Ends the process (`term` or `kill`) and starts it again on the same port, data and database."""
        self.kill() if how == "kill" else self.term()
        self.http.close()
        return self.start()

    def running(self):
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def log(self):
        """Everything the server has written so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def another_node(self):
        """A second node on the same database, data folder and keys; not started."""
        return Archstone(self.database_url, self.settings, folder=self.folder, binary=self.binary)

    def remove(self):
        """Ends the process and deletes the folder, if it is this node's own."""
        self.kill()
        self.http.close()
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_description(self, answer, **_):
        """Holds an answer against the API's own description."""
        if not answer.request.url.startswith(self.url):
            return
        if self.binary not in DESCRIPTIONS:
            DESCRIPTIONS[self.binary] = None
            found = requests.get(f"{self.url}/openapi.json", timeout=15)
            DESCRIPTIONS[self.binary] = Description(found.json()) if found.status_code == 200 else None
        if DESCRIPTIONS[self.binary]:
            DESCRIPTIONS[self.binary].check(answer)

    # -- requests ------------------------------------------------------------------------------------------------------

    def request(self, method, path, token=None, json=None, headers=None, timeout=15, **options):
        """One request, redirects not followed. `token` goes into X-Auth-Token; `json` becomes the body."""
        headers = dict(headers or {})
        if token:
            headers["X-Auth-Token"] = token
        return self.http.request(method, path if path.startswith("http") else self.url + path, json=json, headers=headers,
                                 timeout=timeout, allow_redirects=False, **options)

    def expect(self, status, method, path, **options):
        """`request`, with the status checked; the answer's JSON (None when there is no body)."""
        answer = self.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} instead of {status}: {answer.text[:2000]}"
        return answer.json() if answer.content else None

    def login(self, user="admin", password=ADMIN_PASSWORD, user_domain=DEFAULT_DOMAIN, **scope):
        """POST /v3/auth/tokens with the password method; the answer as it came.

        `user` is a name in the domain with id `user_domain`, or a whole reference such as {"id": …}. Scope: `project=` or
        `domain=` (a reference or an id), `system=True`, `unscoped=True`, or none.
        """
        reference = user if isinstance(user, dict) else {"name": user, "domain": {"id": user_domain}}
        auth = {"identity": {"methods": ["password"], "password": {"user": reference | {"password": password}}}}
        auth |= scope_of(**scope)
        return self.request("POST", "/v3/auth/tokens", json={"auth": auth})

    def token(self, user="admin", password=ADMIN_PASSWORD, user_domain=DEFAULT_DOMAIN, **scope):
        """A token's id; arguments as for `login`."""
        answer = self.login(user, password, user_domain, **scope)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text[:2000]}"
        return answer.headers["X-Subject-Token"]

    def rescope(self, token, **scope):
        """POST /v3/auth/tokens with the token method; the answer as it came."""
        auth = {"identity": {"methods": ["token"], "token": {"id": token}}} | scope_of(**scope)
        return self.request("POST", "/v3/auth/tokens", json={"auth": auth})

    @property
    def admin_token(self):
        """The administrator's token on the `admin` project; made once per server."""
        if self._admin_token is None:
            self._admin_token = self.token(project={"name": "admin", "domain": {"id": DEFAULT_DOMAIN}})
        return self._admin_token

    def validate(self, subject, token=None, **options):
        """GET /v3/auth/tokens as the administrator (or with `token`); the answer as it came."""
        headers = {"X-Subject-Token": subject} | options.pop("headers", {})
        return self.request("GET", options.pop("path", "/v3/auth/tokens"), token=token or self.admin_token, headers=headers, **options)

    # -- the world that tests need; all of it made through the API as the administrator ----------------------------------

    def new_domain(self, name=None, **fields):
        """A domain of its own; the member."""
        body = {"domain": {"name": name or unique("domain"), "enabled": True} | fields}
        return self.expect(201, "POST", "/v3/domains", token=self.admin_token, json=body)["domain"]

    def new_user(self, domain_id=DEFAULT_DOMAIN, password="secret-password-1", **fields):
        """A user; the member with the `password` beside it."""
        body = {"user": {"name": unique("user"), "domain_id": domain_id, "password": password, "enabled": True} | fields}
        return self.expect(201, "POST", "/v3/users", token=self.admin_token, json=body)["user"] | {"password": password}

    def new_role(self, name=None, **fields):
        """A role; the member."""
        body = {"role": {"name": name or unique("role")} | fields}
        return self.expect(201, "POST", "/v3/roles", token=self.admin_token, json=body)["role"]

    def role_id(self, name):
        """The id of a role by its name."""
        found = self.expect(200, "GET", f"/v3/roles?name={name}", token=self.admin_token)["roles"]
        return found[0]["id"]

    def grant(self, user, role, project=None, domain=None, method="PUT", *, group=None, system=False, inherited=False):
        """Grants (`DELETE`: takes back) a role, given by name or as a member, to the user (or, with `user=None`, the `group`)
        on a project or domain id or on the system; `inherited` is the grant that counts below the target only."""
        target = f"projects/{project}" if project else f"domains/{domain}" if domain else "system" if system else None
        actor = f"groups/{group['id']}" if group else f"users/{user['id']}"
        role_id = role["id"] if isinstance(role, dict) else self.role_id(role)
        path = f"{target}/{actor}/roles/{role_id}"
        path = f"/v3/OS-INHERIT/{path}/inherited_to_projects" if inherited else f"/v3/{path}"
        return self.expect(204, method, path, token=self.admin_token)

    def new_project(self, domain_id=DEFAULT_DOMAIN, **fields):
        """A project; its id."""
        body = {"project": {"name": unique("project"), "domain_id": domain_id} | fields}
        return self.expect(201, "POST", "/v3/projects", token=self.admin_token, json=body)["project"]["id"]

    def new_group(self, domain_id=DEFAULT_DOMAIN, *members, **fields):
        """A group with these users in it; the member."""
        body = {"group": {"name": unique("group"), "domain_id": domain_id} | fields}
        group = self.expect(201, "POST", "/v3/groups", token=self.admin_token, json=body)["group"]
        for user in members:
            self.expect(204, "PUT", f"/v3/groups/{group['id']}/users/{user['id']}", token=self.admin_token)
        return group

    def persona(self, role, domain=None, project=None):
        """A new user with one role on a domain or project: (user, token with that scope)."""
        home = domain or DEFAULT_DOMAIN
        user = self.new_user(home)
        self.grant(user, role, project=project, domain=domain)
        scope = {"project": project} if project else {"domain": domain}
        return user, self.token({"id": user["id"]}, user["password"], **scope)

    # -- the stock client ----------------------------------------------------------------------------------------------

    def admin_env(self):
        """The OS_* variables of the administrator."""
        return {
            "OS_AUTH_URL": self.auth_url,
            "OS_USERNAME": "admin",
            "OS_PASSWORD": ADMIN_PASSWORD,
            "OS_PROJECT_NAME": "admin",
            "OS_USER_DOMAIN_ID": DEFAULT_DOMAIN,
            "OS_PROJECT_DOMAIN_ID": DEFAULT_DOMAIN,
            "OS_REGION_NAME": "RegionOne",
            "OS_IDENTITY_API_VERSION": "3",
            "OS_INTERFACE": "public",
        }

    def user_env(self, user, project=None, domain=None):
        """The OS_* variables of a user, on a project or domain id or without a scope."""
        env = {k: v for k, v in self.admin_env().items() if k not in ("OS_USERNAME", "OS_USER_DOMAIN_ID") and "PROJECT" not in k}
        scope = {"OS_PROJECT_ID": project} if project else {"OS_DOMAIN_ID": domain} if domain else {}
        return env | {"OS_USER_ID": user["id"], "OS_PASSWORD": user["password"]} | scope

    def openstack_process(self, *args, env=None, stdin=""):
        """Runs the stock `openstack` client; the finished process."""
        base = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
        return subprocess.run([OPENSTACK, *args], env=base | (env or self.admin_env()), cwd=self.folder, input=stdin,
                              capture_output=True, text=True, timeout=300)

    def openstack(self, *args, env=None):
        """Runs the stock client with `-f json` where the command prints something; what it printed, decoded."""
        done = self.openstack_process(*args, *as_json(args), env=env)
        assert done.returncode == 0, f"openstack {' '.join(args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None


class RunScript:
    """`etc/run.sh` with the built binary, a folder and a port of its own, until its first answer."""

    def __init__(self, folder, port, **environment):
        base = {k: v for k, v in os.environ.items() if not k.startswith(("ARCHSTONE_", "OS_"))}
        self.output = folder / "output.txt"
        with open(self.output, "w") as output:
            self.process = subprocess.Popen(
                [ROOT / "etc/run.sh"], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env=base | {"ARCHSTONE_BIN": BINARY, "ARCHSTONE_DATA": str(folder / "var"), "ARCHSTONE_SERVER__BIND": f"127.0.0.1:{port}",
                            "ARCHSTONE_PASSWORD__ARGON2_MEMORY_KIB": "64"} | environment)

    def variables(self):
        """The printed variables, read as a shell reads them."""
        lines = [line for line in self.output.read_text().splitlines() if line.startswith("export OS_")]
        printed = subprocess.run(["bash", "-c", "\n".join([*lines, "env -0"])], env={}, capture_output=True, text=True, check=True).stdout
        return {k: v for k, _, v in (entry.partition("=") for entry in printed.split("\0")) if k.startswith("OS_")}

    def stop(self):
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(15)


def as_json(args):
    """What makes this `openstack` command print JSON: nothing where it prints none."""
    return [] if {"set", "delete", "add", "remove", "contains", "revoke"} & set(args[:3]) else ["-f", "json"]


def error_of(answer, code):
    """The `error` member of an answer that must have this code."""
    assert answer.status_code == code, f"{answer.status_code} instead of {code}: {answer.text[:1000]}"
    error = answer.json()["error"]
    assert error["code"] == code and error["title"] and error["message"]
    return error


def scope_of(project=None, domain=None, system=False, unscoped=False):
    """The `scope` member of an auth request, as a dict to merge (empty when no scope is asked for)."""
    if unscoped:
        return {"scope": "unscoped"}
    if system:
        return {"scope": {"system": {"all": True}}}
    for kind, value in (("project", project), ("domain", domain)):
        if value:
            return {"scope": {kind: value if isinstance(value, dict) else {"id": value}}}
    return {}


def nodes(count, cluster, settings=None):
    """That many nodes, serving, on one fresh PostgreSQL database of `cluster`; the first one owns the folder."""
    first = Archstone(cluster.fresh_database(), settings)
    first.prepare().start()
    return [first] + [first.another_node().start() for _ in range(count - 1)]


def one_for_each_name(make, start):
    """Yields, once, what gives the one thing of a name, made and started when first asked for; removes them afterwards."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = make(name)
            start(made[name])
        return made[name]

    yield of
    for it in made.values():
        it.remove()


def one_for_each_database(cluster, settings=None):
    """The same of running nodes on "sqlite" and "postgres"."""
    def make(database):
        return Archstone(cluster.fresh_database() if database == "postgres" else None, settings)

    yield from one_for_each_name(make, lambda node: node.prepare().start())
