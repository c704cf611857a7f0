"""Background work as one sees it: tests after a change, jobs that can be looked at and called off, several nodes.

Where the documents are silent: there is one job for each kind and configuration, queued again when it is needed again; `kind` is
`sso.test` or `sso.delete`, `subject` the configuration, `state` one of queued, running, succeeded, failed, cancelled.
"""

import time

import pytest

from harness import Archstone, eventually, faketime, nodes, set_clock, unique
from peers import broken_oidc, broken_saml
from peers.broken import BrokenWeb
from peers.broken_oidc import WELL_KNOWN, documents
from sso_bodies import by_metadata, oidc
from sso_calls import (
    JOBS,
    MOMENT,
    create,
    delete,
    done,
    get,
    listed,
    path_of,
    problem,
    project_person,
    send,
    settled,
    status,
    system_person,
    test,
    update,
)

STATES = {"queued", "running", "succeeded", "failed", "cancelled"}


def jobs_of(archstone, config, kind="sso.test"):
    """The jobs of a kind about a configuration."""
    return [
        j for j in done(archstone, "GET", f"{JOBS}?limit=1000")["items"] if (j["kind"], j["subject"]) == (kind, config["uuid"])
    ]


def asked(web, own):
    """How often the discovery document of a test's own address was asked for."""
    return sum(f"/{own}/{WELL_KNOWN}" in path for path in web.asked)


@pytest.fixture
def web():
    """Providers and metadata of the test's own."""

    def served(web, case, rest):
        return (broken_saml if rest.endswith(("/metadata.xml", "/sso")) else broken_oidc).documents(web, case, rest)

    it = BrokenWeb(served)
    yield it
    it.remove()


def test_what_is_created_is_tested_in_the_background(archstone, web):
    own = unique()
    made = create(archstone, oidc(f"{web.url}/good/{own}"))
    tested = status(archstone, made, "active")
    assert tested["lastTestResult"] == "success" and MOMENT.fullmatch(tested["lastTestAt"])
    [job] = eventually(lambda: [j for j in jobs_of(archstone, made) if j["state"] == "succeeded"], 5, 0.1)
    assert job["attempts"] == 1 and asked(web, own) == 1
    assert done(archstone, "GET", f"{JOBS}/{job['uuid']}") == job


def test_what_fails_is_an_error_and_not_asked_over_and_over(archstone, web):
    own = unique()
    made = create(archstone, oidc(f"{web.url}/status-500/{own}"))
    failed = status(archstone, made, "error")
    assert failed["lastTestResult"] == "failure" and "500" in failed["lastTestMessage"]
    assert eventually(lambda: asked(web, own) > 4, 3) is False
    [job] = jobs_of(archstone, made)
    assert job["attempts"] <= 4


def test_what_changes_is_tested_again(archstone, web):
    own, other = unique(), unique()
    made = create(archstone, oidc(f"{web.url}/status-500/{own}", secret=None))
    status(archstone, made, "error")
    update(archstone, made, oidcConfig={"wellKnownUrl": f"{web.url}/good/{other}/{WELL_KNOWN}"})
    assert status(archstone, made, "active")["lastTestResult"] == "success"
    before = asked(web, other)
    update(archstone, made, displayName="x")
    time.sleep(1)
    assert asked(web, other) == before, "a name is no reason"


def test_a_request_waits_for_no_provider(archstone, web):
    began = time.monotonic()
    made = create(archstone, oidc(f"{web.url}/silent/{unique()}"))
    update(archstone, made, oidcConfig={"clientId": "x"})
    assert time.monotonic() - began < 3 and get(archstone, made)["status"] == "pending"


def test_jobs_are_listed_and_read(archstone, web):
    made = create(archstone, oidc(f"{web.url}/good/{unique()}"))
    settled(archstone, made)
    page = done(archstone, "GET", JOBS)
    assert (
        set(page) == {"items", "total", "limit", "offset"} and (page["limit"], page["offset"]) == (20, 0) and page["total"] >= 1
    )
    for job in page["items"]:
        assert {"uuid", "kind", "subject", "state", "attempts", "createdAt", "updatedAt"} <= set(job)
        assert job["state"] in STATES and MOMENT.fullmatch(job["createdAt"])
    assert [j["createdAt"] for j in page["items"]] == sorted((j["createdAt"] for j in page["items"]), reverse=True), (
        "newest first"
    )
    assert len(done(archstone, "GET", f"{JOBS}?limit=1")["items"]) == 1
    problem(send(archstone, "GET", f"{JOBS}?limit=abc"), 400, "limit")
    problem(send(archstone, "GET", f"{JOBS}/{unique()}"), 404)
    problem(send(archstone, "POST", f"{JOBS}/{unique()}/cancel", {}), 404)


def test_jobs_that_have_ended_cannot_be_called_off(archstone, web):
    made = create(archstone, oidc(f"{web.url}/good/{unique()}"))
    [job] = eventually(lambda: [j for j in jobs_of(archstone, made) if j["state"] == "succeeded"], 10, 0.1)
    problem(send(archstone, "POST", f"{JOBS}/{job['uuid']}/cancel", {}), 409)


def test_a_running_job_is_called_off_within_seconds(archstone, web):
    made = create(archstone, oidc(f"{web.url}/silent/{unique()}"))
    [job] = eventually(lambda: [j for j in jobs_of(archstone, made) if j["state"] == "running"], 10, 0.1)
    answer = send(archstone, "POST", f"{JOBS}/{job['uuid']}/cancel")
    assert answer.status_code == 200, answer.text
    assert eventually(lambda: jobs_of(archstone, made)[0]["state"] == "cancelled", 8, 0.1), jobs_of(archstone, made)
    # Nothing was found out, so nothing is said.
    assert "lastTestAt" not in get(archstone, made) and get(archstone, made)["status"] == "pending"
    assert send(archstone, "POST", f"{JOBS}/{job['uuid']}/cancel").status_code in (200, 409)


def test_who_may(archstone, web):
    made = create(archstone, oidc(f"{web.url}/good/{unique()}"))
    settled(archstone, made)
    [job] = jobs_of(archstone, made)
    path = f"{JOBS}/{job['uuid']}"
    member, reader = project_person(archstone, "member"), system_person(archstone, "reader")
    for method, at in (("GET", JOBS), ("GET", path), ("POST", path + "/cancel")):
        problem(send(archstone, method, at, token=member), 403)
        problem(send(archstone, method, at, token=False), 401)
    problem(send(archstone, "POST", path + "/cancel", token=reader), 403)


def test_a_configuration_that_is_gone_before_its_test(archstone, web):
    """The job ends quietly."""
    made = create(archstone, oidc(f"{web.url}/silent/{unique()}"))
    assert delete(archstone, made).status_code == 200
    assert eventually(lambda: not [j for j in jobs_of(archstone, made) if j["state"] in ("queued", "running")], 20, 0.2)
    assert "panicked" not in archstone.log()


def test_one_slow_provider_does_not_hold_the_others_up(archstone, web):
    for _ in range(8):
        create(archstone, oidc(f"{web.url}/silent/{unique()}"))
    began = time.monotonic()
    made = create(archstone, oidc(f"{web.url}/good/{unique()}"))
    status(archstone, made, "active", 40)
    assert time.monotonic() - began < 25


def test_tests_are_repeated(settings, tmp_path, web):
    """About as often as configured; a provider that goes bad, or a certificate that comes to its end, is noticed by itself."""
    control, environment = faketime(tmp_path)
    node = Archstone(settings=settings | {"ARCHSTONE_SSO__RETEST_SECS": "1200"})
    try:
        node.prepare()
        node.settings |= environment
        node.start()
        own, other = unique(), unique()
        made = status(node, create(node, oidc(f"{web.url}/good/{own}")), "active")
        off = create(node, oidc(f"{web.url}/good/{other}", enabled=False))
        ending = status(node, create(node, by_metadata(f"{web.url}/ending/{unique()}/metadata.xml")), "active")
        web.documents = lambda w, case, rest: None
        set_clock(control, "+800s")
        time.sleep(2)
        assert get(node, made)["status"] == "active", "not before its time"
        set_clock(control, "+2000s")
        again = status(node, made, "error", 20)
        assert again["lastTestAt"] > made["lastTestAt"] and "404" in again["lastTestMessage"]
        assert again["updatedAt"] == made["updatedAt"] and ending["warnings"]
        assert asked(web, other) <= 1 and get(node, off)["status"] == "disabled", "what is off is left alone"
    finally:
        node.remove()


def test_nothing_is_tested_in_the_background_where_that_is_switched_off(launch, settings, web):
    node = launch(settings=settings | {"ARCHSTONE_SSO__BACKGROUND_TESTS": "false"})
    own = unique()
    made = create(node, oidc(f"{web.url}/good/{own}"))
    time.sleep(2)
    assert get(node, made)["status"] == "pending" and asked(web, own) == 0
    assert test(node, made)["success"] is True and get(node, made)["status"] == "active"


# -- several nodes ------------------------------------------------------------------------------------------------------------


def test_on_two_nodes_each_job_runs_once(pair, web):
    owns = [unique() for _ in range(30)]
    made = [create(pair[n % 2], oidc(f"{web.url}/good/{own}")) for n, own in enumerate(owns)]
    for n, config in enumerate(made):
        status(pair[(n + 1) % 2], config, "active", 30)
    assert [asked(web, own) for own in owns] == [1] * len(owns)
    for config in made:
        [job] = jobs_of(pair[0], config)
        assert (job["state"], job["attempts"]) == ("succeeded", 1)


def test_nodes_see_each_others_changes(pair, web):
    a, b = pair
    made = create(a, oidc(f"{web.url}/good/{unique()}"))
    assert get(b, made)["displayName"] == made["displayName"]
    update(a, made, displayName="by a", enabled=False)
    assert eventually(lambda: get(b, made)["displayName"] == "by a")
    assert test(b, made)["success"] is True and get(a, made)["lastTestResult"] == "success"
    assert delete(b, made).status_code == 200
    assert eventually(lambda: send(a, "GET", path_of(made)).status_code == 404)
    assert made["uuid"] not in [i["uuid"] for i in listed(a, "limit=1000")["items"]]


def test_a_background_delete_on_two_nodes(pair):
    a, b = pair
    made = [create(a) for _ in range(10)]
    for config in made:
        delete(a, config, propagationPolicy="Background", gracePeriodSeconds=1)
    for config in made:
        assert eventually(lambda: send(b, "GET", path_of(config)).status_code == 404, 20, 0.1)
        [job] = jobs_of(b, config, "sso.delete")
        assert (job["state"], job["attempts"]) == ("succeeded", 1)


@pytest.fixture
def at_work(cluster, settings):
    """A node that waits for a silent provider, and another one that is stopped: (first, second, the configuration, how often asked).

    The second node is there only afterwards, so that the first has the job for sure.
    """
    web = BrokenWeb(documents)
    first, second = nodes(2, cluster, settings)
    try:
        second.term()
        own = unique()
        made = create(first, oidc(f"{web.url}/silent/{own}"))
        assert eventually(lambda: asked(web, own) == 1, 10, 0.05)
        yield first, second, made, lambda: asked(web, own)
    finally:
        second.remove()
        first.remove()
        web.remove()


def test_the_job_of_a_node_that_was_killed_is_taken_over(at_work):
    """That it was tried twice can be seen."""
    first, second, made, times_asked = at_work
    first.kill()
    second.start()
    tested = settled(second, made, 150)
    assert tested["lastTestResult"] == "failure" and times_asked() == 2
    job = eventually(lambda: [j for j in jobs_of(second, made) if j["state"] == "succeeded"], 10, 0.2)
    assert job and job[0]["attempts"] == 2, jobs_of(second, made)


def test_the_job_of_a_node_that_is_stopped_goes_on_at_once(at_work):
    """SIGTERM gives it back."""
    first, second, made, _ = at_work
    second.start()
    assert first.term() == 0
    assert settled(second, made, 25)["lastTestResult"] == "failure"


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_job_outlives_a_restart(launch, settings, database):
    node = launch(database, settings=settings)
    made = create(node)
    settled(node, made, 30)
    delete(node, made, propagationPolicy="Background", gracePeriodSeconds=4)
    node.restart("kill")
    assert get(node, made)["status"] == "deleting"
    assert eventually(lambda: send(node, "GET", path_of(made)).status_code == 404, 20, 0.1)
