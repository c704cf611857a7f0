"""Tests of configurations and drafts of directories, of real ones and of broken ones (sso-api.md 4.6, 6.2)."""

import time
from concurrent.futures import ThreadPoolExecutor

from connection_outcomes import DEADLINE, failed, succeeded
from peers import directory as ldap_tree
from peers.broken import CANARY
from sso_bodies import SP_CERTIFICATE, ldap, of_directory
from sso_calls import DRAFT, afresh, draft, get, send, test


def test_a_real_directory(archstone, directory, authority):
    made = afresh(archstone, of_directory(directory))
    succeeded(test(archstone, made), authorizationEndpoint="", tokenEndpoint="")
    assert get(archstone, made)["status"] == "active"
    for body in (
        of_directory(directory, tls=True),
        of_directory(directory, block={"useStartTls": True}),
        ldap("localhost", {"port": directory.tls_port, "useSsl": True}),
        of_directory(directory, block={"bindDn": None, "bindPassword": None}),
        of_directory(directory, block={"userSearchBase": ldap_tree.USERS, "userSearchFilter": "(mail=%s)"}),
        of_directory(directory, block={"groupSearchBase": ldap_tree.GROUPS, "groupSearchFilter": "(member=%s)"}),
        of_directory(directory, block={"bindDn": ldap_tree.ADMIN, "bindPassword": ldap_tree.ADMIN_PASSWORD}),
    ):
        succeeded(draft(archstone, body))


def test_an_authority_of_the_directorys_own(archstone, directories, stranger):
    """`caCertificatePem` takes the place of the system's authorities."""
    it = directories("unknown authority")
    for block in ({}, {"useSsl": False, "useStartTls": True, "port": it.port}):
        failed(draft(archstone, of_directory(it, tls=True, block=block)), "certificate|authority|issuer")
        succeeded(draft(archstone, of_directory(it, tls=True, block=block | {"caCertificatePem": stranger.pem})))


def test_the_second_server_is_asked_when_the_first_does_not_answer(archstone, directory, sockets):
    body = of_directory(directory, block={"port": sockets.refused(), "servers": [f"127.0.0.1:{directory.port}"]})
    succeeded(draft(archstone, body))
    failed(
        draft(
            archstone, of_directory(directory, block={"port": sockets.refused(), "servers": [f"127.0.0.1:{sockets.refused()}"]})
        ),
        "refus|connect",
    )


def ldap_cases(directory, directories, sockets, authority):
    """Broken directories and wrong settings: {name: (body, what the text says)}."""
    none = {"bindDn": None, "bindPassword": None}

    def at(port, **block):
        return ldap("127.0.0.1", {"port": port} | block)

    return {
        "refused": (at(sockets.refused()), "refus|connect"),
        "no such name": (ldap("ldap.invalid"), "name|resolv|DNS"),
        "TLS on a plain port": (at(directory.port, useSsl=True), "TLS"),
        "plain on a TLS port": (at(directory.tls_port), "clos|connect|TLS|LDAP|answer"),
        "StartTLS is not offered": (of_directory(directories("without tls"), block={"useStartTls": True}), "TLS"),
        "unknown authority": (of_directory(directories("unknown authority"), tls=True), "certificate|authority|issuer"),
        "unknown authority by StartTLS": (
            of_directory(directories("unknown authority"), block={"useStartTls": True}),
            "certificate|authority|issuer",
        ),
        "another name": (of_directory(directories("other name"), tls=True), "name|certificate"),
        "expired": (of_directory(directories("expired"), tls=True), "expired"),
        "an authority that is not theirs": (
            of_directory(directory, tls=True, block={"caCertificatePem": SP_CERTIFICATE}),
            "certificate|authority|issuer",
        ),
        "wrong password": (of_directory(directory, block={"bindPassword": "wrong"}), "password|credential|bind"),
        "unknown account": (of_directory(directory, block={"bindDn": f"cn=nobody,{ldap_tree.BASE}"}), "password|credential|bind"),
        "a name that is none": (of_directory(directory, block={"bindDn": "nothing"}), "DN|bind"),
        "no such base": (of_directory(directory, block={"baseDn": "dc=elsewhere,dc=com"}), "base"),
        "a base that is none": (of_directory(directory, block={"baseDn": "no-attribute=x"}), "base|DN"),
        "no such base of people": (
            of_directory(directory, block={"userSearchBase": f"ou=nowhere,{ldap_tree.BASE}"}),
            "base|userSearchBase",
        ),
        "strangers are not admitted": (of_directory(directories("no strangers"), block=none), "anonymous|bind|authenticat"),
        "closes at once": (at(sockets.closing()), "clos|connect|answer"),
        "speaks HTTP": (at(sockets.answering(b"HTTP/1.1 400 Bad Request\r\n\r\n" + CANARY.encode())), "LDAP|answer|read|clos"),
        "speaks before it is asked": (
            at(sockets.saying(b"220 mail.example.com ESMTP " + CANARY.encode() + b"\r\n")),
            "LDAP|answer|read|clos|time",
        ),
        "nonsense within TLS": (
            at(sockets.answering(b"\xff" * 64, authority.context("127.0.0.1")), useSsl=True),
            "LDAP|answer|read|clos",
        ),
        "an endless message": (
            at(sockets.answering(b"\x30\x84\x7f\xff\xff\xff" + b"x" * 64)),
            "LDAP|answer|large|read|clos|time",
        ),
    }


def test_broken_directories(one, directory, directories, sockets, authority):
    """All at once: the slowest decides how long it takes."""
    cases = ldap_cases(directory, directories, sockets, authority)
    assert len(cases) > 20
    with ThreadPoolExecutor(8) as pool:
        outcomes = dict(zip(cases, pool.map(lambda case: draft(one, case[0], within=DEADLINE), cases.values())))
    wrong = []
    for name, (_, pattern) in cases.items():
        try:
            failed(outcomes[name], pattern)
        except AssertionError as why:
            wrong.append(f"{name}: {why}")
    assert not wrong, "\n".join(wrong)


def test_directories_that_never_answer_are_given_up_in_time(one, sockets, directory):
    at = [
        {"port": sockets.silent()},
        {"port": sockets.silent(), "useSsl": True},
        {"port": sockets.silent(), "useStartTls": True},
        {"port": sockets.saying(b"0" * 40, every=1)},
        {"port": sockets.silent(), "servers": [f"127.0.0.1:{sockets.silent()}"] * 3},
    ]
    with ThreadPoolExecutor(len(at)) as pool:
        running = [pool.submit(draft, one, ldap("127.0.0.1", block), within=DEADLINE) for block in at]
        time.sleep(0.5)
        succeeded(draft(one, of_directory(directory), within=2.0))
        for outcome in running:
            failed(outcome.result(), "time|answer")


def test_a_password_is_not_sent_in_clear_where_tls_was_asked_for(one, sockets, directories):
    """LDAP-TLS: who does not offer TLS, or not by our authorities, hears no password."""
    plain = directories("without tls")
    failed(draft(one, of_directory(plain, block={"useStartTls": True})), "TLS")
    assert "BIND dn" not in plain.log()
    stranger = directories("unknown authority")
    failed(draft(one, of_directory(stranger, block={"useStartTls": True})), "certificate|authority|issuer")
    assert "BIND dn" not in stranger.log().split("STARTTLS")[-1]


def test_an_empty_password_is_no_password(one, directory):
    """RFC 4513 5.1.2: a name with an empty password is an anonymous bind, which proves nothing."""
    body = of_directory(directory, block={"bindPassword": None})
    answer = send(one, "POST", DRAFT, body)
    assert answer.status_code == 400 or answer.json()["success"] is False, answer.text
