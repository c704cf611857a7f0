"""An application built on Authlib in Flask, as most Python applications are."""

from application_runs import Runs


class TestAuthlib(Runs):
    """Everything of `application_runs.py`."""

    kind = "authlib"
