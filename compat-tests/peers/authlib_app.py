"""An application for the tests: its people sign in at an OpenID provider by Authlib, in Flask.

Told by its standard input and asked over HTTP as `openid_app/app.mjs` is, whose head says how.
"""

import contextlib
import json
import logging
import secrets
import sys
import threading
import time

import flask
import requests
from authlib.integrations.flask_client import OAuth, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet, import_key
from markupsafe import escape
from werkzeug.serving import WSGIRequestHandler, make_server

EVENT = "http://schemas.openid.net/event/backchannel-logout"
world = json.loads(sys.stdin.readline())
home = f"http://127.0.0.1:{world['port']}"
visitors, logouts, refused = {}, [], []

app = flask.Flask(__name__)
app.secret_key = secrets.token_bytes(32)
app.config["SESSION_COOKIE_NAME"] = f"app{world['port']}"
provider = OAuth(app).register(
    "provider",
    client_id=world["client_id"],
    # Authlib signs with what it takes for the secret.
    client_secret=import_key(world["key"]) if world["key"] else world["client_secret"],
    server_metadata_url=f"{world['issuer']}/.well-known/openid-configuration",
    client_kwargs={"scope": world["scope"], "code_challenge_method": "S256", "token_endpoint_auth_method": world["method"]},
)
if world["method"] == "private_key_jwt":
    provider.client_auth_methods = [PrivateKeyJWT(f"{world['issuer']}/oauth/token", alg=world["key"]["alg"])]


def visitor():
    """Who asks."""
    if flask.session.get("id") not in visitors:
        flask.session["id"] = secrets.token_hex(16)
        visitors[flask.session["id"]] = {"id": flask.session["id"]}
    return visitors[flask.session["id"]]


def page(body):
    """A page of the application."""
    return f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Application</title></head><body>{body}</body></html>'


def said(error):
    """An error as the tests read it."""
    if isinstance(error, OAuthError):
        return {"error": error.error, "description": error.description}
    return {"error": type(error).__name__, "description": str(error)}


@app.get("/")
def index():
    """Who is signed in."""
    who = visitor().get("sub")
    if who is None:
        return page('<p>Not signed in</p><a id="sign-in" href="/login">Sign in</a>')
    return page(f'<p>Signed in as <strong id="who">{escape(who)}</strong></p><a id="sign-out" href="/logout">Sign out</a>')


@app.get("/login")
def login():
    """To the provider."""
    visitor()
    return provider.authorize_redirect(f"{home}/callback", **(world["parameters"] | flask.request.args.to_dict()))


@app.route("/callback", methods=["GET", "POST"])
def callback():
    """Back from there."""
    it = visitor()
    try:
        token = provider.authorize_access_token()
        it["tokens"] = {k: v for k, v in token.items() if k != "userinfo"}
        it["claims"] = dict(token["userinfo"])
        it["sub"] = it["claims"]["sub"]
        it["userinfo"] = dict(provider.userinfo(token=it["tokens"]))
        assert it["userinfo"]["sub"] == it["sub"], "userinfo of somebody else"
        it.pop("failed", None)
    except Exception as error:
        it["failed"] = said(error) | {"iss": flask.request.values.get("iss")}
        return page(f'<p>The sign-in failed: <strong id="failed">{escape(it["failed"]["error"])}</strong></p><a id="sign-in" href="/login">Sign in</a>')
    return flask.redirect("/")


@app.get("/refresh")
def refresh():
    """New tokens by the refresh token."""
    it = visitor()
    try:
        with provider._get_oauth_client(**provider.load_server_metadata()) as client:
            answer = client.refresh_token(provider.server_metadata["token_endpoint"], refresh_token=it["tokens"]["refresh_token"])
        it["tokens"] |= answer
    except Exception as error:
        return said(error)
    return {"refreshed": True}


@app.get("/userinfo")
def userinfo():
    """What the provider says about them."""
    try:
        return dict(provider.userinfo(token=visitor()["tokens"]))
    except requests.HTTPError as error:
        return said(error) | {"status": error.response.status_code}
    except Exception as error:
        return said(error)


@app.get("/logout")
def logout():
    """Ends the session here and there."""
    it = visitor()
    it.pop("sub", None)
    return provider.logout_redirect(f"{home}/signed-out", id_token_hint=it.get("tokens", {}).get("id_token"), **flask.request.args.to_dict())


@app.get("/signed-out")
def signed_out():
    """Back from there."""
    it = visitor()
    it["left"] = False
    with contextlib.suppress(OAuthError):
        provider.validate_logout_response()
        it["left"] = True
    return page(f'<p id="left">{"Signed out" if it["left"] else "Signed out by somebody else"}</p>')


@app.post("/backchannel")
def backchannel():
    """A logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6), which Authlib has no part of its own for."""
    token = flask.request.form.get("logout_token", "")
    try:
        metadata = provider.load_server_metadata()
        keys = KeySet.import_key_set(provider.fetch_jwk_set(force=True))
        read = jwt.decode(token, keys, algorithms=metadata["id_token_signing_alg_values_supported"])
        claims, now = read.claims, time.time()
        assert read.header["typ"] == "logout+jwt", "typ"
        assert claims["iss"] == metadata["issuer"] and world["client_id"] in (claims["aud"], *claims["aud"]), "iss or aud"
        assert now - 120 < claims["iat"] <= now + 5 and now < claims["exp"], "time"
        assert isinstance(claims["events"][EVENT], dict) and "nonce" not in claims and claims["jti"], "no logout token"
        assert claims.get("sid") or claims.get("sub"), "whose"
    except Exception as error:
        refused.append(repr(error))
        return "", 400
    for it in visitors.values():
        known = it.get("claims", {})
        name = "sid" if claims.get("sid") else "sub"
        if known.get(name) == claims[name]:
            it.pop("sub", None)
    logouts.append({"header": read.header, "claims": claims, "token": token})
    return "", 200


@app.get("/state")
def state():
    """Everything that it holds."""
    return {"visitors": list(visitors.values()), "logouts": logouts, "refused": refused}


class Quiet(WSGIRequestHandler):
    """Says nothing about requests, and keeps connections open."""

    protocol_version = "HTTP/1.1"

    def log(self, *_):
        """Nothing."""


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", world["port"], app, threaded=True, request_handler=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"ready": home}), flush=True)
sys.stdin.read()
