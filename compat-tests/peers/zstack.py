"""A ZStack Cloud management node, as far as an identity service meets it: a strict double of its REST API.

No real one can be run here. The double refuses what a real one refuses: wrong envelopes, sessions and signatures, clocks that go
wrong, job ids used twice, values that do not fit its columns. Calls that change something answer 202 with the `location` of a job on
a host that nobody may ask (`strayed` notes who does), and the job takes polls. `zstack_accounts.py` knows sessions and keys,
`zstack_sso.py` the clients, `zstack_sign_in.py` what people do with them.

    zstack = ZStack()                                    # or line="zsphere", the 4.10+/5.0 line without loginType and SAML
    zstack.on("CreateOAuthClient", "drop", times=1)      # a fault for an operation (None: any)

| fault | what happens |
|---|---|
| `error` | 503 with an error object: `code`, `details`, and `cause` (another code), through the job where there is one; nothing is done |
| `plain` | `status` with `text`; `retry_after` too |
| `drop`, `refuse` | the connection ends after the work, or before it |
| `hang`, `slow` | no answer; the answer after `seconds` |
| `lost` | 202, the work is done, the job is unknown afterwards (404) |
| `endless` | 202, the work is done, the job stays at 202 |
| `at once` | 200 with the result, as the explorer of the API says |
| `page` | a proxy's page with 502 |
"""

import json
import re
import threading
import time
import urllib.parse
import uuid

from peers.quick_http import QuickServer, page
from peers.zstack_accounts import Accounts
from peers.zstack_answers import Failed, Plain, error
from peers.zstack_sign_in import SignIn
from peers.zstack_sso import SsoClients

JOB_ID = re.compile(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")
CONTENT_TYPE = "application/json;charset=UTF-8"
LOGIN_TYPES = ("iam1", "iam2", "oauth2-iam1", "oauth2-iam2")
CANARY = "canary-of-a-management-node"


class Asked:
    """One request as it came, and what became of it."""

    def __init__(self, operation, request, path, query):
        self.operation, self.method, self.path, self.query = operation, request.method, path, query
        self.headers, self.body, self.at, self.status = dict(request.headers), request.body, time.time(), None

    @property
    def params(self):
        """The members of the operation, whatever the envelope calls them."""
        found = [value for name, value in json.loads(self.body or b"{}").items() if name not in ("systemTags", "userTags")]
        return found[0] if found else {}

    def __repr__(self):
        return f"<{self.operation} {self.method} {self.path} {self.status}>"


class ZStack(Accounts, SsoClients, SignIn):
    """One management node on a loopback port: `url` is its address, `base` that of its API.

    `line` is "enterprise" (4.5 to 5.x) or "zsphere"; `login_types` what it takes for `loginType`. `requests` has every request.
    """

    def __init__(self, line="enterprise", login_types=LOGIN_TYPES, password="admin password", context=None):
        assert line in ("enterprise", "zsphere"), line
        self.line, self.login_types, self.context = line, login_types, context
        self.lock, self.ending = threading.RLock(), threading.Event()
        self.requests, self.rules, self.jobs, self.strayed = [], [], {}, []
        # How often a job answers 202 before its result, and for how long at least.
        self.job_polls, self.job_seconds = 2, 0.0
        # Seconds that its clock is ahead, and how long everything takes.
        self.skew = self.latency = 0.0
        self.foreign = QuickServer(self._stray)
        Accounts.__init__(self, password)
        SsoClients.__init__(self)
        SignIn.__init__(self)
        self.server = QuickServer(self._serve, CONTENT_TYPE, context=context)
        self.port, self.url = self.server.port, self.server.url
        self.base = f"{self.url}/zstack/v1"
        self.routes = [(name, method, re.compile("/v1" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), key, how)
                       for table in (self.account_operations(), self.sso_operations()) for name, (method, path, key, how) in table.items()]

    # -- what tests tell it --------------------------------------------------------------------------------------------

    def on(self, operation, fault, times=None, skip=0, **arguments):
        """A fault for requests of this operation, `times` often, after `skip` of them went well."""
        assert fault in ("error", "plain", "drop", "refuse", "hang", "slow", "lost", "endless", "at once", "page"), fault
        assert operation is None or operation in {"Job"} | {r[0] for r in self.routes}, operation
        with self.lock:
            self.rules.append({"operation": operation, "fault": fault, "times": times, "skip": skip} | arguments)

    def behave(self):
        """No faults any more."""
        with self.lock:
            self.rules.clear()

    def asked(self, *operations):
        """The requests of these operations, in order."""
        return [r for r in self.requests if r.operation in operations]

    def changes(self):
        """The operations of all requests that change something, logins left out, in order."""
        return [r.operation for r in self.requests if r.method != "GET" and r.operation not in ("LogIn", "LogOut")]

    def forget_requests(self):
        """Counts from here."""
        with self.lock:
            self.requests.clear()

    def expire_jobs(self):
        """Every job is unknown from now on."""
        with self.lock:
            self.jobs.clear()

    def stop(self):
        """The machine is down: its port refuses connections. What it knew stays."""
        self.server.remove()

    def start(self):
        """It is back, on the same port."""
        self.server = QuickServer(self._serve, CONTENT_TYPE, port=self.port, context=self.context)

    def remove(self):
        """Ends it for good."""
        self.ending.set()
        self.server.remove()
        self.foreign.remove()

    # -- requests ------------------------------------------------------------------------------------------------------

    def _stray(self, request):
        self.strayed.append((request.path, dict(request.headers)))
        return 200, {"Content-Type": CONTENT_TYPE}, b'{"inventory":{"uuid":"' + b"f" * 32 + b'"}}'

    def _serve(self, request):
        path, _, query = request.path.partition("?")
        if self.latency and self.ending.wait(self.latency):
            return None
        if page_of_people := self.visit(request, path, query):
            return page_of_people
        asked = Asked(None, request, path, query)
        with self.lock:
            self.requests.append(asked)
        try:
            answer = self._operate(asked, request)
        except Plain as plain:
            answer = plain.answer()
        except Failed as failed:
            answer = 503, {}, encoded({"error": failed.error})
        asked.status = answer and answer[0]
        return answer

    def _operate(self, asked, request):
        if not asked.path.startswith("/zstack/"):
            raise Plain(404, "not found")
        path = asked.path.removeprefix("/zstack")
        if job := re.fullmatch(r"/v1/api-jobs/([^/]*)", path):
            asked.operation = "Job"
            if answer := self._fault(asked):
                return answer[0]
            return self._job(request.method, job[1])
        fitting = [(route, match) for route in self.routes if (match := route[2].fullmatch(urllib.parse.unquote(path)))]
        if not fitting:
            raise Plain(404, f"no api mapping to {path}")
        fitting = [(route, match) for route, match in fitting if route[1] == request.method]
        if not fitting:
            raise Plain(405, f"The method[{request.method}] is not allowed for the path[{path}]")
        body = self._body(request)
        # Several actions may have one path: the envelope's member tells them apart.
        chosen = [f for f in fitting if f[0][3] is None or f[0][3] in body] or fitting[:1]
        (asked.operation, _, _, key, how), match = chosen[0]
        if "open" not in how:
            caller = self.authenticate(request, path)
        else:
            caller = None
        if key is not None and not isinstance(body.get(key), dict):
            raise Plain(400, f"the body doesn't contain action mapping to the URL[{path}]")
        for tags in ("systemTags", "userTags"):
            if not isinstance(body.get(tags, []), list) or not all(isinstance(t, str) for t in body.get(tags, [])):
                raise Plain(400, f"{tags} must be a list of strings")
        members = body.get(key, {}) if key else dict(urllib.parse.parse_qsl(asked.query))
        job = self._job_id(request) if "sync" not in how else None
        return self._run(asked, caller, members | match.groupdict(), how, job)

    def _body(self, request):
        if request.method in ("GET", "DELETE"):
            return {}
        if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise Plain(400, "Content-Type must be application/json;charset=UTF-8")
        try:
            body = json.loads(request.body)
        except ValueError:
            raise Plain(500, "java.io.EOFException: End of input at line 1 column 1") from None
        if not isinstance(body, dict):
            raise Plain(400, "the body must be a JSON object")
        return body

    def _job_id(self, request):
        asked = request.headers.get("x-job-uuid")
        if asked is None:
            return uuid.uuid4().hex
        if not JOB_ID.fullmatch(asked):
            raise Plain(400, "Invalid header[X-Job-UUID], it must be a UUID with '-' stripped")
        with self.lock:
            if asked in self.used_job_ids:
                raise Plain(400, f"Duplicate job uuid[{asked}]")
        return asked

    def _rule(self, operation):
        with self.lock:
            for rule in self.rules:
                if rule["operation"] in (None, operation):
                    if rule["skip"] > 0:
                        rule["skip"] -= 1
                        continue
                    if rule["times"] is not None:
                        rule["times"] -= 1
                        if rule["times"] <= 0:
                            self.rules.remove(rule)
                    return rule
        return None

    def _fault(self, asked):
        """A fault that leaves no work to be done: the answer in a tuple. None where there is none; other faults go to `asked.rule`."""
        asked.rule = rule = self._rule(asked.operation)
        match rule and rule["fault"]:
            case "plain":
                raise Plain(rule["status"], rule.get("text", CANARY), rule.get("retry_after"))
            case "page":
                return ((502, {"Content-Type": "text/html"}, page(CANARY)),)
            case "refuse":
                return (None,)
            case "hang":
                self.ending.wait(120)
                return (None,)
            case "slow" if asked.operation == "Job":
                self.ending.wait(rule.get("seconds", 1.0))
        return None

    def _run(self, asked, caller, members, how, job):
        """Does the work, once the request is a good one."""
        if answer := self._fault(asked):
            return answer[0]
        rule = asked.rule or {"fault": None}
        try:
            if rule["fault"] == "error":
                raise Failed(error(rule.get("code", "SYS.1006"), rule.get("details", CANARY), rule.get("cause")))
            with self.lock:
                if "open" not in how:
                    self.permit(caller, how)
                result = 200, getattr(self, method_of(asked.operation))(caller, members)
        except Failed as failed:
            result = 503, {"error": failed.error}
        if job is None or rule["fault"] == "at once":
            answer = result[0], {}, encoded(result[1])
        else:
            with self.lock:
                self.used_job_ids.add(job)
                if rule["fault"] != "lost":
                    polls = None if rule["fault"] == "endless" else self.job_polls
                    self.jobs[job] = {"result": result, "polls": polls, "from": time.monotonic() + self.job_seconds}
            answer = 202, {}, encoded({"location": f"{self.foreign.url}/zstack/v1/api-jobs/{job}", "apiTimeout": 1_800_000})
        if rule["fault"] == "slow" and self.ending.wait(rule.get("seconds", 1.0)):
            return None
        return None if rule["fault"] == "drop" else answer

    def _job(self, method, id):
        if method != "GET":
            raise Plain(405, "only GET method is allowed for querying job status")
        with self.lock:
            job = self.jobs.get(id)
            if job is None:
                raise Plain(404, "the job has been expired")
            if job["polls"] is None or job["polls"] > 0 or time.monotonic() < job["from"]:
                if job["polls"]:
                    job["polls"] -= 1
                return 202, {}, b"{}"
            return job["result"][0], {}, encoded(job["result"][1])


def method_of(operation):
    """The name of what does an operation: `do_create_oauth_client` for `CreateOAuthClient`."""
    words = operation.replace("OAuth", "Oauth").replace("SAML2", "Saml2").replace("SSO", "Sso")
    return "do" + re.sub(r"(?=[A-Z])", "_", words).lower()


def encoded(value):
    """JSON as bytes."""
    return json.dumps(value, ensure_ascii=False).encode()
