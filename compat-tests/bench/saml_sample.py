"""The Response that the benches of SAML read: as long as usual ones, with a dozen attributes and several groups."""

import copy

from peers.saml import IdentityProvider, encode, find

# Values of attributes that have several.
GROUPS = [f"CN=app-{name},OU=Groups,OU=Identity,DC=corp,DC=example,DC=org" for name in (
    "payroll-readers", "payroll-approvers", "wiki-authors", "vpn-users", "builds-operators", "reports-finance",
    "on-call-europe", "everybody")]
ROLES = ["employee", "approver", "auditor"]


def identity_provider():
    """One that signs by RSA-SHA256 with 2048 bits; its address is nobody's, and nothing is ever asked of it."""
    return IdentityProvider("https://idp.example.org/saml/metadata", "https://idp.example.org/saml/sso")


def attributes(person):
    """What is said of this person."""
    return {
        "email": [f"{person}@example.org"], "uid": [person], "displayName": [f"Ann {person}"], "givenName": ["Ann"],
        "sn": [person], "department": ["Accounting and Controlling, Europe"], "title": ["Senior Accountant"],
        "telephoneNumber": ["+49 30 901820 4711"], "employeeNumber": ["00471147"], "preferredLanguage": ["de-DE"],
        "groups": GROUPS, "roles": ROLES,
    }


def values(person):
    """The values of all of them, sorted."""
    return sorted(value for some in attributes(person).values() for value in some)


def respond(idp, request, person, what="assertion", lifetime=300):
    """A Response that can be used for so many seconds, of which the `assertion` is signed, or `both`."""
    return idp.respond(request, what, name_id=person, attributes=attributes(person), not_on_or_after=lifetime,
                       confirmed_until=lifetime)


def forged(response):
    """The same with one byte of an attribute changed."""
    changed = copy.deepcopy(response)
    value = find(changed, ".//saml:Attribute[@Name='email']/saml:AttributeValue")
    value.text = chr(ord(value.text[0]) ^ 1) + value.text[1:]
    return changed


def case(idp, request, person, what, now, lifetime):
    """All that a reader needs, for a file: who may say what to whom, a Response that says it, and a forged one."""
    response = respond(idp, request, person, what, lifetime)
    return {
        "idp_entity_id": idp.entity_id, "idp_sso_url": idp.sso_url, "certificate": idp.certificate_pem,
        "metadata": idp.metadata(), "sp_entity_id": request.issuer, "acs_url": request.acs_url,
        "request_id": request.id, "now": now, "signed": what, "response": encode(response),
        "forged": encode(forged(response)), "values": values(person),
    }
