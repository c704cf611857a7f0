"""python3-saml (OneLogin's) as a service provider that reads responses in strict mode, and as a reader of metadata."""

import urllib.parse

from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from peers.saml import encode


class ServiceProvider:
    """A service provider of this name, where responses come to `acs`, and the identity provider that it trusts."""

    def __init__(self, acs, issuer, certificate_pem, entity_id="https://sp.example/metadata"):
        self.acs = acs
        self.settings = OneLogin_Saml2_Settings(
            {
                "strict": True,
                "sp": {"entityId": entity_id, "assertionConsumerService": {"url": acs}},
                "idp": {
                    "entityId": issuer,
                    "singleSignOnService": {"url": "https://idp.example/sso"},
                    "x509cert": certificate_pem,
                },
                "security": {"wantAssertionsSigned": True, "wantNameId": True},
            }
        )

    def read(self, document):
        """A response that must be good: what it says."""
        read = OneLogin_Saml2_Response(self.settings, encode(document))
        at = urllib.parse.urlsplit(self.acs)
        request = {
            "https": "on" if at.scheme == "https" else "off",
            "http_host": at.netloc,
            "script_name": at.path,
            "get_data": {},
            "post_data": {},
        }
        assert read.is_valid(request), read.get_error()
        return read


def wrong_with(metadata):
    """What is wrong with a service provider's metadata."""
    settings = OneLogin_Saml2_Settings(
        {"sp": {"entityId": "x", "assertionConsumerService": {"url": "https://x.example/"}}}, sp_validation_only=True
    )
    return settings.validate_metadata(metadata)


def is_signed(metadata, certificate_pem):
    """Whether metadata is signed by the key of this certificate."""
    return OneLogin_Saml2_Utils.validate_metadata_sign(metadata, certificate_pem)


def identity_provider(metadata, binding):
    """An identity provider's part of its metadata: entity id, sign-on address of this binding, certificate."""
    return OneLogin_Saml2_IdPMetadataParser.parse(metadata, required_sso_binding=binding)["idp"]
