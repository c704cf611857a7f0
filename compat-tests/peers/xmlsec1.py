"""Debian's `xmlsec1`, which says whether a signature in a document holds."""

import pathlib
import shutil
import subprocess
import tempfile

from lxml import etree

from peers.saml_xml import find, parse, serialise

XMLSEC = shutil.which("xmlsec1")


def verify(document, certificate_pem, path="."):
    """Fails unless the element at this path (such as `.//saml:Assertion`) is signed as a whole by the key of this
    certificate: enveloped, by exclusive canonicalisation, RSA-SHA256 over SHA-256."""
    assert XMLSEC, "xmlsec1 is not installed (Debian package: xmlsec1)"
    root = document if isinstance(document, etree._Element) else parse(document)
    element = root if path == "." else find(root, path)
    signature = find(element, "ds:Signature")
    assert signature is not None, f"no signature in {element.tag}"
    [reference] = signature.iterfind("ds:SignedInfo/ds:Reference", {"ds": "http://www.w3.org/2000/09/xmldsig#"})
    assert reference.get("URI") == f"#{element.get('ID')}", reference.get("URI")
    algorithms = [at.get("Algorithm") for at in signature.iter() if at.get("Algorithm")]
    assert sorted(a.rsplit("/", 1)[1] for a in algorithms) == sorted(
        ["xml-exc-c14n#", "xmldsig-more#rsa-sha256", "xmldsig#enveloped-signature", "xml-exc-c14n#", "xmlenc#sha256"]
    ), algorithms
    with tempfile.TemporaryDirectory(prefix="archstone-xmlsec1-") as folder:
        file, certificate = (pathlib.Path(folder) / name for name in ("document.xml", "certificate.pem"))
        file.write_bytes(serialise(root))
        certificate.write_text(certificate_pem)
        name = etree.QName(element)
        done = subprocess.run(
            [
                XMLSEC,
                "--verify",
                "--pubkey-cert-pem",
                certificate,
                "--id-attr:ID",
                f"{name.namespace}:{name.localname}",
                "--node-xpath",
                f"//*[@ID='{element.get('ID')}']/*[local-name()='Signature']",
                file,
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
