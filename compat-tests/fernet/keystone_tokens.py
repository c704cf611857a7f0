"""Makes and reads tokens with Keystone's own formatters, in process. Run by the Python of a venv that has Keystone.

One JSON request a line on standard input, one JSON answer a line on standard output:

    {"do": "make", "format": "fernet" | "jws", "kind": <payload kind>, "payload": {…}}  ->  {"token": …}
    {"do": "make", …, "old_msgpack": true}      as writers before msgpack 0.5 did: bytes and text are one type
    {"do": "read", "format": …, "token": …}     ->  {"payload": {…}, "msgpack": hexadecimal}, or {"error": …}
    {"do": "setup"} | {"do": "rotate"}          ->  {"keys": [file names]}
    {"do": "pair"}                              ->  {}

A payload has the names that `archstone keys decode` uses. The repositories are given as arguments.
"""

import json
import os
import sys

import msgpack

import keystone.conf
from keystone.common import fernet_utils
from keystone.common import jwt_utils
from keystone.token import token_formatters as formatters
from keystone.token.providers.jws.core import JWSFormatter

KINDS = {
    "unscoped": formatters.UnscopedPayload,
    "domain": formatters.DomainScopedPayload,
    "project": formatters.ProjectScopedPayload,
    "trust": formatters.TrustScopedPayload,
    "federated unscoped": formatters.FederatedUnscopedPayload,
    "federated project": formatters.FederatedProjectScopedPayload,
    "federated domain": formatters.FederatedDomainScopedPayload,
    "oauth1": formatters.OauthScopedPayload,
    "system": formatters.SystemScopedPayload,
    "application credential": formatters.ApplicationCredentialScopedPayload,
    "oauth2": formatters.Oauth2CredentialsScopedPayload,
}

# The order of the formatters' results.
FIELDS = (
    "user_id methods audit_ids system domain_id project_id trust_id group_ids idp_id protocol_id "
    "access_token_id app_cred_id thumbprint issued_at expires_at"
).split()


def configure(fernet, private, public):
    conf = keystone.conf.CONF
    keystone.conf.configure()
    conf([], project="keystone", default_config_files=[])
    conf.set_override("key_repository", fernet, group="fernet_tokens")
    conf.set_override("max_active_keys", 3, group="fernet_tokens")
    conf.set_override("jws_private_key_repository", private, group="jwt_tokens")
    conf.set_override("jws_public_key_repository", public, group="jwt_tokens")
    return conf


def arguments(payload):
    groups = payload.get("group_ids")
    return {
        "methods": payload["methods"],
        "system": payload.get("system"),
        "domain_id": payload.get("domain_id"),
        "project_id": payload.get("project_id"),
        "trust_id": payload.get("trust_id"),
        "federated_group_ids": None if groups is None else [{"id": group} for group in groups],
        "identity_provider_id": payload.get("idp_id"),
        "protocol_id": payload.get("protocol_id"),
        "access_token_id": payload.get("access_token_id"),
        "app_cred_id": payload.get("app_cred_id"),
        "thumbprint": payload.get("thumbprint"),
    }


def make(request):
    payload = request["payload"]
    common = (payload["user_id"], payload["expires_at"], payload["audit_ids"])
    if request["format"] == "jws":
        token, _ = JWSFormatter().create_token(*common, **arguments(payload))
        return {"token": token}
    packb = msgpack.packb
    if request.get("old_msgpack"):
        msgpack.packb = lambda value: packb(value, use_bin_type=False)
    try:
        token = formatters.TokenFormatter().create_token(*common, KINDS[request["kind"]], **arguments(payload))
    finally:
        msgpack.packb = packb
    return {"token": token}


def read(request):
    fernet = request["format"] == "fernet"
    formatter = formatters.TokenFormatter() if fernet else JWSFormatter()
    try:
        said = dict(zip(FIELDS, formatter.validate_token(request["token"]), strict=True))
    except Exception as error:  # Keystone raises many kinds for a token that it does not take
        return {"error": f"{type(error).__name__}: {error}"}
    if said["group_ids"] is not None:
        said["group_ids"] = [group["id"] for group in said["group_ids"]]
    answer = {"payload": {name: value for name, value in said.items() if value is not None}}
    if fernet:
        answer["msgpack"] = formatter.unpack(request["token"]).hex()
    return answer


def main():
    conf = configure(*sys.argv[1:])
    keys = fernet_utils.FernetUtils(conf.fernet_tokens.key_repository, 3, "fernet_tokens")

    def listed(action):
        os.makedirs(conf.fernet_tokens.key_repository, mode=0o700, exist_ok=True)
        action()
        return {"keys": sorted(os.listdir(conf.fernet_tokens.key_repository))}

    def pair(_):
        private, public = conf.jwt_tokens.jws_private_key_repository, conf.jwt_tokens.jws_public_key_repository
        os.makedirs(private, exist_ok=True)
        os.makedirs(public, exist_ok=True)
        jwt_utils.create_jws_keypair(os.path.join(private, "private.pem"), os.path.join(public, "public.pem"))
        return {}

    actions = {
        "make": make,
        "read": read,
        "setup": lambda _: listed(keys.initialize_key_repository),
        "rotate": lambda _: listed(keys.rotate_keys),
        "pair": pair,
    }
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(actions[request["do"]](request)), flush=True)


if __name__ == "__main__":
    main()
