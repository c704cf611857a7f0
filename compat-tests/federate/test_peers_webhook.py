"""The receiver of signed pushes believes what is signed and nothing else."""

import json
import time

import pytest
import requests

from peers.webhook import HEADER, Webhook, signature

SECRET = "a secret of webhooks"


@pytest.fixture
def hook():
    """One receiver."""
    it = Webhook(SECRET)
    yield it
    it.remove()


def push(hook, value=None, at=None, secret=SECRET, header=None, timeout=2.0):
    """A push as a sender makes it; the status."""
    body = json.dumps(value or {"event": "federate"}).encode()
    signed = header if header is not None else signature(secret, int(at or time.time()), body)
    return requests.post(hook.url, data=body, headers={HEADER: signed}, timeout=timeout, allow_redirects=False)


def test_only_fresh_and_rightly_signed_pushes_are_received(hook):
    assert push(hook, {"n": 1}).status_code == 200
    assert push(hook, secret="another").text == "another signature"
    assert push(hook, at=time.time() - 3600).text == "an old signature"
    assert push(hook, header="t=1,v1=00").text == "a malformed signature"
    assert requests.post(hook.url, data=b"{}", timeout=2).text == "no signature"
    assert hook.received == [{"n": 1}] and len(hook.refused) == 4 and len(hook.requests) == 5


def test_it_fails_hangs_leads_astray_and_goes_away_as_told(hook):
    hook.turn(times=1, status=503, body="busy")
    assert push(hook).status_code == 503 and hook.received == []
    hook.turn(times=1, redirect="http://127.0.0.1:1/")
    assert push(hook).headers["Location"] == "http://127.0.0.1:1/" and hook.received == []
    hook.turn(times=1, hang=True)
    with pytest.raises(requests.Timeout):
        push(hook, timeout=0.3)
    assert hook.received == []
    hook.turn(times=1, drop=True)
    with pytest.raises(requests.ConnectionError):
        push(hook)
    assert len(hook.received) == 1 and push(hook).status_code == 200
