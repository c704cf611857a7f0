"""How people sign in at the ZStack double (`zstack.py`) by a client that was pushed to it.

The plain code flow: `state`, the client's scopes or `openid`, neither PKCE nor nonce; the secret is posted to the token URL; then the
userinfo URL is asked by POST with the bearer, or without one the access token is read as a JWT, unverified, as the real one does.
"""

import json
import re
import secrets
import urllib.parse
import uuid

import requests

from peers import jose
from peers.zstack_accounts import sha512


class SignIn:
    """Mixed into `ZStack`. `signed_in` has what each sign-in led to: client, user name, session."""

    def __init__(self):
        self.states, self.bindings, self.signed_in, self.failures = {}, {}, [], []

    def visit(self, request, path, query):
        """The answer to somebody's browser, or None when this is no page of theirs."""
        if request.method != "GET":
            return None
        asked = dict(urllib.parse.parse_qsl(query))
        with self.lock:
            back = self.states.get(asked.get("state")) if "state" in asked else None
            client = self.clients.get(back["client"] if back else asked.get("clientUuid"))
        if path != "/zstack/sso/oauth2" and not (back and path == urllib.parse.urlsplit(back["redirect_uri"]).path):
            return None
        if client is None or not client.get("authorizationUrl"):
            return text(404, "no such client")
        if "code" not in asked and "error" not in asked:
            return self._begin(client)
        if back is None or self.states.pop(asked["state"], None) is None:
            return text(400, "the state is not known")
        try:
            return self._end(client, back, asked)
        except (OSError, ValueError, KeyError, requests.RequestException, SignInFailed) as failure:
            self.failures.append(str(failure))
            return text(503, json.dumps({"error": {"code": "SSO.1001", "description": "The token is not valid", "details": str(failure)}}))

    def _begin(self, client):
        state = secrets.token_hex(16)
        redirect_uri = client.get("redirectUrl") or client["loginMNUrl"]
        self.states[state] = {"client": client["uuid"], "redirect_uri": redirect_uri}
        query = {"client_id": client["clientId"], "redirect_uri": redirect_uri, "response_type": "code", "state": state,
                 "scope": " ".join(client.get("scopeList") or ["openid"])}
        joint = "&" if "?" in client["authorizationUrl"] else "?"
        return 302, {"Location": f"{client['authorizationUrl']}{joint}{urllib.parse.urlencode(query)}"}, b""

    def _end(self, client, back, asked):
        if "error" in asked:
            raise SignInFailed(f"the provider said {asked['error']}")
        with requests.Session() as http:
            http.trust_env = False
            form = {"grant_type": "authorization_code", "code": asked["code"], "redirect_uri": back["redirect_uri"],
                    "client_id": client["clientId"], "client_secret": client.get("clientSecret", "")}
            tokens = http.post(client["tokenUrl"], data=form, timeout=10)
            if tokens.status_code != 200:
                raise SignInFailed(f"the token URL answered {tokens.status_code} {tokens.text[:200]}")
            access = tokens.json()["access_token"]
            if client.get("userinfoUrl"):
                answer = http.post(client["userinfoUrl"], headers={"Authorization": f"Bearer {access}"}, timeout=10)
                if answer.status_code != 200:
                    raise SignInFailed(f"the userinfo URL answered {answer.status_code}")
                claims = answer.json()
            else:
                claims = jose.decode(access)[1]
        name = claims.get(client.get("usernameProperty", "preferred_username"))
        if not name:
            raise SignInFailed("nothing says who it is")
        with self.lock:
            return self._land(client, name)

    def _land(self, client, name):
        account = self.bindings.get((client["uuid"], name))
        if account is None:
            if client.get("createAccountStrategy", "CreateAccount") != "CreateAccount":
                raise SignInFailed("SSO.2001: the account cannot be found")
            account = self.bindings[(client["uuid"], name)] = self.account(name, sha512(uuid.uuid4().hex), admin=False)
        session = self.open_session(account)
        self.signed_in.append({"client": client["uuid"], "name": name, "session": session["uuid"]})
        templates = [t for t in self.templates.values() if t["clientUuid"] == client["uuid"]]
        if not templates:
            raise SignInFailed("there is no template to land by")
        values = {"username": name, "sessionId": session["uuid"], "userUuid": account, "accountUuid": account,
                  "loginType": client.get("loginType", ""), "userType": "account"}
        place = re.sub(r"\$\{(\w+)\}", lambda m: urllib.parse.quote(values.get(m[1], ""), safe=""), templates[-1]["redirectTemplate"])
        return 302, {"Location": place}, b""

    def callback(self, client):
        """What must be registered at the provider for this client: `redirectUrl`, else `loginMNUrl`."""
        return self.clients[client].get("redirectUrl") or self.clients[client]["loginMNUrl"]

    def sign_in(self, client, provider, user):
        """Somebody's browser from the platform's login page to the provider (`peers.openid`) and back: where it lands, the query there."""
        with requests.Session() as browser:
            browser.trust_env = False
            begin = f"{self.url}/zstack/sso/oauth2?clientUuid={client}"
            first = browser.get(begin, allow_redirects=False, timeout=10)
            assert first.is_redirect, f"{first.status_code} {first.text}"
            # `follow` ends where the provider leads back to; both addresses may begin alike, so it starts at the provider.
            back = provider.follow(browser, first.headers["Location"], user, stop=self.callback(client))
            last = browser.get(back, allow_redirects=False, timeout=20)
        assert last.is_redirect, f"{last.status_code} {last.text}"
        place = urllib.parse.urlsplit(last.headers["Location"])
        return last.headers["Location"], dict(urllib.parse.parse_qsl(place.query))


class SignInFailed(Exception):
    """Nobody got in."""


def text(status, words):
    """A page of words."""
    return status, {"Content-Type": "text/plain;charset=utf-8"}, words.encode()
