"""Sign-in clients, redirect templates and directories of the ZStack double (`zstack.py`)."""

import base64
import binascii
import re
import urllib.parse
import uuid
import xml.etree.ElementTree

from peers.zstack_accounts import HEX, stamp
from peers.zstack_answers import fail

# What fits into the columns.
WIDTHS = dict.fromkeys(("name", "clientId", "clientSecret", "authorizationUrl", "tokenUrl", "userinfoUrl", "logoutUrl", "casServerLoginUrl",
                        "casServerUrlPrefix", "serverName", "password", "identityProvider", "usernameProperty"), 255)
WIDTHS |= {"redirectUrl": 256, "description": 2048, "urlTemplate": 2048, "redirectTemplate": 2048, "url": 1024, "base": 1024, "username": 1024}
COMMON = {"resourceUuid", "tagUuids"}
OAUTH = {"name", "description", "clientId", "clientSecret", "authorizationUrl", "tokenUrl", "userinfoUrl", "redirectUrl", "logoutUrl"}
ENTERPRISE = {"loginType", "identityProvider", "pluginUuid", "scopeList"}
STRATEGIES = {"createAccountStrategy": {"NoAction", "CreateDisabledAccount", "CreateAccount"},
              "deleteAccountStrategy": {"NoAction", "StaleAccount", "DeleteAccount"}}
# What each operation must have, and may have, on the enterprise line.
MEMBERS = {
    "CreateOAuthClient": ({"name", "clientId", "tokenUrl", "loginType", "grantType", "urlTemplate", "clientType"},
                          OAUTH | ENTERPRISE | COMMON | {"attributes"}),
    "UpdateOAuthClient": ({"uuid"}, OAUTH | ENTERPRISE),
    "CreateSAML2Client": ({"name", "idpMetadataBase64", "loginType", "urlTemplate"}, {"description", "redirectUrl", "attributes"} | COMMON),
    "UpdateSAML2Client": ({"uuid"}, {"name", "description", "idpMetadataBase64", "redirectUrl"}),
    "CreateCasClient": ({"name", "casServerLoginUrl", "casServerUrlPrefix", "serverName", "loginType", "urlTemplate"},
                        {"description", "attributes"} | COMMON),
    "UpdateCasClient": ({"uuid"}, {"name", "description", "casServerLoginUrl", "casServerUrlPrefix", "serverName", "loginType"}),
    "DeleteSSOClient": ({"uuid"}, {"deleteMode"}),
    "CreateSSORedirectTemplate": ({"name", "description", "clientUuid", "redirectTemplate"}, COMMON),
    "UpdateSSORedirectTemplate": ({"uuid", "redirectTemplate"}, set()),
    "DeleteSSORedirectTemplate": ({"uuid"}, {"deleteMode"}),
    "AddLdapServer": ({"name", "url", "base", "username", "password", "encryption", "scope"},
                      {"description", "serverType", "usernameProperty", "filter", "syncCreatedAccountStrategy",
                       "syncDeletedAccountStrategy"} | COMMON),
    "UpdateLdapServer": ({"ldapServerUuid"}, {"name", "description", "url", "base", "username", "password", "encryption", "scope", "filter",
                                              "serverType", "usernameProperty"}),
}
# The same on the other line, where it differs.
ZSPHERE = {
    "CreateOAuthClient": ({"name", "clientId", "tokenUrl", "grantType", "urlTemplate"}, OAUTH | COMMON | {"usernameProperty", *STRATEGIES}),
    "UpdateOAuthClient": ({"uuid"}, OAUTH | {"usernameProperty"}),
    "AddLdapServer": ({"name", "url", "base", "username", "password", "encryption"}, MEMBERS["AddLdapServer"][1] | set(STRATEGIES)),
}
ENTERPRISE_ONLY = {"CreateSAML2Client", "UpdateSAML2Client", "CreateCasClient", "UpdateCasClient"}
OPERATIONS = {
    "CreateOAuthClient": ("POST", "/create/oauth2/client", "params", ()),
    "UpdateOAuthClient": ("POST", "/update/oauth2/client", "params", ()),
    "GetOAuthClientSecret": ("GET", "/oauth2/clients/{uuid}/client-secret", None, ("sync",)),
    "CreateSAML2Client": ("POST", "/create/saml2/client", "params", ()),
    "UpdateSAML2Client": ("POST", "/update/saml2/client", "params", ()),
    "CreateCasClient": ("POST", "/create/cas/client", "params", ()),
    "UpdateCasClient": ("POST", "/update/cas/client", "params", ()),
    "DeleteSSOClient": ("POST", "/delete/sso/client", "params", ()),
    # Credentials are not looked at here.
    "GetSSOClient": ("GET", "/get/sso/client", None, ("sync", "open")),
    "CreateSSORedirectTemplate": ("POST", "/create/sso/redirect/template/", "params", ()),
    "UpdateSSORedirectTemplate": ("POST", "/update/sso/redirectTemplate", "params", ()),
    "DeleteSSORedirectTemplate": ("POST", "/delete/sso/redirect/template", "params", ()),
    "UpdateSSOClientAttribute": ("PUT", "/sso/client/attributes/{uuid}/actions", "updateSSOClientAttribute", ()),
    "AddLdapServer": ("POST", "/ldap/servers", "params", ()),
    "UpdateLdapServer": ("PUT", "/ldap/servers/{ldapServerUuid}", "updateLdapServer", ()),
    "DeleteLdapServer": ("DELETE", "/ldap/servers/{uuid}", None, ()),
    "QueryLdapServer": ("GET", "/ldap/servers", None, ("sync",)),
}


class SsoClients:
    """Mixed into `ZStack`: `clients`, `templates`, `directories` by their uuids, as inventories with all that is secret.

    `unknown` has (operation, member) of what was sent and means nothing on this line; a real one passes over it, a test should not.
    `lists_secrets` has GetSSOClient show secrets, as some do.
    """

    def __init__(self):
        self.clients, self.templates, self.directories, self.attributes, self.unknown = {}, {}, {}, {}, []
        self.lists_secrets = False

    def sso_operations(self):
        """As `account_operations` has them."""
        return {name: told for name, told in OPERATIONS.items() if self.line == "enterprise" or name not in ENTERPRISE_ONLY}

    def lose_clients(self):
        """Somebody deleted every client there."""
        with self.lock:
            self.clients.clear()
            self.templates.clear()

    def change_client(self, id, **fields):
        """Somebody changed a client there, by hand."""
        with self.lock:
            self.clients[id] |= fields

    def foreign_client(self, name="somebody's", id=None, **fields):
        """A client that somebody else made; its uuid."""
        id = id or uuid.uuid4().hex
        with self.lock:
            self.clients[id] = {"uuid": id, "name": name, "clientType": "OIDC", "loginType": self.login_types[0], "clientId": "theirs",
                                "loginMNUrl": self._login_url(id, None), "createDate": stamp(), "lastOpDate": stamp()} | fields
        return id

    # -- arguments -----------------------------------------------------------------------------------------------------

    def _checked(self, operation, members):
        """The members that count: nothing missing, nothing too long, everything a text but what is a list."""
        told = MEMBERS | (ZSPHERE if self.line == "zsphere" else {})
        required, optional = told[operation]
        for name in sorted(required):
            if members.get(name) in (None, ""):
                fail("SYS.1007", f"field[{name}] of {operation} is mandatory")
        self.unknown += [(operation, name) for name in members if name not in required | optional]
        kept = {n: v for n, v in members.items() if n in required | optional and v is not None}
        for name, value in kept.items():
            if name in ("scopeList", "attributes", "tagUuids"):
                if not isinstance(value, list):
                    fail("SYS.1007", f"field[{name}] is a list")
            elif not isinstance(value, str):
                fail("SYS.1007", f"field[{name}] is a text")
            elif len(value) > WIDTHS.get(name, 65_535):
                fail("SYS.1007", f"field[{name}] is longer than {WIDTHS[name]}")
        for name, values in STRATEGIES.items():
            if kept.get(name) not in (None, *values):
                fail("SYS.1007", f"field[{name}] is one of {sorted(values)}")
        if "loginType" in kept and kept["loginType"] not in self.login_types:
            fail("SYS.1007", f"field[loginType] is one of {list(self.login_types)}")
        if kept.get("deleteMode", "Permissive") not in ("Permissive", "Enforcing"):
            fail("SYS.1007", "field[deleteMode] is Permissive or Enforcing")
        for name in ("authorizationUrl", "tokenUrl", "userinfoUrl", "logoutUrl", "redirectUrl"):
            if kept.get(name) and urllib.parse.urlsplit(kept[name]).scheme not in ("http", "https"):
                fail("SYS.1007", f"field[{name}] is no address")
        return kept

    def _fresh(self, kept):
        id = kept.get("resourceUuid") or uuid.uuid4().hex
        if not HEX.fullmatch(id):
            fail("SYS.1007", "field[resourceUuid] is a UUID without dashes")
        if any(id in store for store in (self.clients, self.templates, self.directories)):
            fail("SYS.1007", f"resourceUuid[{id}] is in use")
        return id

    def _there(self, store, id, what):
        return store.get(id) or fail("SYS.1006", f"{what}[uuid:{id}] is not there")

    def _login_url(self, id, redirect_url):
        place = urllib.parse.urlsplit(redirect_url).netloc if redirect_url else f"127.0.0.1:{self.port}"
        return f"http://{place}/zstack/sso/oauth2?clientUuid={id}"

    def _shown(self, client, secret=True):
        attributes = [a for a in self.attributes.values() if a["ssoClientUuid"] == client["uuid"]]
        shown = {n: v for n, v in client.items() if secret or n != "clientSecret"}
        return shown | ({"attributes": attributes} if self.line == "enterprise" else {})

    def _make(self, kept, kind, **fields):
        id = self._fresh(kept)
        made = {n: v for n, v in kept.items() if n not in ("urlTemplate", "attributes", "resourceUuid", "tagUuids")}
        made |= {"uuid": id, "loginMNUrl": self._login_url(id, kept.get("redirectUrl")), "createDate": stamp(), "lastOpDate": stamp(),
                 "accountUuid": self.admin, "type" if self.line == "zsphere" else "clientType": kind} | fields
        self.clients[id] = made
        self._template(id, f"{kept['name']}-template", kept["urlTemplate"])
        for attribute in kept.get("attributes", []):
            row = {"uuid": uuid.uuid4().hex, "ssoClientUuid": id} | attribute
            self.attributes[row["uuid"]] = row
        return {"inventory": self._shown(made)}

    def _template(self, client, name, text, id=None, description=None):
        id = id or uuid.uuid4().hex
        self.templates[id] = {"uuid": id, "name": name, "description": description, "clientUuid": client, "redirectTemplate": text,
                              "createDate": stamp(), "lastOpDate": stamp()}
        return self.templates[id]

    def _update(self, kept, what, **fields):
        client = self._there(self.clients, kept["uuid"], what)
        client |= {n: v for n, v in kept.items() if n != "uuid"} | fields | {"lastOpDate": stamp()}
        if kept.get("redirectUrl"):
            client["loginMNUrl"] = self._login_url(client["uuid"], kept["redirectUrl"])
        return {"inventory": self._shown(client)}

    # -- clients -------------------------------------------------------------------------------------------------------

    def do_create_oauth_client(self, _, members):
        """A client of an OAuth or OpenID provider."""
        kept = self._checked("CreateOAuthClient", members)
        if kept["grantType"] != "authorization_code":
            fail("SYS.1007", "field[grantType] is authorization_code")
        if self.line == "zsphere":
            return self._make(kept, "OAuth2", **{n: kept.get(n, "NoAction") for n in STRATEGIES},
                              usernameProperty=kept.get("usernameProperty", "preferred_username"))
        if members["clientType"] not in ("OIDC", "OAuth2"):
            fail("SYS.1007", "field[clientType] is OIDC or OAuth2")
        return self._make(kept, members["clientType"])

    def do_update_oauth_client(self, _, members):
        """Changes what is given."""
        return self._update(self._checked("UpdateOAuthClient", members), "oAuth2Client")

    def do_get_oauth_client_secret(self, _, members):
        """The secret of a client."""
        return {"clientSecret": self._there(self.clients, members["uuid"], "oAuth2Client").get("clientSecret")}

    def _metadata(self, text):
        try:
            root = xml.etree.ElementTree.fromstring(base64.b64decode(text, validate=True))
        except (binascii.Error, xml.etree.ElementTree.ParseError):
            fail("SYS.1007", "field[idpMetadataBase64] is no metadata")
        if root.tag != "{urn:oasis:names:tc:SAML:2.0:metadata}EntityDescriptor" or not root.get("entityID"):
            fail("SYS.1007", "field[idpMetadataBase64] is no metadata")
        return root.get("entityID")

    def do_create_saml2_client(self, _, members):
        """A client of a SAML identity provider."""
        kept = self._checked("CreateSAML2Client", members)
        return self._make(kept, "SAML2", entityId=self._metadata(kept["idpMetadataBase64"]))

    def do_update_saml2_client(self, _, members):
        """Changes what is given."""
        kept = self._checked("UpdateSAML2Client", members)
        more = {"entityId": self._metadata(kept["idpMetadataBase64"])} if "idpMetadataBase64" in kept else {}
        return self._update(kept, "saml2Client", **more)

    def do_create_cas_client(self, _, members):
        """A client of a CAS server."""
        return self._make(self._checked("CreateCasClient", members), "CAS")

    def do_update_cas_client(self, _, members):
        """Changes what is given."""
        return self._update(self._checked("UpdateCasClient", members), "casClient")

    def do_delete_sso_client(self, _, members):
        """Deletes a client with its templates, attributes and accounts' bindings."""
        id = self._checked("DeleteSSOClient", members)["uuid"]
        self._there(self.clients, id, "ssoClient")
        del self.clients[id]
        self.templates = {n: t for n, t in self.templates.items() if t["clientUuid"] != id}
        self.attributes = {n: a for n, a in self.attributes.items() if a["ssoClientUuid"] != id}
        self.bindings = {pair: account for pair, account in self.bindings.items() if pair[0] != id}
        return {}

    def do_get_sso_client(self, *_):
        """All clients."""
        return {"inventories": [self._shown(c, self.lists_secrets) for c in self.clients.values()]}

    def do_update_sso_client_attribute(self, _, members):
        """Changes a row of attributes."""
        row = self._there(self.attributes, members["uuid"], "attribute")
        row |= {n: members[n] for n in ("value", "purpose", "type") if n in members}
        return {"inventory": row}

    # -- templates and directories -------------------------------------------------------------------------------------

    def do_create_sso_redirect_template(self, _, members):
        """Another place where browsers land."""
        kept = self._checked("CreateSSORedirectTemplate", members)
        self._there(self.clients, kept["clientUuid"], "ssoClient")
        id = self._fresh(kept)
        return {"inventory": self._template(kept["clientUuid"], kept["name"], kept["redirectTemplate"], id, kept["description"])}

    def do_update_sso_redirect_template(self, _, members):
        """Changes where browsers land."""
        kept = self._checked("UpdateSSORedirectTemplate", members)
        template = self._there(self.templates, kept["uuid"], "ssoRedirectTemplate")
        template |= {"redirectTemplate": kept["redirectTemplate"], "lastOpDate": stamp()}
        return {"inventory": template}

    def do_delete_sso_redirect_template(self, _, members):
        """Deletes one."""
        id = self._checked("DeleteSSORedirectTemplate", members)["uuid"]
        self._there(self.templates, id, "ssoRedirectTemplate")
        del self.templates[id]
        return {}

    def _directory(self, kept):
        if kept.get("encryption", "None") not in ("None", "TLS"):
            fail("SYS.1007", "field[encryption] is None or TLS")
        if kept.get("scope", "account") not in ("account", "IAM2"):
            fail("SYS.1007", "field[scope] is account or IAM2")
        if "url" in kept and not re.fullmatch(r"ldaps?://[^/:]+:\d+", kept["url"]):
            fail("SYS.1007", "field[url] is ldap://host:port")
        if kept.get("serverType", "Unknown") not in ("OpenLdap", "WindowsAD", "Unknown"):
            fail("SYS.1007", "field[serverType] is OpenLdap, WindowsAD or Unknown")
        return kept

    def do_add_ldap_server(self, _, members):
        """A directory."""
        kept = self._directory(self._checked("AddLdapServer", members))
        id = self._fresh(kept)
        dates = {"createDate": stamp(), "lastOpDate": stamp()}
        self.directories[id] = {n: v for n, v in kept.items() if n not in COMMON} | {"uuid": id} | dates
        return {"inventory": self._directory_shown(id)}

    def _directory_shown(self, id):
        return {n: v for n, v in self.directories[id].items() if n != "password"}

    def do_update_ldap_server(self, _, members):
        """Changes what is given."""
        kept = self._directory(self._checked("UpdateLdapServer", members))
        id = kept.pop("ldapServerUuid")
        self._there(self.directories, id, "ldapServer")
        self.directories[id] |= kept | {"lastOpDate": stamp()}
        return {"inventory": self._directory_shown(id)}

    def do_delete_ldap_server(self, _, members):
        """Deletes one."""
        self._there(self.directories, members["uuid"], "ldapServer")
        del self.directories[members["uuid"]]
        return {}

    def do_query_ldap_server(self, _, members):
        """Directories, filtered by `q=name=value`."""
        name, _, value = members.get("q", "").partition("=")
        return {"inventories": [self._directory_shown(id) for id, d in self.directories.items() if not name or str(d.get(name)) == value]}
