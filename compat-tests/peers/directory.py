"""A real LDAP directory (Debian's `slapd`) as a process of the tests: plain, StartTLS and LDAPS on loopback ports.

The program is copied into the directory's own folder first: where AppArmor confines `/usr/sbin/slapd` it could not read it there.
"""

import pathlib
import shutil
import socket
import subprocess
import tempfile

from harness import eventually
from postgres import free_port

BASE = "dc=example,dc=com"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "bindP@ssw0rd"
SERVICE, SERVICE_PASSWORD = f"cn=reader,{BASE}", "reader password"
USERS, GROUPS = f"ou=users,{BASE}", f"ou=groups,{BASE}"

CONFIG = """
{schemas}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
{tls}
{policy}
database mdb
maxsize 16777216
suffix "{base}"
rootdn "{admin}"
rootpw "{password}"
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{service}" read {anonymous} by * none
"""

TREE = """
dn: {base}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=users,{base}
objectClass: organizationalUnit
ou: users

dn: ou=groups,{base}
objectClass: organizationalUnit
ou: groups

dn: {service}
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: reader
userPassword: {service_password}
"""

PERSON = """
dn: uid={uid},ou=users,{base}
objectClass: inetOrgPerson
uid: {uid}
cn: {name}
sn: {name}
mail: {uid}@example.com
userPassword: {uid} password
"""

GROUP = """
dn: cn={name},ou=groups,{base}
objectClass: groupOfNames
cn: {name}
{members}
"""


class Directory:
    """One directory with two people and a group. `certificate` (paths) switches TLS on; `anonymous=False` demands a bind."""

    def __init__(self, certificate=None, anonymous=True):
        program = shutil.which("slapd", path="/usr/sbin:/usr/bin")
        assert program, "slapd is not installed (Debian package: slapd)"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="archstone-ldap-"))
        self.port, self.tls_port = free_port(), free_port() if certificate else None
        self.process = None
        (self.folder / "db").mkdir()
        self.program = self.folder / "slapd"
        shutil.copy(program, self.program)
        tls = "".join(f"{key} {path}\n" for key, path in zip(("TLSCertificateFile", "TLSCertificateKeyFile"), certificate or ()))
        (self.folder / "slapd.conf").write_text(
            CONFIG.format(
                schemas="\n".join(f"include /etc/ldap/schema/{name}.schema" for name in ("core", "cosine", "inetorgperson")),
                folder=self.folder,
                tls=tls,
                policy="" if anonymous else "disallow bind_anon\nrequire authc",
                base=BASE,
                admin=ADMIN,
                password=ADMIN_PASSWORD,
                service=SERVICE,
                anonymous="by anonymous read" if anonymous else "",
            )
        )
        people = [PERSON.format(uid=uid, name=name, base=BASE) for uid, name in (("ann", "Ann"), ("bob", "Bob"))]
        group = GROUP.format(name="staff", base=BASE, members=f"member: uid=ann,{USERS}")
        tree = TREE.format(base=BASE, service=SERVICE, service_password=SERVICE_PASSWORD)
        (self.folder / "tree.ldif").write_text("\n".join([tree, *people, group]))
        self._run("-Tadd", "-f", "slapd.conf", "-l", "tree.ldif")

    def _run(self, *args):
        done = subprocess.run([self.program, *args], cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        """Serves; returns when it listens."""
        urls = f"ldap://127.0.0.1:{self.port}" + (f" ldaps://127.0.0.1:{self.tls_port}" if self.tls_port else "")
        with open(self.folder / "log.txt", "ab") as log:
            # With a debug level, even none, it stays in the foreground; 256 (stats) tells what is asked of it.
            self.process = subprocess.Popen(
                [self.program, "-d", "256", "-f", "slapd.conf", "-h", urls],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        assert eventually(self._listening, 10.0, 0.05), self.log()[-2000:]
        return self

    def _listening(self):
        for port in filter(None, (self.port, self.tls_port)):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
        return True

    def log(self):
        """What it says of the requests it has had."""
        return (self.folder / "log.txt").read_text(errors="replace")

    def stop(self):
        """Ends the process; its ports then refuse connections."""
        process, self.process = self.process, None
        if process:
            process.terminate()
            process.wait(10)

    def remove(self):
        """Ends it and deletes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
