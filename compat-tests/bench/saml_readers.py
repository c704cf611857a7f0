"""Readers of SAML Responses in Python: `saml_readers.py NAME FILE SECONDS`, with a case of `saml_sample.py` in FILE.

Prints what the example `saml_reader` of the crate prints, as JSON: how many Responses were read, the CPU seconds that
they took (user and system time of the process and of what it starts), and whether the forged one was refused. All that
the library's face lets one prepare once is prepared once; each Response is read from its base64 on.
"""

import json
import logging
import pathlib
import resource
import sys
import urllib.parse

# CPU seconds.
WARM_UP = 1.0


def python3_saml(case, checks_schema=True):
    """PyPI's python3-saml, strict; `checks_schema=False` leaves out the XML schema, which that reads anew each time."""
    import lxml.etree
    import xmlsec
    from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
    from onelogin.saml2.response import OneLogin_Saml2_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings
    from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

    assert lxml.etree.LIBXML_VERSION == xmlsec.get_libxml_version(), "lxml and xmlsec differ in their libxml2"
    if not checks_schema:
        OneLogin_Saml2_XML.validate_xml = staticmethod(lambda document, *_: document)
    acs = urllib.parse.urlsplit(case["acs_url"])
    request = {"https": "on", "http_host": acs.netloc, "script_name": acs.path}
    acs_url = {"url": case["acs_url"], "binding": Names.BINDING_HTTP_POST}
    sso_url = {"url": case["idp_sso_url"], "binding": Names.BINDING_HTTP_REDIRECT}
    settings = OneLogin_Saml2_Settings({
        "strict": True,
        "sp": {"entityId": case["sp_entity_id"], "assertionConsumerService": acs_url},
        "idp": {"entityId": case["idp_entity_id"], "singleSignOnService": sso_url, "x509cert": case["certificate"]},
        "security": {"wantAssertionsSigned": True, "wantMessagesSigned": case["signed"] == "both"},
    })

    def read(posted):
        response = OneLogin_Saml2_Response(settings, posted)
        response.is_valid(request, case["request_id"], raise_exceptions=True)
        return response.get_attributes()

    return read


def pysaml2(case):
    """PyPI's pysaml2, which has `xmlsec1` verify signatures, as a process of its own each time."""
    from saml2 import BINDING_HTTP_POST
    from saml2.client import Saml2Client
    from saml2.config import SPConfig

    logging.disable()
    client = Saml2Client(SPConfig().load({
        "entityid": case["sp_entity_id"],
        "metadata": {"inline": [case["metadata"]]},
        "allow_unknown_attributes": True,
        "service": {"sp": {
            "endpoints": {"assertion_consumer_service": [(case["acs_url"], BINDING_HTTP_POST)]},
            "want_assertions_signed": True,
            "want_response_signed": case["signed"] == "both",
        }},
    }))

    # Only who says so has the Recipient looked at.
    known = {"entity_id": case["sp_entity_id"]}

    def read(posted):
        asked = {case["request_id"]: "/"}
        return client.parse_authn_request_response(posted, BINDING_HTTP_POST, asked, conv_info=known).ava

    return read


READERS = {
    "python3-saml": python3_saml,
    "python3-saml-without-schema": lambda case: python3_saml(case, checks_schema=False),
    "pysaml2": pysaml2,
}


def spent():
    """CPU seconds so far."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def flat(attributes):
    """All values."""
    return [value for values in attributes.values() for value in values]


def refusal(read, posted):
    """Why a Response is refused; None if it is not."""
    try:
        read(posted)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None


def repeat(read, case, seconds):
    """Reads for so many seconds of CPU: how often, and how many seconds they were."""
    count, began = 0, spent()
    while (took := spent() - began) < seconds:
        assert len(flat(read(case["response"]))) == len(case["values"])
        count += 1
    return count, took


def main():
    name, file, seconds = sys.argv[1:]
    case = json.loads(pathlib.Path(file).read_text())
    read = READERS[name](case)
    said = sorted(flat(read(case["response"])))
    assert said == case["values"], f"{name} reads {said}"
    why = refusal(read, case["forged"])
    repeat(read, case, WARM_UP)
    count, took = repeat(read, case, float(seconds))
    print(json.dumps({"responses": count, "cpu_secs": took, "refuses_forgery": why is not None, "refusal": why}))


if __name__ == "__main__":
    main()
