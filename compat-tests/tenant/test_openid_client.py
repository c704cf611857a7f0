"""An application built on npm's openid-client, the certified relying party of most JavaScript applications."""

from application_runs import Runs


class TestOpenIdClient(Runs):
    """Everything of `application_runs.py`; the signature of each ID token is verified, and the issuer compared."""

    kind = "openid-client"
