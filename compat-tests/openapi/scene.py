"""What schemathesis finds on the server: one of everything, joined as the API joins them, so that paths with two ids lead somewhere."""

import json

from harness import eventually, unique

RULES = [{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]
CONNECTION = {"issuer": "https://op.invalid", "client_id": "archstone", "client_secret": "secret"}
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
WELL_KNOWN = "/.well-known/openid-configuration"
OIDC = {"displayName": "Corporate SSO", "providerType": "OIDC",
        "oidcConfig": {"clientId": "c", "clientSecret": "s", "wellKnownUrl": f"https://op.invalid{WELL_KNOWN}"}}
PASSWORD = "secret-password-1"
URL = "https://sp.invalid/v3"


def made(archstone, method, path, member, body):
    """Makes one as the administrator; the member."""
    return archstone.expect(201, method, path, token=archstone.admin_token, json={member: body})[member]


def identity_provider(archstone, domain_id, protocol_id):
    """An identity provider with a protocol, its mapping and its connection: the path parameters."""
    idp_id = unique("idp")
    path = f"/v3/OS-FEDERATION/identity_providers/{idp_id}"
    made(archstone, "PUT", path, "identity_provider", {"enabled": True, "domain_id": domain_id})
    made(archstone, "PUT", f"/v3/OS-FEDERATION/mappings/{idp_id}", "mapping", {"rules": RULES})
    made(archstone, "PUT", f"{path}/protocols/{protocol_id}", "protocol", {"mapping_id": idp_id})
    made(archstone, "PUT", f"{path}/protocols/{protocol_id}/connection", "connection", CONNECTION)
    return {"idp_id": idp_id, "protocol_id": protocol_id}


def configuration(archstone):
    """An SSO configuration and a job about it: the path parameters."""
    body = OIDC | {"oidcConfig": OIDC["oidcConfig"] | {"wellKnownUrl": f"https://{unique('op')}.invalid{WELL_KNOWN}"}}
    token = archstone.admin_token
    config_id = archstone.expect(200, "POST", "/api/v1/sso/configurations", token=token, json=body)["uuid"]
    return {"id": config_id, "job_id": job_of(archstone, config_id)}


def job_of(archstone, config_id, kind="sso.test"):
    """The background job of this kind about a configuration."""
    def find():
        jobs = archstone.expect(200, "GET", f"/api/v1/sso/jobs?subject={config_id}&kind={kind}", token=archstone.admin_token)
        return [job["uuid"] for job in jobs["items"]]

    found = eventually(find, 5)
    assert found, f"no {kind} of {config_id}"
    return found[0]


def scene(archstone):
    """One of everything, by the name of its path parameter."""
    domain_id = archstone.new_domain()["id"]
    project_id = archstone.new_project(domain_id, tags=["tag"])
    archstone.new_project(domain_id, parent_id=project_id)
    user = archstone.new_user(domain_id)
    group = archstone.new_group(domain_id, user)
    role, implied = archstone.new_role(), archstone.new_role()
    archstone.expect(201, "PUT", f"/v3/roles/{role['id']}/implies/{implied['id']}", token=archstone.admin_token)
    for whose in ({"user": user}, {"user": None, "group": group}):
        for where in ({"project": project_id}, {"domain": domain_id}, {"system": True}):
            archstone.grant(role=role, **whose, **where)
        for where in ({"project": project_id}, {"domain": domain_id}):
            archstone.grant(role=role, inherited=True, **whose, **where)
    service = made(archstone, "POST", "/v3/services", "service", {"type": unique("type"), "name": "n"})
    region_id = unique("region")
    made(archstone, "PUT", f"/v3/regions/{region_id}", "region", {})
    endpoint = made(archstone, "POST", "/v3/endpoints", "endpoint",
                    {"service_id": service["id"], "interface": "public", "url": "http://h", "region_id": region_id})
    sp_id = unique("sp")
    made(archstone, "PUT", f"/v3/OS-FEDERATION/service_providers/{sp_id}", "service_provider", {"auth_url": URL, "sp_url": URL})
    federation = identity_provider(archstone, domain_id, "oidc")
    tenant = {"slug": unique("tenant"), "domain_id": domain_id}
    archstone.expect(201, "POST", "/api/v1/admin/tenants", token=archstone.admin_token, json=tenant)
    return federation | configuration(archstone) | {
        "domain_id": domain_id, "project_id": project_id, "user_id": user["id"], "group_id": group["id"], "role_id": role["id"],
        "prior_role_id": role["id"], "implied_role_id": implied["id"], "service_id": service["id"], "endpoint_id": endpoint["id"],
        "region_id": region_id, "service_provider_id": sp_id, "mapping_id": federation["idp_id"], "value": "tag",
        "file": "index.html", "tenant_id": domain_id, "resource_type": "User",
        "schema": "urn:ietf:params:scim:schemas:core:2.0:User",
    }


# What operations are asked with that no generated request would satisfy.
BODIES = {
    "CreateIdentityProvider": lambda parts: {"identity_provider": {"remote_ids": [parts["idp_id"]], "enabled": True}},
    "CreateConnection": lambda parts: {"connection": CONNECTION},
    "CreateOpenIDConnectConfig": lambda parts: {"openid_connect_config": {
        "access_mode": "program", "idp_url": "https://op.invalid", "client_id": "archstone", "signing_key": json.dumps(KEYS)}},
    "UpdateOpenIDConnectConfig": lambda parts: {"openid_connect_config": {"client_id": "another"}},
    "CreateMapping": lambda parts: {"mapping": {"rules": RULES}},
    "UpdateMapping": lambda parts: {"mapping": {"rules": RULES, "schema_version": "2.0"}},
    "ExplainMapping": lambda parts: {"assertion": {"REMOTE_USER": "ann"}, "identity_provider": parts["idp_id"]},
    "SetUpIdentityProvider": lambda parts: {"setup": {
        "identity_provider": {}, "mapping": {"rules": RULES}, "protocol": {"id": "oidc"}, "connection": CONNECTION}},
    "CreateSSOConfig": lambda parts: OIDC | {"oidcConfig": OIDC["oidcConfig"] | {
        "wellKnownUrl": f"https://{unique('op')}.invalid{WELL_KNOWN}"}},
    "TestSSODraft": lambda parts: OIDC,
    "UpdateSSOConfig": lambda parts: {"displayName": "Another", "groupMappings": [{"idpGroup": "g", "zcfRole": "member"}]},
    "PatchSSOConfig": lambda parts: {"enabled": False},
    "CreateRegionWithId": lambda parts: {"region": {}},
    "CreateToken": lambda parts: {"auth": {"identity": {"methods": ["password"], "password": {
        "user": {"id": parts["user_id"], "password": PASSWORD}}}, "scope": {"project": {"id": parts["project_id"]}}}},
    "ChangePassword": lambda parts: {"user": {"original_password": PASSWORD, "password": "another password"}},
}


def example(archstone, operation_id):
    """A request that succeeds, of a scene of its own: its parts by name, and its body if a generated one will not do."""
    parts = scene(archstone)
    token = archstone.admin_token
    match operation_id:
        case "DeleteDomain":
            archstone.expect(200, "PATCH", f"/v3/domains/{parts['domain_id']}", token=token, json={"domain": {"enabled": False}})
        case "DeleteProject":
            parts["project_id"] = archstone.new_project(parts["domain_id"])
        case "DeleteProjectBranch":
            path = f"/v3/projects/{parts['project_id']}/cascade"
            archstone.expect(200, "PATCH", path, token=token, json={"project": {"enabled": False}})
        case "AddProjectTag":
            parts["value"] = "another"
        case "DeleteRegion":
            archstone.expect(204, "DELETE", f"/v3/endpoints/{parts['endpoint_id']}", token=token)
        case "CreateRegionWithId":
            parts["region_id"] = unique("region")
        case "DeleteMapping":
            parts["mapping_id"] = unique("mapping")
            made(archstone, "PUT", f"/v3/OS-FEDERATION/mappings/{parts['mapping_id']}", "mapping", {"rules": RULES})
        case "CreateMapping":
            parts["mapping_id"] = unique("mapping")
        case "CreateImpliedRole":
            parts["implied_role_id"] = archstone.new_role()["id"]
        case "CreateIdentityProvider" | "SetUpIdentityProvider":
            parts["idp_id"] = unique("idp")
        case "CreateConnection" | "CreateOpenIDConnectConfig":
            path = f"/v3/OS-FEDERATION/identity_providers/{parts['idp_id']}/protocols/oidc/connection"
            archstone.expect(204, "DELETE", path, token=token)
        case "CancelJob":
            later = "options.propagationPolicy=Background&options.gracePeriodSeconds=1000"
            archstone.expect(200, "DELETE", f"/api/v1/sso/configurations/{parts['id']}?{later}", token=token)
            parts["job_id"] = job_of(archstone, parts["id"], "sso.delete")
        case "RevokeToken":
            parts["X-Subject-Token"] = archstone.token()
    body = BODIES.get(operation_id)
    return parts, body and body(parts)
