"""A real SAML identity provider (Debian's `simplesamlphp`) behind PHP's own web server, as a process of the tests.

Configuration, keys, sessions and log lie in a folder of its own; nothing of `/etc/simplesamlphp` is read.
"""

import json
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile

import requests

from harness import eventually, unique
from peers.authority import self_signed
from peers.saml import parse
from postgres import free_port

PROGRAM = pathlib.Path("/usr/share/simplesamlphp")
BINDINGS = {name: f"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{name}" for name in ("Redirect", "POST")}
# The algorithm that this version encrypts assertions with; there is no other.
ENCRYPTION = "aes128-cbc"

CONFIG = """<?php
$config = [
    'baseurlpath' => '{url}/simplesaml/',
    'certdir' => '{folder}/cert/', 'loggingdir' => '{folder}/log/', 'datadir' => '{folder}/data/', 'tempdir' => '{folder}/tmp',
    'metadatadir' => '{folder}/metadata/', 'attributenamemapdir' => '/usr/share/simplesamlphp/config/attributemap/',
    'technicalcontact_name' => 'Tests', 'technicalcontact_email' => 'tests@example.com',
    'secretsalt' => '{salt}', 'auth.adminpassword' => '{salt}', 'timezone' => 'UTC',
    'logging.handler' => 'file', 'logging.level' => SimpleSAML\\Logger::NOTICE, 'logging.logfile' => 'idp.log',
    'showerrors' => true,
    'enable.saml20-idp' => true, 'metadata.sources' => [['type' => 'flatfile']],
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession', 'session.phpsession.savepath' => '{folder}/sessions', 'session.cookie.secure' => false,
    'session.cookie.samesite' => null, 'language.available' => ['en'], 'language.default' => 'en', 'production' => true,
];
"""
SOURCES = """<?php
$config = ['people' => ['exampleauth:UserPass'] + json_decode(file_get_contents('{folder}/people.json'), true)];
"""
HOSTED = """<?php
$metadata['{entity}'] = json_decode(file_get_contents('{folder}/hosted.json'), true);
"""
# The switches stand before what metadata says, which would have every assertion signed.
PARTIES = """<?php
foreach (json_decode(file_get_contents('{folder}/parties.json'), true) as $document) {
    $known = SimpleSAML\\Metadata\\SAMLParser::parseString($document)->getMetadata20SP();
    $metadata[$known['entityid']] = json_decode(file_get_contents('{folder}/switches.json'), true) + $known;
}
"""


class SimpleSamlPhp:
    """One identity provider on a loopback port, with one person, `ann`, unless more are made."""

    def __init__(self):
        assert PROGRAM.is_dir(), "SimpleSAMLphp is not installed (Debian package: simplesamlphp)"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="archstone-saml-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.metadata_url = f"{self.url}/simplesaml/saml2/idp/metadata.php"
        self.sso_url = f"{self.url}/simplesaml/saml2/idp/SSOService.php"
        self.slo_url = f"{self.url}/simplesaml/saml2/idp/SingleLogoutService.php"
        self.entity_id = self.metadata_url
        self.process = None
        for name in ("cert", "log", "data", "tmp", "metadata", "sessions", "www"):
            (self.folder / name).mkdir()
        (self.folder / "www/simplesaml").symlink_to(PROGRAM / "www")
        self._write("config.php", CONFIG.format(url=self.url, folder=self.folder, salt=secrets.token_hex(16)))
        for name, text in {"authsources.php": SOURCES, "metadata/saml20-idp-hosted.php": HOSTED,
                           "metadata/saml20-sp-remote.php": PARTIES}.items():
            self._write(name, text.replace("{folder}", str(self.folder)).replace("{entity}", self.entity_id))
        self.people, self.parties = {}, {}
        self._person("ann", "ann password", {"uid": ["ann"], "mail": ["ann@example.com"], "eduPersonAffiliation": ["staff"]})
        self._write_json("parties.json", {})
        self.use_certificate(*self_signed("idp.example.com"))
        self.set()

    def _write(self, name, text):
        (self.folder / name).write_text(text)

    def _write_json(self, name, value):
        self._write(name, json.dumps(value))

    def use_certificate(self, certificate, key):
        """Signs with this from now on."""
        self.certificate, self.key = certificate, key
        self._write("cert/idp.crt", certificate)
        self._write("cert/idp.key", key)

    def _person(self, name, password, attributes):
        self.people[f"{name}:{password}"] = attributes
        self._write_json("people.json", self.people)
        return {"name": name, "password": password, "email": attributes["mail"][0]}

    def person(self, **attributes):
        """Somebody new: name, password and e-mail address; `attributes` are lists of values."""
        name = unique("person")
        usual = {"uid": [name], "mail": [f"{name}@example.com"], "displayName": ["Ann Other"]}
        return self._person(name, f"{name} password", usual | attributes)

    def know(self, metadata):
        """Knows a service provider by its metadata from now on."""
        self.parties[parse(metadata.encode()).get("entityID")] = metadata
        self._write_json("parties.json", self.parties)

    def set(self, signs="both", encrypts=None, wants_signed_requests=False, bindings=("Redirect",)):
        """What it does for everybody: whether it signs the `assertion`, the `response` or `both`, the algorithm that it encrypts
        assertions with, whether requests must be signed, and the bindings in its metadata."""
        assert encrypts in (None, ENCRYPTION), encrypts
        self._write_json("switches.json", {
            "saml20.sign.assertion": signs in ("assertion", "both"), "saml20.sign.response": signs in ("response", "both"),
            "assertion.encryption": bool(encrypts), "validate.authnrequest": wants_signed_requests,
        })
        self._write_json("hosted.json", {
            "host": "__DEFAULT__", "privatekey": "idp.key", "certificate": "idp.crt", "auth": "people", "sign.logout": True,
            "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "simplesaml.nameidattribute": "uid",
            "SingleSignOnServiceBinding": [BINDINGS[name] for name in bindings],
        } | ({"validate.authnrequest": True} if wants_signed_requests else {}))

    def log(self):
        """The end of what it has to say of itself."""
        return "\n".join(f.read_text(errors="replace")[-3000:] for f in sorted((self.folder / "log").iterdir()))

    def start(self):
        """Serves; returns when the metadata can be had."""
        environment = os.environ | {"SIMPLESAMLPHP_CONFIG_DIR": str(self.folder), "PHP_CLI_SERVER_WORKERS": "4"}
        with open(self.folder / "log/server.txt", "ab") as log:
            self.process = subprocess.Popen(
                ["php", "-d", "opcache.enable=0", "-S", f"127.0.0.1:{self.port}", "-t", self.folder / "www"],
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert eventually(self._ready, 15.0, 0.1), (self.folder / "log/server.txt").read_text()[-2000:]
        return self

    def _ready(self):
        try:
            return requests.get(self.metadata_url, timeout=10).status_code == 200
        except requests.RequestException:
            return False

    def stop(self):
        """Ends the process and its workers."""
        process, self.process = self.process, None
        if process:
            os.killpg(process.pid, 15)
            process.wait(10)

    def remove(self):
        """Ends it and deletes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
