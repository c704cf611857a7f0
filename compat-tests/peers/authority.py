"""A certificate authority of the tests: certificates for servers as they should be and as they should not, and for signing."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
# Of a certificate's life: good, over, not begun, nearly over.
GOOD, EXPIRED, FUTURE, ENDING = (-1, 3_650), (-30, -1), (1, 30), (-30, 3)


def pem_of(key):
    """A private key as PEM text."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _begin(subject, issuer, key, life):
    now = datetime.datetime.now(datetime.timezone.utc)
    begun, ends = (now + days * DAY for days in life)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(ends)
    )


def self_signed(common_name="idp.example.com", life=GOOD):
    """What an identity provider signs assertions with: (certificate, private key), both PEM."""
    key = rsa.generate_private_key(65537, 2048)
    certificate = _begin(common_name, common_name, key, life).sign(key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem_of(key)


def bare(certificate):
    """The base64 within a PEM certificate, as metadata has it."""
    return "".join(line for line in certificate.splitlines() if "-----" not in line)


class Authority:
    """One authority; what it makes lies in `folder`."""

    def __init__(self, folder, name="Tests' own authority"):
        self.folder, self.name = folder, name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = (
            _begin(name, name, self.key, GOOD)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.file = folder / "authority.pem"
        self.file.write_text(self.pem)

    def issue(self, *names, life=GOOD):
        """A server's certificate for these host names and addresses: paths of (certificate, private key)."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = _begin(names[0], self.name, key, life)
        alternatives = x509.SubjectAlternativeName([_general(name) for name in names])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        certificate = (
            built.add_extension(alternatives, critical=False).add_extension(usage, critical=False).sign(self.key, hashes.SHA256())
        )
        stem = self.folder / f"{certificate.serial_number:x}"
        paths = stem.with_suffix(".crt"), stem.with_suffix(".key")
        paths[0].write_text(certificate.public_bytes(serialization.Encoding.PEM).decode())
        paths[1].write_text(pem_of(key))
        return paths

    def context(self, *names, life=GOOD):
        """What a server of these names speaks TLS with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(*names, life=life))
        return context


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
