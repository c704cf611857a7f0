"""Metadata of a SAML identity provider (`peers.saml.IdentityProvider`) with the parts that a test wishes."""

from lxml import etree

from peers.authority import bare
from peers.saml import BINDING, PERSISTENT
from peers.saml_xml import DS, MD, SAMLP, child, q, serialise


def metadata_of(
    idp,
    bindings=("HTTP-Redirect", "HTTP-POST"),
    certificates=None,
    use="signing",
    role="IDPSSODescriptor",
    sso_url=None,
    **attributes,
):
    """An EntityDescriptor as text.

    `bindings` are those of its sign-on address, `certificates` the PEMs of its keys and `use` what they are said to be
    for (None: nothing is said). `attributes` stand at the root beside the usual ones (None: leave out).
    """
    usual = {"entityID": idp.entity_id} | attributes
    root = etree.Element(
        q("md:EntityDescriptor"), {k: v for k, v in usual.items() if v is not None}, nsmap={"md": MD, "ds": DS}
    )
    part = child(root, f"md:{role}", protocolSupportEnumeration=SAMLP)
    for pem in [idp.certificate_pem] if certificates is None else certificates:
        info = child(child(part, "md:KeyDescriptor", use=use), "ds:KeyInfo")
        child(child(info, "ds:X509Data"), "ds:X509Certificate", bare(pem))
    child(part, "md:NameIDFormat", PERSISTENT)
    for binding in bindings:
        child(part, "md:SingleSignOnService", Binding=BINDING + binding, Location=sso_url or idp.sso_url)
    return serialise(root).decode()
