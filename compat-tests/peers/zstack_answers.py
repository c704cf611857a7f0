"""How a ZStack management node says no: an error object with 503, or text with another status."""


class Plain(Exception):
    """An answer that is text."""

    def __init__(self, status, text, retry_after=None):
        super().__init__(text)
        self.status, self.text, self.retry_after = status, text, retry_after

    def answer(self):
        """What goes out."""
        more = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return self.status, {"Content-Type": "text/plain;charset=utf-8"} | more, self.text.encode()


class Failed(Exception):
    """The operation failed."""

    def __init__(self, error):
        super().__init__(error["details"])
        self.error = error


DESCRIPTIONS = {
    "SYS.1000": "An internal error happened in system",
    "SYS.1001": "A request timed out",
    "SYS.1003": "A resource cannot be found",
    "SYS.1006": "An operation failed",
    "SYS.1007": "One or more API argument is invalid",
    "ID.1000": "Authentication failed",
    "ID.1001": "The session is not valid",
    "ID.1002": "Permission denied",
    "ID.1006": "Too many sessions",
    "ID.1007": "The account is disabled",
    "SSO.1001": "The token is not valid",
    "SSO.2001": "The account cannot be found",
}


def error(code, details, cause=None):
    """An error object; `cause` is the code of what is underneath, or an object."""
    made = {"code": code, "description": DESCRIPTIONS.get(code, "An error"), "details": details}
    made |= {"elaboration": f"{code}: {details}", "opaque": {}}
    if cause is not None:
        made["cause"] = error(cause, f"{details}, underneath") if isinstance(cause, str) else cause
    return made


def fail(code, details):
    """Ends the operation."""
    raise Failed(error(code, details))
