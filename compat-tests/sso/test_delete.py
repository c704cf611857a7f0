"""Previewing and deleting (sso-api.md 4.5, D10).

Where the documents are silent: a bound user is somebody who came in through the configuration; `Foreground` and `Background` take
such users along, `Orphan` leaves them; a configuration that is being deleted cannot be changed (409) and lets nobody in; cancelling
brings it back as it was.
"""

import time

import pytest

from harness import eventually, unique
from sso_bodies import KINDS, any_kind, oidc
from sso_calls import (
    CONFIGURATIONS,
    FEDERATION,
    JOBS,
    create,
    delete,
    done,
    get,
    kept,
    listed,
    path_of,
    preview,
    problem,
    send,
    settled,
    status,
    system_admin,
    update,
)
from way import Way

BLOCKER = {"resourceType", "resourceUuid", "resourceName", "relation", "suggestion", "hard"}
RESOURCE = {"resourceType", "resourceUuid", "resourceName"}
FINALIZER = {"name", "description", "status", "error"}
POLICIES = {"Restrict", "Foreground", "Background", "Orphan"}


@pytest.fixture
def bound(archstone, provider):
    """A configuration with somebody who came in through it: (configuration, user's id, how to come in again)."""
    way = Way(archstone, provider)
    person = way.person()
    _, body = way.enter(person)
    return way.config, body["user"]["id"], lambda: way.present(person)


def gone(archstone, config):
    """Nothing is left of it on either face."""
    problem(send(archstone, "GET", path_of(config)), 404)
    assert config["uuid"] not in [i["uuid"] for i in listed(archstone, "limit=1000")["items"]]
    for path in (f"identity_providers/{config['uuid']}", f"mappings/{config['uuid']}"):
        archstone.expect(404, "GET", f"{FEDERATION}/{path}", token=archstone.admin_token)
    return True


def jobs_of(archstone, config, kind="sso.delete"):
    """Jobs about a configuration."""
    return [j for j in done(archstone, "GET", f"{JOBS}?limit=1000")["items"] if config["uuid"] in str(j) and kind in str(j)]


def whole(answer):
    """A preview has every member that the documents name, each in its form."""
    assert set(answer) == {
        "blockers",
        "cascadeResources",
        "orphanResources",
        "finalizers",
        "availablePolicies",
        "softDeleteRecoverable",
    }
    for it in answer["blockers"]:
        assert (
            set(it) == BLOCKER
            and isinstance(it["hard"], bool)
            and all(it[k] for k in ("resourceType", "resourceUuid", "relation", "suggestion"))
        )
    for it in answer["cascadeResources"] + answer["orphanResources"]:
        assert set(it) == RESOURCE and it["resourceType"] and it["resourceUuid"]
    for it in answer["finalizers"]:
        assert set(it) <= FINALIZER and it["name"] and it["description"]
    assert set(answer["availablePolicies"]) == POLICIES and answer["softDeleteRecoverable"] is False
    return answer


# -- previews ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_of_what_nobody_uses(archstone, kind):
    made = settled(archstone, create(archstone, any_kind(kind)), 30)
    with kept(archstone, made):
        seen = whole(preview(archstone, made))
        assert seen["blockers"] == [] and seen["orphanResources"] == []
        cascade = {(r["resourceType"], r["resourceUuid"]) for r in seen["cascadeResources"]}
        assert any(made["uuid"] == uuid for _, uuid in cascade), "what it is on the Keystone face goes with it"
        for body in (
            {},
            {"options": {}},
            {"options": None},
            {"tenantUuid": "x"},
            {"options": {"propagationPolicy": ""}},
            {
                "options": {
                    "propagationPolicy": "Restrict",
                    "force": False,
                    "gracePeriodSeconds": 0,
                    "revokeRemoteCredentials": True,
                }
            },
        ):
            assert done(archstone, "POST", path_of(made, "previewDelete"), body) == seen
        answer = archstone.request("POST", path_of(made, "previewDelete"), token=archstone.admin_token)
        assert answer.status_code == 200 and answer.json() == seen


def test_a_preview_of_what_somebody_uses(archstone, bound):
    config, user, _ = bound
    seen = whole(preview(archstone, config))
    assert user in [b["resourceUuid"] for b in seen["blockers"]], seen
    for policy in ("Foreground", "Background"):
        seen = whole(preview(archstone, config, propagationPolicy=policy))
        assert seen["blockers"] == [] and user in [r["resourceUuid"] for r in seen["cascadeResources"]], (policy, seen)
    seen = whole(preview(archstone, config, propagationPolicy="Orphan"))
    assert seen["blockers"] == [] and user in [r["resourceUuid"] for r in seen["orphanResources"]]
    assert user not in [r["resourceUuid"] for r in seen["cascadeResources"]]
    assert get(archstone, config)["uuid"] == config["uuid"]


OPTIONS = [
    ("propagationPolicy", "Nonsense"),
    ("propagationPolicy", "restrict "),
    ("propagationPolicy", "SoftDelete"),
    ("gracePeriodSeconds", "-1"),
    ("gracePeriodSeconds", "abc"),
    ("gracePeriodSeconds", "1.5"),
    ("force", "maybe"),
    ("revokeRemoteCredentials", "7"),
]


@pytest.mark.parametrize(("name", "value"), OPTIONS)
def test_options_that_are_none(archstone, name, value):
    """By their dotted names; `SoftDelete` is none, since nothing can be restored."""
    made = create(archstone)
    problem(delete(archstone, made, **{name: value}), 400, f"options.{name}")
    if not (name == "propagationPolicy" and value == "SoftDelete"):
        problem(send(archstone, "POST", path_of(made, "previewDelete"), {"options": {name: value}}), 400, f"options.{name}")
    assert get(archstone, made)["uuid"] == made["uuid"]


@pytest.mark.parametrize(
    "body",
    [
        {"options": "x"},
        {"options": []},
        {"options": {"propagationPolicy": 7}},
        {"options": {"force": "true"}},
        {"options": {"gracePeriodSeconds": "7"}},
        [],
    ],
)
def test_a_preview_with_wrong_types(sqlite_archstone, body):
    problem(send(sqlite_archstone, "POST", path_of(create(sqlite_archstone), "previewDelete"), body), 400)


# -- deleting ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"propagationPolicy": ""},
        {"propagationPolicy": "Restrict"},
        {"propagationPolicy": "Foreground"},
        {"propagationPolicy": "Orphan"},
        {"force": "false", "gracePeriodSeconds": "0", "revokeRemoteCredentials": "true"},
    ],
)
def test_what_nobody_uses_goes_at_once(archstone, options):
    made = create(archstone)
    answer = delete(archstone, made, **options)
    assert (answer.status_code, answer.json()) == (200, {})
    assert gone(archstone, made)
    problem(delete(archstone, made, **options), 404)


def test_restrict_is_the_default_and_says_what_is_in_the_way(archstone, bound):
    config, user, again = bound
    for options in ({}, {"propagationPolicy": "Restrict"}):
        with kept(archstone, settled(archstone, config)):
            error = problem(delete(archstone, config, **options), 409)
            assert "user" in error["description"].lower(), error
    assert again().status_code == 201
    archstone.expect(200, "GET", f"/v3/users/{user}", token=archstone.admin_token)


@pytest.mark.parametrize("policy", ["Foreground", "Background"])
def test_people_go_along(archstone, bound, policy):
    config, user, again = bound
    assert delete(archstone, config, propagationPolicy=policy).json() == {}
    assert eventually(lambda: send(archstone, "GET", path_of(config)).status_code == 404, 15, 0.1) and gone(archstone, config)
    assert archstone.request("GET", f"/v3/users/{user}", token=archstone.admin_token).status_code == 404
    assert again().status_code in (401, 403, 404)


def test_people_are_left_behind(archstone, bound):
    config, user, again = bound
    assert delete(archstone, config, propagationPolicy="Orphan").json() == {}
    assert gone(archstone, config)
    archstone.expect(200, "GET", f"/v3/users/{user}", token=archstone.admin_token)
    assert again().status_code in (401, 403, 404)


def test_force_goes_through_everything_and_is_recorded(archstone, bound):
    config, _, _ = bound
    problem(delete(archstone, config, force="true"), 403)
    problem(delete(archstone, config, force="true", propagationPolicy="Foreground"), 403)
    answer = delete(archstone, config, system_admin(archstone), force="true")
    assert (answer.status_code, answer.json()) == (200, {}) and gone(archstone, config)
    path = f"/v3/archstone/audit?request_id={answer.headers['x-openstack-request-id']}"
    events = archstone.expect(200, "GET", path, token=archstone.admin_token)["audit_events"]
    assert any("delete" in e["action"] and "force" in str(e) for e in events), events


def test_in_the_background(archstone):
    """Answered at once; the job is there to be seen."""
    made = create(archstone)
    answer = delete(archstone, made, propagationPolicy="Background")
    assert (answer.status_code, answer.json()) == (200, {})
    assert eventually(lambda: send(archstone, "GET", path_of(made)).status_code == 404, 15, 0.1) and gone(archstone, made)
    [job] = jobs_of(archstone, made)
    assert job["state"] == "succeeded" and job["attempts"] == 1, job


def test_a_grace_period(archstone, bound):
    """Until it is over the configuration is there, is being deleted, takes no changes and lets nobody in; then it goes."""
    config, _, again = bound
    assert delete(archstone, config, propagationPolicy="Background", gracePeriodSeconds=3).json() == {}
    began = time.monotonic()
    assert get(archstone, config)["status"] == "deleting"
    assert again().status_code in (401, 403)
    problem(send(archstone, "PUT", path_of(config), {"displayName": "x"}), 409)
    [job] = jobs_of(archstone, config)
    assert job["state"] == "queued", job
    assert eventually(lambda: send(archstone, "GET", path_of(config)).status_code == 404, 20, 0.1)
    assert time.monotonic() - began > 2.0 and gone(archstone, config)


def test_a_grace_period_at_whose_end_something_is_in_the_way(archstone, bound):
    """The job says what; the configuration is what it was."""
    config, _, again = bound
    before = settled(archstone, config)["status"]
    assert delete(archstone, config, propagationPolicy="Restrict", gracePeriodSeconds=1).json() == {}
    assert get(archstone, config)["status"] == "deleting"
    assert eventually(lambda: get(archstone, config)["status"] == before, 10, 0.1), get(archstone, config)
    [job] = jobs_of(archstone, config)
    assert job["state"] == "failed" and "propagationPolicy" in job["error"] and again().status_code == 201


def test_a_delete_that_is_called_off(archstone, bound):
    """The configuration is what it was, and people come in again."""
    config, _, again = bound
    before = settled(archstone, config)
    delete(archstone, config, propagationPolicy="Background", gracePeriodSeconds=600)
    status(archstone, config, "deleting")
    [job] = jobs_of(archstone, config)
    cancelled = done(archstone, "POST", f"{JOBS}/{job['uuid']}/cancel", {})
    assert cancelled["state"] == "cancelled"
    assert eventually(lambda: get(archstone, config)["status"] == before["status"], 5, 0.1), get(archstone, config)
    assert again().status_code == 201
    update(archstone, config, displayName="still here")
    # And once more, in earnest.
    assert delete(archstone, config, propagationPolicy="Foreground").json() == {} and gone(archstone, config)


def test_deleting_what_is_being_deleted(archstone):
    made = create(archstone)
    delete(archstone, made, propagationPolicy="Background", gracePeriodSeconds=600)
    answer = delete(archstone, made, propagationPolicy="Background", gracePeriodSeconds=600)
    assert answer.status_code in (200, 409), answer.text
    assert len(jobs_of(archstone, made)) == 1
    answer = delete(archstone, made, system_admin(archstone), force="true")
    assert answer.status_code == 200 and gone(archstone, made)


def test_a_deletion_with_a_stale_entity_tag(archstone):
    answer = send(archstone, "POST", CONFIGURATIONS, oidc())
    made, tag = answer.json(), answer.headers["ETag"]
    update(archstone, made, displayName=unique())
    problem(send(archstone, "DELETE", path_of(made), headers={"If-Match": tag}), 412)
    assert (
        send(
            archstone, "DELETE", path_of(made), headers={"If-Match": send(archstone, "GET", path_of(made)).headers["ETag"]}
        ).json()
        == {}
    )
