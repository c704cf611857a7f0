"""Makes what the fuzz target of SAML begins with: `seeds.py FOLDER`. The first byte of a seed says where it is brought to (see
`targets/saml_acs.rs`); `FOLDER/case.json` says what all of them are made for, `FOLDER/seeds` has them."""

import base64
import copy
import json
import pathlib
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1])]

from cryptography.hazmat.primitives import serialization  # noqa: E402
from lxml import etree  # noqa: E402

from peers.saml import IdentityProvider, Request, assertion_of, encode, new_id  # noqa: E402
from peers.saml_encryption import encrypted  # noqa: E402
from peers.saml_logout import build_request, name_id, redirect_query  # noqa: E402
from peers.saml_signatures import Key, sign  # noqa: E402
from peers.saml_xml import serialise  # noqa: E402

ALONE, ENVELOPE, UNASKED, POSTED, QUERY, FORM, METADATA = (bytes([n]) for n in (0, 1, 2, 3, 4, 5, 7))
SP = "https://sp.example.org/federation/saml"
NAME = "person-4711"


def enveloped(document):
    """A message in an envelope of SOAP."""
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    root = etree.Element(f"{{{soap}}}Envelope", nsmap={"S": soap})
    etree.SubElement(root, f"{{{soap}}}Header")
    etree.SubElement(root, f"{{{soap}}}Body").append(document)
    return root


def hidden(idp, response, own, algorithm):
    """The same Response with its assertion encrypted."""
    made = copy.deepcopy(response)
    plain = assertion_of(made)
    made.replace(plain, encrypted(plain, own.certificate_pem, "saml:EncryptedAssertion", algorithm))
    return made if algorithm.endswith("gcm") else idp.sign(made, "response")


def main(folder):
    """Writes all of it."""
    idp, own = IdentityProvider("https://idp.example.org/metadata", "https://idp.example.org/saml/sso"), Key()
    request = Request(new_id(), f"{SP}/metadata", f"{SP}/acs")
    said = dict(name_id=NAME, session_index="_session", attributes={"email": ["ann@example.org"], "groups": ["a", "b"]})
    one, both, whole = (idp.respond(request, what, **said) for what in ("assertion", "both", "response"))
    unasked = idp.respond(request, "assertion", in_response_to=None, confirmed_request=None, **said)
    denied = idp.build(request, assertion=False, status="urn:oasis:names:tc:SAML:2.0:status:Responder")
    wish = build_request(idp.entity_id, f"{SP}/slo", [name_id(NAME)], ["_session"])
    signed_wish = sign(copy.deepcopy(wish), idp.key)
    seeds = {
        "assertion": ALONE + serialise(one), "both": ALONE + serialise(both), "response": ALONE + serialise(whole),
        "denied": ALONE + serialise(denied), "unasked": UNASKED + serialise(unasked),
        "gcm": ALONE + serialise(hidden(idp, one, own, "aes256-gcm")),
        "cbc": ALONE + serialise(hidden(idp, one, own, "aes128-cbc")),
        "envelope": ENVELOPE + serialise(enveloped(copy.deepcopy(one))), "posted": POSTED + encode(one).encode(),
        "query": QUERY + redirect_query("SAMLRequest", wish, "state", idp.key).encode(),
        "form": FORM + base64.b64encode(serialise(signed_wish if signed_wish is not None else wish)),
        "metadata": METADATA + idp.metadata().encode(),
    }
    place = folder / "seeds"
    place.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds.items():
        (place / name).write_bytes(seed)
    pkcs8 = own.private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    case = {"idp_entity_id": idp.entity_id, "certificate": idp.certificate_pem, "request_id": request.id, "acs_url": request.acs_url,
            "slo_url": f"{SP}/slo", "sp_entity_id": request.issuer, "now": int(time.time()), "name": NAME, "own_key": pkcs8.hex(),
            "seeds": str(place)}
    (folder / "case.json").write_text(json.dumps(case))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
