"""Sessions and access keys of the ZStack double (`zstack.py`): who calls, and whether that is true."""

import base64
import datetime
import email.utils
import hashlib
import hmac
import re
import secrets
import string
import time
import uuid

from peers.zstack_answers import Plain, fail

SKEW = 15 * 60
CLASSIC = re.compile(r"[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (\S+)")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
ZONES = {"GMT": 0, "UTC": 0, "Z": 0, "CST": 8, "PRC": 8, "+0000": 0, "+00:00": 0, "+0800": 8, "+08:00": 8}
# An id as it takes one from outside: a UUID of the versions 1 to 5 without its dashes.
HEX = re.compile(r"[0-9a-f]{12}[1-5][0-9a-f]{3}[89ab][0-9a-f]{15}")


def sha512(text):
    """A password as it is sent."""
    return hashlib.sha512(text.encode()).hexdigest()


def signature(secret, method, date, path):
    """What stands behind the colon: HMAC-SHA1 over method, date and path, the path beginning at `/v1`."""
    return base64.b64encode(hmac.new(secret.encode(), f"{method}\n{date}\n{path}".encode(), hashlib.sha1).digest()).decode()


def stamp(at=None):
    """A time, now unless told, as inventories have it."""
    return time.strftime("%b %d, %Y %I:%M:%S %p", time.gmtime(at))


def public(key):
    """What is shown of a key."""
    return {name: value for name, value in key.items() if name != "AccessKeySecret"}


class Accounts:
    """Mixed into `ZStack`: accounts, `sessions` (uuid: account and end) and `keys` (uuid: inventory).

    `session_cap` and `session_seconds` bound sessions; `zone` is the server's zone in hours; `reads_zones=False` has it compare wall
    clocks, whatever zone a `Date` names; `dates` "classic" takes one form of it, "new" also RFC 1123 and ISO 8601.
    """

    def __init__(self, password):
        self.accounts, self.sessions, self.keys, self.used_job_ids = {}, {}, {}, set()
        self.session_cap, self.session_seconds = 500, 7200
        self.zone, self.reads_zones, self.dates, self.keys_each = 0, True, "classic", 2
        self.opened = self.closed = 0
        self.admin = self.account("admin", password)

    def account(self, name, password, admin=True, enabled=True):
        """Makes an account; its uuid."""
        id = uuid.uuid4().hex
        self.accounts[id] = {"uuid": id, "name": name, "password": sha512(password), "admin": admin, "enabled": enabled}
        return id

    def access_key(self, account=None, enabled=True):
        """Makes an access key as the administrator does by hand: its inventory, with the secret."""
        return self._key(account or self.admin, {}, enabled)

    def expire_sessions(self):
        """Everybody has to log in again."""
        with self.lock:
            self.sessions.clear()

    def account_operations(self):
        """Name: method, path, member of the envelope, how ("sync", "open" to everybody, "account": not for administrators only)."""
        return {
            "LogIn": ("PUT", "/accounts/login", "logInByAccount", ("sync", "open")),
            "ValidateSession": ("GET", "/accounts/sessions/{sessionUuid}/valid", None, ("sync", "open")),
            "LogOut": ("DELETE", "/accounts/sessions/{sessionUuid}", None, ("sync", "open")),
            "CreateAccessKey": ("POST", "/accesskeys", "params", ("account",)),
            "QueryAccessKey": ("GET", "/accesskeys", None, ("sync", "account")),
            "GetAccessKey": ("GET", "/accesskeys/{uuid}", None, ("sync", "account")),
            "ChangeAccessKeyState": ("PUT", "/accesskeys/{uuid}/actions", "changeAccessKeyState", ("account",)),
            "DeleteAccessKey": ("DELETE", "/accesskeys/{uuid}", None, ("account",)),
        }

    # -- who calls -----------------------------------------------------------------------------------------------------

    def now(self):
        """Its clock."""
        return time.time() + self.skew

    def authenticate(self, request, path):
        """The account of the caller, or of a session that will turn out to be none (a failure of the operation)."""
        sent = request.headers.get("authorization")
        if sent is None:
            raise Plain(400, "missing header 'Authorization'")
        if found := re.fullmatch(r"OAuth (\S+)", sent):
            return "session", found[1]
        if found := re.fullmatch(r"ZStack ([^:\s]+):([^:\s]+)", sent):
            self._check_date(request.headers.get("date"))
            return "key", self._check_signature(found[1], found[2], request, path)
        if sent.startswith("ZStack"):
            raise Plain(400, "accessKey format is 'ZStack AccessKeyId:Signature'")
        raise Plain(400, "Authorization type must be 'OAuth'")

    def _check_date(self, text):
        if text is None:
            raise Plain(400, "'Date' must be included in request header")
        at = self._read_date(text)
        if at is None:
            raise Plain(400, "'Date' format error, correct format is 'EEE, dd MMM yyyy HH:mm:ss z'")
        if abs(at - self.now()) > SKEW:
            raise Plain(403, "requestTimeTooSkewed")

    def _read_date(self, text):
        if found := CLASSIC.fullmatch(text):
            day, month, year, hour, minute, second, zone = found.groups()
            if month not in MONTHS or zone not in ZONES:
                return None
            hours = ZONES[zone] if self.reads_zones else self.zone
            wall = datetime.datetime(int(year), MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=datetime.UTC)
            return wall.timestamp() - hours * 3600
        if self.dates != "new":
            return None
        try:
            return datetime.datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass
        try:
            return email.utils.parsedate_to_datetime(text).timestamp()
        except ValueError:
            return None

    def _check_signature(self, id, sent, request, path):
        key = next((k for k in self.keys.values() if k["AccessKeyID"] == id), None)
        if key is None:
            raise Plain(403, "the access key is not known")
        if key["state"] != "Enabled":
            raise Plain(403, "the access key is disabled")
        if not hmac.compare_digest(sent, signature(key["AccessKeySecret"], request.method, request.headers["date"], path)):
            raise Plain(403, "the signature does not match")
        return key["accountUuid"]

    def permit(self, caller, how):
        """Lets the caller do an operation, or fails it."""
        kind, id = caller
        account = self.accounts.get(self._session_account(id) if kind == "session" else id)
        if account is None:
            fail("ID.1001", "the session has expired")
        if not account["enabled"]:
            fail("ID.1007", f"account[{account['name']}] is disabled")
        if "account" not in how and not account["admin"]:
            fail("ID.1002", f"account[{account['name']}] may not do that")

    def _session_account(self, id):
        session = self.sessions.get(id)
        if session is None or session["end"] < self.now():
            self.sessions.pop(id, None)
            return None
        return session["account"]

    def _account_of(self, caller):
        return self._session_account(caller[1]) if caller[0] == "session" else caller[1]

    # -- sessions ------------------------------------------------------------------------------------------------------

    def do_log_in(self, _, members):
        """A session for name and hashed password."""
        account = next((a for a in self.accounts.values() if a["name"] == members.get("accountName")), None)
        if account is None or not hmac.compare_digest(account["password"], str(members.get("password"))):
            fail("ID.1000", "wrong account name or password")
        if not account["enabled"]:
            fail("ID.1007", f"account[{account['name']}] is disabled")
        for id in [id for id, s in self.sessions.items() if s["end"] < self.now()]:
            del self.sessions[id]
        if sum(s["account"] == account["uuid"] for s in self.sessions.values()) >= self.session_cap:
            fail("ID.1006", f"account[{account['name']}] has {self.session_cap} sessions")
        return {"inventory": self.open_session(account["uuid"])}

    def open_session(self, account):
        """A session; its inventory."""
        id, end = uuid.uuid4().hex, self.now() + self.session_seconds
        self.sessions[id] = {"account": account, "end": end}
        self.opened += 1
        return {"uuid": id, "accountUuid": account, "userUuid": account, "createDate": stamp(), "expiredDate": stamp(end)}

    def do_validate_session(self, _, members):
        """Whether a session lives."""
        return {"valid": self._session_account(members["sessionUuid"]) is not None}

    def do_log_out(self, _, members):
        """Ends a session."""
        if self.sessions.pop(members["sessionUuid"], None) is None:
            fail("ID.1001", "the session has expired")
        self.closed += 1
        return {}

    # -- keys ----------------------------------------------------------------------------------------------------------

    def _key(self, account, members, enabled=True):
        id = uuid.uuid4().hex
        letters = string.ascii_letters + string.digits
        made = {name: members.get(name) or "".join(secrets.choice(letters) for _ in range(length))
                for name, length in (("AccessKeyID", 20), ("AccessKeySecret", 40))}
        self.keys[id] = made | {"uuid": id, "accountUuid": account, "userUuid": members.get("userUuid", account),
                                "description": members.get("description"), "state": "Enabled" if enabled else "Disabled",
                                "createDate": stamp(), "lastOpDate": stamp()}
        return self.keys[id]

    def do_create_access_key(self, caller, members):
        """Another key; an account may hold two."""
        for name in ("accountUuid", "userUuid"):
            if not HEX.fullmatch(str(members.get(name))):
                fail("SYS.1007", f"field[{name}] is mandatory")
        if members["accountUuid"] not in self.accounts:
            fail("SYS.1003", f"account[uuid:{members['accountUuid']}] is not there")
        mine = self.accounts[self._account_of(caller)]
        if not mine["admin"] and mine["uuid"] != members["accountUuid"]:
            fail("ID.1002", "keys of other accounts are theirs")
        if len([k for k in self.keys.values() if k["accountUuid"] == members["accountUuid"]]) >= self.keys_each:
            fail("SYS.1006", f"an account may hold {self.keys_each} access keys at most")
        return {"inventory": self._key(members["accountUuid"], members)}

    def _mine(self, caller):
        account = self.accounts[self._account_of(caller)]
        return [k for k in self.keys.values() if account["admin"] or k["accountUuid"] == account["uuid"]]

    def _found(self, caller, id):
        found = next((k for k in self._mine(caller) if k["uuid"] == id), None)
        return found or fail("SYS.1003", f"access key[uuid:{id}] is not there")

    def do_query_access_key(self, caller, members):
        """Keys without their secrets, filtered by `q=name=value`."""
        name, _, value = members.get("q", "").partition("=")
        found = [k for k in self._mine(caller) if not name or str(k.get(name)) == value]
        return {"inventories": [public(k) for k in found]}

    def do_get_access_key(self, caller, members):
        """One of them."""
        return {"inventories": [public(k) for k in self._mine(caller) if k["uuid"] == members["uuid"]]}

    def do_change_access_key_state(self, caller, members):
        """Enables or disables a key."""
        state = {"enable": "Enabled", "disable": "Disabled"}.get(members.get("stateEvent"))
        found = self._found(caller, members["uuid"])
        found["state"] = state or fail("SYS.1007", "field[stateEvent] is enable or disable")
        return {"inventory": public(found)}

    def do_delete_access_key(self, caller, members):
        """Takes a key away."""
        del self.keys[self._found(caller, members["uuid"])["uuid"]]
        return {}
