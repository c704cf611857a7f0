"""A real SAML identity provider (Debian's `simplesamlphp`) behind PHP's own web server, as a process of the tests.

Configuration, keys, sessions and log lie in a folder of its own; nothing of `/etc/simplesamlphp` is read.
"""

import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile

import requests

from harness import eventually
from peers.authority import self_signed
from postgres import free_port

PROGRAM = pathlib.Path("/usr/share/simplesamlphp")

CONFIG = """<?php
$config = [
    'baseurlpath' => '{url}/simplesaml/',
    'certdir' => '{folder}/cert/', 'loggingdir' => '{folder}/log/', 'datadir' => '{folder}/data/', 'tempdir' => '{folder}/tmp',
    'metadatadir' => '{folder}/metadata/', 'attributenamemapdir' => '/usr/share/simplesamlphp/config/attributemap/',
    'technicalcontact_name' => 'Tests', 'technicalcontact_email' => 'tests@example.com',
    'secretsalt' => '{salt}', 'auth.adminpassword' => '{salt}', 'timezone' => 'UTC',
    'logging.handler' => 'file', 'logging.level' => SimpleSAML\\Logger::NOTICE, 'logging.logfile' => 'idp.log', 'showerrors' => true,
    'enable.saml20-idp' => true, 'metadata.sources' => [['type' => 'flatfile']],
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'store.type' => 'phpsession', 'session.phpsession.savepath' => '{folder}/sessions', 'session.cookie.secure' => false,
    'session.cookie.samesite' => null, 'language.available' => ['en'], 'language.default' => 'en', 'production' => true,
];
"""
SOURCES = """<?php
$config = [
    'people' => ['exampleauth:UserPass',
        'ann:ann password' => ['uid' => ['ann'], 'mail' => ['ann@example.com'], 'eduPersonAffiliation' => ['staff']]],
];
"""
HOSTED = """<?php
$metadata['{entity}'] = [
    'host' => '__DEFAULT__', 'privatekey' => 'idp.key', 'certificate' => 'idp.crt', 'auth' => 'people',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress', 'sign.logout' => true,
];
"""


class SimpleSamlPhp:
    """One identity provider on a loopback port, with one person: `ann`."""

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
        self._write("authsources.php", SOURCES)
        self._write("metadata/saml20-idp-hosted.php", HOSTED.format(entity=self.entity_id))
        self._write("metadata/saml20-sp-remote.php", "<?php\n")
        self.use_certificate(*self_signed("idp.example.com"))

    def _write(self, name, text):
        (self.folder / name).write_text(text)

    def use_certificate(self, certificate, key):
        """Signs with this from now on."""
        self.certificate = certificate
        self._write("cert/idp.crt", certificate)
        self._write("cert/idp.key", key)

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
