"""Tempest against a node: its configuration, and the processes that run its tests in an environment of their own."""

import configparser
import contextlib
import json
import os
import pathlib
import queue
import subprocess
import threading
from dataclasses import dataclass

from harness import ADMIN_PASSWORD, DEFAULT_DOMAIN, TEMPEST_VENV

HERE = pathlib.Path(__file__).resolve().parent

# Two attempts and a lock of one second: tempest's test of the lock waits for its end.
LOCKOUT_ATTEMPTS, LOCKOUT_SECONDS = 2, 1
# What the node is started with.
NODE_SETTINGS = {
    "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_FAILURE_ATTEMPTS": str(LOCKOUT_ATTEMPTS),
    "ARCHSTONE_SECURITY_COMPLIANCE__LOCKOUT_DURATION": str(LOCKOUT_SECONDS),
}
# Processes that run tests at the same time.
WORKERS = 2
# A test that takes longer has failed.
TEST_SECONDS = 120


def configuration(node, folder):
    """tempest.conf for this node, by section. Nothing but the identity service is there."""
    return {
        "DEFAULT": {"log_file": f"{folder}/tempest.log", "use_stderr": "false"},
        "oslo_concurrency": {"lock_path": f"{folder}/locks"},
        "service-clients": {"http_timeout": "30"},
        # The administrator that makes each class's users: with scope system, as keystone-tempest-plugin asks for, since its
        # personas get roles on the system, on domains and on projects.
        "auth": {
            "use_dynamic_credentials": "true", "create_isolated_networks": "false", "admin_username": "admin",
            "admin_password": ADMIN_PASSWORD, "admin_project_name": "admin", "admin_domain_name": "Default", "admin_system": "all",
        },
        "identity": {
            "uri_v3": node.auth_url, "region": "RegionOne", "v3_endpoint_type": "public", "default_domain_id": DEFAULT_DOMAIN,
            "admin_role": "admin", "user_lockout_failure_attempts": str(LOCKOUT_ATTEMPTS),
            "user_lockout_duration": str(LOCKOUT_SECONDS),
            # No history of passwords is kept: Keystone's default.
            "user_unique_last_password_count": "0",
        },
        "identity-feature-enabled": {
            "api_v3": "true", "security_compliance": "true", "domain_specific_drivers": "false",
            "immutable_user_source": "false", "external_idp": "false",
        },
        "enforce_scope": {"keystone": "true"},
        "service_available": dict.fromkeys(("cinder", "glance", "horizon", "neutron", "nova", "swift"), "false"),
    }


def write_configuration(node):
    """Writes tempest.conf into a folder of the node's; that folder."""
    folder = node.folder / "tempest"
    (folder / "locks").mkdir(parents=True, exist_ok=True)
    parser = configparser.RawConfigParser()
    parser.read_dict(configuration(node, folder))
    with open(folder / "tempest.conf", "w") as file:
        parser.write(file)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What became of one test. `text` is the reason of a skip, or the requests and the traceback of a failure."""

    test: str
    outcome: str
    text: str = ""
    seconds: float = 0.0


def class_of(test):
    """The class of a test's id."""
    return test.rpartition(".")[0]


class Worker:
    """One process in tempest's environment."""

    def __init__(self, folder, number):
        self.log_path = folder / f"worker-{number}.log"
        base = {k: v for k, v in os.environ.items() if not k.startswith(("OS_", "TEMPEST_", "PYTHON"))}
        environment = base | {"TEMPEST_CONFIG_DIR": str(folder), "OS_TEST_TIMEOUT": str(TEST_SECONDS), "PYTHONWARNINGS": "ignore"}
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([TEMPEST_VENV / "bin/python", HERE / "worker.py"], env=environment, cwd=folder, text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def ask(self, **request):
        """The answers to one request, as they come. Ends early, with an error, when the process does."""
        print(json.dumps(request), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            answer = json.loads(line)
            if "end" in answer:
                return
            yield answer
        raise AssertionError(f"the worker ended with {self.process.wait()}\n{self.log_path.read_text(errors='replace')[-4000:]}")

    def run(self, tests):
        """Runs tests of one class; an outcome for each of them, and one more for the class when its clean-up went wrong."""
        left, whole_class = set(tests), []
        try:
            for answer in self.ask(run=tests):
                stage = answer.pop("stage")
                if stage:
                    whole_class.append((stage, answer))
                else:
                    left.discard(answer["test"])
                    yield Outcome(**answer)
        except (AssertionError, OSError) as error:
            whole_class.append(("worker", {"outcome": "failed", "text": str(error)}))
        # A class whose set-up fails or skips names none of its tests.
        for stage, answer in whole_class:
            if left:
                for test in sorted(left):
                    text = f"{stage}: {answer['text']}" if answer["outcome"] == "failed" else answer["text"]
                    yield Outcome(test, answer["outcome"], text)
                left = set()
            else:
                yield Outcome(f"{class_of(tests[0])}.{stage}", answer["outcome"], answer["text"])
        for test in sorted(left):
            yield Outcome(test, "failed", "the test has no outcome: its class does not have it")

    def close(self):
        """Ends the process."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Workers:
    """Some workers on one node; classes are handed to whichever is free."""

    def __init__(self, node, count):
        self.folder = write_configuration(node)
        self.workers = [Worker(self.folder, number) for number in range(count)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            worker.close()

    def modules_of(self, packages):
        """The names of every test module below these packages."""
        return [answer["module"] for answer in self.workers[0].ask(modules=packages)]

    def tests_of(self, modules):
        """The ids of every test in these modules."""
        return [answer["test"] for answer in self.workers[0].ask(list=modules)]

    def run(self, tests):
        """Runs these tests, class by class; their outcomes in the order of their ids."""
        classes = {}
        for test in tests:
            classes.setdefault(class_of(test), []).append(test)
        waiting, outcomes = queue.SimpleQueue(), []
        # Large classes first, so that no worker is left alone with one at the end.
        for members in sorted(classes.values(), key=len, reverse=True):
            waiting.put(members)

        def work(worker):
            while True:
                try:
                    members = waiting.get_nowait()
                except queue.Empty:
                    return
                outcomes.extend(worker.run(members))

        threads = [threading.Thread(target=work, args=(worker,)) for worker in self.workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(outcomes, key=lambda outcome: outcome.test)
