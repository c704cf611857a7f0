"""What tests of configurations and of drafts leave behind, whatever they are of (sso-api.md 4.6, 6.2).

Where the documents are silent: a draft is not checked for an issuer that is taken.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from connection_outcomes import client_of, failed, succeeded
from harness import unique
from peers import broken_oidc
from sso_bodies import ldap, oidc
from sso_calls import (
    CONFIGURATIONS,
    DRAFT,
    PROBE,
    afresh,
    create,
    done,
    draft,
    get,
    kept,
    listed,
    path_of,
    problem,
    send,
    settled,
    status,
    test,
    update,
)


def test_a_body_is_not_needed(archstone, provider):
    made = afresh(archstone, client_of(provider))
    path = path_of(made, "test")
    for options in (
        {},
        {"json": {}},
        {"json": {"tenantUuid": "x"}},
        {"json": {"surprise": 1}},
        {"data": b"", "headers": {"Content-Type": "application/json"}},
    ):
        answer = archstone.request("POST", path, token=archstone.admin_token, **options)
        assert answer.status_code == 200 and answer.json()["success"] is True, answer.text
    problem(send(archstone, "POST", path, ["x"]), 400)


def test_nothing_but_the_outcome_changes_and_nothing_elsewhere(archstone, provider, webs):
    other = settled(archstone, create(archstone), 30)
    made = settled(archstone, create(archstone, oidc(f"{webs('oidc').url}/good/{unique()}")))
    with kept(archstone, other):
        before = get(archstone, made)
        time.sleep(1.1)
        succeeded(test(archstone, made))
        after = get(archstone, made)
        assert {k for k in before | after if before.get(k) != after.get(k)} == {"lastTestAt"}
        total = listed(archstone)["total"]
        draft(archstone, oidc(f"{webs('oidc').url}/html/{unique()}"))
        draft(archstone, oidc(f"{webs('oidc').url}/good/{unique()}"))
        done(archstone, "POST", PROBE, {"issuer": provider.issuer})
        assert listed(archstone)["total"] == total and get(archstone, made) == after


def test_a_failure_is_told_by_the_configuration_too(archstone, webs):
    made = create(archstone, oidc(f"{webs('oidc').url}/other-issuer/{unique()}"))
    outcome = test(archstone, made)
    text = failed(outcome, "issuer")
    now = get(archstone, made)
    assert (now["status"], now["lastTestResult"], now["lastTestMessage"]) == ("error", "failure", text)
    assert now["issuer"] == made["issuer"], "the stored issuer does not change by itself"
    # What the peer calls itself may be told.
    assert outcome["issuer"] in ("", None, f"{webs('oidc').url}/elsewhere") or "issuer" not in outcome


def test_what_was_broken_may_be_mended(archstone, webs):
    web, own = webs("oidc"), unique()
    made = create(archstone, oidc(f"{web.url}/status-503/{own}"))
    failed(test(archstone, made), "503")
    status(archstone, made, "error")
    update(archstone, made, oidcConfig={"wellKnownUrl": f"{web.url}/good/{own}/{broken_oidc.WELL_KNOWN}"})
    succeeded(test(archstone, made))
    assert status(archstone, made, "active")["lastTestResult"] == "success"


def test_disabled_configurations_are_tested_all_the_same(archstone, webs):
    made = create(archstone, oidc(f"{webs('oidc').url}/good/{unique()}", enabled=False))
    succeeded(test(archstone, made))
    now = get(archstone, made)
    assert (now["status"], now["lastTestResult"]) == ("disabled", "success")


def test_creating_and_testing_in_one(archstone, webs):
    for case, state in (("good", "active"), ("html", "error")):
        made = done(archstone, "POST", f"{CONFIGURATIONS}?test=true", oidc(f"{webs('oidc').url}/{case}/{unique()}"), timeout=30)
        assert made["status"] == state and "lastTestAt" in made


def test_many_tests_at_once_of_one(archstone, webs):
    made = create(archstone, oidc(f"{webs('oidc').url}/good/{unique()}"))
    with ThreadPoolExecutor(8) as pool:
        for outcome in pool.map(lambda _: test(archstone, made), range(8)):
            succeeded(outcome)

# -- drafts --------------------------------------------------------------------------------------------------------------------


def test_a_draft_is_checked_as_a_configuration_is(one):
    for body, field in (
        (oidc(displayName=7), "displayName"),
        (oidc(providerType="CAS"), "providerType"),
        (oidc() | {"oidcConfig": {}}, "oidcConfig.clientId"),
        (oidc(block={"scope": "x"}), "oidcConfig.scope"),
        (ldap(block={"port": 0}), "ldapConfig.port"),
    ):
        problem(send(one, "POST", DRAFT, body), 400, field)


def test_a_draft_of_what_is_there_already_may_be_tested(archstone, provider):
    made = afresh(archstone, client_of(provider))
    with kept(archstone, settled(archstone, made)):
        succeeded(draft(archstone, client_of(provider)))
