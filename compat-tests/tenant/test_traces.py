"""Traces of sign-ins and the audit trail (tenant-login section 12)."""

import json
import sqlite3

from tenancy import PASSWORD, TRACES, Tenant, admin, by_provider, to_provider
from visitor import query_of


def test_a_trace_says_what_happened_and_no_secret(tenant, provider, visitor):
    """Each step, what was sent and received without secrets, which rule decided."""
    way, client, browser = tenant.way(provider), tenant.client(), visitor(tenant)
    attempt = client.attempt()
    person = way.person(email="traced@example.org")
    back = to_provider(browser, attempt, way, person)
    answer = browser.get(back)
    tokens = attempt.tokens(answer.headers["Location"])
    trace = tenant.trace(answer.headers["x-openstack-request-id"])
    text = json.dumps(trace)
    steps = trace["items"] if "items" in trace else trace["steps"]
    assert len(steps) >= 3 and all(s["outcome"] == "success" for s in steps), text
    assert way.id in text and client.id in text, "who, by what, for whom"
    sent = query_of(back)
    secrets = [sent["code"], sent["state"], attempt.verifier, query_of(answer.headers["Location"])["code"], tokens["access_token"], tokens["id_token"],
               f"{way.client_id} secret", client.secret, *browser.cookies.values()]
    for secret in secrets:
        assert secret not in text, secret


def test_a_trace_of_a_failure(tenant, provider, visitor):
    way, client, browser = tenant.way(provider, allowed_domains=["corp.example"]), tenant.client(), visitor(tenant)
    attempt = client.attempt()
    back = to_provider(browser, attempt, way, way.person(email="ann@elsewhere.example"))
    answer = browser.get(back)
    attempt.error(answer.headers["Location"], "access_denied")
    request_id = answer.headers["x-openstack-request-id"]
    trace = json.dumps(tenant.trace(request_id))
    assert "failure" in trace and "domain" in trace.lower(), trace
    listed = admin(tenant.node, "GET", f"{TRACES}?tenant_id={tenant.id}", status=200)
    assert request_id in json.dumps(listed), "it is among the last failures"
    other = Tenant(tenant.node)
    assert admin(tenant.node, "GET", f"{TRACES}/{request_id}?tenant_id={other.id}").status_code == 404 or "domain" not in json.dumps(other.trace(request_id)).lower()


def test_the_person_is_told_less_than_the_administrator(one, provider, visitor):
    way, client, browser = one.way(provider, jit_enabled=False), one.client(), visitor(one)
    attempt = client.attempt()
    told = attempt.error(by_provider(browser, attempt, way, way.person()), "access_denied")
    assert way.id not in str(told) and provider.issuer not in str(told)


def test_sign_ins_are_audited(one):
    client, user = one.client(), one.user()
    client.sign_in(user)
    log_or_table = one.node.log()
    with sqlite3.connect(next(p for p in one.node.data.rglob("*") if p.is_file() and p.open("rb").read(15) == b"SQLite format 3")) as connection:
        tables = [t for (t,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table' AND name LIKE 'audit%'")]
        rows = [r for t in tables for r in connection.execute(f"SELECT action, user_id FROM {t} WHERE user_id = ?", (user["id"],))]
    actions = {action for action, _ in rows}
    assert any("login" in a for a in actions), (actions, log_or_table[-500:])
    assert PASSWORD not in log_or_table
