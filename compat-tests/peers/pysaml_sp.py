"""pysaml2 as a service provider that reads unsolicited responses, and as a reader of metadata."""

from saml2 import BINDING_HTTP_POST
from saml2.client import Saml2Client
from saml2.config import SPConfig

from peers.pysaml import XMLSEC
from peers.saml import encode


class PySamlServiceProvider:
    """A service provider where responses come to `acs`, and which knows these documents of metadata."""

    def __init__(self, *metadata, acs="https://sp.example/acs", entity_id="https://sp.example/metadata"):
        settings = {
            "entityid": entity_id,
            "xmlsec_binary": XMLSEC,
            "metadata": {"inline": list(metadata)},
            "allow_unknown_attributes": True,
            "service": {
                "sp": {
                    "endpoints": {"assertion_consumer_service": [(acs, BINDING_HTTP_POST)]},
                    "allow_unsolicited": True,
                    "want_response_signed": False,
                    "want_assertions_signed": True,
                    "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                }
            },
        }
        self.client = Saml2Client(config=SPConfig().load(settings))

    @property
    def metadata(self):
        """What it knows of others."""
        return self.client.metadata

    def read(self, document):
        """A response that must be good: what it says."""
        read = self.client.parse_authn_request_response(encode(document), BINDING_HTTP_POST, outstanding={})
        assert read is not None and read.assertion is not None
        return read
